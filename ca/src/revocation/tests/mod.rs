//! What revoking promises, on every engine.

mod again;
mod authority;
mod bar;
mod heard;
mod holder;
mod many;
mod refused;
mod serial;

use std::sync::Arc;

use jiff::SignedDuration;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use muster_store::Db;
use muster_test_engines::{Place, for_each_place};
use muster_x509::Csr;

use super::{Reason, Revocation, RevokeError, Revoked, What};
use crate::{
    AuthorityId, Ca, Caller, Holder, Issued, Request, SubjectFacts,
    audit::Chained,
    workshop::{self, now},
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

impl Site<'_> {
    async fn open(&self) -> Running {
        let db = self.place.open().await;
        let ca = workshop::open(self.dir.path(), &db, now()).await.unwrap();
        Running { ca, db }
    }
}

impl Running {
    async fn close(self) {
        self.ca.close(now()).await;
        self.db.close().await;
    }

    async fn issue(&self, name: &str) -> Issued {
        let mut request = device(name);
        request.holder = Some(self.ca.holder(name));
        self.ca.issue(request, now()).await.unwrap()
    }

    async fn revoke(&self, what: What, reason: Reason) -> Result<Revoked, RevokeError> {
        self.ca.revoke(what, reason, &Caller::process(), now()).await
    }

    async fn entries(&self) -> Vec<Chained> {
        self.ca.audit_page(1, 1000).await.unwrap()
    }

    /// Action, object and decision of the last entry, and its reason.
    async fn last_entry(&self) -> ([String; 3], String) {
        let entries = self.entries().await;
        let last = entries.last().unwrap();
        let of = |text: &str| text.to_owned();
        ([of(&last.action), of(&last.object), of(&last.decision)], of(&last.reason))
    }

    fn is_revoked(&self, issued: &Issued, holder: Option<&Holder>) -> Option<Revocation> {
        self.ca.is_revoked(&AuthorityId::issuing(), &issued.serial, holder)
    }
}

fn csr(common_name: &str, key: &KeyPair) -> Csr {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Csr::parse(params.serialize_request(key).unwrap().der()).unwrap()
}

fn device(common_name: &str) -> Request {
    Request {
        authority: AuthorityId::issuing(),
        profile: "device".to_owned(),
        csr: csr(common_name, &KeyPair::generate().unwrap()),
        subject: SubjectFacts { common_name: Some(common_name.to_owned()), ..SubjectFacts::default() },
        caller: Caller::process(),
        idempotency_key: None,
        holder: None,
        not_after: None,
    }
}

fn serial_of(issued: &Issued) -> What {
    What::Serial { authority: AuthorityId::issuing(), serial: issued.serial }
}

fn holder(name: &str) -> What {
    What::Holder(name.to_owned())
}

fn of(reason: Reason) -> Revocation {
    Revocation { reason, at: now() }
}

/// Long after, for those who come again.
fn later() -> jiff::Timestamp {
    now() + SignedDuration::from_hours(1)
}
