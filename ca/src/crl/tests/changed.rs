//! When lists change, and when not.

use super::*;
use crate::Retirement;

#[tokio::test]
async fn a_revocation_changes_its_own_list_only_and_all_others_stay_to_the_byte() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let issued = running.issue("pump-1").await;
        let id = AuthorityId::issuing();
        let all = || (0..64).map(|shard| running.der(&id, shard)).collect::<Vec<_>>();
        let before = all();
        running.publish(now() + DAY).await;
        assert_eq!(all(), before);
        running.revoke(serial_of(&issued), Reason::Superseded, now() + DAY).await;
        let shard = running.shard_of(&issued);
        for (at, (old, new)) in (0..).zip(before.iter().zip(all())) {
            assert_eq!(*old != new, at == shard);
        }
        let facts = running.facts(&id, shard);
        assert_eq!((facts.number, facts.entries, facts.this_update), (2, 1, now() + DAY));
        let after = all();
        // Again the same, which is no news.
        running.revoke(serial_of(&issued), Reason::KeyCompromise, now() + DAY).await;
        assert_eq!(all(), after);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_better_reason_is_published_too() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let issued = running.issue("pump-1").await;
        running.revoke(serial_of(&issued), Reason::Unspecified, now()).await;
        assert!(running.said_of(&issued).unwrap().reason == muster_x509::Reason::Unspecified);
        running.revoke(serial_of(&issued), Reason::KeyCompromise, now()).await;
        assert!(running.said_of(&issued).unwrap().reason == muster_x509::Reason::KeyCompromise);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_revoked_is_published_within_a_second_without_anybody_asking() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let mut issued = Vec::new();
        for n in 0..5 {
            issued.push(running.issue(&format!("pump-{n}")).await);
        }
        for one in &issued {
            running.ca.revoke(serial_of(one), Reason::Superseded, &Caller::process(), now()).await.unwrap();
        }
        let mut waited = 0;
        while issued.iter().any(|one| running.said_of(one).is_none()) {
            assert!(waited < 100, "not within a second, and some for slow machines");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            waited += 1;
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_list_is_made_anew_at_half_its_life_and_says_so() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let half = SignedDuration::from_hours(84);
        let second = SignedDuration::from_secs(1);
        assert_eq!(running.ca.tick_crls(now()).await, Some(now() + half));
        running.publish(now() + half - second).await;
        assert!(running.ca.crls().iter().all(|crl| crl.number == 1));
        running.publish(now() + half).await;
        let is_new = |crl: &CrlFacts| crl.number == 2 && crl.next_update == now() + half + 7 * DAY;
        assert!(running.ca.crls().iter().all(is_new));
        assert_eq!(running.ca.tick_crls(now() + half).await, Some(now() + half + half));
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_authority_that_retires_goes_on_saying_what_is_revoked() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (id, caller) = (AuthorityId::issuing(), Caller::process());
        let issued = running.issue("pump-1").await;
        for (days, step) in [(1, Retirement::Retire), (5, Retirement::CrlOnly)] {
            let at = now() + days * DAY;
            running.ca.retire_authority(&id, step, &caller, at).await.unwrap();
            running.publish(at + 4 * DAY).await;
            assert_eq!(running.facts(&id, 0).this_update, at + 4 * DAY);
        }
        running.revoke(serial_of(&issued), Reason::Superseded, now() + 10 * DAY).await;
        assert!(running.said_of(&issued).is_some());
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_ended_stays_for_one_more_list_and_goes() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let end = now() + 30 * DAY;
        let issued = running.issue_until("pump-1", Some(end)).await;
        running.revoke(serial_of(&issued), Reason::Superseded, now()).await;
        for (days, listed) in [(20, true), (31, true), (35, true), (40, false), (44, false)] {
            running.publish(now() + days * DAY).await;
            assert_eq!(running.said_of(&issued).is_some(), listed, "after {days} days");
        }
        running.close().await;
    })
    .await;
}
