//! Revocations heard by those who cut connections.

use futures::FutureExt;
use tokio::sync::broadcast::error::RecvError;

use super::*;
use crate::revocation::known::Fact;

#[tokio::test]
async fn who_listens_hears_of_each_revocation_once_when_it_is_in_force() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        let mut heard = running.ca.revocations();
        let first = running.revoke(serial_of(&issued), Reason::Superseded).await.unwrap();
        running.revoke(serial_of(&issued), Reason::Superseded).await.unwrap();
        let second = running.revoke(holder("pump-1"), Reason::Superseded).await.unwrap();
        assert_eq!(heard.recv().await, Ok(first));
        assert_eq!(heard.recv().await, Ok(second));
        assert!(heard.try_recv().is_err());
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_the_revocation() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        let mut heard = running.ca.revocations();
        let caller = Caller::process();
        let asked = running.ca.revoke(serial_of(&issued), Reason::KeyCompromise, &caller, now());
        assert!(asked.now_or_never().is_none());
        assert_eq!(heard.recv().await.unwrap().what, serial_of(&issued));
        assert_eq!(running.is_revoked(&issued, None), Some(of(Reason::KeyCompromise)));
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn who_lags_behind_is_told_to_ask_again() {
    for_each_site(async |site| {
        let running = site.open().await;
        let mut heard = running.ca.revocations();
        for number in 0..2000_u128 {
            let what = What::Serial { authority: AuthorityId::issuing(), serial: number.to_be_bytes() };
            running.ca.revocations.learn(&what, Fact::Revoked(of(Reason::Superseded)));
        }
        assert_eq!(heard.recv().await, Err(RecvError::Lagged(2000 - 1024)));
        running.close().await;
    })
    .await;
}
