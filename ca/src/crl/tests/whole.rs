//! What is there, and what it says.

use super::*;

#[tokio::test]
async fn every_authority_has_all_its_lists_though_nothing_is_revoked() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let crls = running.ca.crls();
        assert_eq!(crls.len(), 65);
        for CrlFacts { authority, shard, number, this_update, next_update, bytes, entries } in crls {
            let der = running.der(&authority, shard);
            assert_eq!((number, entries, bytes), (1, 0, der.len()));
            assert_eq!((this_update, next_update), (now(), now() + 7 * DAY));
            let list = Crl::parse(&der).unwrap();
            assert_eq!((list.number(), list.len()), (&[1][..], 0));
            assert_eq!((list.this_update(), list.next_update()), (now(), now() + 7 * DAY));
            list.signed_by(&running.certificate(&authority)).unwrap();
            let (uris, kind) = if authority == AuthorityId::root() {
                (Vec::new(), ScopeKind::All)
            } else {
                let uri = format!("http://pki.example:8080/crl/issuing/{shard}.crl");
                (vec![uri], ScopeKind::EndEntities)
            };
            assert_eq!((&list.scope().uris, list.scope().kind), (&uris, kind));
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_revoked_certificate_is_on_the_list_that_it_names_with_its_reason_unless_there_is_none() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        for reason in Reason::ALL {
            let issued = running.issue(&format!("pump-{}", reason.code())).await;
            assert!(running.said_of(&issued).is_none());
            running.revoke(serial_of(&issued), reason, now() + DAY).await;
            let said = running.said_of(&issued).unwrap();
            assert_eq!(said.at, now() + DAY);
            assert_eq!(said.reason.name(), reason.as_str());
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn all_that_a_revoked_holder_had_is_listed_and_nothing_that_it_gets_after() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (first, second) = (running.issue("pump-1").await, running.issue("pump-1").await);
        let other = running.issue("pump-2").await;
        running.revoke(What::Holder("pump-1".to_owned()), Reason::Superseded, now() + DAY).await;
        let after = running.issue("pump-1").await;
        running.publish(now() + DAY).await;
        for issued in [&first, &second] {
            assert_eq!(running.said_of(issued).unwrap().at, now() + DAY);
        }
        assert!(running.said_of(&other).is_none() && running.said_of(&after).is_none());
        let third = running.issue("pump-1").await;
        running.revoke(What::Holder("pump-1".to_owned()), Reason::KeyCompromise, now() + 2 * DAY).await;
        assert_eq!(running.said_of(&first).unwrap().at, now() + DAY, "the first time stands");
        for issued in [&after, &third] {
            assert_eq!(running.said_of(issued).unwrap().at, now() + 2 * DAY);
        }
        running.close().await;
        let running = site.open(now() + 3 * DAY).await;
        for (issued, days) in [(&first, 1), (&second, 1), (&after, 2), (&third, 2)] {
            assert_eq!(running.said_of(issued).unwrap().at, now() + days * DAY);
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_revoked_authority_is_on_its_parents_list_with_every_certificate_it_had_and_keeps_its_own() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (root, issuing) = (AuthorityId::root(), AuthorityId::issuing());
        let device = running.issue("pump-1").await;
        let first = running.certificate(&issuing);
        running.ca.renew_authority(&issuing, &Caller::process(), now() + 50 * DAY).await.unwrap();
        let second = running.certificate(&issuing);
        assert_ne!(first.serial(), second.serial());
        let at = now() + 51 * DAY;
        running.revoke(serial_of(&device), Reason::CessationOfOperation, at).await;
        running.revoke(What::Authority(issuing.clone()), Reason::CaCompromise, at).await;
        let list = running.list(&root, 0).signed_by(&running.certificate(&root)).unwrap();
        for certificate in [&first, &second] {
            assert!(list.covers(certificate, &running.certificate(&root)));
            assert_eq!(list.revoked(certificate.serial()).unwrap().at, at);
        }
        assert!(running.said_of(&device).is_some());
        running.publish(at + 4 * DAY).await;
        assert_eq!(running.facts(&issuing, 0).this_update, at + 4 * DAY, "goes on");
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_root_that_is_revoked_says_it_of_those_right_below() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (root, issuing) = (AuthorityId::root(), AuthorityId::issuing());
        let below = running.certificate(&issuing);
        let said = |running: &Running| {
            let list = running.list(&root, 0).signed_by(&running.certificate(&root)).unwrap();
            list.revoked(below.serial()).map(|revoked| revoked.at)
        };
        assert_eq!(said(&running), None);
        running.revoke(What::Authority(root.clone()), Reason::CessationOfOperation, now()).await;
        assert_eq!(said(&running), Some(now()));
        running.close().await;

        let running = site.open(now() + DAY).await;
        assert_eq!(said(&running), Some(now()), "after a restart, too");
        running.close().await;
    })
    .await;
}
