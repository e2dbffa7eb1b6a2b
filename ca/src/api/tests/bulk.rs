//! Many requests in one.

use std::collections::HashMap;

use futures::stream;
use serde_json::json;

use super::*;

fn line(id: &str, common_name: &str) -> String {
    json!({ "id": id, "csr": csr_pem(""), "subject": { "commonName": common_name } }).to_string()
}

fn by_id(answer: &Answer) -> HashMap<String, Value> {
    let text = std::str::from_utf8(&answer.body).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["id"].as_str().unwrap_or("").to_owned(), line)).collect()
}

async fn send(api: &Api, body: impl Into<Body>) -> HashMap<String, Value> {
    let answer = api.ask(Method::POST, "/ca/bulk?profile=device", body).await;
    assert_eq!(answer.status, StatusCode::OK);
    by_id(&answer)
}

#[tokio::test]
async fn what_was_cut_off_is_sent_again_whole_and_what_was_issued_comes_back_as_it_was() {
    const COUNT: usize = 300;
    let api = Api::open().await;
    let lines: Vec<_> = (0..COUNT).map(|n| line(&n.to_string(), &format!("pump-{n}"))).collect();
    let first = send(&api, lines[..COUNT / 3].join("\n")).await;
    assert!(first.values().all(|answer| answer["outcome"] == "issued"));
    // The wire cuts where it likes.
    let bytes = lines.join("\n").into_bytes();
    let parts = bytes.chunks(777).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect::<Vec<_>>();
    let all = send(&api, Body::from_stream(stream::iter(parts))).await;
    assert_eq!(all.len(), COUNT);
    for n in 0..COUNT {
        let id = n.to_string();
        let answer = &all[&id];
        assert_eq!((&answer["line"], &answer["subject"]), (&json!(n + 1), &json!(format!("CN=pump-{n}"))));
        match first.get(&id) {
            Some(before) => {
                assert_eq!(answer["outcome"], "repeated");
                assert_eq!(answer["certificate"], before["certificate"]);
            }
            None => assert_eq!(answer["outcome"], "issued"),
        }
    }
    api.close().await;
}

#[tokio::test]
async fn a_line_that_is_wrong_harms_no_other() {
    let api = Api::open().await;
    let long = format!("{{\"id\":\"long\",\"csr\":\"{}\"}}", "x".repeat(64 * 1024));
    let wrong = json!({ "id": "wrong", "csr": "x" }).to_string();
    let other = json!({ "id": "other", "profile": "none", "csr": csr_pem("") }).to_string();
    let body = [&line("a", "pump-1"), "", "{", &long, &wrong, "   ", &other, &line("b", "pump-2")].join("\n");
    let answer = api.ask(Method::POST, "/ca/bulk?profile=device&authority=issuing", body).await;
    let text = String::from_utf8(answer.body).unwrap();
    let mut said: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| {
            let code = line["errorCode"].as_str().unwrap_or("").to_owned();
            (line["line"].as_u64().unwrap(), line["outcome"].as_str().unwrap().to_owned(), code)
        })
        .collect();
    said.sort();
    let said: Vec<_> = said.iter().map(|(line, outcome, code)| (*line, &**outcome, &**code)).collect();
    assert_eq!(
        said,
        [
            (1, "issued", ""),
            (3, "refused", "Malformed"),
            (4, "refused", "TooLarge"),
            (5, "refused", "CsrRefused"),
            (7, "refused", "ProfileNotFound"),
            (8, "issued", ""),
        ]
    );
    api.close().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_and_what_came_before_is_done() {
    let api = Api::open().await;
    let begin = format!("{}\n{}", line("a", "pump-1"), &line("b", "pump-2")[..40]);
    let parts = vec![Ok(begin.into_bytes()), Err(std::io::Error::other("reset"))];
    let answer =
        api.ask(Method::POST, "/ca/bulk?profile=device", Body::from_stream(stream::iter(parts))).await;
    let answers = by_id(&answer);
    assert_eq!(answers["a"]["outcome"], "issued");
    assert_eq!(answers[""]["message"], "the body was cut off: send it again, what is done stays done");
    api.close().await;
}
