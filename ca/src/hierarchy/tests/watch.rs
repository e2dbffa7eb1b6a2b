//! What time brings about: renewal, and warnings before the end.

use jiff::Timestamp;

use super::{for_each_site, id_of};
use crate::{
    AuthorityId, Caller, NewAuthority, Retirement, Urgency,
    workshop::{DAY, now},
};

fn urgencies(warnings: Vec<crate::ExpiryWarning>) -> Vec<(AuthorityId, Urgency, i64)> {
    warnings.into_iter().map(|warning| (warning.authority, warning.urgency, warning.days_left)).collect()
}

#[tokio::test]
async fn the_issuing_authority_is_renewed_in_its_last_year_and_keeps_its_name_and_key() {
    for_each_site(async |site| {
        let first = site.open(now()).await;
        let (old, root) = (first.certificate("issuing"), first.ca.root_pem());
        first.close().await;
        // By a start, and by the clock of a server that runs.
        let later = now() + DAY * 366;
        let second = site.open(later).await;
        let new = second.certificate("issuing");
        assert!(new.not_after() > old.not_after());
        assert_eq!((new.subject(), new.spki_der()), (old.subject(), old.spki_der()));
        assert_eq!(second.ca.root_pem(), root);
        assert_eq!(second.ca.tick_hierarchy(later).await, Some(later + DAY), "and not again at once");
        assert_eq!(second.certificate("issuing"), new);
        second.ca.tick_hierarchy(later + DAY * 366).await;
        assert_eq!(second.authority("issuing").generation, 3);
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn only_what_is_asked_to_renews_itself_and_never_under_a_root_that_is_not_active() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (caller, root) = (Caller::process(), id_of("root"));
        running
            .ca
            .create_intermediate(&root, NewAuthority::new(id_of("plant")), &caller, now())
            .await
            .unwrap();
        running.ca.tick_hierarchy(now() + DAY * 400).await;
        assert_eq!((running.authority("plant").generation, running.authority("issuing").generation), (1, 2));
        running.ca.retire_authority(&root, Retirement::Retire, &caller, now()).await.unwrap();
        running.ca.tick_hierarchy(now() + DAY * 800).await;
        assert_eq!(running.authority("issuing").generation, 2);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn warnings_come_at_thresholds_earlier_for_a_root_than_for_what_it_signed() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (caller, root, plant) = (Caller::process(), id_of("root"), id_of("plant"));
        running
            .ca
            .create_intermediate(&root, NewAuthority::new(plant.clone()), &caller, now())
            .await
            .unwrap();
        running.ca.retire_authority(&id_of("issuing"), Retirement::CrlOnly, &caller, now()).await.unwrap();
        // Nobody is warned of what is revoked.
        let (issuing, revoke) = (id_of("issuing"), crate::Transition::Revoke);
        running.ca.change_authority(&issuing, revoke, "", vec![], &caller, now()).await.unwrap();
        let end = |id: &str| running.certificate(id).not_after();
        let at = |end: Timestamp, days: i64| {
            urgencies(running.ca.expiry_warnings(end - DAY * i32::try_from(days).unwrap()))
        };
        for (days, urgency) in [
            (181, None),
            (180, None),
            (179, Some(Urgency::Notice)),
            (59, Some(Urgency::Warning)),
            (29, Some(Urgency::Critical)),
            (0, Some(Urgency::Critical)),
            (-1, Some(Urgency::Expired)),
        ] {
            let expected = urgency.map(|urgency| (plant.clone(), urgency, days));
            assert_eq!(at(end("plant"), days), Vec::from_iter(expected), "{days} days");
        }
        for (days, urgency) in [
            (729, Urgency::Notice),
            (364, Urgency::Warning),
            (181, Urgency::Critical),
            (-3, Urgency::Expired),
        ] {
            assert!(at(end("root"), days).contains(&(root.clone(), urgency, days)), "{days} days");
        }
        running.close().await;
    })
    .await;
}
