//! The registry on both engines: admission by DPS, requests of back ends.

use muster_identity::{
    Admission, Arrival, Authentication, Capabilities, DeviceState, InitialTwin, Section, Status,
};
use muster_store::Db;
use muster_test_engines::for_each_engine;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    tests::{Stage, admission, device_id, later, now, sas},
    twin::{Edit, Method},
};

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn request(id: &str, body: Value) -> DeviceRequest {
    DeviceRequest::parse(&device_id(id), body.to_string().as_bytes()).unwrap()
}

fn migrated(version: u64, reported: Value) -> Arrival {
    let section =
        |version, properties| Section { properties: map(properties), version, metadata: Map::new() };
    Arrival::Migrated(Box::new(DeviceState {
        tags: map(json!({ "from": "afar" })),
        desired: section(version, json!({ "a": 1 })),
        reported: section(version, reported),
        capabilities: Capabilities::default(),
    }))
}

#[tokio::test]
async fn admitting_creates_once_and_then_refreshes_the_authentication() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let initial =
            InitialTwin { tags: map(json!({ "t": 1 })), desired: map(json!({ "d": { "x": 1 }, "n": null })) };
        let first = Admission { arrival: Arrival::Initial(initial), ..admission("d") };
        assert_eq!(stage.hub.admit(&first, now()).await.unwrap(), Admitted::Created);
        let created = stage.hub.find_device(&device_id("d")).await.unwrap().unwrap();
        let state = stage.hub.export(&device_id("d")).await.unwrap().unwrap();
        assert_eq!(
            (state.tags, state.desired.properties),
            (map(json!({ "t": 1 })), map(json!({ "d": { "x": 1 } })))
        );
        assert_eq!((state.desired.version, state.reported.version), (1, 1));

        assert_eq!(stage.hub.admit(&first, later(1)).await.unwrap(), Admitted::Updated);
        let again = stage.hub.find_device(&device_id("d")).await.unwrap().unwrap();
        assert_eq!((&again.generation, again.etag), (&created.generation, created.etag), "nothing changed");

        let ignored = map(json!({ "t": "the twin is there already" }));
        let second = Admission {
            authentication: Authentication::CertificateAuthority,
            capabilities: Capabilities { iot_edge: true },
            arrival: Arrival::Initial(InitialTwin { tags: ignored, ..InitialTwin::default() }),
            ..admission("d")
        };
        assert_eq!(stage.hub.admit(&second, later(2)).await.unwrap(), Admitted::Updated);
        let changed = stage.hub.find_device(&device_id("d")).await.unwrap().unwrap();
        assert_eq!((&changed.generation, changed.etag), (&created.generation, created.etag + 1));
        assert_eq!(changed.authentication, Authentication::CertificateAuthority);
        assert!(changed.capabilities.iot_edge);
        assert_eq!(stage.hub.export(&device_id("d")).await.unwrap().unwrap().tags, map(json!({ "t": 1 })));
        stage.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn what_provisioning_has_to_tell_stands_in_the_twin_however_the_device_arrives() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let id = device_id("d");
        let told = |serial: &str| map(json!({ "muster": { "certificate": { "serial": serial } } }));
        let with = |arrival, serial: &str| Admission { arrival, desired: told(serial), ..admission("d") };
        let desired = async || stage.hub.export(&id).await.unwrap().unwrap().desired;

        let twin =
            InitialTwin { desired: map(json!({ "a": 1, "muster": { "b": 2 } })), ..InitialTwin::default() };
        stage.hub.admit(&with(Arrival::Initial(twin), "01"), now()).await.unwrap();
        let first = desired().await;
        let both = json!({ "a": 1, "muster": { "b": 2, "certificate": { "serial": "01" } } });
        assert_eq!((Value::Object(first.properties), first.version), (both, 1), "it begins with it");

        stage.hub.admit(&with(Arrival::Stay, "01"), later(1)).await.unwrap();
        assert_eq!(desired().await.version, 1, "told once");
        stage.hub.admit(&with(Arrival::Stay, "02"), later(2)).await.unwrap();
        let renewed = desired().await;
        assert_eq!(
            (&renewed.properties["muster"]["certificate"]["serial"], renewed.version),
            (&json!("02"), 2)
        );
        assert_eq!(renewed.properties["a"], 1);

        stage.hub.remove(&id, later(3)).await.unwrap();
        stage.hub.admit(&with(migrated(7, json!({})), "03"), later(4)).await.unwrap();
        let moved = desired().await;
        assert_eq!((&moved.properties["muster"]["certificate"]["serial"], moved.version), (&json!("03"), 8));
        stage.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn a_migrating_device_keeps_its_versions_and_never_undoes_what_is_newer() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let id = device_id("d");
        let arrival =
            |version, reported| Admission { arrival: migrated(version, reported), ..admission("d") };
        stage.hub.admit(&arrival(7, json!({ "r": 1 })), now()).await.unwrap();
        let state = stage.hub.export(&id).await.unwrap().unwrap();
        assert_eq!((state.desired.version, state.reported.version), (7, 7));
        assert_eq!(state.tags, map(json!({ "from": "afar" })));

        let edit = Edit::parse(Method::Merge, br#"{"properties":{"desired":{"a":2}}}"#).unwrap();
        stage.hub.edit_twin(&id, &edit, &IfMatch::Any, now()).await.unwrap();
        assert_eq!(stage.hub.admit(&arrival(7, json!({ "r": 1 })), now()).await.unwrap(), Admitted::Updated);
        let state = stage.hub.export(&id).await.unwrap().unwrap();
        assert_eq!(
            (state.desired.version, &state.desired.properties["a"]),
            (8, &json!(2)),
            "admitted twice, nothing undone"
        );

        stage.hub.admit(&arrival(20, json!({ "r": 3 })), now()).await.unwrap();
        let state = stage.hub.export(&id).await.unwrap().unwrap();
        assert_eq!(
            (state.reported.version, &state.reported.properties["r"]),
            (20, &json!(3)),
            "it was away and has seen more"
        );
        let edit = Edit::parse(Method::Merge, br#"{"properties":{"desired":{"a":4}}}"#).unwrap();
        let twin = stage.hub.edit_twin(&id, &edit, &IfMatch::Any, now()).await.unwrap();
        assert_eq!(twin.desired.version, 21);
        stage.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn a_stale_enrollment_cannot_enable_what_the_hub_disabled() {
    let stage = Stage::on(Db::open_memory().await.unwrap()).await;
    let id = stage.device("d").await;
    stage
        .hub
        .update_device(&id, request("d", json!({ "status": "disabled" })), &IfMatch::Any, now())
        .await
        .unwrap();
    stage.hub.admit(&admission("d"), now()).await.unwrap();
    assert_eq!(stage.hub.find_device(&id).await.unwrap().unwrap().status, Status::Disabled);
}

#[tokio::test]
async fn removing_is_safe_to_repeat_and_a_successor_is_another_device() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let id = stage.device("d").await;
        let first = stage.hub.find_device(&id).await.unwrap().unwrap();
        stage.hub.remove(&id, now()).await.unwrap();
        stage.hub.remove(&id, now()).await.unwrap();
        assert_eq!(stage.hub.export(&id).await.unwrap(), None);
        assert_eq!(stage.hub.admit(&admission("d"), later(1)).await.unwrap(), Admitted::Created);
        let second = stage.hub.find_device(&id).await.unwrap().unwrap();
        assert_ne!(first.generation, second.generation);
        assert_eq!(stage.hub.devices.load(std::sync::atomic::Ordering::Relaxed), 1);
        stage.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn put_creates_without_if_match_and_updates_with_one() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let (hub, id) = (&stage.hub, device_id("d"));
        let body =
            || request("d", json!({ "deviceId": "d", "statusReason": "new", "authentication": sas(1, 2) }));
        let any = IfMatch::Any;

        let missing = hub.update_device(&id, body(), &any, now()).await;
        assert!(matches!(missing, Err(RegistryError::NotFound(_))), "{missing:?}");
        let created = hub.create_device(&id, body(), now()).await.unwrap();
        assert_eq!((created.status, created.status_reason.as_deref()), (Status::Enabled, Some("new")));
        let exists = hub.create_device(&id, body(), now()).await;
        assert!(matches!(exists, Err(RegistryError::Exists(_))), "{exists:?}");

        let stale = hub.update_device(&id, body(), &IfMatch::Etag("bm9uZQ==".to_owned()), now()).await;
        assert!(matches!(stale, Err(RegistryError::Precondition { .. })), "{stale:?}");
        let disabled = request("d", json!({ "status": "disabled" }));
        let updated =
            hub.update_device(&id, disabled, &IfMatch::Etag(created.etag_text()), later(1)).await.unwrap();
        assert_eq!((updated.status_updated, updated.status_reason.as_deref()), (Some(later(1)), None));
        assert_ne!(updated.authentication, created.authentication, "left out: new keys");
        let stored = hub.find_device(&id).await.unwrap().unwrap();
        assert_eq!((stored.etag, stored.authentication), (updated.etag, updated.authentication));

        let unsure = hub.delete_device(&id, None, now()).await;
        assert!(matches!(unsure, Err(RegistryError::EtagMissing)), "{unsure:?}");
        let old = IfMatch::Etag(created.etag_text());
        let stale = hub.delete_device(&id, Some(&old), now()).await;
        assert!(matches!(stale, Err(RegistryError::Precondition { .. })), "{stale:?}");
        hub.delete_device(&id, Some(&any), now()).await.unwrap();
        let gone = hub.delete_device(&id, Some(&any), now()).await;
        assert!(matches!(gone, Err(RegistryError::NotFound(_))), "{gone:?}");
        stage.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn of_many_who_update_with_the_same_etag_one_wins() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let second_node = stage.second_node().await;
        let id = stage.device("d").await;
        let etag = IfMatch::Etag(stage.hub.find_device(&id).await.unwrap().unwrap().etag_text());
        let updates = (0..10).map(|n| {
            let hub = if n % 2 == 0 { &stage.hub } else { &second_node.hub };
            hub.update_device(&id, request("d", json!({ "statusReason": n.to_string() })), &etag, now())
        });
        let results = futures::future::join_all(updates).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let any = (0..10).map(|n| {
            let hub = if n % 2 == 0 { &stage.hub } else { &second_node.hub };
            hub.update_device(
                &id,
                request("d", json!({ "statusReason": n.to_string() })),
                &IfMatch::Any,
                now(),
            )
        });
        for result in futures::future::join_all(any).await {
            assert!(result.is_ok() || matches!(result, Err(RegistryError::Contended)), "{result:?}");
        }
        stage.hub.log().close().await;
        second_node.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn devices_are_counted_and_listed_per_hub() {
    for_each_engine(async |db| {
        let stage = Stage::on(db.clone()).await;
        let other =
            Stage::with(db, |settings| settings.name = muster_identity::HubName::parse("hub-2").unwrap())
                .await;
        for id in ["b", "a", "c"] {
            stage.device(id).await;
        }
        other.device("a").await;
        let off = request("c", json!({ "status": "disabled" }));
        stage.hub.update_device(&device_id("c"), off, &IfMatch::Any, now()).await.unwrap();
        let counts = stage.hub.device_counts().await.unwrap();
        assert_eq!((counts.total, counts.enabled), (3, 2));
        let listed = stage.hub.list_devices(2).await.unwrap();
        assert_eq!(listed.iter().map(|device| device.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(other.hub.device_counts().await.unwrap().total, 1);
        stage.hub.log().close().await;
        other.hub.log().close().await;
    })
    .await;
}

#[test]
fn a_request_that_makes_no_sense_is_refused_with_the_field() {
    let cases = [
        ("{", "body is not JSON"),
        (r#"{"deviceId":"e"}"#, "`deviceId` is `e` in the body and `d` in the path"),
        (r#"{"status":"on"}"#, "`status`: `on` is neither `enabled` nor `disabled`"),
        (r#"{"authentication":{"type":"none"}}"#, "`authentication.type` is `none`"),
        (
            r#"{"authentication":{"type":"sas","symmetricKey":{"primaryKey":"AAAAAAAAAAAAAAAAAAAAAA=="}}}"#,
            "either no keys or both keys can be set",
        ),
        (
            r#"{"authentication":{"type":"selfSigned","x509Thumbprint":{"primaryThumbprint":"AB"}}}"#,
            "primaryThumbprint",
        ),
    ];
    for (body, reason) in cases {
        let told = DeviceRequest::parse(&device_id("d"), body.as_bytes()).unwrap_err().to_string();
        assert!(told.contains(reason), "{told} does not say {reason}");
    }
    let long = json!({ "statusReason": "x".repeat(129) }).to_string();
    let told = DeviceRequest::parse(&device_id("d"), long.as_bytes()).unwrap_err().to_string();
    assert_eq!(told, "`statusReason`: 129 characters, at most 128");
}

#[tokio::test]
async fn of_many_devices_those_are_told_apart_that_are_known_by_certificates_of_an_authority() {
    for_each_engine(async |db| {
        let stage = Stage::on(db.clone()).await;
        let by_authority =
            |id: &str| Admission { authentication: Authentication::CertificateAuthority, ..admission(id) };
        for id in ["D1", "d-150"] {
            stage.hub.admit(&by_authority(id), now()).await.unwrap();
        }
        for id in ["d2", "d-151"] {
            stage.hub.admit(&admission(id), now()).await.unwrap();
        }
        let mut asked: Vec<_> = ["D1", "d2", "nobody"].map(device_id).into();
        asked.extend((0..200).map(|n| device_id(&format!("d-{n}"))));
        assert_eq!(stage.hub.certified(&asked).await.unwrap(), ["D1", "d-150"].map(device_id));
        assert_eq!(stage.hub.certified(&[device_id("d1")]).await.unwrap(), [], "another device");
        assert_eq!(stage.hub.certified(&[]).await.unwrap(), []);
    })
    .await;
}
