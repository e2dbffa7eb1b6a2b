//! Whole authorities revoked.

use super::*;
use crate::State;

#[tokio::test]
async fn a_revoked_authority_takes_all_it_issued_along_and_signs_no_more() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        let what = What::Authority(AuthorityId::issuing());
        let revoked = running.revoke(what.clone(), Reason::CaCompromise).await.unwrap();
        assert_eq!(revoked, Revoked { what, revocation: of(Reason::CaCompromise) });
        let (what, reason) = running.last_entry().await;
        assert_eq!(what, ["authority.revoke", "issuing", "allowed"]);
        assert_eq!(reason, "active to revoked; cACompromise");
        running.close().await;

        let running = site.open().await;
        let authority = running.ca.authority(&AuthorityId::issuing()).unwrap();
        assert_eq!(authority.state, State::Revoked);
        assert_eq!(running.is_revoked(&issued, None), Some(of(Reason::CaCompromise)));
        let own = authority.certificate.as_ref().unwrap().serial().try_into().unwrap();
        assert_eq!(running.ca.is_revoked(&AuthorityId::root(), &own, None), Some(of(Reason::CaCompromise)));
        assert_eq!(running.ca.is_revoked(&AuthorityId::root(), &[0x41; 16], None), None);
        assert!(running.ca.issue(device("pump-2"), now()).await.is_err());
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_revoked_root_takes_along_what_is_below_it() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        running.revoke(What::Authority(AuthorityId::root()), Reason::CessationOfOperation).await.unwrap();
        assert_eq!(running.is_revoked(&issued, None), Some(of(Reason::CessationOfOperation)));
        running.close().await;
    })
    .await;
}
