//! OCSP answers a second, beside `openssl ocsp -port`, asked by the same client in the same minute.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use jiff::Timestamp;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use muster_ca::{AuthorityId, Ca, public_router};

use crate::site::{Site, serial};

const TIME: Duration = Duration::from_secs(4);
const CLIENTS: usize = 8;
const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;

/// What each client asks next.
type Requests = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

pub(crate) async fn measure(site: &Site) {
    let router = public_router(site.ca().clone(), Arc::new(Timestamp::now));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = listener.local_addr().unwrap();
    let served = tokio::spawn(async move { axum::serve(listener, router).await });
    let certificates = site.certificates;
    let issuer = Issuer::of(site.ca());
    let same = issuer.clone();
    let same: Requests = Arc::new(move |_| same.request(&serial(7), None));
    let other = issuer.clone();
    // Far from each other, and from those that are asked next.
    let others: Requests = Arc::new(move |n| other.request(&serial((n * 7919) % certificates), None));
    let nonce: Requests = Arc::new(move |n| issuer.request(&serial(n % certificates), Some(n)));
    let folder = tempfile::tempdir().unwrap();
    let (mut openssl, theirs, request) = start_openssl(folder.path());
    let request: Requests = Arc::new(move |_| request.clone());
    let baseline = sequential(theirs, request.clone()).await;
    println!("openssl ocsp -port, one client, a connection for each: {baseline:.0} answers/s");
    let crowded = crowd(theirs, request).await;
    println!("openssl ocsp -port, {CLIENTS} clients, a connection for each: {crowded:.0} answers/s");
    openssl.kill().unwrap();
    openssl.wait().unwrap();
    let show = |what: &str, rate: f64, to: f64| {
        println!("muster, {what}: {rate:.0} answers/s ({:.2} x openssl)", rate / to);
    };
    let all =
        [("the same certificate", same), ("each its own certificate", others), ("each with a nonce", nonce)];
    for (what, requests) in all {
        let rate = sequential(ours, requests.clone()).await;
        show(&format!("one client, a connection for each, {what}"), rate, baseline);
        let rate = crowd(ours, requests.clone()).await;
        show(&format!("{CLIENTS} clients, a connection for each, {what}"), rate, crowded);
        let rate = together(ours, requests).await;
        show(&format!("{CLIENTS} clients that keep their connections, {what}"), rate, crowded);
    }
    served.abort();
}

/// A connection for each request, as `openssl ocsp` takes them.
async fn sequential(to: SocketAddr, requests: Requests) -> f64 {
    tokio::task::spawn_blocking(move || connecting(to, &requests, 0)).await.unwrap()
}

/// The same from several at once.
async fn crowd(to: SocketAddr, requests: Requests) -> f64 {
    let clients = (0..CLIENTS).map(|client| {
        let requests = requests.clone();
        tokio::task::spawn_blocking(move || connecting(to, &requests, client * 100_003))
    });
    let mut rate = 0.0;
    for client in clients.collect::<Vec<_>>() {
        rate += client.await.unwrap();
    }
    rate
}

fn connecting(to: SocketAddr, requests: &Requests, first: usize) -> f64 {
    let began = Instant::now();
    let mut answers = 0;
    while began.elapsed() < TIME {
        let mut stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&post("1.0", &requests(first + answers))).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        check(&answer);
        answers += 1;
    }
    answers as f64 / began.elapsed().as_secs_f64()
}

/// Several clients, each on its own connection.
async fn together(to: SocketAddr, requests: Requests) -> f64 {
    let clients = (0..CLIENTS).map(|client| {
        let requests = requests.clone();
        thread::spawn(move || {
            let mut stream = TcpStream::connect(to).unwrap();
            stream.set_nodelay(true).unwrap();
            let (began, mut answers, mut buffer) = (Instant::now(), 0, vec![0; 16 * 1024]);
            while began.elapsed() < TIME {
                stream.write_all(&post("1.1", &requests(client * 100_003 + answers))).unwrap();
                let mut filled = 0;
                loop {
                    filled += stream.read(&mut buffer[filled..]).unwrap();
                    if is_whole(&buffer[..filled]) {
                        break;
                    }
                }
                check(&buffer[..filled]);
                answers += 1;
            }
            answers as f64 / began.elapsed().as_secs_f64()
        })
    });
    let clients = clients.collect::<Vec<_>>();
    let all = tokio::task::spawn_blocking(move || clients.into_iter().map(|it| it.join().unwrap()).sum());
    all.await.unwrap()
}

fn post(version: &str, request: &[u8]) -> Vec<u8> {
    let mut sent = format!(
        "POST /ocsp HTTP/{version}\r\nHost: localhost\r\nContent-Type: application/ocsp-request\r\nContent-Length: {}\r\n\r\n",
        request.len()
    )
    .into_bytes();
    sent.extend_from_slice(request);
    sent
}

fn body_of(answer: &[u8]) -> Option<(&[u8], &str)> {
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    Some((&answer[head + 4..], std::str::from_utf8(&answer[..head]).unwrap()))
}

fn is_whole(answer: &[u8]) -> bool {
    let Some((body, head)) = body_of(answer) else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}

/// An answer that is signed is long.
fn check(answer: &[u8]) {
    let (body, head) = body_of(answer).unwrap();
    assert!(head.contains(" 200 ") && body.len() > 100, "{head}: {body:?}");
}

#[derive(Clone)]
struct Issuer {
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
}

impl Issuer {
    fn of(ca: &Ca) -> Self {
        let issuer = ca.authority(&AuthorityId::issuing()).unwrap().certificate.clone().unwrap();
        let key = SubjectPublicKeyInfoRef::try_from(issuer.spki_der()).unwrap();
        let hash = |bytes: &[u8]| digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec();
        Self { name_hash: hash(issuer.subject_der()), key_hash: hash(key.subject_public_key.raw_bytes()) }
    }

    fn request(&self, serial: &[u8; 16], nonce: Option<usize>) -> Vec<u8> {
        const SHA1: [u8; 11] = [SEQUENCE, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
        let names = [element(OCTET_STRING, &[&self.name_hash]), element(OCTET_STRING, &[&self.key_hash])];
        let id = element(SEQUENCE, &[&SHA1, &names[0], &names[1], &element(2, &[serial])]);
        let list = element(SEQUENCE, &[&element(SEQUENCE, &[&id])]);
        let extensions = nonce.map(|nonce| {
            let mut octets = [7; 32];
            octets[..8].copy_from_slice(&nonce.to_be_bytes());
            let value = element(OCTET_STRING, &[&element(OCTET_STRING, &[&octets])]);
            let extension = element(SEQUENCE, &[&[6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2], &value]);
            element(0xa2, &[&element(SEQUENCE, &[&extension])])
        });
        element(SEQUENCE, &[&element(SEQUENCE, &[&list, &extensions.unwrap_or_default()])])
    }
}

/// Short ones.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = u8::try_from(contents.len()).unwrap();
    let header = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [header, contents].concat()
}

/// The responder of openssl for an authority of its own, with what it is asked.
fn start_openssl(folder: &Path) -> (Child, SocketAddr, Vec<u8>) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let (key, certificate, index, request) =
        (path("ca.key"), path("ca.pem"), path("index.txt"), path("request"));
    let curve = "ec_paramgen_curve:P-256";
    openssl(&[
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        curve,
        "-keyout",
        &key,
        "-out",
        &certificate,
        "-subj",
        "/CN=ca",
    ]);
    let serial = hex::encode_upper(serial(7));
    std::fs::write(&index, format!("V\t491231235959Z\t\t{serial}\tunknown\t/CN=device\n")).unwrap();
    openssl(&[
        "ocsp",
        "-issuer",
        &certificate,
        "-serial",
        &format!("0x{serial}"),
        "-no_nonce",
        "-reqout",
        &request,
    ]);
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = address.port().to_string();
    let mut command = Command::new("openssl");
    command.args(["ocsp", "-port", &port, "-index", &index, "-CA", &certificate, "-rsigner", &certificate]);
    command.args(["-rkey", &key, "-ndays", "1", "-ignore_err"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // A connection without a request would keep it busy for good, so it must say itself when it listens.
    let mut says = BufReader::new(child.stderr.take().unwrap()).lines();
    let listens = says.by_ref().any(|line| line.unwrap().contains("waiting for OCSP client"));
    assert!(listens, "openssl ocsp does not listen");
    thread::spawn(move || says.for_each(drop));
    (child, address, std::fs::read(request).unwrap())
}
