//! One certificate of each profile, with the chain above it, as files for linters and other outside judges:
//! `cargo run -p muster-ca --example specimens -- DIR`.
//!
//! In DIR there will be `<profile>.pem`, `<profile>.issuer.pem` and `<profile>.chain.pem`, which ends with the root.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "an example, which stops where it cannot go on"
)]

use std::{path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519, SignatureAlgorithm,
};

use muster_ca::{
    AuthorityId, BaseUrl, Ca, Caller, Hardware, Holder, Issued, NewAuthority, Request, Settings, SubjectFacts,
};
use muster_store::Db;
use muster_x509::{Certificate, Csr, to_pem};

#[tokio::main]
async fn main() {
    let target = std::env::args().nth(1).unwrap_or_else(|| "specimens".to_owned());
    let target = Path::new(&target);
    std::fs::create_dir_all(target).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("muster.db")).await.unwrap();
    let mut settings = Settings::new(folder.path());
    settings.base_url = Some(BaseUrl::parse("http://pki.example.com").unwrap());
    let entropy: muster_ca::Entropy = Arc::new(|bytes| aws_lc_rs::rand::fill(bytes).unwrap());
    let (now, caller) = (Timestamp::now(), Caller::process());
    let ca = Ca::open(settings, db.clone(), entropy, now).await.unwrap();

    // An authority with room for another one below it, and one that never ends, as manufacturers have them.
    let deep = AuthorityId::parse("deep").unwrap();
    let new = NewAuthority {
        path_len: Some(1),
        life: Some(SignedDuration::from_hours(24 * 1000)),
        ..NewAuthority::new(deep.clone())
    };
    ca.create_intermediate(&AuthorityId::root(), new, &caller, now).await.unwrap();
    let factory = endless(&ca, now).await;

    let device = SubjectFacts {
        common_name: Some("pump-1".to_owned()),
        serial_number: Some("A-17".to_owned()),
        organization: Some("Contoso".to_owned()),
        uris: vec!["https://example.com/pumps/1".to_owned()],
        ..SubjectFacts::default()
    };
    let server = SubjectFacts {
        common_name: Some("gateway.example.com".to_owned()),
        dns_names: vec!["gateway.example.com".to_owned(), "devices.example.com".to_owned()],
        ip_addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
        ..SubjectFacts::default()
    };
    let nameless = SubjectFacts { common_name: None, ..server.clone() };
    let born = SubjectFacts {
        serial_number: Some("A-17".to_owned()),
        organization: Some("Contoso".to_owned()),
        hardware: Some(Hardware {
            kind: "1.3.6.1.4.1.32473.7.1".to_owned(),
            serial: vec![0, 0x11, 0x22, 0x33],
        }),
        ..SubjectFacts::default()
    };
    let line = SubjectFacts { common_name: Some("Line 7".to_owned()), ..SubjectFacts::default() };
    let issuing = AuthorityId::issuing();
    for (name, profile, authority, key, subject) in [
        ("device", "device", &issuing, &PKCS_ECDSA_P256_SHA256, &device),
        ("device-p384", "device", &issuing, &PKCS_ECDSA_P384_SHA384, &device),
        ("device-ed25519", "device", &issuing, &PKCS_ED25519, &device),
        ("edge-server", "edge-server", &issuing, &PKCS_ECDSA_P256_SHA256, &server),
        ("tls-server", "tls-server", &issuing, &PKCS_ECDSA_P256_SHA256, &server),
        ("tls-server-nameless", "tls-server", &issuing, &PKCS_ECDSA_P256_SHA256, &nameless),
        ("idevid", "idevid", &factory, &PKCS_ECDSA_P256_SHA256, &born),
        ("sub-ca", "sub-ca", &deep, &PKCS_ECDSA_P256_SHA256, &line),
    ] {
        let request = Request {
            authority: authority.clone(),
            profile: profile.to_owned(),
            csr: csr(key),
            subject: subject.clone(),
            caller: caller.clone(),
            idempotency_key: None,
            holder: Some(Holder { name: name.to_owned(), generation: "7f3a9c21".to_owned() }),
            not_after: None,
        };
        let issued = ca.issue(request, now).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        write(target, name, &issued);
    }
    drop(ca);
    db.close().await;
}

/// A root of somebody else, with an authority of ours below it, both without an end.
async fn endless(ca: &Ca, now: Timestamp) -> AuthorityId {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    write("config", &include_str!("manufacturer.cnf").replace("DIR", dir.path().to_str().unwrap()));
    write("index", "");
    let (key, request, root, config) = (path("root.key"), path("root.csr"), path("root.pem"), path("config"));
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=Manufacturer"];
    openssl(&[&["req", "-new", "-nodes", "-keyout", &key, "-out", &request], &curve[..]].concat());
    let sign = |request: &str, out: &str, extensions: &str, more: &[&str]| {
        let ca = ["ca", "-batch", "-notext", "-preserveDN", "-config", &config, "-keyfile", &key];
        let ends =
            ["-startdate", "20260101000000Z", "-enddate", "99991231235959Z", "-extensions", extensions];
        openssl(&[&ca[..], &ends, &["-in", request, "-out", out], more].concat());
    };
    sign(&request, &root, "root", &["-selfsign"]);
    let (id, caller) = (AuthorityId::parse("factory").unwrap(), Caller::process());
    let new = NewAuthority { path_len: Some(0), ..NewAuthority::new(id.clone()) };
    write("below.csr", &ca.request_intermediate(new, &caller, now).await.unwrap());
    sign(&path("below.csr"), &path("below.pem"), "below", &["-cert", &root]);
    let chain = [path("below.pem"), root].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    ca.activate(&id, &chain, &caller, now).await.unwrap();
    id
}

fn openssl(arguments: &[&str]) {
    let output = std::process::Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn csr(key: &'static SignatureAlgorithm) -> Csr {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let key = KeyPair::generate_for(key).unwrap();
    Csr::parse(params.serialize_request(&key).unwrap().der()).unwrap()
}

fn write(target: &Path, name: &str, issued: &Issued) {
    let pem =
        |certificates: &[Certificate]| certificates.iter().map(|it| to_pem(it.der())).collect::<String>();
    let put =
        |ending: &str, text: String| std::fs::write(target.join(format!("{name}{ending}")), text).unwrap();
    put(".pem", pem(std::slice::from_ref(&issued.certificate)));
    put(".issuer.pem", pem(&issued.chain[..1]));
    put(".chain.pem", pem(&issued.chain));
}
