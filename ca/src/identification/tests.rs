//! Who is let in by a certificate.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose,
};

use muster_store::Db;
use muster_x509::Certificate;

use super::{Identified, Unidentified};
use crate::{
    AuthorityId, Ca, Caller, Holder, Issued, Reason, Retirement, What,
    hierarchy::key_identifier::subject_key_identifier,
    issuance::tests::{device, open},
    workshop::{DAY, now},
};

struct Site {
    ca: Arc<Ca>,
    _dir: tempfile::TempDir,
}

impl Site {
    /// In memory: nothing here asks the database.
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = open(dir.path(), &Db::open_memory().await.unwrap()).await;
        Self { ca, _dir: dir }
    }

    async fn issue(&self, common_name: &str, holder: Option<&str>) -> Issued {
        let mut request = device(common_name);
        request.holder = holder.map(|name| self.ca.holder(name));
        self.ca.issue(request, now()).await.unwrap()
    }

    fn identify(&self, certificate: &Certificate, at: Timestamp) -> Result<Identified, Unidentified> {
        self.ca.identify(&[certificate.der().to_vec()], at)
    }

    async fn revoke(&self, what: What) {
        self.ca.revoke(what, Reason::KeyCompromise, &Caller::process(), now()).await.unwrap();
    }

    fn issuing(&self) -> Certificate {
        self.ca.authority(&AuthorityId::issuing()).unwrap().certificate.clone().unwrap()
    }
}

fn is_revoked(found: Result<Identified, Unidentified>) -> bool {
    matches!(found, Err(Unidentified::Revoked { revocation, .. }) if revocation.reason == Reason::KeyCompromise)
}

#[tokio::test]
async fn a_certificate_of_ours_tells_whose_it_is() {
    let site = Site::open().await;
    let issued = site.issue("Pump-1", Some("pump-1")).await;
    let found = site.identify(&issued.certificate, now()).unwrap();
    assert_eq!(found.authority, AuthorityId::issuing());
    assert_eq!(found.serial, issued.serial);
    assert_eq!(found.holder, Some(site.ca.holder("pump-1")));
    assert_eq!(found.common_name.as_deref(), Some("Pump-1"));
    assert_eq!(found.not_after, issued.certificate.not_after());
    assert_eq!(found.sha256, issued.certificate.sha256().to_string());
    let without = site.issue("pump-2", None).await;
    assert_eq!(site.identify(&without.certificate, now()).unwrap().holder, None);
    // With all that a client sends along.
    let chain: Vec<_> =
        [&issued.certificate].into_iter().chain(&issued.chain).map(|it| it.der().to_vec()).collect();
    assert_eq!(site.ca.identify(&chain, now()).unwrap(), found);
}

#[tokio::test]
async fn a_holder_with_another_name_than_the_common_one_is_found_when_it_is_revoked() {
    let site = Site::open().await;
    let issued = site.issue("pump-1", Some("Line 7/Ä")).await;
    let found = site.identify(&issued.certificate, now()).unwrap();
    assert_eq!(found.holder, Some(Holder { name: "Line 7/Ä".to_owned(), generation: "1".to_owned() }));
    site.revoke(What::Holder("Line 7/Ä".to_owned())).await;
    assert!(is_revoked(site.identify(&issued.certificate, now())));
}

#[tokio::test]
async fn what_is_revoked_is_known_at_once_by_serial_by_holder_and_by_authority() {
    let site = Site::open().await;
    let [one, two, three] = [
        site.issue("pump-1", Some("pump-1")).await,
        site.issue("pump-2", Some("pump-2")).await,
        site.issue("pump-3", None).await,
    ];
    site.revoke(What::Serial { authority: AuthorityId::issuing(), serial: one.serial }).await;
    assert!(is_revoked(site.identify(&one.certificate, now())));
    assert!(site.identify(&two.certificate, now()).is_ok());
    site.revoke(What::Holder("pump-2".to_owned())).await;
    assert!(is_revoked(site.identify(&two.certificate, now())));
    assert!(site.identify(&three.certificate, now()).is_ok());
    // Also when it is over anyway.
    assert!(is_revoked(site.identify(&two.certificate, now() + DAY * 100)));
    site.revoke(What::Authority(AuthorityId::issuing())).await;
    assert!(is_revoked(site.identify(&three.certificate, now())));
}

#[tokio::test]
async fn a_certificate_is_good_until_its_last_second_and_told_apart_after_it() {
    let site = Site::open().await;
    let issued = site.issue("pump-1", Some("pump-1")).await;
    let end = issued.certificate.not_after();
    let second = SignedDuration::from_secs(1);
    assert!(site.identify(&issued.certificate, end).is_ok());
    match site.identify(&issued.certificate, end + second) {
        Err(Unidentified::Expired { at, identified }) => {
            assert_eq!((at, identified.serial), (end, issued.serial));
        }
        other => panic!("{other:?}"),
    }
    let early = site.identify(&issued.certificate, issued.certificate.not_before() - second);
    assert!(matches!(&early, Err(Unidentified::Invalid(_))), "{early:?}");
}

#[tokio::test]
async fn an_authority_that_signs_nothing_new_still_vouches_for_what_it_signed() {
    let site = Site::open().await;
    let issued = site.issue("pump-1", None).await;
    for asked in [Retirement::Retire, Retirement::CrlOnly] {
        let caller = Caller::process();
        site.ca.retire_authority(&AuthorityId::issuing(), asked, &caller, now()).await.unwrap();
        assert!(site.identify(&issued.certificate, now()).is_ok(), "{asked:?}");
    }
}

#[tokio::test]
async fn a_stranger_is_not_ours_whatever_it_calls_itself() {
    let site = Site::open().await;
    let foreign = Foreign::named(&Certificate::parse(site.issuing().der()).unwrap(), KeyIdMethod::Sha256);
    assert_eq!(site.identify(&foreign.leaf(), now()), Err(Unidentified::NotOurs));
    // With our name and our key identifier, it says that it is ours.
    let ours = subject_key_identifier(&site.issuing()).unwrap();
    let forger = Foreign::named(&site.issuing(), KeyIdMethod::PreSpecified(ours.as_bytes().to_vec()));
    let found = site.identify(&forger.leaf(), now());
    assert!(matches!(&found, Err(Unidentified::Invalid(why)) if why.contains("signature")), "{found:?}");
    let key = KeyPair::generate().unwrap();
    let alone = CertificateParams::default().self_signed(&key).unwrap();
    assert_eq!(site.ca.identify(&[alone.der().to_vec()], now()), Err(Unidentified::NotOurs));
    assert_eq!(site.ca.identify(&[], now()), Err(Unidentified::NoCertificate));
    assert!(matches!(site.ca.identify(&[vec![0x30, 0]], now()), Err(Unidentified::Malformed(_))));
}

#[tokio::test]
async fn one_changed_bit_is_seen_wherever_it_is() {
    let site = Site::open().await;
    let issued = site.issue("pump-1", Some("pump-1")).await;
    let der = issued.certificate.der();
    for at in 0..der.len() {
        let mut changed = der.to_vec();
        changed[at] ^= 1;
        let found = site.ca.identify(&[changed], now());
        assert!(found.is_err(), "byte {at}: {found:?}");
    }
}

#[tokio::test]
async fn authorities_and_servers_of_ours_are_no_clients() {
    let site = Site::open().await;
    for authority in site.ca.tree().iter() {
        let found = site.identify(authority.certificate.as_ref().unwrap(), now());
        assert!(matches!(&found, Err(Unidentified::Invalid(_) | Unidentified::NotOurs)), "{found:?}");
    }
    let server = site.ca.server_certificate(&["localhost".to_owned()], now()).await.unwrap();
    let found = site.ca.identify(&server.chain, now());
    assert!(matches!(&found, Err(Unidentified::Invalid(why)) if why.contains("clientAuth")), "{found:?}");
}

/// Somebody else's authority.
struct Foreign {
    params: CertificateParams,
    key: KeyPair,
}

impl Foreign {
    /// With the name of ours.
    fn named(ours: &Certificate, key_identifier: KeyIdMethod) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, ours.common_name().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_identifier_method = key_identifier;
        Self { params, key: KeyPair::generate().unwrap() }
    }

    fn leaf(&self) -> Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "pump-1");
        params.serial_number = Some(vec![0x55; 16].into());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let issuer = Issuer::from_params(&self.params, &self.key);
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        Certificate::parse(leaf.der()).unwrap()
    }
}
