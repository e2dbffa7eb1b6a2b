//! The commands as people and scripts run them: the real program against a running server.

use std::process::Output;

use bytes::Bytes;
use muster_simulator::{Device, DeviceKey, HubClient, HubOptions, Key};
use serde_json::Value;

use crate::Fixture;

impl Fixture {
    /// Runs `muster` with these words, for this server.
    async fn muster(&self, line: &str) -> Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(line.split(' ')).env("MUSTER_DATA", self.folder.path());
        command.env_remove("MUSTER_CONNECTION_STRING").output().await.unwrap()
    }

    pub(crate) async fn json(&self, line: &str) -> Value {
        let output = self.muster(&format!("{line} --json")).await;
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) async fn refused(&self, line: &str) -> (Option<i32>, String) {
        let output = self.muster(line).await;
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[tokio::test]
async fn enrollments_are_made_listed_changed_and_deleted() {
    let fixture = Fixture::start().await;
    let created = fixture.json("enrollment create pump").await;
    let key = created["attestation"]["symmetricKey"]["primaryKey"].clone();
    assert_eq!(fixture.json("enrollment keys pump").await["symmetricKey"]["primaryKey"], key);
    let disabled = fixture.json("enrollment update pump --disable").await;
    assert_eq!(disabled["provisioningStatus"], "disabled");
    assert_eq!(fixture.json("enrollment keys pump").await["symmetricKey"]["primaryKey"], key, "kept");
    assert_eq!(fixture.json("enrollment list").await.as_array().unwrap().len(), 1);
    let would = fixture.json("explain --registration-id pump --symmetric-key").await;
    assert_eq!(would["verdict"], "disabled");
    fixture.json("enrollment delete pump").await;
    assert_eq!(fixture.json("enrollment list").await.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_file_of_enrollments_is_imported_and_refusals_are_counted() {
    let fixture = Fixture::start().await;
    let file = fixture.folder.path().join("many.jsonl");
    let line = |n: usize| {
        format!("{{\"registrationId\":\"d-{n}\",\"attestation\":{{\"type\":\"symmetricKey\"}}}}\n")
    };
    std::fs::write(&file, (0..25).map(line).collect::<String>()).unwrap();
    let import = format!("enrollment import {}", file.display());
    assert_eq!(fixture.json(&import).await["done"], 25);
    let (code, said) = fixture.refused(&import).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("25 enrollments were refused"), "{said}");
}

#[tokio::test]
async fn failures_say_what_and_how_to_mend_it() {
    let fixture = Fixture::start().await;
    let cases = [
        ("enrollment get nobody", 1, "nobody"),
        ("device create pump", 1, "fix: choose with --hub: hub-1, hub-2"),
        ("device get nobody", 1, "there is no device `nobody` at hub-1, hub-2"),
        ("device list --hub nowhere", 1, "there is no hub `nowhere`"),
        ("enrollment list --data /nonexistent", 1, "fix: start a server with `muster serve`"),
        ("twin patch pump", 2, "--desired"),
        ("no-such-command", 2, "unrecognized"),
    ];
    for (line, expected, words) in cases {
        let (code, said) = fixture.refused(line).await;
        assert_eq!(code, Some(expected), "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
        assert!(said.lines().count() <= 3 || expected == 2, "{line}: {said}");
    }
}

#[tokio::test]
async fn a_device_is_created_talks_and_is_read() {
    let fixture = Fixture::start().await;
    let created = fixture.json("device create pump --hub hub-2").await;
    let key = created["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap();
    let credential = DeviceKey::Symmetric { key: Key::from_base64(key).unwrap() };
    let endpoint = fixture.endpoints.hub(&fixture.endpoints.hubs[1].host_name);
    let device = Device::new("pump", credential);
    let mut client =
        HubClient::connect(&fixture.trust, &endpoint, device, &HubOptions::default()).await.unwrap();
    client.send("", Bytes::from_static(b"21.5")).await.unwrap();
    client.settle().await.unwrap();
    assert_eq!(fixture.json("device get pump").await["connectionState"], "Connected");
    fixture.json("twin patch pump --desired {\"on\":true}").await;
    assert_eq!(fixture.json("twin get pump").await["properties"]["desired"]["on"], true);
    let tail = fixture.muster("events tail --from start --no-follow --json").await;
    let event: Value = serde_json::from_slice(&tail.stdout).unwrap();
    assert_eq!(
        (&event["deviceId"], &event["hub"], &event["body"]),
        (&"pump".into(), &"hub-2".into(), &"21.5".into())
    );
    let (code, _) = fixture.refused("device disable pump").await;
    assert_eq!(code, Some(0));
    assert_eq!(fixture.json("device get pump").await["status"], "disabled");
}

#[tokio::test]
async fn the_printed_example_passes_the_check_and_a_typo_is_named() {
    let fixture = Fixture::start().await;
    let example = fixture.muster("config example").await.stdout;
    let file = fixture.folder.path().join("example.toml");
    std::fs::write(&file, &example).unwrap();
    let checked = fixture.json(&format!("config check {}", file.display())).await;
    assert_eq!(checked["hubs"].as_array().unwrap().len(), 2);
    std::fs::write(&file, "\nlisten_on = \"127.0.0.1\"\n").unwrap();
    let (code, said) = fixture.refused(&format!("config check {}", file.display())).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("line 2: unknown key `listen_on`"), "{said}");
}
