//! Many revocations: at the same time, and at the start.

use futures::future::join_all;

use muster_store::Statement;

use super::*;
use crate::revocation::sql;

#[tokio::test]
async fn many_who_revoke_the_same_at_once_get_the_same_answer() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issued = running.issue("pump-1").await;
        running.issue("pump-2").await;
        let authority = What::Authority(AuthorityId::issuing());
        for what in [serial_of(&issued), holder("pump-2"), authority] {
            let all = (0..20).map(|n| {
                let (ca, what) = (running.ca.clone(), what.clone());
                async move {
                    let at = now() + SignedDuration::from_secs(n);
                    ca.revoke(what, Reason::Superseded, &Caller::process(), at).await.unwrap()
                }
            });
            let answers = join_all(all).await;
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        }
        let count = async |sql| running.db.fetch(sql, &[]).await.unwrap().len();
        // The certificate, and that of the authority.
        assert_eq!(count("SELECT serial FROM ca_revocation").await, 2);
        assert_eq!(count("SELECT holder FROM ca_revoked_holder").await, 1);
        assert_eq!(count("SELECT authority FROM ca_revoked_authority").await, 1);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn more_than_a_page_of_revocations_is_there_after_a_restart_to_the_last() {
    const MANY: u32 = 10_001;
    for_each_site(async |site| {
        let running = site.open().await;
        let authorities = [AuthorityId::issuing(), AuthorityId::parse("plant").unwrap()];
        let serial = |n: u32| {
            let mut serial = [0x40; 16];
            serial[4..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b1).to_be_bytes());
            serial
        };
        let revocation = of(Reason::Superseded);
        let mut unit = Vec::new();
        for authority in &authorities {
            let rows = (0..MANY).map(|n| sql::serial_row(authority, serial(n), revocation));
            let rows = serde_json::Value::Array(rows.collect()).to_string();
            unit.push(Statement::set(&sql::SERIAL, rows).exactly(MANY.into()));
        }
        let row = |n: u32| {
            let mut row = sql::holder_row(&format!("pump-{n}"), 1, serial(n), revocation);
            row["sequence"] = 1.into();
            row
        };
        let holders = serde_json::Value::Array((0..MANY).map(row).collect()).to_string();
        unit.push(Statement::set(&sql::HOLDER, holders).exactly(MANY.into()));
        running.db.write(unit).await.unwrap();
        running.close().await;

        let running = site.open().await;
        for n in 0..MANY {
            for authority in &authorities {
                assert_eq!(running.ca.is_revoked(authority, &serial(n), None), Some(revocation));
            }
            let holder = running.ca.holder(&format!("pump-{n}"));
            assert_eq!(holder.generation, hex::encode(serial(n)));
        }
        assert_eq!(running.ca.is_revoked(&authorities[0], &[0x41; 16], None), None);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_starts_while_it_is_not_known_what_is_revoked() {
    for_each_site(async |site| {
        let running = site.open().await;
        let damage =
            "INSERT INTO ca_revocation (authority, serial, reason, at) VALUES ('issuing', 'zz', 1, 1)";
        running.db.write(vec![Statement::new(damage, [])]).await.unwrap();
        running.close().await;
        let db = site.place.open().await;
        let opened = workshop::open(site.dir.path(), &db, now()).await;
        let said = opened.map(|_| ()).unwrap_err().to_string();
        assert_eq!(said, "revocation of `zz 1 1` is damaged in the database: restore it from a backup");
        db.close().await;
    })
    .await;
}
