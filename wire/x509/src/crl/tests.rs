//! Lists as authorities make them, and hostile ones.

mod draft;
mod hostile;

use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope,
    ExtendedKeyUsagePurpose, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::{Crl, CrlRefused, Reason, Scope, ScopeKind};
use crate::workshop::{Made, bent_root, leaf_params, root};
use draft::Draft;

const SHARD: &str = "http://ca.example/crl/issuing/3.crl";

fn rcgen_params() -> CertificateRevocationListParams {
    CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 11, 20),
        next_update: date_time_ymd(2026, 11, 27),
        crl_number: SerialNumber::from(0x0102),
        issuing_distribution_point: None,
        revoked_certs: vec![
            RevokedCertParams {
                serial_number: SerialNumber::from(vec![0x80, 2]),
                revocation_time: date_time_ymd(2026, 11, 2),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: Some(date_time_ymd(2026, 11, 1)),
            },
            RevokedCertParams {
                serial_number: SerialNumber::from(1),
                revocation_time: date_time_ymd(2026, 11, 1),
                reason_code: None,
                invalidity_date: None,
            },
        ],
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

fn by_rcgen(authority: &Made, params: CertificateRevocationListParams) -> Crl {
    let issuer = Issuer::from_params(authority.params(), authority.key());
    Crl::parse(params.signed_by(&issuer).unwrap().der()).unwrap()
}

#[test]
fn a_list_is_read_whole() {
    let authority = root("root");
    let list = by_rcgen(&authority, rcgen_params());
    assert_eq!(list.issuer(), "CN=root");
    assert_eq!(list.issuer_der(), authority.certificate.subject_der());
    assert_eq!(list.number(), [1, 2]);
    assert_eq!(list.this_update().to_string(), "2026-11-20T00:00:00Z");
    assert_eq!(list.next_update().to_string(), "2026-11-27T00:00:00Z");
    assert_eq!(*list.scope(), Scope::default());
    assert_eq!((list.len(), list.is_empty()), (2, false));
    assert_eq!(format!("{list:?}"), "Crl(CN=root, number 0102, 2 entries)");
    let verified = list.signed_by(&authority.certificate).unwrap();
    // Serial numbers are compared without the octet that only says that they are positive.
    for serial in [&[0, 0x80, 2][..], &[0x80, 2]] {
        let revoked = verified.revoked(serial).unwrap();
        assert_eq!(
            (revoked.reason, revoked.at.to_string().as_str()),
            (Reason::KeyCompromise, "2026-11-02T00:00:00Z")
        );
    }
    assert_eq!(verified.revoked(&[1]).unwrap().reason, Reason::Unspecified);
    for serial in [&[2][..], &[], &[0], &[1, 0], &[0x80], &[0x80, 2, 0]] {
        assert_eq!(verified.revoked(serial), None);
    }
}

#[test]
fn pem_is_read_too() {
    let authority = root("root");
    let issuer = Issuer::from_params(authority.params(), authority.key());
    let made = rcgen_params().signed_by(&issuer).unwrap();
    let pem = made.pem().unwrap();
    assert_eq!(Crl::parse(pem.as_bytes()).unwrap().der(), &**made.der());
    assert_eq!(
        Crl::parse(pem.replace("X509 CRL", "CERTIFICATE").as_bytes()).unwrap_err(),
        CrlRefused::Label { label: "CERTIFICATE".to_owned() }
    );
}

#[test]
fn a_list_without_entries_is_a_list() {
    let authority = root("root");
    for draft in [Draft::of(&authority), Draft::of(&authority).revoking(&[])] {
        let list = Crl::parse(&draft.sign(&authority)).unwrap();
        assert!(list.is_empty());
        assert!(list.signed_by(&authority.certificate).is_ok());
    }
}

#[test]
fn a_list_binds_only_by_the_key_that_signed_it() {
    let authority = root("root");
    let list = by_rcgen(&authority, rcgen_params());
    let other_name = list.signed_by(&root("other").certificate).unwrap_err();
    assert_eq!(
        other_name,
        CrlRefused::OtherIssuer { issuer: "CN=root".to_owned(), authority: "CN=other".to_owned() }
    );
    let other_key = root("root").certificate;
    assert_eq!(
        list.signed_by(&other_key).unwrap_err(),
        CrlRefused::OtherKey { authority: "CN=root".to_owned() }
    );
    // The right identifier with the wrong key.
    let foreign = Draft::of(&authority).sign(&root("root"));
    let foreign = Crl::parse(&foreign).unwrap().signed_by(&authority.certificate).unwrap_err();
    assert_eq!(foreign, CrlRefused::Signature { authority: "CN=root".to_owned() });
}

#[test]
fn an_authority_without_crl_sign_signs_no_lists() {
    let authority = bent_root("root", |params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let list = Crl::parse(&Draft::of(&authority).sign(&authority)).unwrap();
    let refused = list.signed_by(&authority.certificate).unwrap_err();
    assert_eq!(refused, CrlRefused::NoCrlSign { authority: "CN=root".to_owned() });
    let free = bent_root("root", |params| params.key_usages.clear());
    assert!(Crl::parse(&Draft::of(&free).sign(&free)).unwrap().signed_by(&free.certificate).is_ok());
}

#[test]
fn a_shard_covers_what_points_to_it() {
    let authority = root("root");
    let point = |scope| {
        Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec![SHARD.to_owned()] },
            scope,
        })
    };
    let shard = |scope| {
        let params =
            CertificateRevocationListParams { issuing_distribution_point: point(scope), ..rcgen_params() };
        by_rcgen(&authority, params).signed_by(&authority.certificate).unwrap()
    };
    let pointing = |uri: &str| {
        let mut params = leaf_params("device");
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![uri.to_owned()] }];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        authority.issue(params, KeyPair::generate().unwrap()).certificate
    };
    let (inside, outside) = (pointing(SHARD), pointing("http://ca.example/crl/issuing/4.crl"));
    let below = authority.authority("line");
    let plain = authority.leaf("device");
    let users = shard(Some(CrlScope::UserCertsOnly));
    assert_eq!(*users.list().scope(), Scope { uris: vec![SHARD.to_owned()], kind: ScopeKind::EndEntities });
    assert!(users.covers(&inside, &authority.certificate));
    assert!(!users.covers(&outside, &authority.certificate));
    assert!(!users.covers(&plain, &authority.certificate));
    assert!(shard(None).covers(&inside, &authority.certificate));
    assert!(!shard(Some(CrlScope::CaCertsOnly)).covers(&inside, &authority.certificate));
    // Without a distribution point: all of the issuer's, and nobody else's.
    let full = by_rcgen(&authority, rcgen_params()).signed_by(&authority.certificate).unwrap();
    for certificate in [&inside, &outside, &plain, &below.certificate] {
        assert!(full.covers(certificate, &authority.certificate));
    }
    let twin = root("root");
    assert!(!full.covers(&twin.leaf("device"), &twin.certificate));
    assert!(!full.covers(&below.leaf("device"), &below.certificate));
}

#[test]
fn a_hundred_thousand_entries_are_found_in_no_time() {
    let authority = root("root");
    let entries: Vec<_> = (1..=100_000u32)
        .rev()
        .map(|serial| draft::entry(&[&[1][..], &serial.to_be_bytes()].concat(), &[]))
        .collect();
    let list = Crl::parse(&Draft::of(&authority).revoking(&entries).sign(&authority)).unwrap();
    assert_eq!(list.len(), 100_000);
    let verified = list.signed_by(&authority.certificate).unwrap();
    for serial in [1u32, 50_000, 100_000] {
        assert!(verified.revoked(&[&[1][..], &serial.to_be_bytes()].concat()).is_some());
    }
    assert!(verified.revoked(&[&[1][..], &100_001u32.to_be_bytes()].concat()).is_none());
}
