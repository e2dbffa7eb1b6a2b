//! Revocation lists of stored certificates: fetched, kept, refused by, and what happens without.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use muster_test_engines::for_each_engine;
use muster_x509::{Certificate, IssuerAndSerial};
use serde_json::json;

use super::{GROUP, pem, refused, steps};
use crate::{
    CrlUrl, Dps, Fetch, FetchFailed, Fetched, Validators,
    tests::{Bench, Device, HUB_1, Http, Shelf, authority, enroll, leaf, now, root, x509},
};

const URL: &str = "http://pki.example.test/line.crl";

/// A web server of others: what lies where, and by what it was asked for that. An ETag is the end of a signature.
#[derive(Clone, Default)]
struct Web(Arc<Mutex<HashMap<String, Vec<u8>>>>, Arc<Mutex<Vec<Validators>>>);

impl Web {
    fn publish(&self, list: Vec<u8>) {
        self.0.lock().unwrap().insert(URL.to_owned(), list);
    }

    fn go_away(&self) {
        self.0.lock().unwrap().clear();
    }

    fn fetch(&self) -> Fetch {
        let web = self.clone();
        Arc::new(move |url: CrlUrl, known: Validators| {
            let found = web.0.lock().unwrap().get(url.as_str()).cloned();
            let answer = found.map(|bytes| {
                let etag = Some(etag(&bytes));
                match known.etag == etag {
                    true => Fetched::Unchanged,
                    false => Fetched::List { bytes, validators: Validators { etag, last_modified: None } },
                }
            });
            web.1.lock().unwrap().push(known);
            Box::pin(async move { answer.ok_or_else(|| FetchFailed("the server answers 404".to_owned())) })
        })
    }

    /// The ETags that it was asked by since the last time.
    fn asked(&self) -> Vec<Option<String>> {
        self.1.lock().unwrap().drain(..).map(|known| known.etag).collect()
    }
}

fn etag(list: &[u8]) -> String {
    hex::encode(list.rchunks(8).next().unwrap_or_default())
}

/// A look long enough after the last one for everything to be due.
struct Hours(Timestamp);

impl Hours {
    async fn pass(&mut self, dps: &Dps, web: &Web) {
        self.0 += SignedDuration::from_hours(2);
        assert!(dps.refresh_crls(&web.fetch(), self.0).await.is_some());
    }
}

const CURRENT: (i32, u8, u8) = (2026, 12, 1);
const STALE: (i32, u8, u8) = (2026, 11, 2);

#[tokio::test]
async fn a_device_on_its_issuers_list_is_refused_also_when_the_list_is_gone() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1)];
        let bench = Bench::open(&db, &hubs).await;
        let (owner, dps, web) = (Http::owner(&bench.dps), &bench.dps, Web::default());
        let mut hours = Hours(now());
        let top = root("plant");
        let line = authority("line", &top);
        owner.put(GROUP, &json!({ "attestation": x509("signingCertificates", &top.certificate) })).await;
        let body = json!({ "certificate": pem(&line.certificate), "kind": "intermediate", "crlUrls": [URL] });
        owner.store("line", body).await;
        let device = |name: &str| {
            let leaf = leaf(name, &line);
            (Device::new(name).with_chain(&[&leaf]), leaf)
        };
        let ((bad, stolen), (good, honest)) = (device("bad"), device("good"));
        let mut changes = dps.lists();
        let listed = |it: &Certificate| dps.listed(&[IssuerAndSerial::of(it).unwrap()]);
        enroll(dps, "own", json!({ "attestation": x509("clientCertificates", &stolen) })).await;

        // Nothing came yet: devices are let in, and the trace says so.
        assert!(steps(dps, &bad).await.contains("there is none for it; let pass"));
        web.publish(line.crl(5, &[&stolen], CURRENT));
        hours.pass(dps, &web).await;
        assert!(changes.has_changed().unwrap(), "whoever has sessions asks again");
        changes.mark_unchanged();
        assert!(listed(&stolen).unwrap().contains("says list 5 of the stored certificate `line`"));
        assert_eq!(listed(&honest), None);
        let said = refused(dps, &bad).await;
        assert!(
            said.contains("was revoked at") && said.contains("keyCompromise") && said.contains("list 5"),
            "{said}"
        );
        assert!(steps(dps, &good).await.contains("revocation `CN=good` is not on list 5 of `line`"));
        let shown = owner.send("GET", "/certificates/line", &[], "").await.body;
        assert_eq!(
            (&shown["crls"][0]["list"]["number"], &shown["crls"][0]["list"]["entries"]),
            (&json!("05"), &json!(1))
        );

        // An older list, nonsense, another key's, nothing at all: the last one known counts.
        let impostor = authority("line", &top);
        for (published, problem) in [
            (Some(line.crl(4, &[], CURRENT)), "list 4 came, which is older than 5"),
            (Some(b"<html>".to_vec()), "revocation list"),
            (Some(impostor.crl(9, &[], CURRENT)), "another key"),
            (None, "404"),
        ] {
            match published {
                Some(list) => web.publish(list),
                None => web.go_away(),
            }
            hours.pass(dps, &web).await;
            let shown = owner.send("GET", "/certificates/line", &[], "").await.body;
            let told = shown["crls"][0]["problem"].as_str().unwrap();
            assert!(told.contains(problem), "{told}");
            refused(dps, &bad).await;
            good.provisioned(dps).await;
            assert!(listed(&stolen).is_some() && !changes.has_changed().unwrap());
        }
        bench.close().await;

        // Kept over a restart, whoever answers.
        let bench = Bench::open(&db, &hubs).await;
        let (owner, dps) = (Http::owner(&bench.dps), &bench.dps);
        refused(dps, &bad).await;
        // Taken off by a newer list.
        web.publish(line.crl(6, &[], CURRENT));
        hours.pass(dps, &web).await;
        bad.provisioned(dps).await;
        assert_eq!(dps.listed(&[IssuerAndSerial::of(&stolen).unwrap()]), None);
        // With another key the lists of the former one go.
        owner.store("line", json!({ "certificate": pem(&impostor.certificate) })).await;
        let shown = owner.send("GET", "/certificates/line", &[], "").await.body;
        assert_eq!((&shown["crls"][0]["url"], &shown["crls"][0]["list"]), (&json!(URL), &json!(null)));
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_list_that_is_unchanged_is_a_good_look_and_gets_no_younger_by_it() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1)];
        let bench = Bench::open(&db, &hubs).await;
        let (owner, web) = (Http::owner(&bench.dps), Web::default());
        let mut hours = Hours(now());
        let top = root("plant");
        let body = json!({
            "certificate": pem(&top.certificate), "isVerified": true, "crlUrls": [URL], "crlCheck": "require",
        });
        owner.store("plant", body).await;
        owner.put(GROUP, &super::referring("plant", None)).await;
        let list = top.crl(1, &[], STALE);
        let etag = Some(etag(&list));
        web.publish(list.clone());
        hours.pass(&bench.dps, &web).await;
        assert_eq!(web.asked(), [None]);
        let device = Device::new("d1").with_chain(&[&leaf("d1", &top)]);
        assert!(refused(&bench.dps, &device).await.contains("the next one was due at"));
        let shown = async |dps: &Arc<Dps>| {
            let shown = Http::owner(dps).send("GET", "/certificates/plant", &[], "").await.body;
            let [list, fetched, problem] =
                ["list", "fetchedDateTimeUtc", "problem"].map(|it| shown["crls"][0][it].clone());
            assert_eq!(problem, json!(null));
            (list, fetched)
        };
        let before = shown(&bench.dps).await;
        web.go_away();
        hours.pass(&bench.dps, &web).await;
        web.publish(list);
        bench.close().await;

        // What it was sent with is kept over a restart, and over failures.
        let bench = Bench::open(&db, &hubs).await;
        hours.pass(&bench.dps, &web).await;
        assert_eq!(web.asked(), [etag.clone(), etag]);
        let after = shown(&bench.dps).await;
        assert!(after.0 == before.0 && after.1 != before.1, "{before:?} {after:?}");
        // Its end is its end, however often its server says that there is no other one.
        assert!(refused(&bench.dps, &device).await.contains("the next one was due at"));
        web.publish(top.crl(2, &[], (2026, 12, 24)));
        hours.pass(&bench.dps, &web).await;
        device.provisioned(&bench.dps).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn where_a_list_is_required_nobody_gets_in_without_a_current_one() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let (owner, dps, web) = (Http::owner(&bench.dps), &bench.dps, Web::default());
        let mut hours = Hours(now());
        let top = root("plant");
        let body = json!({
            "certificate": pem(&top.certificate), "isVerified": true, "crlUrls": [URL], "crlCheck": "require",
        });
        owner.store("plant", body).await;
        owner.put(GROUP, &super::referring("plant", None)).await;
        let device = Device::new("d1").with_chain(&[&leaf("d1", &top)]);
        hours.pass(dps, &web).await;
        let said = refused(dps, &device).await;
        assert!(
            said.contains("requires a revocation list and there is none for it (the server answers 404)"),
            "{said}"
        );
        web.publish(top.crl(1, &[], STALE));
        hours.pass(dps, &web).await;
        assert!(refused(dps, &device).await.contains("the next one was due at 2026-11-02"));
        owner.store("plant", json!({ "crlCheck": "bestEffort" })).await;
        assert!(steps(dps, &device).await.contains("not on the last one known"));
        owner.store("plant", json!({ "crlCheck": "require" })).await;
        web.publish(top.crl(2, &[], CURRENT));
        hours.pass(dps, &web).await;
        assert_eq!(device.provisioned(dps).await["status"], "assigned");

        for (urls, why) in [
            (json!(["ftp://h/x"]), "neither HTTP nor HTTPS"),
            (json!(["http://me@h/x"]), "user name"),
            (json!([1]), "as strings"),
            (json!((0..9).map(|n| format!("http://h/{n}")).collect::<Vec<_>>()), "at most 8"),
        ] {
            let got = owner.put("/certificates/plant", &json!({ "crlUrls": urls })).await;
            assert!(got.status == 400 && got.body["message"].as_str().unwrap().contains(why), "{}", got.body);
        }
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_enrolled_certificate_is_looked_up_in_its_issuers_list_too() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let (owner, dps, web) = (Http::owner(&bench.dps), &bench.dps, Web::default());
        let line = authority("line", &root("plant"));
        let own = leaf("d1", &line);
        enroll(dps, "d1", json!({ "attestation": x509("clientCertificates", &own) })).await;
        let body = json!({ "certificate": pem(&line.certificate), "kind": "intermediate", "crlUrls": [URL] });
        owner.store("line", body).await;
        let device = Device::new("d1").with_chain(&[&own]);
        device.provisioned(dps).await;
        web.publish(line.crl(1, &[&own], CURRENT));
        Hours(now()).pass(dps, &web).await;
        assert!(refused(dps, &device).await.contains("was revoked at"));
        bench.close().await;
    })
    .await;
}
