//! Certificates found again.

use super::*;
use crate::{Filter, Holder, workshop::DAY};

async fn common_names(ca: &Ca, filter: Filter) -> Vec<String> {
    let page = ca.certificates(&filter, 0, 100).await.unwrap();
    assert_eq!(page.next, None);
    page.certificates.iter().map(|stored| stored.subject.clone()).collect()
}

#[tokio::test]
async fn certificates_are_listed_in_order_by_what_is_asked_for_page_by_page() {
    for_each_ca(async |ca| {
        for n in 0..7 {
            let holder = Some(Holder { name: format!("holder-{}", n % 2), generation: n.to_string() });
            ca.issue(Request { holder, ..device(&format!("pump-{n}")) }, now() + DAY * n).await.unwrap();
        }
        let servers = request("tls-server", csr(""), hosts(&["a.example"], &[]));
        ca.issue(servers, now() + DAY * 7).await.unwrap();

        let devices = Filter { profile: Some("device".to_owned()), ..Filter::default() };
        let (mut from, mut pages) = (0, Vec::new());
        loop {
            let page = ca.certificates(&devices, from, 3).await.unwrap();
            pages.push(page.certificates.iter().map(|stored| stored.subject.clone()).collect::<Vec<_>>());
            let Some(next) = page.next else { break };
            from = next;
        }
        assert_eq!(
            pages,
            [
                vec!["CN=pump-0", "CN=pump-1", "CN=pump-2"],
                vec!["CN=pump-3", "CN=pump-4", "CN=pump-5"],
                vec!["CN=pump-6"]
            ]
        );
        let holder = Filter { holder: Some("holder-1".to_owned()), ..Filter::default() };
        assert_eq!(common_names(&ca, holder).await, ["CN=pump-1", "CN=pump-3", "CN=pump-5"]);
        let one = Filter { common_name: Some("pump-4".to_owned()), ..Filter::default() };
        assert_eq!(common_names(&ca, one).await, ["CN=pump-4"]);
        let ends = now() + DAY * 92;
        let soon = Filter { expires_before: Some(ends), ..devices.clone() };
        assert_eq!(common_names(&ca, soon).await, ["CN=pump-0", "CN=pump-1", "CN=pump-2"]);
        let later = Filter { expires_after: Some(ends), holder: Some("holder-0".to_owned()), ..devices };
        assert_eq!(common_names(&ca, later).await, ["CN=pump-4", "CN=pump-6"]);
        let root = Filter { authority: Some(AuthorityId::root()), ..Filter::default() };
        assert_eq!(common_names(&ca, root).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_serial_is_looked_up_in_every_authority_or_in_one() {
    for_each_ca(async |ca| {
        let issued = ca.issue(device("pump-1"), now()).await.unwrap();
        let (issuing, root) = (AuthorityId::issuing(), AuthorityId::root());
        for (authority, found) in [(None, true), (Some(&issuing), true), (Some(&root), false)] {
            assert_eq!(ca.certificate(issued.serial, authority).await.unwrap().is_some(), found);
        }
        let own = ca.chain(&issuing)[0].serial().try_into().unwrap();
        let stored = ca.certificate(own, None).await.unwrap().unwrap();
        assert_eq!((stored.authority, &*stored.profile.name), (root, "sub-ca"));
    })
    .await;
}
