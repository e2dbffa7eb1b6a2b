//! Requests that are dropped in the middle, at every point where they wait.

use std::{pin::pin, task::Poll};

use futures::poll;
use muster_test_engines::for_each_place;

use super::*;
use crate::{Action, Decision, Entry, Filter, Stage};

const REQUESTS: usize = 30;
/// More often than an issuance waits.
const POLLS_MAX: usize = 6;

/// What became of a request that was polled so often and then dropped.
async fn dropped_after(ca: &Ca, polls: usize, asked: Request) -> Option<Issued> {
    let mut asking = pin!(ca.issue(asked, now()));
    for _ in 0..polls {
        if let Poll::Ready(issued) = poll!(&mut asking) {
            return Some(issued.unwrap());
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    None
}

#[tokio::test]
async fn a_request_that_is_dropped_leaves_a_record_or_a_whole_certificate_and_can_be_made_again() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let (mut serials, mut all) = (Vec::new(), Vec::new());
        let (mut recorded, mut issued) = (0, 0);
        {
            let db = place.open().await;
            let ca = open(dir.path(), &db).await;
            for n in 0..REQUESTS {
                let name = format!("pump-{n}");
                let asked = Request { idempotency_key: Some(name.clone()), ..device(&name) };
                all.push(asked.clone());
                let got = dropped_after(&ca, n % POLLS_MAX, asked.clone()).await;
                // What was handed in before this is written, whoever waits.
                let mark = Entry::new(&Caller::process(), Action::SignIn, "mark", Decision::Allowed);
                ca.audit(mark, now()).await.unwrap();
                match stages(&db, &name).await.as_slice() {
                    [] => assert!(got.is_none()),
                    [(serial, state)] if state == "recorded" => {
                        assert!(got.is_none());
                        assert!(logged(&ca, &name).await.is_empty(), "nobody signed it");
                        recorded += 1;
                        serials.push(serial.clone());
                    }
                    [(_, state)] => {
                        assert_eq!((state.as_str(), logged(&ca, &name).await.len()), ("issued", 1));
                        issued += 1;
                    }
                    more => panic!("{more:?}"),
                }
                // Half of them are asked for again at once, the others after a restart.
                if (n / POLLS_MAX).is_multiple_of(2) {
                    let again = ca.issue(asked, now()).await.unwrap();
                    assert!(got.is_none_or(|got| got.certificate == again.certificate));
                    assert_eq!(logged(&ca, &name).await, [again.serial]);
                }
            }
            drop(ca);
            db.close().await;
        }
        assert!(recorded >= 1 && issued >= 1, "{recorded} recorded, {issued} issued");
        let db = place.open().await;
        let ca = open(dir.path(), &db).await;
        for n in 0..REQUESTS {
            let name = format!("pump-{n}");
            assert!(stages(&db, &name).await.iter().all(|(_, state)| state != "recorded"));
        }
        for serial in serials {
            let serial = hex::decode(serial).unwrap().try_into().unwrap();
            let stored = ca.certificate(serial, None).await.unwrap().unwrap();
            assert_eq!(stored.stage, Stage::Abandoned);
        }
        for asked in all {
            let again = ca.issue(asked, now()).await.unwrap();
            assert_eq!(logged(&ca, again.certificate.common_name().unwrap()).await, [again.serial]);
        }
        drop(ca);
        db.close().await;
    })
    .await;
}

async fn stages(db: &Db, name: &str) -> Vec<(String, String)> {
    let sql = "SELECT serial, state FROM ca_certificate WHERE common_name = $1 AND state <> 'abandoned'";
    let rows = db.fetch(sql, &[name.into()]).await.unwrap();
    rows.iter()
        .map(|row| (row.text("serial").unwrap().to_owned(), row.text("state").unwrap().to_owned()))
        .collect()
}

/// Certificates of that name in the transparency log.
async fn logged(ca: &Ca, name: &str) -> Vec<[u8; 16]> {
    let filter = Filter { common_name: Some(name.to_owned()), ..Filter::default() };
    let page = ca.certificates(&filter, 0, 10).await.unwrap();
    page.certificates.iter().map(|stored| stored.serial).collect()
}
