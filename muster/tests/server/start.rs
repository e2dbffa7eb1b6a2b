//! Starting, stopping, starting again.

use muster::config::{Config, Ports};
use muster::{Server, StartError};

use crate::Fixture;

#[tokio::test]
async fn endpoints_json_has_exactly_the_promised_shape() {
    let fixture = Fixture::start().await;
    let text = std::fs::read_to_string(fixture.folder.path().join("endpoints.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&json), ["idScope", "caFile", "dps", "ca", "hubs", "ports"]);
    assert_eq!(keys(&json["ca"]), ["serviceConnectionString", "estUrl", "httpUrl"]);
    assert_eq!(keys(&json["dps"]), ["host", "serviceConnectionString"]);
    assert_eq!(keys(&json["hubs"][0]), ["name", "hostName", "ownerConnectionString"]);
    assert_eq!(keys(&json["ports"]), ["mqtts", "https", "amqps", "http"]);
    let scope = json["idScope"].as_str().unwrap();
    assert!(scope.starts_with("0ne") && scope.len() == 11, "{scope}");
    let dps = json["dps"]["serviceConnectionString"].as_str().unwrap();
    assert!(
        dps.starts_with("HostName=localhost;SharedAccessKeyName=provisioningserviceowner;SharedAccessKey=")
    );
    let hub = json["hubs"][0]["ownerConnectionString"].as_str().unwrap();
    assert!(hub.starts_with("HostName=127.0.0.2;SharedAccessKeyName=iothubowner;SharedAccessKey="));
    let ca = json["ca"]["serviceConnectionString"].as_str().unwrap();
    assert!(ca.starts_with("HostName=localhost;SharedAccessKeyName=caowner;SharedAccessKey="));
    let (https, http) = (&json["ports"]["https"], &json["ports"]["http"]);
    assert_eq!(json["ca"]["estUrl"], format!("https://localhost:{https}/.well-known/est"));
    assert_eq!(json["ca"]["httpUrl"], format!("http://127.0.0.1:{http}"));
    assert_ne!(json["ports"]["mqtts"], 0);
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_restart_keeps_scope_keys_and_ca() {
    let first = Fixture::start().await;
    let before = first.endpoints.clone();
    let ca = std::fs::read(&before.ca_file).unwrap();
    let second = first.restart().await;
    let after = &second.endpoints;
    assert_eq!(before.id_scope, after.id_scope);
    assert_eq!(before.dps.service_connection_string, after.dps.service_connection_string);
    assert_eq!(before.hubs[1].owner_connection_string, after.hubs[1].owner_connection_string);
    assert_eq!(ca, std::fs::read(&after.ca_file).unwrap());
    second.running.shutdown().await;
}

#[tokio::test]
async fn a_folder_has_one_server_and_a_refused_start_leaves_its_endpoints_alone() {
    let fixture = Fixture::start().await;
    let refused = Server::start(Config::on_free_ports(), fixture.folder.path()).await.err().unwrap();
    assert!(matches!(refused, StartError::DataFolder(_)), "{refused}");
    assert!(fixture.folder.path().join("endpoints.json").exists());
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_busy_port_is_told_with_its_number() {
    let fixture = Fixture::start().await;
    let taken = fixture.endpoints.ports.https;
    let config = Config { ports: Ports { mqtts: 0, https: taken, amqps: 0, http: 0 }, ..Config::default() };
    let folder = tempfile::tempdir().unwrap();
    let refused = Server::start(config, folder.path()).await.err().unwrap().to_string();
    assert!(refused.contains(&format!("port {taken}")) && refused.contains("https"), "{refused}");
    assert!(!folder.path().join("endpoints.json").exists());
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_stop_ends_connections_that_say_nothing() {
    let fixture = Fixture::start().await;
    let _mqtt = fixture.trust.connect(&fixture.mqtts()).await.unwrap();
    let _https = fixture.trust.connect(&fixture.https()).await.unwrap();
    let _silent = tokio::net::TcpStream::connect(fixture.mqtts().address).await.unwrap();
    let begun = std::time::Instant::now();
    fixture.running.shutdown().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}
