//! Both logs, verified and proved from, with and without the server.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Office;
use crate::binaries::binary;

#[test]
fn the_logs_are_verified_and_prove_what_is_in_them_with_and_without_the_server() {
    let office = Office::open();
    for name in ["pump-1", "pump-2"] {
        office.request(name, &format!("/CN={name}"));
        office.done(&format!("sign {name}.csr --out {name}.pem"));
    }
    fs::write(office.path("log.key"), office.done("audit key")).unwrap();
    let online = office.json("audit verify --key log.key");
    assert_eq!(online["verdict"], "whole");
    let proven = office.json("prove pump-1.pem --out pump-1.tlog-proof");
    let entries = office.json("audit list --max 3");
    assert_eq!(entries["entries"].as_array().unwrap().len(), 3);
    assert!(office.done("audit checkpoint").contains("\n— "));
    office.done("audit export -o audit.jsonl");
    office.request("late", "/CN=late");
    office.done("sign late.csr --out late.pem");
    let Office { folder, serve } = office;
    serve.kill();

    // Without a server, nobody is believed but the key.
    let office = Elsewhere { folder };
    let offline = office.json("audit verify --export audit.jsonl --key log.key");
    assert_eq!((&offline["verdict"], &offline["key"]), (&json!("whole"), &online["key"]));
    assert_eq!(
        office.json("prove pump-1.pem --key log.key --proof pump-1.tlog-proof")["root"],
        proven["root"]
    );
    let found = office.json("prove pump-1.pem --key log.key --export audit.jsonl");
    assert_eq!(
        (&found["logIndex"], &found["entry"]["action"]),
        (&proven["logIndex"], &json!("certificate.issue"))
    );
    for (line, words) in [
        ("prove pump-2.pem --key log.key --proof pump-1.tlog-proof", "for another certificate"),
        ("prove late.pem --key log.key --export audit.jsonl", "is not in the log, which is whole"),
        ("audit verify --export pump-1.pem", "the log is not whole"),
    ] {
        let said = office.refused(line);
        assert!(said.contains(words), "{line}: {said}");
    }

    let export = fs::read(office.folder.path().join("audit.jsonl")).unwrap();
    let place = |of: &[u8]| export.windows(of.len()).position(|it| it == of).unwrap();
    let places = [
        place(b"pump-1") + 5,
        place(b"\"allowed\"") + 1,
        place(b"\"certificate\":\"") + 100,
        place(b"\"hash\":\"") + 10,
        place(b"\"note\":\"") + 30,
        export.len() - 5,
    ];
    for at in places {
        let mut tampered = export.clone();
        tampered[at] = if tampered[at] == b'1' { b'2' } else { b'1' };
        fs::write(office.folder.path().join("tampered.jsonl"), tampered).unwrap();
        let said = office.refused("audit verify --export tampered.jsonl --key log.key");
        assert!(said.contains("the log is not whole: line "), "byte {at}: {said}");
    }
    fs::write(office.folder.path().join("short.jsonl"), &export[..export.len() / 2]).unwrap();
    office.refused("audit verify --export short.jsonl --key log.key");
}

/// A folder with exports, and no server.
struct Elsewhere {
    folder: TempDir,
}

impl Elsewhere {
    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(binary("muster"));
        command.arg("ca").args(line.split(' ')).current_dir(self.folder.path());
        command.env("MUSTER_DATA", "/nonexistent").env_remove("MUSTER_CONNECTION_STRING").output().unwrap()
    }

    fn json(&self, line: &str) -> Value {
        let output = self.run(&format!("{line} --json"));
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn refused(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}
