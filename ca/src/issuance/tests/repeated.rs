//! The same request again.

use futures::future::join_all;

use super::*;
use crate::Freshness;

fn named(key: &str, request: Request) -> Request {
    Request { idempotency_key: Some(key.to_owned()), ..request }
}

#[tokio::test]
async fn the_same_idempotency_key_gets_the_same_certificate_from_however_many_at_once() {
    for_each_ca(async |ca| {
        let asked = named("order 7/pump-1", device("pump-1"));
        let all = join_all((0..20).map(|_| ca.issue(asked.clone(), now()))).await;
        let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
        assert!(all.iter().all(|issued| issued.certificate == all[0].certificate));
        assert_eq!(all.iter().filter(|issued| issued.freshness == Freshness::New).count(), 1);
        let later = ca.issue(asked, now() + crate::workshop::DAY * 30).await.unwrap();
        assert_eq!((later.certificate, later.log_index), (all[0].certificate.clone(), all[0].log_index));
    })
    .await;
}

#[tokio::test]
async fn without_one_the_same_request_gets_another_certificate() {
    for_each_ca(async |ca| {
        let asked = device("pump-1");
        let (one, other) = tokio::join!(ca.issue(asked.clone(), now()), ca.issue(asked, now()));
        assert_ne!(one.unwrap().serial, other.unwrap().serial);
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_is_its_callers_and_for_one_request() {
    for_each_ca(async |ca| {
        let asked = named("7", device("pump-1"));
        let first = ca.issue(asked.clone(), now()).await.unwrap();
        let reused = "idempotency key `7` was used for another request: choose a new one";
        assert_eq!(refusal(ca.issue(named("7", device("pump-1")), now()).await), reused);
        let other_profile = Request { profile: "edge-server".to_owned(), ..asked.clone() };
        assert_eq!(refusal(ca.issue(other_profile, now()).await), reused);
        let grant = crate::Grant {
            id: "all".to_owned(),
            to: "policy:line".to_owned(),
            authority: "issuing".to_owned(),
            profile: "device".to_owned(),
            names: vec!["*".to_owned()],
            quota: crate::Quota::default(),
            rate: None,
            until: None,
        };
        ca.put_grant(grant, &Caller::process(), now()).await.unwrap();
        let other = ca.issue(Request { caller: operator("line"), ..asked }, now()).await.unwrap();
        assert_ne!(other.serial, first.serial);
        for bad in ["", "a\nb", &"x".repeat(201)] {
            assert!(
                refusal(ca.issue(named(bad, device("pump-1")), now()).await)
                    .starts_with("idempotency key has")
            );
        }
    })
    .await;
}
