//! Sessions in process, without sockets: what a device says, what it hears, and how it ends.

use bytes::Bytes;
use muster_mqtt::QoS;
use muster_store::Db;
use muster_test_engines::for_each_engine;
use serde_json::{Value, json};

use super::*;
use crate::{
    limits::Rate,
    registry::IfMatch,
    settings::UnknownFilters,
    tests::{Stage, admission, device_id, hello, later, now, packet, sas, telemetry},
    twin::{Edit, Method},
};

async fn memory() -> Db {
    Db::open_memory().await.unwrap()
}

fn subscribe(id: u16, subjects: &[(Subject, QoS)]) -> FromDevice {
    let filters = subjects.iter().map(|(subject, qos)| Filter::Subject(*subject, *qos)).collect();
    FromDevice::Subscribe { packet_id: packet(id), filters }
}

fn twin_get(rid: &'static str) -> FromDevice {
    FromDevice::TwinGet { packet_id: None, rid: rid.into() }
}

fn twin_patch(rid: &'static str, base: Option<u64>, body: &'static str) -> FromDevice {
    FromDevice::TwinPatch {
        packet_id: Some(packet(9)),
        rid: rid.into(),
        base,
        body: Bytes::from_static(body.as_bytes()),
    }
}

async fn desire(stage: &Stage, device: &str, patch: Value) {
    let edit = Edit::parse(Method::Merge, patch.to_string().as_bytes()).unwrap();
    stage.hub.edit_twin(&device_id(device), &edit, &IfMatch::Any, now()).await.unwrap();
}

#[tokio::test]
async fn telemetry_is_in_the_log_when_it_is_acknowledged() {
    let stage = Stage::on(memory().await).await;
    let Connected { mut session, session_present, .. } = stage.connected("d").await;
    assert!(!session_present);
    let said = vec![telemetry(5, "one"), telemetry(6, "two"), FromDevice::Ping, telemetry(7, "three")];
    let answers = stage.say(&mut session, said).await;
    assert_eq!(
        answers,
        [5, 6]
            .map(|id| ToDevice::Accepted(packet(id)))
            .into_iter()
            .chain([ToDevice::Pong, ToDevice::Accepted(packet(7))])
            .collect::<Vec<_>>(),
        "in the order of what was said"
    );
    let events = stage.events("d").await;
    assert_eq!(
        events.iter().map(|event| &*event.body).collect::<Vec<_>>(),
        [b"one".as_slice(), b"two", b"three"]
    );
    assert_eq!((&*events[0].properties, events[0].enqueued), (b"k=v".as_slice(), now()));
    assert_eq!(
        &*events[0].auth_method,
        r#"{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}"#
    );
}

#[tokio::test]
async fn what_came_before_an_offence_is_kept_and_acknowledged() {
    let stage = Stage::with(memory().await, |settings| settings.limits.message_bytes_max = 8).await;
    let Connected { mut session, .. } = stage.connected("d").await;
    let mut answers = Vec::new();
    let said = vec![telemetry(1, "12345"), telemetry(2, "123456789"), telemetry(3, "1")];
    let end = stage.hub.handle(&mut session, said, now(), &mut answers).await;
    assert_eq!(end, Err(Disconnect::TooLarge { bytes: 11, max: 8 }));
    assert_eq!(answers, [ToDevice::Accepted(packet(1))]);
    assert_eq!(stage.bodies("d").await, ["12345"]);
}

#[tokio::test]
async fn nothing_is_acknowledged_when_the_log_fails() {
    let stage = Stage::on(memory().await).await;
    let Connected { mut session, .. } = stage.connected("d").await;
    stage.hub.log().close().await;
    let mut answers = vec![ToDevice::Pong];
    let end = stage.hub.handle(&mut session, vec![telemetry(1, "lost")], now(), &mut answers).await;
    assert!(matches!(end, Err(Disconnect::Unavailable(_))), "{end:?}");
    assert_eq!(answers, [ToDevice::Pong]);
}

#[tokio::test]
async fn a_new_connection_takes_over() {
    let stage = Stage::on(memory().await).await;
    let Connected { session: mut first, mut mailbox, .. } = stage.connected("d").await;
    let Connected { session: mut second, .. } = stage.hub.connect(hello("d"), now()).await.unwrap();
    assert!(mailbox.recv().await.is_none(), "the first is told by the end of its mailbox");
    assert_eq!(first.cut(), Some(Disconnect::TakenOver));
    let late = stage.hub.handle(&mut first, vec![telemetry(1, "late")], now(), &mut Vec::new()).await;
    assert_eq!(late, Err(Disconnect::TakenOver));
    stage.hub.disconnected(first, Disconnect::Lost, now()).await;
    assert_eq!(stage.hub.connected(), 1, "the first leaves without taking the second along");
    stage.say(&mut second, vec![telemetry(1, "kept")]).await;
    assert_eq!(stage.bodies("d").await, ["kept"]);
    stage.hub.disconnected(second, Disconnect::Goodbye, now()).await;
    assert_eq!(stage.hub.connected(), 0);
}

#[tokio::test]
async fn a_change_of_the_registry_that_would_keep_the_device_out_cuts_it() {
    let stage = Stage::on(memory().await).await;
    let put = async |id: &str, body: Value| {
        let request =
            crate::registry::DeviceRequest::parse(&device_id(id), body.to_string().as_bytes()).unwrap();
        stage.hub.update_device(&device_id(id), request, &IfMatch::Any, now()).await.unwrap();
    };
    let keys = |primary: u8, secondary: u8| {
        let authentication = sas(primary, secondary);
        json!({ "authentication": authentication })
    };

    let rotated = stage.connected("rotated").await;
    put("rotated", keys(3, 1)).await;
    assert_eq!(rotated.session.cut(), None, "its key is the secondary now");
    put("rotated", keys(3, 4)).await;
    assert_eq!(rotated.session.cut(), Some(Disconnect::CredentialChanged));

    let disabled = stage.connected("disabled").await;
    let mut body = keys(1, 2);
    body["status"] = json!("disabled");
    put("disabled", body).await;
    assert_eq!(disabled.session.cut(), Some(Disconnect::Disabled));
    assert_eq!(stage.hub.connect(hello("disabled"), now()).await.err(), Some(Refused::Disabled));

    let deleted = stage.connected("deleted").await;
    stage.hub.remove(&device_id("deleted"), now()).await.unwrap();
    assert_eq!(deleted.session.cut(), Some(Disconnect::Deleted));
    assert_eq!(stage.hub.connect(hello("deleted"), now()).await.err(), Some(Refused::UnknownDevice));

    let moved = stage.connected("moved").await;
    let admission = muster_identity::Admission { authentication: sas(7, 8), ..admission("moved") };
    stage.hub.admit(&admission, now()).await.unwrap();
    assert_eq!(moved.session.cut(), Some(Disconnect::CredentialChanged), "an admission changes it, too");
    assert_eq!(stage.hub.connected(), 0);
}

#[tokio::test]
async fn subscriptions_survive_a_restart_unless_the_session_is_clean() {
    for_each_engine(async |db| {
        let stage = Stage::on(db).await;
        let Connected { mut session, session_present, .. } = stage.connected("d").await;
        assert!(!session_present);
        let answers = stage
            .say(
                &mut session,
                vec![
                    subscribe(
                        1,
                        &[
                            (Subject::TwinResponses, QoS::AtMostOnce),
                            (Subject::DesiredChanges, QoS::AtLeastOnce),
                        ],
                    ),
                    subscribe(2, &[(Subject::Methods, QoS::AtMostOnce)]),
                    FromDevice::Unsubscribe {
                        packet_id: packet(3),
                        filters: vec![Filter::Subject(Subject::Methods, QoS::AtMostOnce)],
                    },
                ],
            )
            .await;
        assert_eq!(
            answers,
            [
                ToDevice::Subscribed {
                    packet_id: packet(1),
                    granted: vec![Granted::AtMostOnce, Granted::AtLeastOnce]
                },
                ToDevice::Subscribed { packet_id: packet(2), granted: vec![Granted::AtMostOnce] },
                ToDevice::Unsubscribed(packet(3)),
            ]
        );
        drop(session);

        let stage = stage.restarted().await;
        let Connected { session, mut mailbox, session_present } =
            stage.hub.connect(hello("d"), later(100_000 - 96_400)).await.unwrap();
        assert!(session_present);
        assert_eq!(session.subscriptions.to_text(), "twin:0,desired:1", "unsubscribed ones do not come back");
        desire(&stage, "d", json!({ "properties": { "desired": { "a": 1 } } })).await;
        let told = mailbox.recv().await.map(|message| *message);
        let body = Bytes::from_static(br#"{"a":1,"$version":2}"#);
        assert_eq!(
            told,
            Some(ToDevice::Desired { version: 2, qos: QoS::AtLeastOnce, body }),
            "without a SUBSCRIBE"
        );

        let clean = Hello { clean_session: true, ..hello("d") };
        assert!(!stage.hub.connect(clean, now()).await.unwrap().session_present);
        assert!(!stage.hub.connect(hello("d"), now()).await.unwrap().session_present);
        stage.hub.log().close().await;
    })
    .await;
}

#[tokio::test]
async fn a_session_nobody_came_back_to_is_forgotten_after_a_month() {
    let stage = Stage::on(memory().await).await;
    let Connected { mut session, .. } = stage.connected("d").await;
    stage.say(&mut session, vec![subscribe(1, &[(Subject::CloudToDevice, QoS::AtLeastOnce)])]).await;
    let day = 24 * 3600;
    stage.hub.tick(later(29 * day)).await;
    let hello = || Hello {
        token: Some(crate::tests::token("hub.test", &crate::tests::key(1), later(90 * day), None)),
        ..hello("d")
    };
    assert!(stage.hub.connect(hello(), later(29 * day)).await.unwrap().session_present);
    stage.hub.tick(later(58 * day)).await;
    assert!(stage.hub.connect(hello(), later(58 * day)).await.unwrap().session_present, "used on day 29");
    stage.hub.tick(later(89 * day)).await;
    assert!(!stage.hub.connect(hello(), later(89 * day)).await.unwrap().session_present);
}

#[tokio::test]
async fn an_unknown_filter_ends_the_session_or_is_granted_as_the_operator_says() {
    let unknown = || FromDevice::Subscribe {
        packet_id: packet(1),
        filters: vec![
            Filter::Unknown("zigbee/#".to_owned(), QoS::AtLeastOnce),
            Filter::Subject(Subject::Methods, QoS::AtMostOnce),
        ],
    };
    let strict = Stage::on(memory().await).await;
    let Connected { mut session, .. } = strict.connected("d").await;
    let end = strict.hub.handle(&mut session, vec![unknown()], now(), &mut Vec::new()).await;
    assert_eq!(end, Err(Disconnect::UnknownFilter("zigbee/#".to_owned())));

    let lenient =
        Stage::with(memory().await, |settings| settings.unknown_filters = UnknownFilters::Grant).await;
    let Connected { mut session, .. } = lenient.connected("d").await;
    assert_eq!(
        lenient.say(&mut session, vec![unknown()]).await,
        [ToDevice::Subscribed {
            packet_id: packet(1),
            granted: vec![Granted::AtLeastOnce, Granted::AtMostOnce]
        }]
    );
}

#[tokio::test]
async fn a_device_reads_and_reports_its_twin() {
    let stage = Stage::on(memory().await).await;
    let Connected { mut session, .. } = stage.connected("d").await;
    let unheard = stage.say(&mut session, vec![twin_get("0")]).await;
    assert_eq!(unheard, [], "without the subscription there is nowhere to send it");

    let twin = |rid: &'static str, body: &'static str| ToDevice::Twin {
        rid: rid.into(),
        body: Bytes::from_static(body.as_bytes()),
    };
    let answers = stage
        .say(
            &mut session,
            vec![
                subscribe(1, &[(Subject::TwinResponses, QoS::AtLeastOnce)]),
                twin_get("a"),
                twin_patch("b", None, r#"{"fw": "1.0", "net": {"ip": "10.0.0.1", "rssi": -40}}"#),
                twin_patch("c", Some(2), r#"{"net": {"rssi": null}, "fw": "1.1"}"#),
                twin_patch("d", Some(2), r#"{"fw": "1.2"}"#),
                twin_get("e"),
            ],
        )
        .await;
    let mut answers = answers.into_iter().skip(1);
    assert_eq!(answers.next(), Some(twin("a", r#"{"desired":{"$version":1},"reported":{"$version":1}}"#)));
    let accepted = || Some(ToDevice::Accepted(packet(9)));
    assert_eq!(answers.next(), accepted());
    assert_eq!(answers.next(), Some(ToDevice::Patched { rid: "b".into(), version: 2 }));
    assert_eq!(answers.next(), accepted());
    assert_eq!(answers.next(), Some(ToDevice::Patched { rid: "c".into(), version: 3 }));
    assert_eq!(answers.next(), accepted());
    let Some(ToDevice::TwinRefused { refusal, .. }) = answers.next() else { panic!() };
    assert_eq!(refusal, TwinRefusal::Precondition { existing: "3".to_owned(), given: "2".to_owned() });
    let reported =
        r#"{"desired":{"$version":1},"reported":{"fw":"1.1","net":{"ip":"10.0.0.1"},"$version":3}}"#;
    assert_eq!(answers.next(), Some(twin("e", reported)));
}

#[tokio::test]
async fn a_report_that_breaks_a_limit_is_told_why_and_changes_nothing() {
    let stage = Stage::on(memory().await).await;
    let Connected { mut session, .. } = stage.connected("d").await;
    stage.say(&mut session, vec![subscribe(1, &[(Subject::TwinResponses, QoS::AtMostOnce)])]).await;
    let cases = [
        ("{broken", "body is not JSON"),
        ("[1]", "`properties.reported` is not an object"),
        (r#"{"a.b": 1}"#, "name has the character `.`"),
        (r#"{"$x": 1}"#, "name has the character `$`"),
        (r#"{"a": [null]}"#, "null inside an array"),
    ];
    for (body, reason) in cases {
        let answers = stage.say(&mut session, vec![twin_patch("r", None, body)]).await;
        let Some(ToDevice::TwinRefused { refusal, .. }) = answers.last() else { panic!("{answers:?}") };
        assert!(refusal.to_string().contains(reason), "{refusal}");
    }
    assert_eq!(stage.hub.load_twin(&device_id("d")).await.unwrap().reported.version, 1);
}

#[tokio::test]
async fn desired_changes_arrive_in_order_and_only_where_somebody_listens() {
    let stage = Stage::on(memory().await).await;
    let Connected { mut session, mut mailbox, .. } = stage.connected("d").await;
    desire(&stage, "d", json!({ "properties": { "desired": { "unheard": 1 } } })).await;
    stage.say(&mut session, vec![subscribe(1, &[(Subject::DesiredChanges, QoS::AtMostOnce)])]).await;
    desire(&stage, "d", json!({ "tags": { "only": "tags" } })).await;
    let changes = (0..20).map(|n| desire(&stage, "d", json!({ "properties": { "desired": { "n": n } } })));
    futures::future::join_all(changes).await;
    let mut versions = Vec::new();
    while let Ok(message) = mailbox.try_recv() {
        let ToDevice::Desired { version, body, .. } = *message else { panic!() };
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["$version"], version);
        versions.push(version);
    }
    assert_eq!(versions, (3..23).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_device_that_does_not_read_is_cut() {
    let stage = Stage::on(memory().await).await;
    let Connected { mut session, mailbox, .. } = stage.connected("d").await;
    stage.say(&mut session, vec![subscribe(1, &[(Subject::DesiredChanges, QoS::AtMostOnce)])]).await;
    for n in 0..=crate::limits::MAILBOX_MAX {
        assert_eq!(session.cut(), None, "after {n}");
        desire(&stage, "d", json!({ "properties": { "desired": { "n": n } } })).await;
    }
    assert_eq!(session.cut(), Some(Disconnect::TooSlow { max: crate::limits::MAILBOX_MAX }));
    drop(mailbox);
}

#[tokio::test]
async fn a_will_is_published_unless_the_device_said_goodbye() {
    let stage = Stage::on(memory().await).await;
    let will = |body: &'static str| {
        let properties = Bytes::from_static(b"a=1&mqtt-retain=true");
        Some(Will { properties, body: Bytes::from_static(body.as_bytes()) })
    };
    for (id, why) in [("d1", Disconnect::Lost), ("d2", Disconnect::KeepAlive), ("d3", Disconnect::Goodbye)] {
        stage.device(id).await;
        let connected = stage.hub.connect(Hello { will: will(id), ..hello(id) }, now()).await.unwrap();
        stage.hub.disconnected(connected.session, why, later(5)).await;
    }
    let events = stage.events("d1").await;
    assert_eq!(&*events[0].properties, b"a=1&mqtt-retain=true&iothub-MessageType=Will".as_slice());
    assert_eq!(events[0].enqueued, later(5));
    assert_eq!(stage.bodies("d2").await, ["d2"]);
    assert_eq!(stage.bodies("d3").await, Vec::<Bytes>::new());
}

#[tokio::test]
async fn a_device_keeps_its_quota_when_it_reconnects() {
    let stage = Stage::with(memory().await, |settings| {
        settings.limits.device_sends = Some(Rate { per_s: 1, burst: 2 })
    })
    .await;
    let Connected { mut session, .. } = stage.connected("d").await;
    stage.say(&mut session, vec![telemetry(1, "a"), telemetry(2, "b")]).await;
    let mut again = stage.hub.connect(hello("d"), now()).await.unwrap().session;
    let end = stage.hub.handle(&mut again, vec![telemetry(1, "c")], now(), &mut Vec::new()).await;
    assert_eq!(end, Err(Disconnect::Throttled { quota: "device_sends" }));
    let other = stage.connected("e").await;
    let mut other = other.session;
    stage.say(&mut other, vec![telemetry(1, "others are not meant")]).await;
}

#[tokio::test]
async fn a_full_hub_refuses_and_says_why() {
    let stage = Stage::with(memory().await, |settings| {
        settings.limits.connections_max = 1;
        settings.limits.devices_max = 2;
    })
    .await;
    let _inside = stage.connected("d").await;
    stage.device("e").await;
    let refused = stage.hub.connect(hello("e"), now()).await.err();
    assert_eq!(refused, Some(Refused::TooManyConnections { max: 1 }));
    assert_eq!(stage.hub.sessions.last_refusal(&device_id("e")).map(|was| was.what), refused);
    let third = stage.hub.admit(&admission("f"), now()).await;
    assert!(matches!(third, Err(crate::AdmitError::TooManyDevices { max: 2 })), "{third:?}");
    stage.hub.admit(&admission("e"), now()).await.unwrap(); // is here already
}
