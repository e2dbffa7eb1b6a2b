//! Server certificates, judged by the openssl command line too.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, LazyLock},
};

use jiff::{SignedDuration, Timestamp};
use muster_store::Db;
use muster_x509::{Certificate, to_pem};

use tokio::runtime::Runtime;

use crate::issuance::{NameError, ServerNames};
use crate::{Ca, Entropy, ServerCertificate, ServerCertificateError, Settings};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn open(dir: &Path, at: Timestamp) -> Arc<Ca> {
    let entropy: Entropy = Arc::new(|bytes| aws_lc_rs::rand::fill(bytes).unwrap());
    wait(async {
        let db = Db::open_sqlite(&dir.join("muster.db")).await.unwrap();
        Ca::open(Settings::new(dir), db, entropy, at).await.unwrap()
    })
}

/// Runs on a runtime that lasts as long as the tests.
fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(future)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn leaf(server: &ServerCertificate) -> Certificate {
    Certificate::parse(&server.chain[0]).unwrap()
}

/// The outside judge: part of every Debian, and of what a developer of this needs.
fn openssl(arguments: &[&str]) -> String {
    let output =
        Command::new("openssl").args(arguments).output().expect("openssl must be on the PATH for this test");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
    said
}

/// Root, issuing authority, leaf and key as files, named in this order.
fn on_disk(dir: &Path, ca: &Ca, server: &ServerCertificate) -> [String; 4] {
    let write = |name: &str, bytes: &[u8]| {
        let path: PathBuf = dir.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    [
        write("root", ca.root_pem().as_bytes()),
        write("issuing", to_pem(&server.chain[1]).as_bytes()),
        write("leaf", to_pem(&server.chain[0]).as_bytes()),
        write("key", &server.key_pkcs8),
    ]
}

#[test]
fn openssl_accepts_the_chain_strictly_for_a_tls_server_of_each_name() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), now());
    let wanted = names(&["dps.factory.example", "*.hubs.example", "localhost", "127.0.0.1", "::1"]);
    let server = wait(ca.server_certificate(&wanted, now())).unwrap();
    let [root, issuing, leaf, key] = on_disk(dir.path(), &ca, &server);
    let at = now().as_second().to_string();
    let path = ["verify", "-x509_strict", "-attime", &at, "-CAfile", &root, "-untrusted", &issuing];
    for check in [
        ["-verify_hostname", "dps.factory.example"],
        ["-verify_hostname", "hub1.hubs.example"],
        ["-verify_hostname", "localhost"],
        ["-verify_ip", "127.0.0.1"],
        ["-verify_ip", "::1"],
    ] {
        let arguments = [&path[..], &["-purpose", "sslserver"], &check, &[&leaf]].concat();
        assert!(openssl(&arguments).contains("OK"));
    }
    // The key is the leaf's.
    let of_key = openssl(&["pkey", "-in", &key, "-inform", "DER", "-pubout"]);
    assert_eq!(of_key, openssl(&["x509", "-in", &leaf, "-noout", "-pubkey"]));
}

#[test]
fn certificates_say_what_their_profiles_say() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), now());
    let server = wait(ca.server_certificate(&names(&["localhost", "10.0.0.1"]), now())).unwrap();
    let [root, issuing, leaf, _] = on_disk(dir.path(), &ca, &server);
    let text = |file: &str| openssl(&["x509", "-noout", "-text", "-nameopt", "RFC2253", "-in", file]);
    for (file, wanted) in [
        (&root, &["CA:TRUE\n", "Certificate Sign, CRL Sign"][..]),
        (
            &issuing,
            &[
                "CA:TRUE, pathlen:0",
                "Certificate Sign, CRL Sign",
                "TLS Web Client Authentication, TLS Web Server",
            ],
        ),
        (
            &leaf,
            &[
                "Subject: CN=localhost\n",
                "X509v3 Basic Constraints: critical\n                CA:FALSE",
                "X509v3 Key Usage: critical\n                Digital Signature\n",
                "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n",
                "DNS:localhost, IP Address:10.0.0.1",
                "Not Before: Nov 20 11:55:00 2026 GMT",
                "Not After : Nov 20 11:54:59 2027 GMT",
                "ASN1 OID: prime256v1",
                "Signature Algorithm: ecdsa-with-SHA256",
            ],
        ),
    ] {
        let text = text(file);
        for line in wanted {
            assert!(text.contains(line), "`{line}` is not in {text}");
        }
    }
    let identifier = |file: &str, which: &str| {
        openssl(&["x509", "-noout", "-ext", which, "-in", file]).replace("keyid:", "")
    };
    let last = |text: String| text.lines().last().unwrap().trim().to_owned();
    for (child, parent) in [(&leaf, &issuing), (&issuing, &root)] {
        let authority = last(identifier(child, "authorityKeyIdentifier"));
        assert_eq!(authority, last(identifier(parent, "subjectKeyIdentifier")));
    }
}

#[test]
fn a_certificate_is_used_again_until_thirty_days_before_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let first =
        wait(open(dir.path(), now()).server_certificate(&names(&["localhost", "127.0.0.1"]), now())).unwrap();
    let again =
        |at, wanted: &[&str]| wait(open(dir.path(), at).server_certificate(&names(wanted), at)).unwrap();
    let second = again(now() + DAY * 334, &["127.0.0.1", "LOCALHOST", "localhost"]);
    assert_eq!((&first.chain[0], &first.key_pkcs8), (&second.chain[0], &second.key_pkcs8));
    let third = again(now() + DAY * 335, &["localhost", "127.0.0.1"]);
    assert_ne!(first.chain[0], third.chain[0]);
    assert_ne!(leaf(&first).spki_der(), leaf(&third).spki_der());
}

#[test]
fn other_names_get_another_certificate_and_do_not_replace_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), now());
    let first = wait(ca.server_certificate(&names(&["localhost"]), now())).unwrap();
    let other = wait(ca.server_certificate(&names(&["localhost", "hub.example"]), now())).unwrap();
    assert_ne!(first.chain[0], other.chain[0]);
    assert_eq!(first.chain[0], wait(ca.server_certificate(&names(&["localhost"]), now())).unwrap().chain[0]);
}

#[test]
fn a_damaged_or_foreign_server_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), now());
    let wanted = names(&["localhost"]);
    let first = wait(ca.server_certificate(&wanted, now())).unwrap();
    let path = dir.path().join("ca/servers").join(ServerNames::parse(&wanted).unwrap().file_name());
    let whole = fs::read_to_string(&path).unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    wait(open(elsewhere.path(), now()).server_certificate(&wanted, now())).unwrap();
    let foreign =
        fs::read_to_string(elsewhere.path().join("ca/servers").join(path.file_name().unwrap())).unwrap();
    let certificates_only = whole[whole.find("-----BEGIN CERT").unwrap()..].to_owned();

    for damage in
        [String::new(), whole[..100].to_owned(), whole[..300].to_owned(), certificates_only, foreign]
    {
        fs::write(&path, &damage).unwrap();
        let new = wait(ca.server_certificate(&wanted, now())).unwrap();
        assert_ne!(new.chain[0], first.chain[0]);
        assert_eq!(wait(ca.server_certificate(&wanted, now())).unwrap().chain, new.chain);
    }
}

#[test]
fn files_of_names_that_came_and_went_do_not_pile_up() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), now());
    for number in 0..40 {
        wait(ca.server_certificate(&names(&[&format!("host-{number}.example")]), now())).unwrap();
    }
    assert_eq!(fs::read_dir(dir.path().join("ca/servers")).unwrap().count(), 32 + 1, "and the lock");
}

#[test]
fn an_expired_issuing_authority_issues_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), now());
    let error = wait(ca.server_certificate(&names(&["localhost"]), now() + DAY * 731)).unwrap_err();
    assert!(matches!(error, ServerCertificateError::IssuerExpired { .. }), "{error}");
}

#[test]
fn names_are_hosts_or_addresses() {
    assert_eq!(ServerNames::parse(&[]), Err(NameError::Missing));
    let many: Vec<String> = (0..65).map(|number| format!("host{number}")).collect();
    assert_eq!(ServerNames::parse(&many), Err(NameError::TooMany { given: 65 }));
    let long = format!("{}.example", "a".repeat(64));
    for wrong in [
        "",
        ".",
        "a..b",
        "-a",
        "a-",
        "a b",
        "*",
        "a.*.b",
        "b\u{fc}cher.example",
        "1.2.3.4.5",
        "a,CN=b",
        &long,
    ] {
        assert!(matches!(ServerNames::parse(&names(&[wrong])), Err(NameError::Malformed { .. })), "{wrong}");
    }
    for right in [
        "localhost",
        "a",
        "1a.example",
        "*.example.com",
        "1.2.3.4",
        "fe80::1",
        "a.".repeat(126).trim_end_matches('.'),
    ] {
        ServerNames::parse(&names(&[right])).unwrap();
    }
}

#[test]
fn a_long_host_name_stands_in_the_alternative_names_only() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), now());
    let long = format!("{}.{}.example", "a".repeat(40), "b".repeat(40));
    let server = wait(ca.server_certificate(&names(&[&long]), now())).unwrap();
    assert_eq!(leaf(&server).common_name(), Some("Muster Server"));
}

#[test]
fn the_key_of_a_server_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let server = wait(open(dir.path(), now()).server_certificate(&names(&["localhost"]), now())).unwrap();
    assert_eq!(format!("{server:?}"), "ServerCertificate(not_after 2027-11-20T11:54:59Z, key redacted)");
}
