//! Two servers on one PostgreSQL: what is revoked at one is in force at the other, and cut there, within a second.

use std::path::Path;
use std::time::Instant;

use muster::config::Config;
use muster_test_engines::{Place, for_each_place};
use serde_json::json;

use crate::Fixture;
use crate::listed::{Plant, Web};
use crate::revocation::{certified, connect, is_cut, is_refused, revoke};

/// The second has the keys of the first, as an operator would copy them.
async fn pair(test: impl AsyncFn(&Fixture, &Fixture)) {
    for_each_place(async |place| {
        let Place::Server(url) = place else { return };
        let config = || {
            let config = Config::parse(&format!("database = \"{url}\"")).unwrap();
            Config { ports: Config::on_free_ports().ports, ..config }
        };
        let here = Fixture::with(config()).await;
        let folder = tempfile::tempdir().unwrap();
        copy(&here.folder.path().join("ca"), &folder.path().join("ca"));
        std::fs::copy(here.folder.path().join("keys.json"), folder.path().join("keys.json")).unwrap();
        let there = Fixture::on(config(), folder).await;
        test(&here, &there).await;
        here.running.shutdown().await;
        there.running.shutdown().await;
    })
    .await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[tokio::test]
async fn what_is_revoked_at_one_server_is_cut_at_the_other_and_does_not_come_back() {
    pair(async |here, there| {
        let (one, serial) = certified(here, "pump-1").await;
        let (two, _) = certified(here, "pump-2").await;
        let (three, _) = certified(here, "pump-3").await;
        let mut first = connect(there, &one).await.unwrap();
        let mut second = connect(there, &two).await.unwrap();
        let mut third = connect(there, &three).await.unwrap();
        for (what, client, device) in [
            (json!({ "serial": serial, "reason": "superseded" }), &mut first, &one),
            (json!({ "holder": "pump-2", "reason": "keyCompromise" }), &mut second, &two),
        ] {
            let begun = Instant::now();
            revoke(here, what).await;
            is_cut(client, begun).await;
            is_refused(connect(there, device).await);
        }
        third.send("", bytes::Bytes::from_static(b"still here")).await.unwrap();
        third.settle().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_list_of_others_that_one_server_fetches_is_obeyed_by_the_other() {
    pair(async |here, there| {
        let plant = Plant::new();
        let (web, port) = Web::start(plant.list(1, &[])).await;
        plant.store(here, port).await;
        let device = plant.device(here, "stolen", 7).await;
        let mut client = connect(there, &device).await.unwrap();
        web.publish(plant.list(2, &[7]));
        here.json("certificate crl plant --refresh").await;
        web.cuts(&mut client).await;
        is_refused(connect(there, &device).await);
    })
    .await;
}
