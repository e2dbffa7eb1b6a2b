//! kill -9 at seeded random points while certificates are signed: none is in a client's hand that is not recorded, in the
//! transparency log and in the audit log, none twice, and nobody's log was ever rewritten.

mod askers;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use muster_ca::{Consistency, VerifierKey, verify_proof};
use muster_simulator::{Endpoints, ServiceClient, Trust};
use muster_x509::{Certificate, read_certificates};

use crate::binaries::{Serve, binary, configuration};
use crate::crash::Seeded;

use askers::{ask_on, enroll_on, register_on, request, sign};

const KILLS: usize = 20;
/// How many ask at a time. Every second one names its requests, and asks for the same until it has an answer.
const CLIENTS: usize = 8;
/// Long enough for some certificates between two kills, short enough to hit the first one of a start.
const LIFE_MS: u64 = 500;
const AGAIN: Duration = Duration::from_millis(10);

/// Where the server of the moment is found.
#[derive(Clone)]
struct Place {
    folder: PathBuf,
    endpoints: PathBuf,
}

/// A certificate in a client's hand.
struct Received {
    serial: String,
    /// Only the API tells.
    log_index: Option<u64>,
    certificate: Certificate,
    idempotency_key: Option<String>,
}

impl Place {
    /// Waits for a server.
    async fn endpoints(&self) -> (Endpoints, Trust) {
        loop {
            if let Ok(endpoints) = Endpoints::read(&self.endpoints)
                && let Ok(trust) = endpoints.trust()
            {
                return (endpoints, trust);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn client(&self) -> ServiceClient {
        let (endpoints, trust) = self.endpoints().await;
        endpoints.ca_service(&trust).unwrap()
    }

    /// `muster ca` with these words, against the server of the moment.
    fn muster_ca(&self, words: &[&str]) -> String {
        let mut command = Command::new(binary("muster"));
        command.arg("ca").args(words).current_dir(&self.folder).env_remove("MUSTER_CONNECTION_STRING");
        let output = command.env("MUSTER_DATA", self.folder.join("data")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "muster ca {words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn an_authority_killed_again_and_again_knows_every_certificate_it_gave() {
    let mut random = Seeded::of_environment();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let configuration = configuration(folder.path(), "");
    let mut serve = Serve::start(&data, &configuration);
    let place = Place { folder: folder.path().to_owned(), endpoints: serve.endpoints.clone() };

    let runtime = Runtime::new().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    let mut bodies = Vec::new();
    for client in 0..CLIENTS {
        let name = format!("pump-{client}");
        let csr = request(folder.path(), &name);
        let body = json!({ "csr": csr, "subject": { "commonName": name }, "holder": { "name": name } });
        bodies.push(body.clone());
        clients.spawn_on(ask_on(place.clone(), client, body, stop.clone()), runtime.handle());
    }

    let devices = runtime.spawn(register_on(place.clone(), stop.clone()));
    let credential = place.muster_ca(&["est", "credential", "new", "--label", "default", "--json"]);
    let credential: Value = serde_json::from_str(&credential).unwrap();
    let line = std::thread::spawn({
        let (place, stop) = (place.clone(), stop.clone());
        move || enroll_on(&place, &credential, &stop)
    });

    let mut checkpoints = Vec::new();
    for _ in 0..KILLS {
        checkpoints.push(runtime.block_on(async { get(&place.client().await, "/ca/checkpoint").await }));
        std::thread::sleep(Duration::from_millis(random.below(LIFE_MS)));
        serve.kill();
        serve = Serve::start(&data, &configuration);
    }
    stop.store(true, Ordering::Relaxed);
    let mut received: Vec<_> = runtime.block_on(clients.join_all()).into_iter().flatten().collect();
    let (enrolled, registered) = (line.join().unwrap(), runtime.block_on(devices).unwrap());
    let by = [received.len(), enrolled.len(), registered.len()];
    println!("certificates by the API, EST and registrations, with {KILLS} kills: {by:?}");
    assert!(by.iter().all(|count| *count > 0), "one of them got nothing: {by:?}");
    received.extend(enrolled.into_iter().chain(registered));
    assert!(received.len() > KILLS, "too few certificates to prove anything: {}", received.len());

    let serials: HashSet<_> = received.iter().map(|it| it.serial.as_str()).collect();
    assert_eq!(serials.len(), received.len(), "a serial was given twice");
    runtime.block_on(async {
        every_one_is_found_and_proved(&place, &received).await;
        every_one_is_listed_once(&place, &serials).await;
        nothing_was_rewritten(&place, &checkpoints).await;
        who_asks_again_gets_the_same(&place, &received, &bodies).await;
    });
    every_one_is_in_the_audit_log(&place, &received);
}

async fn get(client: &ServiceClient, path: &str) -> Value {
    let answer = client.call(Method::GET, path, &[], None).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

/// By its serial, byte by byte, and with a proof that the latest checkpoint has it.
async fn every_one_is_found_and_proved(place: &Place, received: &[Received]) {
    let client = place.client().await;
    let key = get(&client, "/ca/checkpoint").await["key"].as_str().unwrap().to_owned();
    let key = VerifierKey::parse(&key).unwrap();
    for Received { serial, log_index, certificate, .. } in received {
        let found = get(&client, &format!("/ca/certificates/{serial}")).await;
        assert_eq!(found["stage"], "issued", "{serial}");
        let place_in_log = found["logIndex"].as_u64().unwrap();
        assert_eq!(log_index.unwrap_or(place_in_log), place_in_log, "{serial}");
        let pem = found["certificate"].as_str().unwrap();
        assert_eq!(read_certificates(pem).unwrap()[0].der(), certificate.der(), "{serial}");
        let proof = get(&client, &format!("/ca/proofs/{serial}")).await;
        let proven = verify_proof(proof.as_str().unwrap(), certificate.der(), &key).unwrap();
        assert_eq!(proven.index, place_in_log, "{serial}");
    }
}

async fn every_one_is_listed_once(place: &Place, received: &HashSet<&str>) {
    let client = place.client().await;
    let mut listed = HashSet::new();
    let mut path = "/ca/certificates?max=500".to_owned();
    loop {
        let page = get(&client, &path).await;
        for one in page["certificates"].as_array().unwrap() {
            let serial = one["serial"].as_str().unwrap().to_owned();
            assert!(listed.insert(serial.clone()), "{serial} is listed twice");
        }
        let Some(next) = page["continuation"].as_u64() else { break };
        path = format!("/ca/certificates?max=500&continuation={next}");
    }
    for serial in received {
        assert!(listed.contains(*serial), "{serial} is not listed");
    }
}

/// Each checkpoint that was signed before a kill is a beginning of the log as it is.
async fn nothing_was_rewritten(place: &Place, checkpoints: &[Value]) {
    let client = place.client().await;
    let last = get(&client, "/ca/checkpoint").await;
    let size = |checkpoint: &Value| checkpoint["certificates"].as_u64().unwrap();
    let root = |checkpoint: &Value| hash(checkpoint["root"].as_str().unwrap());
    for checkpoint in checkpoints {
        let (from, to) = (size(checkpoint), size(&last));
        let said = get(&client, &format!("/ca/consistency?from={from}&to={to}")).await;
        let path = said["path"].as_array().unwrap().iter().map(|it| hash(it.as_str().unwrap())).collect();
        let proof = Consistency { old_size: from, size: to, path };
        assert!(proof.holds(&root(checkpoint), &root(&last)), "{from} certificates are no beginning of {to}");
    }
}

fn hash(hex: &str) -> [u8; 32] {
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
    bytes.collect::<Vec<_>>().try_into().unwrap()
}

async fn who_asks_again_gets_the_same(place: &Place, received: &[Received], bodies: &[Value]) {
    let client = place.client().await;
    for Received { serial, idempotency_key, .. } in received {
        let Some(key) = idempotency_key else { continue };
        let by: usize = key.split_once('-').unwrap().0.parse().unwrap();
        let again = sign(&client, &bodies[by], Some(key)).await.unwrap();
        assert_eq!((again.status, &again.body["serial"]), (200, &json!(serial)), "{key}");
    }
}

/// Once each; and the log, looked at by the server and from an export, was not changed.
fn every_one_is_in_the_audit_log(place: &Place, received: &[Received]) {
    place.muster_ca(&["audit", "verify"]);
    place.muster_ca(&["audit", "export", "--out", "audit.jsonl"]);
    place.muster_ca(&["audit", "verify", "--export", "audit.jsonl"]);
    let mut issued = HashMap::<String, usize>::new();
    for line in fs::read_to_string(place.folder.join("audit.jsonl")).unwrap().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["action"] == "certificate.issue" && entry["decision"] == "allowed" {
            *issued.entry(entry["object"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    for Received { serial, .. } in received {
        assert_eq!(issued.get(&format!("certificate/{serial}")), Some(&1), "{serial}");
    }
}
