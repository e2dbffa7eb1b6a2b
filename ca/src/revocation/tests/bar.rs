//! Who is barred, and from when until when.

use super::*;
use crate::ReadmitError;

#[tokio::test]
async fn a_holder_is_barred_by_every_reason_but_that_its_certificates_are_superseded() {
    for_each_site(async |site| {
        let running = site.open().await;
        for reason in Reason::ALL {
            let name = format!("pump-{}", reason.code());
            running.issue(&name).await;
            running.revoke(holder(&name), reason).await.unwrap();
        }
        let issued = running.issue("pump-x").await;
        running.revoke(serial_of(&issued), Reason::KeyCompromise).await.unwrap();
        running.close().await;
        let running = site.open().await;
        for reason in Reason::ALL {
            let expected = (reason != Reason::Superseded).then(|| of(reason));
            assert_eq!(running.ca.barred(&format!("pump-{}", reason.code())), expected);
        }
        assert_eq!(running.ca.barred("pump-x"), None);
        let mut all = running.ca.barred_holders();
        all.retain(|holder| running.ca.barred(holder).is_none());
        assert!(all.is_empty() && !running.ca.barred_holders().is_empty());
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_readmitted_holder_is_not_barred_and_its_old_certificates_stay_revoked() {
    for_each_site(async |site| {
        let running = site.open().await;
        let old = running.ca.holder("pump-1");
        let issued = running.issue("pump-1").await;
        running.revoke(holder("pump-1"), Reason::PrivilegeWithdrawn).await.unwrap();
        let operator = Caller::process();
        let bar = running.ca.readmit("pump-1", &operator, later()).await.unwrap();
        assert_eq!(bar, of(Reason::PrivilegeWithdrawn));
        let (what, said) = running.last_entry().await;
        assert_eq!(what, ["holder.readmit", "holder/pump-1", "allowed"]);
        assert_eq!(said, format!("barred since {}: privilegeWithdrawn", now()));
        running.close().await;
        let running = site.open().await;
        assert_eq!(running.ca.barred("pump-1"), None);
        assert_eq!(running.is_revoked(&issued, Some(&old)), Some(of(Reason::PrivilegeWithdrawn)));
        let again = running.ca.readmit("pump-1", &operator, later()).await;
        assert!(matches!(again, Err(ReadmitError::NotBarred(name)) if name == "pump-1"));
        assert_eq!(running.last_entry().await.0, ["holder.readmit", "holder/pump-1", "refused"]);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_holder_whose_certificates_were_superseded_or_that_was_readmitted_can_be_barred_without_new_ones() {
    for_each_site(async |site| {
        let running = site.open().await;
        running.issue("pump-1").await;
        let operator = Caller::process();
        running.revoke(holder("pump-1"), Reason::Superseded).await.unwrap();
        let mut heard = running.ca.revocations();
        for reason in [Reason::CessationOfOperation, Reason::KeyCompromise] {
            running.ca.revoke(holder("pump-1"), reason, &operator, later()).await.unwrap();
            let barred = Some(Revocation { reason, at: later() });
            assert_eq!(running.ca.barred("pump-1"), barred);
            assert_eq!(heard.recv().await.unwrap().what, holder("pump-1"), "it may be connected otherwise");
            running.revoke(holder("pump-1"), Reason::AffiliationChanged).await.unwrap();
            assert_eq!(running.ca.barred("pump-1"), barred, "the first one stands");
            running.ca.readmit("pump-1", &operator, later()).await.unwrap();
            assert!(heard.try_recv().is_err(), "a bar that is there already is no news");
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_bar_without_a_reason_is_given_that_of_a_compromised_key() {
    for_each_site(async |site| {
        let running = site.open().await;
        running.issue("pump-1").await;
        running.revoke(holder("pump-1"), Reason::Unspecified).await.unwrap();
        let operator = Caller::process();
        running.ca.revoke(holder("pump-1"), Reason::KeyCompromise, &operator, later()).await.unwrap();
        assert_eq!(running.ca.barred("pump-1"), Some(of(Reason::KeyCompromise)));
        running.close().await;
        let running = site.open().await;
        assert_eq!(running.ca.barred("pump-1"), Some(of(Reason::KeyCompromise)));
        running.close().await;
    })
    .await;
}
