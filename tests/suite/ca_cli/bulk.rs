//! Many certificates in one run, which is killed in the middle.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Office, PATIENCE};

#[test]
fn a_bulk_that_was_killed_goes_on_where_it_was_and_nobody_has_two_certificates() {
    const COUNT: usize = 1500;
    let office = Office::open();
    office.request("any", "/");
    let csr = office.read("any.csr");
    let line = |n: usize| {
        let name = format!("pump-{n}");
        // One key for all of them, which two devices could not have.
        json!({ "id": name, "csr": csr, "subject": { "commonName": name }, "holder": { "name": "line-7" } })
            .to_string()
            + "\n"
    };
    fs::write(office.path("in.jsonl"), (0..COUNT).map(line).collect::<String>()).unwrap();
    let out = office.path("out.jsonl");
    let mut first = office
        .command("bulk in.jsonl -o out.jsonl")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while lines(&out) == 0 {
        assert!(begun.elapsed() < PATIENCE, "nothing was answered");
        std::thread::sleep(Duration::from_millis(2));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let answered = lines(&out);
    assert!((1..COUNT).contains(&answered), "killed in the middle, not after {answered}");
    // As if it had been killed within a line.
    let torn = fs::read(&out).unwrap();
    fs::write(&out, &torn[..torn.len() - 40]).unwrap();

    let resumed = office.json("bulk in.jsonl -o out.jsonl");
    assert_eq!((&resumed["refused"], &resumed["unanswered"]), (&json!(0), &json!(0)));
    assert!(resumed["answeredBefore"].as_u64().unwrap() > 0);
    let text = office.read("out.jsonl");
    let mut serials = BTreeMap::new();
    for answer in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let (id, serial) = (answer["id"].as_str().unwrap(), answer["serial"].as_str().unwrap());
        assert_eq!(id, format!("pump-{}", answer["line"].as_u64().unwrap() - 1));
        assert!(serials.insert(id.to_owned(), serial.to_owned()).is_none(), "{id} is answered twice");
    }
    assert_eq!(serials.len(), COUNT);
    let listed = office.json("list --profile device --max 5000");
    assert_eq!(listed["certificates"].as_array().unwrap().len(), COUNT, "each was issued once");
    let again = office.json("bulk in.jsonl -o out.jsonl");
    assert_eq!((&again["answeredBefore"], &again["issued"]), (&json!(COUNT), &json!(0)));
    assert_eq!(office.read("out.jsonl"), text);

    fs::write(office.path("bad.jsonl"), "{\"id\":\"x\",\"csr\":\"none\"}\n").unwrap();
    assert!(office.refused("bulk bad.jsonl -o bad-out.jsonl").contains("1 request was refused"));
    assert!(office.read("bad-out.jsonl").contains("CsrRefused"));
    office.done("bulk bad.jsonl -o bad-out.jsonl"); // it is answered
    office.refused("bulk bad.jsonl -o bad-out.jsonl --retry-refused");
}

fn lines(path: &Path) -> usize {
    fs::read(path).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count()
}
