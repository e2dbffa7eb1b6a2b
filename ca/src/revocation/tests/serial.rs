//! One certificate revoked.

use super::*;
use crate::{Credential, RenewRequest};

#[tokio::test]
async fn a_revoked_certificate_is_revoked_at_once_and_after_a_restart_and_no_other_is() {
    for_each_site(async |site| {
        let running = site.open().await;
        let (first, second) = (running.issue("pump-1").await, running.issue("pump-1").await);
        assert_eq!(running.is_revoked(&first, None), None);
        let revoked = running.revoke(serial_of(&first), Reason::Superseded).await.unwrap();
        assert_eq!(revoked, Revoked { what: serial_of(&first), revocation: of(Reason::Superseded) });
        running.close().await;
        let running = site.open().await;
        assert_eq!(running.is_revoked(&first, None), Some(of(Reason::Superseded)));
        assert_eq!(running.ca.is_revoked(&AuthorityId::root(), &first.serial, None), None);
        assert_eq!(running.is_revoked(&second, Some(&running.ca.holder("pump-1"))), None);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn who_asked_and_why_is_recorded_in_the_same_commit() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        let credential = Credential::AccessPolicy("security".to_owned());
        let caller = Caller { name: "ann".to_owned(), credential, from: None };
        running.ca.revoke(serial_of(&issued), Reason::KeyCompromise, &caller, now()).await.unwrap();
        let entries = running.entries().await;
        let last = entries.last().unwrap();
        assert_eq!((&*last.actor, &*last.credential), ("ann", "policy:security"));
        let (what, reason) = running.last_entry().await;
        let object = format!("certificate/{}", hex::encode(issued.serial));
        assert_eq!(what, ["certificate.revoke", &object, "allowed"]);
        assert_eq!(reason, "keyCompromise; of authority `issuing`");
        let rows = running.db.fetch("SELECT sequence FROM ca_revocation", &[]).await.unwrap();
        assert_eq!(u64::try_from(rows[0].int("sequence").unwrap()).unwrap(), last.sequence);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_revoked_certificate_is_not_renewed() {
    for_each_site(async |site| {
        let running = site.open().await;
        let key = KeyPair::generate().unwrap();
        let request = Request { csr: csr("pump-1", &key), ..device("pump-1") };
        let issued = running.ca.issue(request, now()).await.unwrap();
        running.revoke(serial_of(&issued), Reason::Unspecified).await.unwrap();
        let renewal = RenewRequest {
            old: issued.certificate.clone(),
            csr: csr("pump-1", &key),
            caller: Caller::process(),
            authority: None,
            idempotency_key: None,
            holder: None,
        };
        let said = running.ca.renew(renewal, later()).await.unwrap_err().to_string();
        assert!(said.ends_with("is revoked: enroll anew"), "{said}");
        running.close().await;
    })
    .await;
}
