//! What is read of certificates as they come, also odd ones.

use proptest::prelude::*;
use rcgen::{CustomExtension, DnType, DnValue, KeyPair, date_time_ymd};

use super::{CERTIFICATE_BYTES_MAX, Certificate, Malformed};
use crate::{
    describe, read_certificates,
    workshop::{VERSION_1, leaf_params, params, root, self_signed},
};

fn version_1() -> Certificate {
    read_certificates(VERSION_1).unwrap().remove(0)
}

#[test]
fn version_1_is_read_and_described_as_openssl_sees_it() {
    let description = serde_json::to_string_pretty(&describe(&version_1())).unwrap();
    assert_eq!(
        description,
        r#"{
  "subjectName": "CN=sensor-v1,OU=Line 3,O=Fabrik\\, GmbH,C=DE",
  "sha1Thumbprint": "7C5F4E965C488DCB89E457A077995B8BFE1BDC9B",
  "sha256Thumbprint": "38B024E32F6C0DB95173BAA3E3915CAC9BE81ED550715FDF3BA4C86E51477063",
  "issuerName": "CN=sensor-v1,OU=Line 3,O=Fabrik\\, GmbH,C=DE",
  "notBeforeUtc": "2026-11-20T22:22:39Z",
  "notAfterUtc": "2081-08-23T22:22:39Z",
  "serialNumber": "008F00112233445566",
  "version": 1
}"#
    );
    assert_eq!(version_1().common_name(), Some("sensor-v1"));
    assert!(!version_1().is_ca());
    assert_eq!(
        format!("{:?}", version_1()),
        format!("Certificate({}, sha1 {})", version_1().subject(), version_1().sha1())
    );
}

#[test]
fn a_certificate_without_expiry_has_its_date_in_words_and_the_last_instant_there_is() {
    let mut params = params("forever");
    params.not_after = date_time_ymd(9999, 12, 31);
    let certificate = self_signed(params, KeyPair::generate().unwrap()).certificate;
    assert_eq!(describe(&certificate).not_after_utc, "9999-12-31T00:00:00Z");
    assert_eq!(certificate.not_after(), jiff::Timestamp::MAX);
}

#[test]
fn an_authority_says_so_once_and_legibly() {
    const AUTHORITY: &[u8] = &[0x30, 3, 1, 1, 0xff];
    let says = |constraints: &[&[u8]]| {
        let mut params = params("gateway");
        let extension = |der: &&[u8]| CustomExtension::from_oid_content(&[2, 5, 29, 19], der.to_vec());
        params.custom_extensions = constraints.iter().map(extension).collect();
        self_signed(params, KeyPair::generate().unwrap()).certificate.is_ca()
    };
    assert!(says(&[AUTHORITY]));
    assert!(!says(&[]));
    assert!(!says(&[&[0x30, 0]]));
    assert!(!says(&[AUTHORITY, &[0x30, 0]]));
    assert!(!says(&[&[0x30, 3, 1, 1]]));
}

#[test]
fn a_name_from_two_common_names_is_no_name() {
    // rcgen keeps one value a type, so the second one is a value of its own making: the subject is patched in the DER.
    let mut params = params("first");
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 99]), "second");
    let made = self_signed(params, KeyPair::generate().unwrap()).certificate;
    assert_eq!(made.common_name(), Some("first"));
    let mut der = made.der().to_vec();
    for at in 0..der.len() - 5 {
        if der[at..at + 5] == [6, 3, 0x55, 4, 99] {
            der[at + 4] = 3;
        }
    }
    let patched = Certificate::parse(&der).unwrap();
    assert_eq!(patched.subject(), "CN=second,CN=first");
    assert_eq!(patched.common_name(), None);
}

#[test]
fn every_string_type_of_a_common_name_is_read() {
    for (value, read) in [
        (DnValue::Utf8String("gerät-1".to_owned()), "gerät-1"),
        (DnValue::PrintableString("dev-1".try_into().unwrap()), "dev-1"),
        (DnValue::Ia5String("dev@1".try_into().unwrap()), "dev@1"),
        (DnValue::TeletexString("dev-1".try_into().unwrap()), "dev-1"),
        (DnValue::BmpString("gerät-1".try_into().unwrap()), "gerät-1"),
    ] {
        let mut params = params("");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, value);
        let certificate = self_signed(params, KeyPair::generate().unwrap()).certificate;
        assert_eq!(certificate.common_name(), Some(read));
        assert_eq!(certificate.subject(), format!("CN={read}"));
    }
}

#[test]
fn names_are_escaped_so_that_they_cannot_pretend() {
    let mut params = params(" a,CN=admin+O=x\\\"<>;# ");
    params.distinguished_name.push(DnType::OrganizationName, "#line\nfeed\0");
    params.distinguished_name.push(DnType::CustomDnType(vec![1, 2, 3, 4]), "x");
    let certificate = self_signed(params, KeyPair::generate().unwrap()).certificate;
    assert_eq!(
        certificate.subject(),
        r#"1.2.3.4=#0c0178,O=\#line\0afeed\00,CN=\ a\,CN=admin\+O=x\\\"\<\>\;#\ "#
    );
    assert_eq!(certificate.common_name(), Some(" a,CN=admin+O=x\\\"<>;# "));
}

#[test]
fn bytes_that_are_not_exactly_one_certificate_are_refused_with_the_reason() {
    let der = version_1().der().to_vec();
    let longer = [&der[..], &[0, 0]].concat();
    assert_eq!(Certificate::parse(&longer).unwrap_err(), Malformed::Trailing { bytes: 2 });
    let large = vec![0; CERTIFICATE_BYTES_MAX + 1];
    assert_eq!(
        Certificate::parse(&large).unwrap_err(),
        Malformed::TooLarge { bytes: CERTIFICATE_BYTES_MAX + 1 }
    );
    for cut in [0, 1, 4, 100, der.len() - 1] {
        let error = Certificate::parse(&der[..cut]).unwrap_err();
        assert!(matches!(error, Malformed::NotDer { .. }), "{cut}: {error}");
    }
}

#[test]
fn a_certificate_full_of_extensions_is_read_and_judged_in_no_time() {
    let mut params = leaf_params("many");
    for number in 0..1500 {
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 2, 3, number], vec![]));
    }
    let root = root("root");
    let leaf = root.issue(params, KeyPair::generate().unwrap()).certificate;
    assert!(leaf.der().len() > CERTIFICATE_BYTES_MAX - 4096, "{}", leaf.der().len());
    within_bound(|| assert_eq!(crate::verify(&[leaf], &root.certificate, crate::workshop::now()), Ok(())));
}

/// Far above what the largest input takes in a debug build on a busy machine, far below what would harm.
const READING_MS_MAX: u128 = 1_000;

fn within_bound<T>(work: impl FnOnce() -> T) -> T {
    #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
    let start = std::time::Instant::now();
    let done = work();
    let taken = start.elapsed().as_millis();
    assert!(taken < READING_MS_MAX, "took {taken} ms");
    done
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_nor_take_long(bytes in proptest::collection::vec(any::<u8>(), 0..20_000)) {
        within_bound(|| Certificate::parse(&bytes).ok());
    }

    #[test]
    fn altered_certificates_never_panic_nor_take_long(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let root = root("root");
        for original in [root.leaf("leaf"), version_1(), root.certificate.clone()] {
            let mut der = original.der().to_vec();
            for (index, byte) in &changes {
                let at = index.index(der.len());
                der[at] = *byte;
            }
            der.truncate(cut.map_or(der.len(), |cut| cut.index(der.len())));
            let altered = within_bound(|| Certificate::parse(&der));
            if let Ok(altered) = altered {
                let _ = describe(&altered);
                let verdict = within_bound(|| crate::verify(std::slice::from_ref(&altered), &root.certificate, crate::workshop::now()));
                // Only what the signature covers is trusted: an alteration that verifies changed nothing.
                prop_assert!(verdict.is_err() || altered == original);
                let _ = within_bound(|| crate::verify(&[root.leaf("leaf")], &altered, crate::workshop::now()));
            }
        }
    }
}
