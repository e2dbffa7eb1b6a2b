//! The same revoked again.

use super::*;

#[tokio::test]
async fn revoking_again_answers_with_the_first_revocation_and_its_reason() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        running.issue("pump-2").await;
        let authority = What::Authority(AuthorityId::issuing());
        for what in [serial_of(&issued), holder("pump-2"), authority] {
            let first = running.revoke(what.clone(), Reason::Superseded).await.unwrap();
            let generation = running.ca.holder("pump-2");
            for reason in [Reason::Unspecified, Reason::KeyCompromise] {
                let again = running.ca.revoke(what.clone(), reason, &Caller::process(), later()).await;
                assert_eq!(again.unwrap(), first);
                let (_, said) = running.last_entry().await;
                assert_eq!(said, format!("{reason}; revoked already at {}: superseded", now()));
            }
            assert_eq!(running.ca.holder("pump-2"), generation);
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_compromised_key_is_a_better_reason_than_none_and_stays_after_a_restart() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        let old = running.ca.holder("pump-2");
        let of_holder = running.issue("pump-2").await;
        let authority = What::Authority(AuthorityId::issuing());
        for what in [serial_of(&issued), holder("pump-2"), authority] {
            let first = running.revoke(what.clone(), Reason::Unspecified).await.unwrap();
            assert_eq!(first.revocation, of(Reason::Unspecified));
            let caller = Caller::process();
            let again = running.ca.revoke(what.clone(), Reason::KeyCompromise, &caller, later()).await;
            assert_eq!(again.unwrap().revocation, of(Reason::KeyCompromise));
        }
        let own = running.ca.authority(&AuthorityId::issuing()).unwrap();
        let own = own.certificate.as_ref().unwrap().serial().try_into().unwrap();
        running.close().await;
        let running = site.open().await;
        let expected = Some(of(Reason::KeyCompromise));
        assert_eq!(running.is_revoked(&issued, None), expected);
        assert_eq!(running.is_revoked(&of_holder, Some(&old)), expected);
        assert_eq!(running.ca.is_revoked(&AuthorityId::issuing(), &[0x41; 16], None), expected);
        assert_eq!(running.ca.is_revoked(&AuthorityId::root(), &own, None), expected);
        running.close().await;
    })
    .await;
}
