//! What CRLs promise, on every engine.

mod changed;
mod judged;
mod kept;
mod nodes;
mod whole;

use std::{path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use muster_store::Db;
use muster_test_engines::{Place, for_each_place};
use muster_x509::{Certificate, Crl, Csr, ScopeKind, to_pem};

use crate::{
    AuthorityId, BaseUrl, Ca, Caller, CrlFacts, Issued, Reason, Request, Settings, SubjectFacts, What,
    workshop::{DAY, entropy, now},
};

/// A data folder and a database that outlive the authority.
struct Site<'a> {
    dir: tempfile::TempDir,
    place: &'a Place,
}

/// An authority that is running there.
struct Running {
    ca: Arc<Ca>,
    db: Db,
}

async fn for_each_site(test: impl AsyncFn(&Site<'_>)) {
    for_each_place(async |place| test(&Site { dir: tempfile::tempdir().unwrap(), place }).await).await;
}

fn settings(dir: &Path) -> Settings {
    let mut settings = Settings::new(dir);
    settings.base_url = Some(BaseUrl::parse("http://pki.example:8080").unwrap());
    settings
}

impl Site<'_> {
    /// With its CRLs published.
    async fn open(&self, at: Timestamp) -> Running {
        let db = self.place.open().await;
        let ca = Ca::open(settings(self.dir.path()), db.clone(), entropy(), at).await.unwrap();
        let running = Running { ca, db };
        running.publish(at).await;
        running
    }
}

impl Running {
    async fn close(self) {
        self.ca.close(now()).await;
        self.db.close().await;
    }

    async fn publish(&self, at: Timestamp) {
        self.ca.publish_crls(at).await.unwrap();
    }

    async fn issue(&self, name: &str) -> Issued {
        self.issue_until(name, None).await
    }

    async fn issue_until(&self, name: &str, not_after: Option<Timestamp>) -> Issued {
        let request = Request {
            authority: AuthorityId::issuing(),
            profile: "device".to_owned(),
            csr: csr(name),
            subject: SubjectFacts { common_name: Some(name.to_owned()), ..SubjectFacts::default() },
            caller: Caller::process(),
            idempotency_key: None,
            holder: Some(self.ca.holder(name)),
            not_after,
        };
        self.ca.issue(request, now()).await.unwrap()
    }

    async fn revoke(&self, what: What, reason: Reason, at: Timestamp) {
        self.ca.revoke(what, reason, &Caller::process(), at).await.unwrap();
        self.publish(at).await;
    }

    fn der(&self, authority: &AuthorityId, shard: u16) -> Vec<u8> {
        self.ca.crl(authority, shard).unwrap().der.to_vec()
    }

    fn list(&self, authority: &AuthorityId, shard: u16) -> Crl {
        Crl::parse(&self.der(authority, shard)).unwrap()
    }

    fn shard_of(&self, issued: &Issued) -> u16 {
        self.ca.authority(&AuthorityId::issuing()).unwrap().shard_of(&issued.serial)
    }

    /// What the CRL of its shard says of a certificate.
    fn said_of(&self, issued: &Issued) -> Option<muster_x509::Revoked> {
        let id = AuthorityId::issuing();
        let list = self.list(&id, self.shard_of(issued)).signed_by(&self.certificate(&id)).unwrap();
        assert!(list.covers(&issued.certificate, &self.certificate(&id)));
        list.revoked(issued.certificate.serial())
    }

    fn certificate(&self, id: &AuthorityId) -> Certificate {
        self.ca.authority(id).unwrap().certificate.clone().unwrap()
    }

    /// Of the shard.
    fn facts(&self, authority: &AuthorityId, shard: u16) -> CrlFacts {
        let crls = self.ca.crls();
        crls.into_iter().find(|crl| crl.authority == *authority && crl.shard == shard).unwrap()
    }
}

fn csr(common_name: &str) -> Csr {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Csr::parse(params.serialize_request(&KeyPair::generate().unwrap()).unwrap().der()).unwrap()
}

fn serial_of(issued: &Issued) -> What {
    What::Serial { authority: AuthorityId::issuing(), serial: issued.serial }
}
