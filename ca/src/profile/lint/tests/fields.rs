//! Fields that are wrong.

use super::*;

#[test]
fn fields_are_looked_through() {
    let bench = bench("device", Some(0));
    let serial = |octets: &[u8]| {
        let octets = octets.to_vec();
        bench.finding(move |tbs| tbs.serial = SerialNumber::new(&octets).unwrap())
    };
    assert_eq!(serial(&[1; 7]), "its serial number is not positive, or not 8 to 20 octets long");
    assert_eq!(serial(&[1; 8]), "nothing");
    assert_eq!(serial(&[0x7f; 20]), "nothing");
    // As an INTEGER it has a zero before it, so that it is positive: 17 octets.
    assert_eq!(serial(&[0xff; 16]), "its serial number is not positive, or not 8 to 20 octets long");
    assert_eq!(bench.finding(|tbs| tbs.version = Version::V1), "it is not of version 3");
    let other = Any::from_der(&hex::decode("300a06082a8648ce3d040303").unwrap()).unwrap();
    assert_eq!(
        bench.finding(|tbs| tbs.signature = other),
        "its signature algorithm is not that of its authority's key"
    );
    assert_eq!(
        bench.finding(|tbs| tbs.issuer = name(&[("2.5.4.3", "Other")])),
        "its issuer is not the subject of its authority's certificate"
    );
    let issuer = bench.tbs.issuer.clone();
    assert_eq!(bench.finding(|tbs| tbs.subject = issuer), "its subject is that of its authority");
    assert_eq!(
        bench.finding(|tbs| tbs.subject = name(&[("2.5.4.3", "a"), ("2.5.4.3", "b")])),
        "subject attribute `2.5.4.3` stands twice"
    );
    assert_eq!(
        bench.finding(|tbs| tbs.subject = name(&[("2.5.4.11", "a"), ("2.5.4.11", "b"), ("2.5.4.3", "c")])),
        "nothing"
    );
    assert_eq!(
        bench.finding(|tbs| tbs.subject = name(&[])),
        "its subject is empty, and it has no critical alternative name"
    );
    let other = super::bench("device", Some(0)).tbs.key;
    assert_eq!(bench.finding(|tbs| tbs.key = other), "its key is not that of the request");
    for (begin, end, wanted) in [
        ("2026-11-20T12:00:00Z", "2026-11-20T11:59:59Z", "its end is before its beginning"),
        (
            "2025-12-31T23:59:59Z",
            "2026-01-03T00:00:00Z",
            "it would be valid when its authority's certificate is not",
        ),
        (
            "2027-12-01T00:00:00Z",
            "2028-01-01T00:00:01Z",
            "it would be valid when its authority's certificate is not",
        ),
        ("2026-11-20T12:00:00Z", "2027-02-18T12:00:00Z", "it would last longer than its profile says"),
        ("2026-11-20T12:00:00Z", "2027-02-18T11:59:59Z", "nothing"),
    ] {
        assert_eq!(bench.finding(|tbs| tbs.validity = validity(begin, end)), wanted);
    }
}
