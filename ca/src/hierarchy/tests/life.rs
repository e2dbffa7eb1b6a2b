//! The states of an authority's life.

use super::{for_each_site, id_of};
use crate::{
    Authority, AuthorityError, Caller, NewAuthority, NoSuchTransition, Renewal, Retirement, State,
    Transition,
    workshop::{DAY, now},
};
use muster_store::Statement;

fn in_state(state: State) -> Authority {
    Authority {
        id: id_of("plant"),
        parent: None,
        state,
        certificate: None,
        key: None,
        generation: 1,
        crl_shards: 64,
        path_len: None,
        renewal: Renewal::ByHand,
        request: None,
        created: now(),
    }
}

#[test]
fn every_state_has_its_ways_on_and_no_others() {
    use {State as S, Transition as T};
    let allowed = [
        (S::Pending, T::Revoke, S::Revoked),
        (S::Active, T::Retire, S::Retiring),
        (S::Active, T::CrlOnly, S::CrlOnly),
        (S::Active, T::Revoke, S::Revoked),
        (S::Retiring, T::Reactivate, S::Active),
        (S::Retiring, T::CrlOnly, S::CrlOnly),
        (S::Retiring, T::Revoke, S::Revoked),
        (S::CrlOnly, T::Revoke, S::Revoked),
    ];
    for from in State::ALL {
        for transition in [T::Retire, T::Reactivate, T::CrlOnly, T::Revoke] {
            let expected = allowed.iter().find(|(state, by, _)| (*state, *by) == (from, transition));
            match (in_state(from).change(transition), expected) {
                (Ok(changed), Some((_, _, to))) => assert_eq!(changed.state, *to),
                (Err(NoSuchTransition { id, from: told, .. }), None) => {
                    assert_eq!((id, told), (id_of("plant"), from));
                }
                (outcome, _) => panic!("{from} by {transition:?}: {outcome:?}"),
            }
        }
    }
}

#[test]
fn only_an_active_authority_issues_and_a_retired_one_still_tells_what_is_revoked() {
    let table = State::ALL.map(|state| (state, state.issues(), state.tells_status()));
    let expected = [
        (State::Pending, false, false),
        (State::Active, true, true),
        (State::Retiring, false, true),
        (State::CrlOnly, false, true),
        (State::Revoked, false, false),
    ];
    assert_eq!(table, expected);
}

#[test]
fn serials_spread_over_the_shards_evenly() {
    let authority = in_state(State::Active);
    let mut counts = [0; 64];
    for number in 0..64_000_u32 {
        let serial = [&[0x40; 12][..], &number.to_be_bytes()].concat();
        counts[usize::from(authority.shard_of(&serial))] += 1;
    }
    assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    assert_eq!(Authority { crl_shards: 1, ..authority }.shard_of(&[0x41; 16]), 0);
}

#[tokio::test]
async fn a_retired_authority_signs_nothing_until_it_is_active_again_also_after_a_restart() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let caller = Caller::process();
        let root = id_of("root");
        running.ca.retire_authority(&root, Retirement::Retire, &caller, now()).await.unwrap();
        running.close().await;
        let running = site.open(now()).await;
        assert_eq!(running.authority("root").state, State::Retiring);
        let new = || NewAuthority::new(id_of("plant"));
        let said = running.ca.create_intermediate(&root, new(), &caller, now()).await.unwrap_err();
        assert_eq!(said.to_string(), "authority `root` is retiring: only an active one signs");
        running.ca.retire_authority(&root, Retirement::Reactivate, &caller, now()).await.unwrap();
        running.ca.create_intermediate(&root, new(), &caller, now()).await.unwrap();
        running.ca.retire_authority(&root, Retirement::CrlOnly, &caller, now()).await.unwrap();
        let said =
            running.ca.retire_authority(&root, Retirement::Reactivate, &caller, now()).await.unwrap_err();
        assert_eq!(said.to_string(), "authority `root` is crl-only, so it cannot be made active");
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_change_happens_with_what_it_is_recorded_with_or_not_at_all() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (issuing, caller) = (id_of("issuing"), Caller::process());
        let unmet = Statement::new("UPDATE ca_authority SET changed = 0 WHERE id = 'nobody'", []).exactly(1);
        let change =
            running.ca.change_authority(&issuing, Transition::Revoke, "", vec![unmet], &caller, now());
        assert!(matches!(change.await, Err(AuthorityError::Write(_))));
        assert_eq!(running.authority("issuing").state, State::Active);
        let change = running.ca.change_authority(&issuing, Transition::Revoke, "", vec![], &caller, now());
        assert_eq!(change.await.unwrap().state, State::Revoked);
        let said = running.ca.server_certificate(&["localhost".to_owned()], now()).await.unwrap_err();
        assert!(said.to_string().contains("`issuing` issues nothing now"), "{said}");
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_certificate_renewed_by_hand_keeps_name_key_life_and_what_was_issued() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let caller = Caller::process();
        let server = running.ca.server_certificate(&["localhost".to_owned()], now()).await.unwrap();
        let old = running.certificate("issuing");
        let later = now() + DAY * 10;
        let renewed = running.ca.renew_authority(&id_of("issuing"), &caller, later).await.unwrap();
        let new = renewed.certificate.clone().unwrap();
        assert_eq!(renewed.generation, 2);
        assert_eq!((new.subject_der(), new.spki_der()), (old.subject_der(), old.spki_der()));
        assert_eq!(new.not_after(), old.not_after() + DAY * 10);
        let leaf = muster_x509::Certificate::parse(&server.chain[0]).unwrap();
        assert!(muster_x509::issued_by(&leaf, &new));
        let said = running.ca.renew_authority(&id_of("root"), &caller, later).await.unwrap_err().to_string();
        assert!(said.starts_with("authority `root` is a root"), "{said}");
        running.close().await;
    })
    .await;
}
