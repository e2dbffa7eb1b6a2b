//! What issuing promises, on every engine.

mod born;
mod crash;
mod grants;
mod hostile;
mod issue;
mod judged;
mod keys;
mod listed;
mod renew;
mod repeated;
mod revoked;
mod server;

use std::{net::IpAddr, path::Path, sync::Arc};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use muster_store::Db;
use muster_test_engines::for_each_engine;
use muster_x509::{Certificate, Csr};

use super::{Hardware, IssueError, Issued, Request, SubjectFacts};
use crate::{
    AuthorityId, BaseUrl, Ca, Caller, Credential, Settings,
    audit::Chained,
    workshop::{entropy, now, openssl},
};

/// An authority with a place to fetch CRLs from.
pub(crate) async fn open(dir: &Path, db: &Db) -> Arc<Ca> {
    let mut settings = Settings::new(dir);
    settings.base_url = Some(BaseUrl::parse("http://pki.example").unwrap());
    Ca::open(settings, db.clone(), entropy(), now()).await.unwrap()
}

pub(crate) async fn for_each_ca(test: impl AsyncFn(Arc<Ca>)) {
    for_each_engine(async |db| {
        let dir = tempfile::tempdir().unwrap();
        test(open(dir.path(), &db).await).await;
    })
    .await;
}

/// A key of its own, and the request of a client that asks for a common name only.
pub(crate) fn csr(common_name: &str) -> Csr {
    csr_of(common_name, &KeyPair::generate().unwrap())
}

pub(crate) fn csr_of(common_name: &str, key: &KeyPair) -> Csr {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if !common_name.is_empty() {
        params.distinguished_name.push(DnType::CommonName, common_name);
    }
    Csr::parse(params.serialize_request(key).unwrap().der()).unwrap()
}

/// A request as `openssl req` makes it.
fn openssl_csr(subject: &str, key: &[&str], extensions: &[&str]) -> Csr {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key_file, out) = (path("key.pem"), path("request.der"));
    let mut arguments = vec!["req", "-new", "-nodes", "-keyout", &key_file, "-outform", "DER", "-out", &out];
    arguments.extend(["-subj", subject]);
    arguments.extend(key);
    for extension in extensions {
        arguments.extend(["-addext", extension]);
    }
    openssl(&arguments);
    Csr::parse(&std::fs::read(out).unwrap()).unwrap()
}

const P256: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

pub(crate) fn facts(common_name: &str) -> SubjectFacts {
    SubjectFacts { common_name: Some(common_name.to_owned()), ..SubjectFacts::default() }
}

/// A device's certificate, asked for by the server itself.
pub(crate) fn device(common_name: &str) -> Request {
    request("device", csr(common_name), facts(common_name))
}

fn request(profile: &str, csr: Csr, subject: SubjectFacts) -> Request {
    Request {
        authority: AuthorityId::issuing(),
        profile: profile.to_owned(),
        csr,
        subject,
        caller: Caller::process(),
        idempotency_key: None,
        holder: None,
        not_after: None,
    }
}

fn operator(name: &str) -> Caller {
    Caller { name: name.to_owned(), credential: Credential::AccessPolicy(name.to_owned()), from: None }
}

fn hosts(names: &[&str], addresses: &[&str]) -> SubjectFacts {
    SubjectFacts {
        common_name: names.first().map(|&name| name.to_owned()),
        dns_names: names.iter().map(|&name| name.to_owned()).collect(),
        ip_addresses: addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect(),
        ..SubjectFacts::default()
    }
}

fn hardware() -> Hardware {
    Hardware { kind: "1.3.6.1.4.1.32473.7.1".to_owned(), serial: vec![0, 0x11, 0x22, 0x33] }
}

fn refusal(issued: Result<Issued, IssueError>) -> String {
    issued.map(|issued| issued.certificate).unwrap_err().to_string()
}

async fn last_entry(ca: &Ca) -> Chained {
    let entries = ca.audit_page(1, 1000).await.unwrap();
    entries.last().unwrap().clone()
}

/// Files as command lines want them: the root, the authorities below it, the certificate.
fn on_disk(dir: &Path, issued: &Issued) -> [String; 3] {
    let write = |name: &str, certificates: &[Certificate]| {
        let path = dir.join(name);
        let pem: String = certificates.iter().map(|it| muster_x509::to_pem(it.der())).collect();
        std::fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (root, below) = issued.chain.split_last().unwrap();
    let leaf = std::slice::from_ref(&issued.certificate);
    [write("root.pem", std::slice::from_ref(root)), write("chain.pem", below), write("leaf.pem", leaf)]
}
