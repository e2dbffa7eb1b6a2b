//! What survives a restart, and a crash.

use muster_store::Statement;

use super::*;

#[tokio::test]
async fn a_restart_serves_the_same_bytes() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let issued = running.issue("pump-1").await;
        running.issue("pump-2").await;
        running.revoke(serial_of(&issued), Reason::Superseded, now()).await;
        running.revoke(What::Holder("pump-2".to_owned()), Reason::KeyCompromise, now()).await;
        let all = |running: &Running| {
            running.ca.crls().iter().map(|crl| running.der(&crl.authority, crl.shard)).collect::<Vec<_>>()
        };
        let before = all(&running);
        running.close().await;
        let running = site.open(now() + DAY).await;
        assert_eq!(all(&running), before);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_revoked_and_not_yet_published_is_after_a_restart() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (first, second) = (running.issue("pump-1").await, running.issue("pump-2").await);
        // From here on nothing is published, as if the power were gone.
        running.ca.crls.close().await;
        let caller = Caller::process();
        running.ca.revoke(serial_of(&first), Reason::Superseded, &caller, now()).await.unwrap();
        let holder = What::Holder("pump-2".to_owned());
        running.ca.revoke(holder, Reason::Superseded, &caller, now()).await.unwrap();
        assert!(running.said_of(&first).is_none() && running.said_of(&second).is_none());
        running.close().await;
        let running = site.open(now() + DAY).await;
        for issued in [&first, &second] {
            assert_eq!(running.said_of(issued).unwrap().at, now());
            assert_eq!(running.facts(&AuthorityId::issuing(), running.shard_of(issued)).number, 2);
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_number_that_was_taken_is_never_used_again_though_nothing_was_published_with_it() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let issued = running.issue("pump-1").await;
        let taken = "UPDATE ca_crl SET number = 50 WHERE authority = 'issuing'";
        running.db.write(vec![Statement::new(taken, [])]).await.unwrap();
        // Another node has numbered further: the first attempt finds out, the second takes the next.
        running.ca.revoke(serial_of(&issued), Reason::Superseded, &Caller::process(), now()).await.unwrap();
        let _ = running.ca.publish_crls(now()).await;
        running.publish(now()).await;
        let (id, shard) = (AuthorityId::issuing(), running.shard_of(&issued));
        assert_eq!(running.facts(&id, shard).number, 51);
        running.close().await;
        let running = site.open(now() + 5 * DAY).await;
        assert_eq!(running.facts(&id, shard).number, 52);
        assert_eq!(running.facts(&id, (shard + 1) % 64).number, 51);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn who_names_the_place_of_before_is_on_the_list_of_now() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let issued = running.issue("pump-1").await;
        let shard = running.shard_of(&issued);
        running.close().await;
        let db = site.place.open().await;
        let mut settings = settings(site.dir.path());
        settings.base_url = Some(BaseUrl::parse("http://other.example").unwrap());
        let ca = Ca::open(settings, db.clone(), entropy(), now() + DAY).await.unwrap();
        let running = Running { ca, db };
        running.publish(now() + DAY).await;
        let list = running.list(&AuthorityId::issuing(), shard);
        let uris = ["other.example", "pki.example:8080"]
            .map(|host| format!("http://{host}/crl/issuing/{shard}.crl"));
        assert_eq!((list.number(), &*list.scope().uris), (&[2][..], &uris[..]));
        assert_eq!(running.facts(&AuthorityId::root(), 0).number, 1, "names no place");
        assert!(running.said_of(&issued).is_none());
        let later = running.issue("pump-2").await;
        for one in [&issued, &later] {
            running.revoke(serial_of(one), Reason::Superseded, now() + DAY).await;
            assert!(running.said_of(one).is_some());
        }
        running.close().await;
        let running = site.open(now() + 2 * DAY).await;
        let uris = &running.list(&AuthorityId::issuing(), shard).scope().uris.clone();
        assert!(uris[0].starts_with("http://pki.example:8080/") && uris.len() == 2, "{uris:?}");
        running.close().await;
    })
    .await;
}
