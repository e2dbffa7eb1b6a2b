//! Why not, without a device: the same rules, asked about every enrollment.

use muster_test_engines::for_each_engine;
use serde_json::{Value, json};

use super::{Bench, HUB_1, Http, Shelf, authority, enroll, group, key, leaf, root, symmetric, x509};

async fn explained(http: &Http, question: Value) -> Value {
    let got = http.send("POST", "/explain", &[], &question.to_string()).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body
}

fn why<'a>(explanation: &'a Value, id: &str) -> &'a str {
    let considered = explanation["considered"].as_array().unwrap();
    considered.iter().find(|entry| entry["id"] == id).unwrap()["why"].as_str().unwrap()
}

#[tokio::test]
async fn a_chain_is_told_which_group_decides_and_why_the_others_do_not() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
        let http = Http::owner(&dps);
        let (top, impostor) = (root("factory"), root("factory"));
        let line = authority("line", &top);
        group(&dps, "top", json!({ "attestation": x509("signingCertificates", &top.certificate) })).await;
        group(&dps, "elsewhere", json!({ "attestation": x509("signingCertificates", &root("x").certificate) })).await;
        group(&dps, "impostor", json!({ "attestation": x509("signingCertificates", &impostor.certificate) })).await;
        group(&dps, "keys", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = leaf("d1", &line);
        let pem = |certificate: &muster_x509::Certificate| muster_x509::to_pem(certificate.der());

        let question = json!({ "registrationId": "d1", "certificateChain": [pem(&device), pem(&line.certificate)] });
        let explanation = explained(&http, question).await;
        assert_eq!(explanation["verdict"], "admitted", "{explanation}");
        assert!(why(&explanation, "top").contains("leads to"));
        assert!(why(&explanation, "impostor").contains("does not verify"));
        assert!(why(&explanation, "elsewhere").contains("`CN=x`"));
        assert!(why(&explanation, "keys").contains("wants a token"));

        // Without the intermediate there is no way up.
        let alone = explained(&http, json!({ "registrationId": "d1", "certificateChain": [pem(&device)] })).await;
        assert_eq!(alone["verdict"], "refused");
        assert!(alone["summary"].as_str().unwrap().contains("`CN=line`"));
        // With a group nearer to the leaf, that one decides.
        group(&dps, "line", json!({ "attestation": x509("signingCertificates", &line.certificate), "provisioningStatus": "disabled" })).await;
        let question = json!({ "registrationId": "d1", "certificateChain": [format!("{}{}", pem(&device), pem(&line.certificate))] });
        let nearer = explained(&http, question).await;
        assert_eq!(nearer["verdict"], "disabled");
        assert!(why(&nearer, "top").contains("not asked"));

        let traces = http.send("GET", "/traces", &[], "").await;
        assert_eq!(traces.body, json!([]), "nothing is recorded");
    })
    .await;
}

#[tokio::test]
async fn a_device_with_a_key_is_told_whose_key_it_needs() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
        let http = Http::owner(&dps);
        let question = || json!({ "registrationId": "d1", "symmetricKey": true });
        assert_eq!(explained(&http, question()).await["verdict"], "refused");
        group(&dps, "g", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        assert_eq!(explained(&http, question()).await["verdict"], "dependsOnKey");
        enroll(&dps, "d1", json!({ "attestation": symmetric(&key(3), &key(4)) })).await;
        let explanation = explained(&http, question()).await;
        assert_eq!(explanation["considered"][0]["kind"], "individual");
        assert!(why(&explanation, "g").contains("not asked"));
        let mixed = json!({ "registrationId": "d1", "certificateChain": [muster_x509::to_pem(leaf("d1", &root("r")).der())] });
        assert_eq!(explained(&http, mixed).await["verdict"], "refused");
        for wrong in [json!({ "registrationId": "a b" }), json!({}), json!({ "registrationId": "d1", "certificateChain": ["x"] })] {
            assert_eq!(http.send("POST", "/explain", &[], &wrong.to_string()).await.status, 400);
        }
    })
    .await;
}
