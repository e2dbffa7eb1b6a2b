//! Who may ask for what.

use jiff::SignedDuration;
use muster_test_engines::for_each_place;

use super::*;
use crate::{Grant, Quota, Rate, workshop::DAY};

fn grant(id: &str, names: &[&str]) -> Grant {
    Grant {
        id: id.to_owned(),
        to: "policy:line-*".to_owned(),
        authority: "issuing".to_owned(),
        profile: "device".to_owned(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
        quota: Quota::default(),
        rate: None,
        until: None,
    }
}

async fn put(ca: &Ca, grant: Grant) {
    ca.put_grant(grant, &operator("security"), now()).await.unwrap();
}

fn by(caller: &str, request: Request) -> Request {
    Request { caller: operator(caller), ..request }
}

#[tokio::test]
async fn nobody_gets_anything_without_a_grant_but_the_server_itself() {
    for_each_ca(async |ca| {
        ca.issue(device("pump-1"), now()).await.unwrap();
        let refused = refusal(ca.issue(by("line-1", device("pump-1")), now()).await);
        assert_eq!(
            refused,
            "`policy:line-1` has no grant for profile `device` of authority `issuing`: ask an operator for one"
        );
        put(&ca, grant("lines", &["pump-*"])).await;
        ca.issue(by("line-1", device("pump-1")), now()).await.unwrap();
        for other in [
            by("office", device("pump-1")),
            by("line-1", Request { profile: "edge-server".to_owned(), ..device("pump-1") }),
            by("line-1", Request { authority: AuthorityId::root(), ..device("pump-1") }),
        ] {
            assert!(refusal(ca.issue(other, now()).await).contains("has no grant for profile"));
        }
        let entry = last_entry(&ca).await;
        assert_eq!((&*entry.actor, &*entry.credential, &*entry.object), ("line-1", "policy:line-1", "root/device"));
        ca.delete_grant("lines", &operator("security"), now()).await.unwrap();
        assert!(ca.issue(by("line-1", device("pump-1")), now()).await.is_err());
        assert!(ca.delete_grant("lines", &operator("security"), now()).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn every_name_that_is_asked_for_is_within_the_grant() {
    for_each_ca(async |ca| {
        let hosts_grant = Grant {
            profile: "edge-server".to_owned(),
            ..grant("hosts", &["{caller}.factory.example", "*.{caller}.factory.example", "10.1.*"])
        };
        put(&ca, hosts_grant).await;
        let ask = async |names: &[&str], addresses: &[&str]| {
            let asked = by("line-1", request("edge-server", csr(""), hosts(names, addresses)));
            ca.issue(asked, now()).await.map(|_| ()).map_err(|error| error.to_string())
        };
        ask(&["line-1.factory.example", "A.LINE-1.factory.example"], &["10.1.0.1"]).await.unwrap();
        for (names, addresses, outside) in [
            (&["line-2.factory.example"][..], &[][..], "line-2.factory.example"),
            (&["line-1.factory.example", "www.example"], &[], "www.example"),
            (&["line-1.factory.example"], &["10.2.0.1"], "10.2.0.1"),
            (&["line-1.factory.example.evil.example"], &[], "line-1.factory.example.evil.example"),
        ] {
            assert_eq!(
                ask(names, addresses).await.unwrap_err(),
                format!("name `{outside}` is outside of what `policy:line-1` may ask for: ask for another, or for a wider grant")
            );
        }
    })
    .await;
}

#[tokio::test]
async fn who_may_ask_for_a_name_may_not_ask_for_another_holder() {
    for_each_ca(async |ca| {
        put(&ca, grant("lines", &["pump-*"])).await;
        let held = |holder: &str| {
            let holder = crate::Holder { name: holder.to_owned(), generation: "1".to_owned() };
            by("line-1", Request { holder: Some(holder), ..device("pump-1") })
        };
        ca.issue(held("pump-1"), now()).await.unwrap();
        assert!(refusal(ca.issue(held("valve-1"), now()).await).starts_with("name `valve-1` is outside"));
    })
    .await;
}

#[tokio::test]
async fn a_quota_counts_what_was_issued_also_before_a_restart_and_nothing_else() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota { per_hour: Some(2), per_day: Some(3), total: Some(4) };
        let ask = async |ca: &Ca, key: &str, at| {
            let asked = Request {
                idempotency_key: Some(key.to_owned()),
                ..by("line-1", request("device", csr(""), facts(key)))
            };
            ca.issue(asked.clone(), at).await.map(|_| asked)
        };
        {
            let db = place.open().await;
            let ca = open(dir.path(), &db).await;
            put(&ca, Grant { quota, ..grant("order-7", &["*"]) }).await;
            for n in 0..5 {
                // Refused by the profile: nothing is used up.
                assert!(
                    ca.issue(by("line-1", request("device", csr(""), SubjectFacts::default())), now())
                        .await
                        .is_err(),
                    "{n}"
                );
            }
            ask(&ca, "a", now()).await.unwrap();
            let b = ask(&ca, "b", now()).await.unwrap();
            let refused = ask(&ca, "c", now()).await.unwrap_err().to_string();
            assert_eq!(
                refused,
                "grant `order-7` has no certificate left of 2 an hour: wait, or ask an operator for more"
            );
            // What it got already, it gets again.
            ca.issue(b, now()).await.unwrap();
            drop(ca);
            db.close().await;
        }
        let db = place.open().await;
        let ca = open(dir.path(), &db).await;
        assert!(ask(&ca, "c", now()).await.unwrap_err().to_string().contains("2 an hour"));
        ask(&ca, "c", now() + SignedDuration::from_hours(1)).await.unwrap();
        assert!(
            ask(&ca, "d", now() + SignedDuration::from_hours(3))
                .await
                .unwrap_err()
                .to_string()
                .contains("3 a day")
        );
        ask(&ca, "d", now() + DAY).await.unwrap();
        assert!(ask(&ca, "e", now() + DAY * 9).await.unwrap_err().to_string().contains("4 in all"));
        drop(ca);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_asks_too_fast_waits_and_an_order_has_an_end() {
    for_each_ca(async |ca| {
        let rate = Some(Rate { per_minute: 60, burst: 2 });
        put(&ca, Grant { rate, until: Some(now() + DAY), ..grant("order-7", &["*"]) }).await;
        let ask = async |caller: &str, at| {
            ca.issue(by(caller, device("pump-1")), at).await.map(|_| ()).map_err(|error| error.to_string())
        };
        ask("line-1", now()).await.unwrap();
        ask("line-1", now()).await.unwrap();
        assert_eq!(
            ask("line-1", now()).await.unwrap_err(),
            "`policy:line-1` asks too fast: try again in 2 s"
        );
        ask("line-2", now()).await.unwrap();
        ask("line-1", now() + SignedDuration::from_secs(1)).await.unwrap();
        assert_eq!(
            ask("line-1", now() + DAY * 2).await.unwrap_err(),
            "grant `order-7` ended at 2026-11-21T12:00:00Z: ask an operator for another"
        );
    })
    .await;
}

#[tokio::test]
async fn a_grant_that_is_none_is_refused_with_its_field() {
    for_each_ca(async |ca| {
        let good = grant("lines", &["*"]);
        for (bad, field) in [
            (Grant { id: "A b".to_owned(), ..good.clone() }, "id"),
            (Grant { to: "*".to_owned(), ..good.clone() }, "to"),
            (Grant { authority: "Root!".to_owned(), ..good.clone() }, "authority"),
            (Grant { profile: "device@1".to_owned(), ..good.clone() }, "profile"),
            (Grant { names: vec![], ..good.clone() }, "names"),
            (Grant { names: vec!["{device}".to_owned()], ..good.clone() }, "names"),
            (Grant { rate: Some(Rate { per_minute: 0, burst: 1 }), ..good.clone() }, "rate"),
        ] {
            let refused = ca.put_grant(bad, &operator("security"), now()).await.unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("field `{field}` of the grant has the value ")),
                "{refused}"
            );
        }
        assert!(ca.grants().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_star_stands_for_any_authority_and_any_profile() {
    for_each_ca(async |ca| {
        let any = || "*".to_owned();
        put(&ca, Grant { authority: any(), profile: any(), ..grant("owner", &["*"]) }).await;
        ca.issue(by("line-1", device("pump-1")), now()).await.unwrap();
        let sub = Request { authority: AuthorityId::root(), ..device("pump-2") };
        ca.issue(by("line-1", sub), now()).await.unwrap();
        refusal(ca.issue(by("office", device("pump-3")), now()).await);
    })
    .await;
}
