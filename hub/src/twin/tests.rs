//! Edits as rules, and twins on both engines with two nodes at work.

use jiff::Timestamp;
use muster_test_engines::for_each_engine;
use serde_json::{Value, json};

use super::{edit::precondition, *};
use crate::{
    registry::{IfMatch, etag},
    tests::{Stage, admission, device_id, later, now},
};

fn stored(properties: &str, version: u64) -> StoredSection {
    StoredSection { properties: properties.to_owned(), metadata: "{}".to_owned(), version }
}

fn twin() -> Twin {
    Twin {
        generation: "g".into(),
        version: 12,
        etag: 3,
        tags: r#"{"t":1}"#.to_owned(),
        desired: stored(r#"{"a":{"b":1}}"#, 7),
        reported: stored("{}", 5),
    }
}

fn edit(method: Method, body: Value) -> Edit {
    Edit::parse(method, body.to_string().as_bytes()).unwrap()
}

#[test]
fn an_edit_changes_what_it_names_and_tells_what_was_sent() {
    let desired = |value: Value| json!({ "properties": { "desired": value } });
    // method, body, tags after, desired after, what the device is told
    let cases = [
        (Method::Merge, json!({}), r#"{"t":1}"#, r#"{"a":{"b":1}}"#, None),
        (Method::Merge, json!({ "tags": { "u": 2 } }), r#"{"t":1,"u":2}"#, r#"{"a":{"b":1}}"#, None),
        (Method::Merge, json!({ "tags": null }), "{}", r#"{"a":{"b":1}}"#, None),
        (
            Method::Merge,
            desired(json!({ "a": { "b": null, "c": 2 }, "gone": null })),
            r#"{"t":1}"#,
            r#"{"a":{"c":2}}"#,
            Some(r#"{"a":{"b":null,"c":2},"gone":null,"$version":8}"#),
        ),
        (
            Method::Replace,
            desired(json!({ "n": [1], "gone": null, "$version": 3, "$metadata": {} })),
            r#"{"t":1}"#,
            r#"{"n":[1]}"#,
            Some(r#"{"n":[1],"$version":8}"#),
        ),
        (Method::Replace, json!({ "tags": { "u": 2 } }), r#"{"u":2}"#, r#"{"a":{"b":1}}"#, None),
        (
            Method::Merge,
            json!({ "deviceId": "d", "etag": "x", "properties": { "desired": null, "reported": { "ignored": 1 } } }),
            r#"{"t":1}"#,
            "{}",
            Some(r#"{"$version":8}"#),
        ),
    ];
    for (method, body, tags, desired, told) in cases {
        let edited = edit(method, body.clone()).apply(&twin(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(
            (edited.twin.tags.as_str(), edited.twin.desired.properties.as_str()),
            (tags, desired),
            "{body}"
        );
        assert_eq!(edited.notice.map(|notice| notice.body).as_deref(), told, "{body}");
        assert_eq!((edited.twin.version, edited.twin.etag), (13, 4), "{body}");
        assert_eq!(edited.twin.reported, twin().reported, "{body}");
    }
}

#[test]
fn an_edit_that_makes_no_sense_is_refused() {
    let cases = [
        ("", "body is not JSON"),
        ("[]", "body is not an object"),
        (r#"{"tags": 1}"#, "`tags` is not an object"),
        (r#"{"properties": 1}"#, "`properties` is not an object"),
        (r#"{"properties": {"desired": []}}"#, "`properties.desired` is not an object"),
        (r#"{"tags": {"a b": 1}}"#, "`tags.a b`: name has the character"),
    ];
    for (body, reason) in cases {
        let told = Edit::parse(Method::Merge, body.as_bytes()).unwrap_err().to_string();
        assert!(told.contains(reason), "{told} does not say {reason}");
    }
}

#[test]
fn a_merge_that_grows_a_document_over_its_limit_is_refused() {
    let mut twin = twin();
    twin.tags = json!({ "x": "y".repeat(4_096) }).to_string();
    let over = edit(Method::Merge, json!({ "tags": { "z": "y".repeat(4_096) } }));
    let told = over.apply(&twin, now()).unwrap_err();
    assert_eq!(told, TwinRefusal::TooLarge { part: "tags", bytes: 8_194, max: 8_192 });
    assert!(edit(Method::Replace, json!({ "tags": { "z": "y".repeat(4_096) } })).apply(&twin, now()).is_ok());
}

#[test]
fn if_match_compares_the_etag_of_tags_and_desired() {
    let etag = |etag: &str| IfMatch::Etag(etag.to_owned());
    assert_eq!(precondition(&IfMatch::Any, &twin()), Ok(()));
    assert_eq!(precondition(&etag("AAAAAAAAAAM="), &twin()), Ok(()));
    let stale = precondition(&etag("AAAAAAAAAAI="), &twin());
    assert!(matches!(stale, Err(TwinRefusal::Precondition { .. })), "{stale:?}");
}

#[test]
fn the_device_sees_properties_with_versions_and_nothing_else() {
    let seen = device_view(&twin());
    assert_eq!(seen, r#"{"desired":{"a":{"b":1},"$version":7},"reported":{"$version":5}}"#);
}

#[tokio::test]
async fn many_writers_on_two_nodes_lose_nothing() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let second_node = stage.second_node().await;
        let id = stage.device("d").await;
        let generation = stage.hub.load_twin(&id).await.unwrap().generation;
        let (hub, id, generation) = (&stage.hub, &id, &*generation);
        let other = &second_node.hub;
        // few enough that even the unluckiest is through within its attempts
        let edits = (0..6).map(async |n| {
            let edit = edit(Method::Merge, json!({ "properties": { "desired": { format!("e{n}"): n } } }));
            let hub = if n % 2 == 0 { hub } else { other };
            hub.edit_twin(id, &edit, &IfMatch::Any, now()).await.map(|_| ())
        });
        let reports = (0..6).map(async |n| {
            let body = json!({ format!("r{n}"): n }).to_string();
            let report = Report::parse(body.as_bytes(), None).unwrap();
            let hub = if n % 2 == 0 { other } else { hub };
            hub.report(id, generation, &report, now()).await.map(|_| ())
        });
        let (edited, reported) =
            futures::future::join(futures::future::join_all(edits), futures::future::join_all(reports)).await;
        let count =
            |results: &[Result<(), TwinRefusal>]| results.iter().filter(|result| result.is_ok()).count();
        let contended =
            edited.iter().chain(&reported).filter(|result| matches!(result, Err(TwinRefusal::Contended)));
        assert_eq!(contended.count() + count(&edited) + count(&reported), 12, "{edited:?} {reported:?}");

        let twin = stage.hub.load_twin(id).await.unwrap();
        assert_eq!(twin.desired.version, 1 + count(&edited) as u64);
        assert_eq!(twin.reported.version, 1 + count(&reported) as u64);
        let desired: Value = serde_json::from_str(&twin.desired.properties).unwrap();
        assert_eq!(desired.as_object().unwrap().len(), count(&edited), "every accepted edit is there");
        stage.hub.log().close().await;
        second_node.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn a_stale_copy_decides_nothing() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let second_node = stage.second_node().await;
        let id = stage.device("d").await;
        let set = |n: u64| edit(Method::Merge, json!({ "properties": { "desired": { "n": n } } }));
        stage.hub.edit_twin(&id, &set(1), &IfMatch::Any, now()).await.unwrap(); // now there is a copy on this node
        let elsewhere = second_node.hub.edit_twin(&id, &set(2), &IfMatch::Any, now()).await.unwrap();
        let current = IfMatch::Etag(etag::of_twin(elsewhere.etag));
        let accepted = stage.hub.edit_twin(&id, &set(3), &current, now()).await.unwrap();
        assert_eq!(accepted.desired.version, 4, "the etag is right, whatever the copy says");
        let refused = stage.hub.edit_twin(&id, &set(4), &current, now()).await;
        assert!(matches!(refused, Err(TwinRefusal::Precondition { .. })), "{refused:?}");
        stage.hub.log().close().await;
        second_node.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn the_twin_of_a_deleted_device_is_nobodys() {
    let stage = Stage::on(muster_store::Db::open_memory().await.unwrap()).await;
    let id = stage.device("d").await;
    let generation = stage.hub.load_twin(&id).await.unwrap().generation;
    let report = Report::parse(br#"{"a":1}"#, None).unwrap();
    stage.hub.report(&id, &generation, &report, now()).await.unwrap();
    stage.hub.remove(&id, now()).await.unwrap();
    assert_eq!(stage.hub.report(&id, &generation, &report, now()).await, Err(TwinRefusal::NotFound));
    stage.hub.admit(&admission("d"), later(1)).await.unwrap();
    assert_eq!(stage.hub.report(&id, &generation, &report, now()).await, Err(TwinRefusal::NotFound));
    assert_eq!(stage.hub.load_twin(&device_id("d")).await.unwrap().reported.version, 1);
}

#[tokio::test]
async fn what_two_have_to_tell_at_once_is_written_once_and_more_of_the_same_is_no_news() {
    for_each_engine(async |db| {
        let stage = Stage::on(db.clone()).await;
        let id = device_id("d");
        stage.hub.admit(&admission("d"), now()).await.unwrap();
        let version = async || stage.hub.load_twin(&id).await.unwrap().desired.version;
        let before = version().await;
        let told = json!({ "muster": { "certificate": { "serial": "02" } } });
        let told = told.as_object().unwrap();
        let tell = || stage.hub.tell(&id, told, now());
        let all = futures::future::join_all((0..8).map(|_| tell())).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        assert_eq!(version().await, before + 1);
        tell().await.unwrap();
        assert_eq!(version().await, before + 1);
        // Nobody is there who could be told.
        stage.hub.tell(&device_id("e"), told, now()).await.unwrap();
    })
    .await;
}
