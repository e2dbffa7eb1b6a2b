//! Answers to those who ask about one certificate, with openssl as who asks and who judges.

use std::process::Output;

use muster_x509::to_pem;

use super::*;
use crate::{
    AuthorityId, Caller, Issued, Reason, What,
    issuance::tests::device,
    workshop::{DAY, openssl},
};

/// Files that openssl reads, and the way it asks.
struct Client<'w> {
    world: &'w World,
    dir: tempfile::TempDir,
}

impl<'w> Client<'w> {
    fn new(world: &'w World) -> Self {
        let client = Self { world, dir: tempfile::tempdir().unwrap() };
        for id in [AuthorityId::root(), AuthorityId::issuing()] {
            let certificate = world.ca.authority(&id).unwrap().certificate.clone().unwrap();
            client.put(&format!("{id}.pem"), to_pem(certificate.der()).as_bytes());
        }
        client
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// The request about these serial numbers, DER.
    fn request(&self, issuer: &str, serials: &[String], options: &[&str]) -> Vec<u8> {
        let (issuer, out) = (self.path(&format!("{issuer}.pem")), self.path("request.der"));
        let mut arguments = vec!["ocsp"];
        arguments.extend(options);
        arguments.extend(["-issuer", &issuer, "-reqout", &out]);
        serials.iter().for_each(|serial| arguments.extend(["-serial", serial]));
        openssl(&arguments);
        std::fs::read(out).unwrap()
    }

    async fn post(&self, request: &[u8]) -> Answer {
        let post = Request::post("/ocsp").header("content-type", "application/ocsp-request");
        self.world.send(post.body(Body::from(request.to_owned())).unwrap()).await
    }

    /// What openssl reads in an answer to this request, at the time of the workshop.
    fn read(&self, request: &[u8], answer: &Answer, at: Timestamp) -> String {
        let (request, response) = (self.put("asked.der", request), self.put("answer.der", &answer.body));
        let (root, issuing, at) =
            (self.path("root.pem"), self.path("issuing.pem"), at.as_second().to_string());
        let mut arguments = vec!["ocsp", "-reqin", &request, "-respin", &response, "-CAfile", &root];
        arguments.extend(["-verify_other", &issuing, "-attime", &at, "-text", "-no_nonce"]);
        openssl(&arguments)
    }
}

fn serial(issued: &Issued) -> String {
    format!("0x{}", hex::encode(issued.serial))
}

fn what(issued: &Issued) -> What {
    What::Serial { authority: AuthorityId::issuing(), serial: issued.serial }
}

async fn issue(world: &World, name: &str) -> Issued {
    let mut request = device(name);
    request.holder = Some(world.ca.holder(name));
    world.ca.issue(request, now()).await.unwrap()
}

async fn revoke(world: &World, what: What, reason: Reason) {
    world.ca.revoke(what, reason, &Caller::process(), now()).await.unwrap();
}

const UNAUTHORIZED: [u8; 5] = [0x30, 3, 0x0a, 1, 6];
const MALFORMED: [u8; 5] = [0x30, 3, 0x0a, 1, 1];
const TRY_LATER: [u8; 5] = [0x30, 3, 0x0a, 1, 3];

#[tokio::test]
async fn openssl_is_told_what_is_good_and_what_is_revoked_by_every_hash() {
    let world = World::open().await;
    let client = Client::new(&world);
    let (one, two) = (issue(&world, "pump-1").await, issue(&world, "pump-2").await);
    let serials = [serial(&one)];
    for hash in ["-sha1", "-sha256", "-sha384"] {
        let request = client.request("issuing", &serials, &[hash]);
        let said = client.read(&request, &client.post(&request).await, now());
        for line in ["Response verify OK", "Cert Status: good", "Next Update: Nov 20 16:00:00 2026 GMT"] {
            assert!(said.contains(line), "{line}: {said}");
        }
    }
    revoke(&world, what(&one), Reason::KeyCompromise).await;
    revoke(&world, What::Holder("pump-2".to_owned()), Reason::Unspecified).await;
    let request = client.request("issuing", &serials, &["-sha256"]);
    let said = client.read(&request, &client.post(&request).await, now());
    for line in ["Response verify OK", "Cert Status: revoked", "Revocation Reason: keyCompromise (0x1)"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(said.contains("Revocation Time: Nov 20 12:00:00 2026 GMT"), "{said}");
    let request = client.request("issuing", &[serial(&two)], &["-sha256"]);
    let said = client.read(&request, &client.post(&request).await, now());
    assert!(said.contains("Cert Status: revoked") && !said.contains("Revocation Reason"), "{said}");
    world.close().await;
}

#[tokio::test]
async fn good_is_said_of_nothing_that_was_not_issued_here() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let never = format!("0x41{}", "00".repeat(15));
    let short = "0x05".to_owned();
    let both = [serial(&issued), never.clone()];
    for serials in [&[never.clone()][..], &[short], &both] {
        let answer = client.post(&client.request("issuing", serials, &[])).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, &UNAUTHORIZED[..]));
        assert_eq!(answer.header("content-type"), "application/ocsp-response");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // A certificate of the issuing authority is none of the root's.
    let answer = client.post(&client.request("root", &[serial(&issued)], &[])).await;
    assert_eq!(answer.body, UNAUTHORIZED);
    // Somebody else's authority.
    let (key, certificate) = (client.path("other.key"), client.path("other.pem"));
    openssl(&[
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-keyout",
        &key,
        "-out",
        &certificate,
        "-subj",
        "/CN=other",
    ]);
    let answer = client.post(&client.request("other", &[serial(&issued)], &[])).await;
    assert_eq!(answer.body, UNAUTHORIZED);
    world.close().await;
}

#[tokio::test]
async fn what_is_no_request_is_malformed_and_what_is_too_long_is_refused() {
    let world = World::open().await;
    let client = Client::new(&world);
    for sent in [&b""[..], b"hello", &[0x30, 0], &[0x30; 20_000]] {
        let answer = client.post(sent).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, &MALFORMED[..]));
    }
    assert_eq!(client.post(&[0x30; 70_000]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    for path in ["/ocsp/", "/ocsp/hello!", "/ocsp/AAAA"] {
        let answer = world.get(path).await;
        assert!(answer.status == StatusCode::NOT_FOUND || answer.body == MALFORMED, "{path}");
    }
    world.close().await;
}

#[tokio::test]
async fn a_nonce_comes_back_in_an_answer_of_its_own_that_nobody_keeps() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let [first, second] = [(); 2].map(|()| client.request("issuing", &[serial(&issued)], &["-nonce"]));
    let answer = client.post(&first).await;
    let again = client.post(&second).await;
    assert_ne!(answer.body, again.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    for header in ["etag", "expires", "last-modified"] {
        assert_eq!(answer.header(header), "");
    }
    let request = muster_x509::OcspRequest::parse(&first).unwrap();
    let nonce = request.nonce.unwrap();
    assert!(answer.body.windows(nonce.as_bytes().len()).any(|bytes| bytes == nonce.as_bytes()));
    // By openssl, which compares.
    let (request, response) = (client.put("asked.der", &first), client.put("answer.der", &answer.body));
    let (root, issuing) = (client.path("root.pem"), client.path("issuing.pem"));
    let mut arguments = vec!["ocsp", "-reqin", &request, "-respin", &response, "-CAfile", &root];
    let at = now().as_second().to_string();
    arguments.extend(["-verify_other", &issuing, "-attime", &at]);
    let said = openssl(&arguments);
    assert!(said.contains("Response verify OK") && !said.contains("WARNING"), "{said}");
    world.close().await;
}

#[tokio::test]
async fn the_same_answer_is_given_for_half_its_life_and_a_revocation_ends_it_at_once() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let request = client.request("issuing", &[serial(&issued)], &["-no_nonce"]);
    let first = client.post(&request).await;
    assert_eq!(first.header("cache-control"), "max-age=14400, public, no-transform, must-revalidate");
    assert_eq!(first.header("last-modified"), "Fri, 20 Nov 2026 12:00:00 GMT");
    assert_eq!(first.header("expires"), "Fri, 20 Nov 2026 16:00:00 GMT");
    let hour = jiff::SignedDuration::from_hours(1);
    world.set(now() + hour);
    let second = client.post(&request).await;
    assert_eq!((&second.body, second.header("etag")), (&first.body, first.header("etag")));
    assert_eq!(second.header("cache-control"), "max-age=10800, public, no-transform, must-revalidate");
    world.set(now() + 2 * hour);
    let third = client.post(&request).await;
    assert_ne!(third.body, first.body);
    assert_eq!(client.post(&request).await.body, third.body);
    revoke(&world, What::Holder("pump-1".to_owned()), Reason::Superseded).await;
    let revoked = client.post(&request).await;
    assert!(client.read(&request, &revoked, now() + 2 * hour).contains("Cert Status: revoked"));
    assert_eq!(client.post(&request).await.body, revoked.body);
    world.close().await;
}

#[tokio::test]
async fn a_get_is_answered_however_its_path_is_escaped() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let request = client.request("issuing", &[serial(&issued)], &["-no_nonce", "-sha256"]);
    let expected = client.post(&request).await.body;
    let file = client.put("asked.der", &request);
    let text = openssl(&["base64", "-A", "-in", &file]);
    let escaped = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for path in [format!("/ocsp/{text}"), format!("/ocsp/{escaped}"), format!("/ocsp//{text}")] {
        let answer = world.get(&path).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &expected), "{path}");
        let again = Request::get(&path).header("if-none-match", answer.header("etag"));
        let again = world.send(again.body(Body::empty()).unwrap()).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    }
    world.close().await;
}

#[tokio::test]
async fn several_certificates_of_one_authority_are_answered_at_once() {
    let world = World::open().await;
    let client = Client::new(&world);
    let (one, two) = (issue(&world, "pump-1").await, issue(&world, "pump-2").await);
    revoke(&world, what(&two), Reason::Superseded).await;
    let request = client.request("issuing", &[serial(&one), serial(&two)], &[]);
    let said = client.read(&request, &client.post(&request).await, now());
    assert!(said.contains("Cert Status: good") && said.contains("Cert Status: revoked"), "{said}");
    world.close().await;
}

#[tokio::test]
async fn whoever_comes_when_too_many_are_answered_tries_later() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let request = client.request("issuing", &[serial(&issued)], &["-no_nonce"]);
    let all = world.ca.ocsp.hold_all();
    let answer = client.post(&request).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::SERVICE_UNAVAILABLE, &TRY_LATER[..]));
    assert_eq!(answer.header("retry-after"), "1");
    drop(all);
    assert_eq!(client.post(&request).await.status, StatusCode::OK);
    world.close().await;
}

#[tokio::test]
async fn a_responder_is_followed_by_another_before_half_of_its_life_is_over_and_its_key_is_gone() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let keys = || {
        let names = std::fs::read_dir(world.dir.path().join("ca/keys")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names = names.filter(|name| name.starts_with("ocsp.issuing.")).collect::<Vec<_>>();
        names.sort();
        names
    };
    let first = keys();
    assert_eq!(first.len(), 1, "{first:?}");
    for (days, renewed) in [(5, false), (7, true), (12, false), (20, true)] {
        let (at, before) = (now() + days * DAY, keys());
        world.set(at);
        world.ca.tick(at).await;
        assert_eq!(keys() != before, renewed, "after {days} days");
        assert_eq!(keys().len(), 1);
        let request = client.request("issuing", &[serial(&issued)], &["-no_nonce"]);
        let said = client.read(&request, &client.post(&request).await, at);
        assert!(said.contains("Response verify OK"), "{said}");
    }
    world.close().await;
}

#[tokio::test]
async fn the_responders_certificate_is_for_that_alone() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let request = client.request("issuing", &[serial(&issued)], &[]);
    let said = client.read(&request, &client.post(&request).await, now());
    for line in [
        "Subject: CN=OCSP issuing 1",
        "OCSP Signing",
        "OCSP No Check",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "CA:FALSE",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    world.close().await;
}

#[tokio::test]
async fn a_revoked_authority_has_its_own_and_all_below_it_revoked() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let own = world.ca.authority(&AuthorityId::issuing()).unwrap().certificate.clone().unwrap();
    revoke(&world, What::Authority(AuthorityId::issuing()), Reason::CaCompromise).await;
    for (issuer, serial) in [("issuing", serial(&issued)), ("root", format!("0x{}", own.serial_hex()))] {
        let request = client.request(issuer, &[serial], &[]);
        let said = client.read(&request, &client.post(&request).await, now());
        assert!(said.contains("Cert Status: revoked"), "{said}");
    }
    world.close().await;
}

/// Over a socket, as openssl asks by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_asks_over_http_by_itself() {
    let world = World::open().await;
    let client = Client::new(&world);
    let issued = issue(&world, "pump-1").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ocsp", listener.local_addr().unwrap());
    let served = tokio::spawn(axum::serve(listener, world.router.clone()).into_future());
    let (root, issuing) = (client.path("root.pem"), client.path("issuing.pem"));
    let device = client.put("device.pem", to_pem(issued.certificate.der()).as_bytes());
    let ask = async || -> Output {
        let at = now().as_second().to_string();
        let mut command = tokio::process::Command::new("openssl");
        command
            .args(["ocsp", "-sha256", "-issuer", &issuing, "-cert", &device, "-url", &url, "-CAfile", &root]);
        command.args(["-verify_other", &issuing, "-attime", &at]);
        // Times are those of the workshop, not of this day.
        command.args(["-validity_period", "999999999"]).output().await.unwrap()
    };
    let said = |output: Output| {
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let first = said(ask().await);
    assert!(first.contains("Response verify OK") && first.contains("device.pem: good"), "{first}");
    revoke(&world, what(&issued), Reason::Superseded).await;
    let second = said(ask().await);
    assert!(second.contains("device.pem: revoked") && second.contains("superseded"), "{second}");
    served.abort();
    world.close().await;
}

#[tokio::test]
async fn of_an_authority_that_was_made_just_now_the_status_is_told_at_once() {
    let world = World::open().await;
    let line = AuthorityId::parse("line-4").unwrap();
    let new = crate::NewAuthority::new(line.clone());
    let made =
        world.ca.create_intermediate(&AuthorityId::root(), new, &Caller::process(), now()).await.unwrap();
    let issued = world.ca.issue(crate::Request { authority: line, ..device("pump-1") }, now()).await.unwrap();
    let client = Client::new(&world);
    client.put("line-4.pem", to_pem(made.certificate.as_ref().unwrap().der()).as_bytes());
    let answer = client.post(&client.request("line-4", &[serial(&issued)], &["-no_nonce"])).await;
    assert_eq!(answer.status, StatusCode::OK);
    world.close().await;
}
