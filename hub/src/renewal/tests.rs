//! What devices of the preview SDKs send, and what they are answered.

use bytes::Bytes;
use muster_identity::{Admission, Authentication};
use muster_mqtt::{Packet, QoS};
use muster_store::Db;
use serde_json::{Value, json};

use super::*;
use crate::{
    FromDevice, Hello, Session, Verdict,
    protocol::mqtt::{PacketIds, encode},
    session::{Filter, Subject},
    tests::{Stage, admission, device_id, hello, later, now, packet},
};

fn refused(rid: &str, body: &str) -> String {
    Request::parse(&device_id("d"), rid, body.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_request_is_taken_as_each_sdk_writes_it_and_nothing_else() {
    for (replace, body) in [
        (None, r#"{"id":"d","csr":"TUlJQg=="}"#),
        (None, r#"{"id":"d","csr":"TUlJQg==","replace":null}"#), // Java
        (Some("*"), r#"{"id":"d","csr":"TUlJQg==","replace":"*"}"#),
        (Some("rid-1"), r#"{"id":"d","csr":"TUlJQg==","replace":"rid-1"}"#),
    ] {
        let request = Request::parse(&device_id("d"), "r-17", body.as_bytes()).unwrap();
        assert_eq!((request.csr.as_str(), request.replace.as_deref()), ("TUlJQg==", replace));
    }
    let good = r#"{"id":"d","csr":"TUlJQg=="}"#;
    let large = format!(r#"{{"id":"d","csr":"{}"}}"#, "A".repeat(8196));
    for (rid, body, why) in [
        ("abc", good, "`$rid` is not 4 to 36"),
        ("-abcd", good, "`$rid` is not 4 to 36"),
        ("r-17", r#"{"id":"e","csr":"TUlJQg=="}"#, "`id` is not `d`"),
        ("r-17", r#"{"csr":"TUlJQg=="}"#, "body is not a request: missing field `id`"),
        ("r-17", r#"{"id":"d","csr":"TUlJQg==","more":1}"#, "body is not a request: unknown field `more`"),
        ("r-17", r#"{"id":"d","csr":"-----BEGIN"}"#, "`csr` is not base64"),
        ("r-17", r#"{"id":"d","csr":"TUlJQg==","replace":"x"}"#, "`replace` is neither"),
        ("r-17", "", "body is not a JSON object"),
        ("r-17", r#"["d","TUlJQg=="]"#, "body is not a JSON object"),
        ("r-17", r#"{"id":"d","#, "body is not JSON"),
        ("r-17", &large, "`csr` has 8196 bytes"),
    ] {
        assert!(refused(rid, body).starts_with(why), "{body}: {}", refused(rid, body));
    }
}

async fn stage(renewer: Option<Renewer>) -> Stage {
    let stage =
        Stage::with(Db::open_memory().await.unwrap(), move |settings| settings.renewer = renewer).await;
    let authentication = Authentication::CertificateAuthority;
    stage.hub.admit(&Admission { authentication, ..admission("d") }, now()).await.unwrap();
    stage
}

async fn session(stage: &Stage) -> Session {
    let vouched = Vouched {
        authority: "issuing".to_owned(),
        serial: [1; 16],
        holder: None,
        common_name: Some("d".to_owned()),
        not_after: later(9000),
        verdict: Verdict::Good,
    };
    let hello = Hello { token: None, vouched: Some(vouched), ..hello("d") };
    stage.hub.connect(hello, now()).await.unwrap().session
}

fn subscribe() -> FromDevice {
    FromDevice::Subscribe {
        packet_id: packet(1),
        filters: vec![Filter::Subject(Subject::Credentials, QoS::AtMostOnce)],
    }
}

fn ask(body: &'static str) -> FromDevice {
    FromDevice::IssueCertificate {
        packet_id: None,
        rid: "r-17".into(),
        body: Bytes::from_static(body.as_bytes()),
    }
}

const GOOD: &str = r#"{"id":"d","csr":"TUlJQg=="}"#;

/// Topics and bodies of what the device hears of its request.
async fn heard(stage: &Stage, session: &mut Session, body: &'static str) -> Vec<(String, Value)> {
    let answers = stage.say(session, vec![ask(body)]).await;
    let published = answers.into_iter().map(|answer| encode(answer, &mut PacketIds::default()));
    let read = |packet| match packet {
        Packet::Publish(publish) => {
            (publish.topic.to_string(), serde_json::from_slice(&publish.payload).unwrap())
        }
        other => panic!("{other:?}"),
    };
    published.map(read).collect()
}

#[tokio::test]
async fn a_device_gets_another_certificate_by_the_name_of_its_request() {
    let renewer = Renewer::new(|renewal: Renewal| async move {
        assert_eq!(
            (renewal.csr.as_str(), renewal.rid.as_str(), renewal.vouched.serial),
            ("TUlJQg==", "r-17", [1; 16])
        );
        Ok(Renewed { chain: vec![vec![1], vec![2], vec![3]] })
    });
    let stage = stage(Some(renewer)).await;
    let mut session = session(&stage).await;
    assert_eq!(heard(&stage, &mut session, GOOD).await, [], "not before it listens");
    stage.say(&mut session, vec![subscribe()]).await;
    let heard = heard(&stage, &mut session, GOOD).await;
    assert_eq!(
        heard.iter().map(|(topic, _)| topic.as_str()).collect::<Vec<_>>(),
        ["$iothub/credentials/res/202/?$rid=r-17", "$iothub/credentials/res/200/?$rid=r-17"]
    );
    assert_eq!(heard[0].1["operationExpires"], format!("{:.9}", later(12 * 3600)));
    assert_eq!(heard[1].1["certificates"], json!(["AQ==", "Ag==", "Aw=="]));
    assert_eq!(heard[0].1["correlationId"], heard[1].1["correlationId"]);
}

#[tokio::test]
async fn a_renewal_that_is_refused_is_answered_with_its_code() {
    let no = Renewer::new(|_| async {
        Err(NotRenewed::TooFast { why: "too fast".to_owned(), retry_after_s: 60 })
    });
    let refusing = stage(Some(no)).await;
    let mut inside = session(&refusing).await;
    refusing.say(&mut inside, vec![subscribe()]).await;
    let said = heard(&refusing, &mut inside, GOOD).await;
    assert_eq!(said[1].0, "$iothub/credentials/res/429/?$rid=r-17");
    assert_eq!((&said[1].1["errorCode"], &said[1].1["retryAfter"]), (&json!(429_002), &json!(60)));
    assert_eq!(said[1].1["info"]["credentialMessage"], "too fast");
    let said = heard(&refusing, &mut inside, r#"{"id":"d","csr":"TUlJQg==","replace":"rid-1"}"#).await;
    assert_eq!((said.len(), &said[0].1["errorCode"]), (1, &json!(412_001)));
    let said = heard(&refusing, &mut inside, "{").await;
    assert_eq!(
        (said[0].0.as_str(), &said[0].1["errorCode"]),
        ("$iothub/credentials/res/400/?$rid=r-17", &json!(400_006))
    );
    // C's embedded sister takes `info: null` for a broken answer.
    assert_eq!(said[0].1.get("info"), None);

    let without = stage(None).await;
    let mut inside = session(&without).await;
    without.say(&mut inside, vec![subscribe()]).await;
    assert_eq!(heard(&without, &mut inside, GOOD).await[0].1["errorCode"], 403_010);
}
