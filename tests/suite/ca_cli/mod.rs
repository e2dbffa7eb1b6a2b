//! `muster ca` as a security team runs it: the real program against a real server, with openssl as the other side.

mod bulk;
mod logs;
mod passphrase;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binaries::{Serve, binary, configuration};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Office {
    folder: TempDir,
    serve: Serve,
}

impl Office {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = configuration(folder.path(), "");
        let serve = Serve::start(&folder.path().join("data"), &configuration);
        Self { folder, serve }
    }

    /// Killed, and started again.
    fn restarted(self) -> Self {
        let Self { folder, serve } = self;
        serve.kill();
        let serve = Serve::start(&folder.path().join("data"), &folder.path().join("muster.toml"));
        Self { folder, serve }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// `muster ca` with these words, in the folder.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(binary("muster"));
        command.arg("ca").args(line.split(' ')).current_dir(self.folder.path());
        command.env("MUSTER_DATA", self.path("data")).env_remove("MUSTER_CONNECTION_STRING");
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} --json"))).unwrap()
    }

    /// What it says when it fails.
    fn refused(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// A key pair and a request for it.
    fn request(&self, name: &str, subject: &str) {
        let (key, csr) = (format!("{name}.key"), format!("{name}.csr"));
        self.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &key]);
        self.openssl(&["req", "-new", "-key", &key, "-subj", subject, "-out", &csr]);
    }

    fn openssl(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("openssl").args(arguments).current_dir(self.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap() + &said
    }
}

#[test]
fn a_certificate_lives_signed_listed_renewed_and_revoked() {
    let office = Office::open();
    office.request("pump", "/CN=pump-7");
    office.done("sign pump.csr --holder pump-7 --days 30 --out pump.pem --chain");
    fs::write(office.path("root.pem"), office.read("data/ca.pem")).unwrap();
    let verified = office.openssl(&[
        "verify",
        "-x509_strict",
        "-purpose",
        "sslclient",
        "-CAfile",
        "root.pem",
        "-untrusted",
        "pump.pem",
        "pump.pem",
    ]);
    assert!(verified.contains("OK"), "{verified}");

    let inspected = office.json("inspect pump.pem");
    let serial = inspected["known"]["serial"].as_str().unwrap().to_owned();
    assert_eq!(inspected["status"], "valid");
    assert_eq!(
        (&inspected["known"]["holder"], &inspected["known"]["subject"], &inspected["certificate"]["key"]),
        (&json!("pump-7"), &json!("CN=pump-7"), &json!("P-256"))
    );
    let shown = office.done(&format!("inspect {serial}"));
    assert!(shown.contains("clientAuth") && shown.contains("digitalSignature"), "{shown}");

    office.openssl(&[
        "req",
        "-new",
        "-key",
        "pump.key",
        "-subj",
        "/CN=pump-7",
        "-outform",
        "DER",
        "-out",
        "again.csr",
    ]);
    let renewed = office.json(&format!("renew {serial} again.csr -o renewed.pem"));
    assert_eq!(renewed["subject"], "CN=pump-7");
    let listed = office.json("list --holder pump-7");
    assert_eq!(listed["certificates"].as_array().unwrap().len(), 2);

    let revoked = office.json("revoke pump.pem --reason keyCompromise");
    assert_eq!((&revoked["serial"], &revoked["reason"]), (&json!(serial), &json!("keyCompromise")));
    assert_eq!(office.json("inspect pump.pem")["status"], "revoked, keyCompromise");
    assert_eq!(office.json("inspect renewed.pem")["status"], "valid", "only that one");
    office.done("revoke --holder pump-7 --reason privilegeWithdrawn");
    assert_eq!(office.json("inspect renewed.pem")["status"], "revoked, privilegeWithdrawn");
    office.request("other", "/CN=pump-7");
    let barred = office.refused("sign other.csr --holder pump-7");
    assert!(barred.contains("pump-7"), "{barred}");
    assert!(office.done("barred").contains("pump-7"));
    assert!(office.refused("readmit nobody").contains("not barred"));
    office.done("readmit pump-7");
    office.done("sign other.csr --holder pump-7 --out other.pem");
    assert_eq!(office.json("inspect other.pem")["status"], "valid");
    let published = || office.json("crls --authority issuing")[0]["number"].as_u64();
    let begun = Instant::now();
    while published().is_none() {
        assert!(begun.elapsed() < PATIENCE, "there are no revocation lists");
    }
    drop(office.serve);
}

#[test]
fn what_cannot_be_done_says_what_and_how_to_mend_it() {
    let office = Office::open();
    fs::write(office.path("none.pem"), "no certificate").unwrap();
    for (line, words) in [
        ("sign missing.csr", "cannot read `missing.csr`"),
        ("sign none.pem", "error: "),
        ("inspect none.pem", "is not a certificate"),
        ("inspect 4a00112233445566778899aabbccddee", "is not there"),
        ("revoke 4a00112233445566778899aabbccddee", "(404"),
        ("revoke --holder nobody", "has no certificate from here"),
        ("revoke --authority nobody", "muster ca tree"),
        ("profile show nothing", "profile `nothing` is not there"),
        ("profile put none.pem", "error: "),
        ("grant delete nothing", "grant `nothing` is not there"),
        ("authority renew root", "is a root"),
        ("authority activate root none.pem", "waits for no certificate"),
        ("audit verify --export none.pem", "the log is not whole: line 1"),
        ("bulk none.pem", "line 1: this is not a request"),
        ("tree --data /nonexistent", "fix: start a server"),
    ] {
        let said = office.refused(line);
        assert!(said.contains(words), "{line}: {said}");
        // The reader of TOML draws where it stopped.
        assert!(said.lines().count() <= 3 || line.starts_with("profile put"), "{line}: {said}");
    }
}

#[test]
fn an_authority_is_signed_elsewhere_activated_used_and_revoked() {
    let office = Office::open();
    fs::write(office.path("ca.cnf"), "[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n").unwrap();
    office.openssl(&["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "root.key"]);
    office.openssl(&[
        "req",
        "-x509",
        "-config",
        "ca.cnf",
        "-key",
        "root.key",
        "-subj",
        "/CN=Contoso Root",
        "-days",
        "3650",
        "-out",
        "root.pem",
    ]);
    fs::write(office.path("plant.csr"), office.done("authority request plant --path-length 0")).unwrap();
    fs::write(office.path("ext"), "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,digitalSignature,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n").unwrap();
    let sign = |days: &str| {
        office.openssl(&[
            "x509",
            "-req",
            "-in",
            "plant.csr",
            "-CA",
            "root.pem",
            "-CAkey",
            "root.key",
            "-days",
            days,
            "-sha256",
            "-extfile",
            "ext",
            "-out",
            "plant.pem",
        ]);
        fs::write(office.path("chain.pem"), office.read("plant.pem") + &office.read("root.pem")).unwrap();
    };
    sign("30");
    assert!(office.refused("authority activate plant chain.pem").contains("days left"));
    sign("800");
    assert_eq!(office.json("authority activate plant chain.pem")["state"], "active");
    let tree = office.done("tree");
    assert!(tree.contains("└─ plant") && tree.contains("key elsewhere"), "{tree}");

    office.request("pump", "/CN=pump-8");
    office.done("sign pump.csr --authority plant --out pump.pem --chain");
    let verify = ["verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "pump.pem", "pump.pem"];
    assert!(office.openssl(&verify).contains("OK"));
    office.done("authority retire plant");
    assert!(office.refused("sign pump.csr --authority plant").contains("retiring"));
    office.done("authority reactivate plant");
    office.done("revoke --authority plant --reason cessationOfOperation");
    assert_eq!(office.json("inspect pump.pem")["status"], "revoked, cessationOfOperation");
    assert!(office.refused("authority reactivate plant").contains("revoked"));

    office.done("authority create line-4 --parent root --common-name Line --days 500");
    assert_eq!(office.json("authority renew line-4")["generation"], 2);
}

#[test]
fn who_may_ask_for_what_is_written_and_read() {
    let office = Office::open();
    fs::write(
        office.path("short.toml"),
        office.done("profile show device").replace("\"device\"", "\"short\""),
    )
    .unwrap();
    office.done("profile check short.toml");
    assert_eq!(office.json("profile put short.toml")["version"], 1);
    assert_eq!(office.json("profile put short.toml")["version"], 2);
    assert!(office.done("profile list").contains("short"));
    office.request("pump", "/CN=pump-9");
    assert_eq!(office.json("sign pump.csr --profile short@1")["profile"], "short@1");
    office.done("profile retire short");
    assert!(office.refused("sign pump.csr --profile short").contains("is not there"));

    let grant = office.json("grant put line --to policy:factory --name pump-* --total 10 --per-minute 60");
    assert_eq!((&grant["quota"]["total"], &grant["rate"]["burst"]), (&json!(10), &json!(60)));
    assert!(office.done("grant list").contains("policy:factory"));
    office.done("grant delete line");

    let made = office.json("est credential new --label lab1 --name pump-* --count 3");
    assert!(made["url"].as_str().unwrap().ends_with("/.well-known/est/lab1"), "{made}");
    assert!(made["password"].as_str().unwrap().len() > 40);
    let user = made["user"].as_str().unwrap();
    assert!(office.done("est credential list --label lab1").contains(user));
    office.done(&format!("est credential delete {user}"));
    office.done("est label put plant --profile edge-server --base64 single-line --approval manual");
    assert_eq!(office.json("est label list").as_array().unwrap().len(), 3);
    office.done("est label delete plant");
    office.openssl(&["req", "-x509", "-key", "pump.key", "-subj", "/CN=Acme", "-out", "acme.pem"]);
    let acme = office
        .json("est label put acme --trust acme.pem --trust-name acme-{serial_number} --trust-only acme-A*");
    assert_eq!(acme["trust"]["name"], "acme-{serial_number}");
    assert!(office.done("est label list").contains("acme-{serial_number}"));
    assert!(office.refused("est label put acme --trust pump.key").contains("nothing was sent"));
    assert!(office.refused("est label put acme --trust pump.csr").contains("trust.anchors"));
    office.done("est label delete acme");

    office.done("key block pump.csr --reason published");
    assert!(office.refused("sign pump.csr").contains("published"));
    office.done("key unblock pump.csr");
    office.done("sign pump.csr");
}

#[test]
fn what_is_no_business_of_the_server_is_not_sent_to_it() {
    let office = Office::open();
    office.request("pump", "/CN=pump-7");
    let refused = office.refused("sign pump.key");
    assert!(refused.contains("private key in it: nothing was sent"), "{refused}");
    office.openssl(&["req", "-x509", "-key", "pump.key", "-subj", "/CN=other", "-out", "other.pem"]);
    let refused = office.refused("revoke other.pem");
    assert!(refused.contains("`CN=other` is not from here: its serial number has 20 octets"), "{refused}");
    let refused = office.refused("prove other.pem");
    assert!(refused.contains("is not in the log of this server: it was not issued here"), "{refused}");
    fs::write(office.path("root.pem"), office.read("data/ca.pem")).unwrap();
    assert_eq!(office.json("prove root.pem")["logIndex"], 0, "its authorities' own are");
    office.done("revoke --authority root");
    let tree = office.done("tree");
    assert!(tree.contains("issuing  revoked with root"), "{tree}");
}
