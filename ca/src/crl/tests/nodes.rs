//! Lists of several nodes on one database.

use super::*;

/// Two of them; the second has heard of nothing since it was opened.
async fn for_each_pair(test: impl AsyncFn(&Running, &Running)) {
    for_each_site(async |site| {
        let (here, there) = (site.open(now()).await, site.open(now()).await);
        test(&here, &there).await;
        here.close().await;
        there.close().await;
    })
    .await;
}

fn lists(running: &Running) -> Vec<(AuthorityId, u16, Vec<u8>)> {
    let crls = running.ca.crls().into_iter();
    crls.map(|crl| (crl.authority.clone(), crl.shard, running.der(&crl.authority, crl.shard))).collect()
}

impl Running {
    async fn hear(&self) {
        self.hear_at(now()).await;
    }

    async fn hear_at(&self, at: Timestamp) {
        self.ca.hear_nodes(at).await.unwrap();
        self.publish(at).await;
    }

    fn entries(&self) -> usize {
        self.ca.crls().iter().map(|crl| crl.entries).sum()
    }
}

#[tokio::test]
async fn what_one_node_signed_the_other_serves() {
    for_each_pair(async |here, there| {
        let one = here.issue("pump-1").await;
        here.revoke(serial_of(&one), Reason::Superseded, now()).await;
        here.issue("pump-2").await;
        here.revoke(What::Holder("pump-2".to_owned()), Reason::Superseded, now()).await;
        there.hear().await;
        assert!(lists(here) == lists(there));
        assert_eq!(there.entries(), 2);
    })
    .await;
}

#[tokio::test]
async fn two_nodes_that_sign_at_once_lose_nothing() {
    for_each_pair(async |here, there| {
        let issued = [here.issue("pump-1").await, here.issue("pump-2").await, here.issue("pump-3").await];
        there.revoke(serial_of(&issued[0]), Reason::Superseded, now()).await;
        // Its numbers are behind.
        here.revoke(serial_of(&issued[1]), Reason::Superseded, now()).await;
        let caller = Caller::process();
        here.ca.revoke(serial_of(&issued[2]), Reason::Superseded, &caller, now()).await.unwrap();
        tokio::join!(here.hear(), there.hear());
        for running in [here, there] {
            assert!(issued.iter().all(|issued| running.said_of(issued).is_some()));
        }
        for number in 0..here.ca.crls().len() {
            let [mine, theirs] = [here, there].map(|running| running.ca.crls()[number].clone());
            assert_eq!((mine.entries, mine.shard), (theirs.entries, theirs.shard));
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_node_issued_before_it_heard_of_the_revocation_is_on_every_list() {
    for_each_pair(async |here, there| {
        here.issue("pump-1").await;
        here.revoke(What::Holder("pump-1".to_owned()), Reason::KeyCompromise, now()).await;
        let overtaken = there.issue("pump-1").await;
        for running in [here, there] {
            running.hear().await;
        }
        assert_eq!((here.entries(), there.entries()), (1, 2));
        here.hear_at(now() + SignedDuration::from_secs(5)).await;
        assert!(here.said_of(&overtaken).is_some());
        assert!(lists(here) == lists(there));
    })
    .await;
}
