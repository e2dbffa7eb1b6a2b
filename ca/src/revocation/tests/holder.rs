//! All of a holder revoked, by one write.

use super::*;

#[tokio::test]
async fn a_revoked_holder_loses_all_it_has_and_starts_with_another_generation() {
    for_each_site(async |site| {
        let running = site.open().await;
        let old = running.ca.holder("pump-1");
        let (first, second) = (running.issue("pump-1").await, running.issue("pump-1").await);
        let other = running.issue("pump-2").await;
        running.revoke(holder("pump-1"), Reason::PrivilegeWithdrawn).await.unwrap();
        let rows = running.db.fetch("SELECT sequence FROM ca_revoked_holder", &[]).await.unwrap();
        assert_eq!(rows.len(), 1);
        let new = running.ca.holder("pump-1");
        assert_ne!(new.generation, old.generation);
        let (what, reason) = running.last_entry().await;
        assert_eq!(what, ["certificate.revoke", "holder/pump-1", "allowed"]);
        assert_eq!(reason, format!("privilegeWithdrawn; its next generation is `{}`", new.generation));
        running.ca.readmit("pump-1", &Caller::process(), now()).await.unwrap();
        let fresh = running.issue("pump-1").await;
        running.close().await;

        let running = site.open().await;
        assert_eq!(running.ca.holder("pump-1"), new);
        for issued in [&first, &second] {
            assert_eq!(running.is_revoked(issued, Some(&old)), Some(of(Reason::PrivilegeWithdrawn)));
        }
        assert_eq!(running.is_revoked(&fresh, Some(&new)), None);
        assert_eq!(running.is_revoked(&other, Some(&running.ca.holder("pump-2"))), None);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_holder_that_got_certificates_since_is_revoked_once_more_and_the_first_reason_stands_for_the_first()
{
    for_each_site(async |site| {
        let running = site.open().await;
        let one = running.ca.holder("pump-1");
        let first = running.issue("pump-1").await;
        running.revoke(holder("pump-1"), Reason::KeyCompromise).await.unwrap();
        let two = running.ca.holder("pump-1");
        running.ca.readmit("pump-1", &Caller::process(), now()).await.unwrap();
        let second = running.issue("pump-1").await;
        let caller = Caller::process();
        running.ca.revoke(holder("pump-1"), Reason::Superseded, &caller, later()).await.unwrap();
        let three = running.ca.holder("pump-1");
        assert_ne!(two, three);
        running.close().await;
        let running = site.open().await;
        assert_eq!(running.is_revoked(&first, Some(&one)), Some(of(Reason::KeyCompromise)));
        let again = Revocation { reason: Reason::Superseded, at: later() };
        assert_eq!(running.is_revoked(&second, Some(&two)), Some(again));
        assert_eq!(running.ca.holder("pump-1"), three);
        running.close().await;
    })
    .await;
}
