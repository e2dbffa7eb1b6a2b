//! How many certificates a second are issued: `cargo bench -p muster-ca --bench issuance [-- postgres://…]`.
//!
//! *unrecorded* is what nobody is offered: a request read and verified, a certificate prepared, looked through, signed, and
//! forgotten. *issued* is what everybody gets: recorded before it is signed, recorded with its audit entry and its leaf
//! before it is answered.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "it measures, and stops where it cannot")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    rand::{SystemRandom, fill},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use futures::future::join_all;
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use muster_ca::{
    AuthorityId, BaseUrl, Ca, Caller, Holder, Identity, Issuer, Profile, Request, Settings, SubjectFacts,
    Wanted, prepare,
};
use muster_store::Db;
use muster_x509::{Certificate, Csr};

const TIME: Duration = Duration::from_secs(5);
const CALLERS: [usize; 3] = [4, 16, 100];

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let db = match std::env::args().find(|arg| arg.starts_with("postgres:")) {
        Some(url) => Db::open_postgres(&url).await.unwrap(),
        None => Db::open_sqlite(&folder.path().join("bench.db")).await.unwrap(),
    };
    let mut settings = Settings::new(folder.path());
    settings.base_url = Some(BaseUrl::parse("http://pki.example").unwrap());
    let entropy: muster_ca::Entropy = Arc::new(|bytes| fill(bytes).unwrap());
    let ca = Ca::open(settings, db.clone(), entropy, Timestamp::now()).await.unwrap();
    unrecorded(&ca);
    for callers in CALLERS {
        issued(&ca, callers).await;
    }
    drop(ca);
    db.close().await;
}

/// One thread, the same request each time, read anew each time.
fn unrecorded(ca: &Ca) {
    const ECDSA_WITH_SHA256: &str = "300a06082a8648ce3d040302";
    let request = request("device-000001");
    let profile = ca.profile("device").unwrap();
    let algorithm = hex::decode(ECDSA_WITH_SHA256).unwrap();
    let base_url = BaseUrl::parse("http://pki.example").unwrap();
    let authority = ca.authority(&AuthorityId::issuing()).unwrap();
    let issuer = Issuer::new(&authority, algorithm, Some(&base_url)).unwrap().unwrap();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let sign = |csr: &Csr| {
        let prepared = prepared(&profile, csr, &issuer);
        key.sign(&SystemRandom::new(), prepared.tbs()).unwrap()
    };
    let csr = Csr::parse(&request).unwrap();
    measure("unrecorded, request read and verified", || {
        sign(&Csr::parse(&request).unwrap());
    });
    measure("  of it: prepared and signed", || {
        sign(&csr);
    });
    measure("  of it: prepared", || {
        prepared(&profile, &csr, &issuer);
    });
}

fn prepared(profile: &Profile, csr: &Csr, issuer: &Issuer) -> muster_ca::Prepared {
    let facts = facts("device-000001");
    let asked = profile.ask(csr, &facts, "bench").unwrap();
    let holder = Holder { name: "device-000001".to_owned(), generation: "7f3a9c21".to_owned() };
    let wanted = Wanted { csr, identity: Identity::Asked(&asked), holder: Some(&holder), not_after: None };
    let mut serial = [0; 16];
    fill(&mut serial).unwrap();
    serial[0] = serial[0] & 0x7f | 0x40;
    prepare(profile, &wanted, issuer, serial, Timestamp::now()).unwrap()
}

fn measure(name: &str, work: impl Fn()) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut done = 0;
    while start.elapsed() < TIME / 2 {
        work();
        done += 1;
    }
    let rate = f64::from(done) / (cpu_seconds() - cpu);
    println!("{name}: {rate:.0} a CPU-second, {:.0} µs each", 1e6 / rate);
}

/// Each caller has a device and a key; each request is read anew.
async fn issued(ca: &Arc<Ca>, callers: usize) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let tasks = (0..callers).map(|caller| tokio::spawn(issue_for_a_while(Arc::clone(ca), caller, start)));
    let mut waits: Vec<_> = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
    let (elapsed, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!(
        "issued, {callers:3} callers: {:6.0}/s, {:6.0} a CPU-second, p50 {:.1?}, p99 {:.1?}, max {:.1?}",
        waits.len() as f64 / elapsed,
        waits.len() as f64 / cpu,
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

async fn issue_for_a_while(ca: Arc<Ca>, caller: usize, start: Instant) -> Vec<Duration> {
    let name = format!("device-{caller:06}");
    let sent = request(&name);
    let mut waits = Vec::new();
    while start.elapsed() < TIME {
        let asked = Instant::now();
        let request = Request {
            authority: AuthorityId::issuing(),
            profile: "device".to_owned(),
            csr: Csr::parse(&sent).unwrap(),
            subject: facts(&name),
            caller: Caller::process(),
            idempotency_key: None,
            holder: Some(Holder { name: name.clone(), generation: "7f3a9c21".to_owned() }),
            not_after: None,
        };
        let issued = ca.issue(request, Timestamp::now()).await.unwrap();
        let _: &Certificate = &issued.certificate;
        waits.push(asked.elapsed());
    }
    waits
}

fn request(common_name: &str) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serialize_request(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn facts(common_name: &str) -> SubjectFacts {
    SubjectFacts { common_name: Some(common_name.to_owned()), ..SubjectFacts::default() }
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).map(|it| it.parse::<f64>().unwrap()).sum();
    ticks / TICKS_A_SECOND
}
