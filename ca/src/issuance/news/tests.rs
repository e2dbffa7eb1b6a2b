//! The log as it is followed.

use tokio::sync::watch;

use super::{News, Recipient};
use crate::{
    Ca, Caller, Holder, Issued, Request,
    issuance::tests::{device, for_each_ca},
    workshop::now,
};

async fn issue(ca: &Ca, name: &str, profile: &str) -> Issued {
    let holder = Some(ca.holder(&name.to_lowercase()));
    ca.issue(Request { profile: profile.to_owned(), holder, ..device(name) }, now()).await.unwrap()
}

fn recipient(name: &str) -> Recipient {
    Recipient { holder: name.to_lowercase(), common_name: Some(name.to_owned()) }
}

#[tokio::test]
async fn who_follows_hears_of_what_is_in_the_log_and_reads_on_from_where_it_was() {
    for_each_ca(async |ca| {
        let mut told: watch::Receiver<u64> = ca.issued();
        let from = *told.borrow_and_update();
        assert_eq!(ca.news(from).await.unwrap(), News { recipients: Vec::new(), next: from });
        issue(&ca, "Pump-1", "device").await;
        issue(&ca, "pump-2", "device").await;
        let last = issue(&ca, "Pump-1", "device").await;
        told.wait_for(|&certificates| certificates == last.log_index + 1).await.unwrap();
        // In the order in which they first got something, and each once.
        let news = ca.news(from).await.unwrap();
        assert_eq!(news, News { recipients: vec![recipient("Pump-1"), recipient("pump-2")], next: from + 3 });
        assert_eq!(ca.news(from + 2).await.unwrap().recipients, [recipient("Pump-1")]);
        assert_eq!(ca.news(from + 3).await.unwrap().recipients, []);
        // What is nobody's is no news.
        ca.issue(device("pump-3"), now()).await.unwrap();
        assert_eq!(ca.news(from + 3).await.unwrap(), News { recipients: Vec::new(), next: from + 4 });
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_or_recorded_without_a_certificate_is_no_news() {
    for_each_ca(async |ca| {
        let mut told = ca.issued();
        let from = *told.borrow_and_update();
        let nobody = Holder { name: "pump-1".to_owned(), generation: "1".to_owned() };
        let refused = Request { profile: "none".to_owned(), holder: Some(nobody), ..device("pump-1") };
        ca.issue(refused, now()).await.unwrap_err();
        ca.block_key([7; 32], "stolen", &Caller::process(), now()).await.unwrap();
        issue(&ca, "pump-2", "device").await;
        told.changed().await.unwrap();
        assert_eq!(*told.borrow(), from + 1);
        assert_eq!(ca.news(from).await.unwrap().recipients, [recipient("pump-2")]);
    })
    .await;
}

#[tokio::test]
async fn the_newest_is_the_last_that_was_issued_of_the_profiles_that_count() {
    for_each_ca(async |ca| {
        let old = issue(&ca, "pump-1", "device").await;
        let new = issue(&ca, "pump-1", "device").await;
        let other = issue(&ca, "pump-1", "edge-server").await;
        issue(&ca, "pump-2", "device").await;
        let newest = async |profiles: &[&str]| {
            let found = ca.newest("pump-1", profiles).await.unwrap();
            found.map(|stored| stored.serial)
        };
        assert!(old.log_index < new.log_index);
        assert_eq!(newest(&["device"]).await, Some(new.serial));
        assert_eq!(newest(&["device", "edge-server"]).await, Some(other.serial));
        assert_eq!(newest(&["tls-server"]).await, None);
        assert_eq!(newest(&[]).await, None);
        assert_eq!(ca.newest("pump-\0", &["device"]).await.unwrap(), None);
    })
    .await;
}
