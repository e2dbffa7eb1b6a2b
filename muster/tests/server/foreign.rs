//! An authority of other people, from its upload to its revocation list: by the commands, openssl and a web server.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{Fixture, PATIENCE};

/// Runs `openssl` in a folder.
fn openssl(folder: &Path, line: &str) {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(7_u64));
    params
}

/// A web server that answers each path the same for ever.
async fn publish(list: Vec<u8>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 2048];
            let Ok(read) = stream.read(&mut head).await else { continue };
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let moved = |to: &str| {
                format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
            };
            let answer = match head.split(' ').nth(1) {
                Some("/moved") => moved("/plant.crl"),
                Some("/lured") => moved("http://169.254.169.254/latest/meta-data"),
                _ => {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", list.len());
                    [head.as_bytes(), &list].concat()
                }
            };
            let _ = stream.write_all(&answer).await;
        }
    });
    port
}

#[tokio::test]
async fn an_authority_is_uploaded_verified_and_its_list_obeyed() {
    let fixture = Fixture::start().await;
    let folder = fixture.folder.path();
    let at = |name: &str| folder.join(name).display().to_string();
    let key = KeyPair::generate().unwrap();
    let mut plant = named("plant");
    plant.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    plant.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    std::fs::write(at("plant.pem"), plant.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(at("plant.key"), key.serialize_pem()).unwrap();
    let issuer = Issuer::from_params(&plant, &key);
    let device = named("d1").signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    std::fs::write(at("d1.pem"), device.pem()).unwrap();

    let stored = fixture.json(&format!("certificate upload plant {}", at("plant.pem"))).await;
    assert_eq!(stored["isVerified"], false);
    fixture.json("group create line --ca plant --pin key").await;
    let explain = format!("explain --registration-id d1 --cert {}", at("d1.pem"));
    let before = fixture.json(&explain).await;
    assert!(before["summary"].as_str().unwrap().contains("not verified"), "{before}");

    // Word by word what the help of the command says.
    let code = fixture.json("certificate verification-code plant").await;
    let code = code["verificationCode"].as_str().unwrap();
    openssl(
        folder,
        &format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout proof.key -subj /CN={code} -out proof.csr"
        ),
    );
    openssl(folder, "x509 -req -in proof.csr -CA plant.pem -CAkey plant.key -days 1 -out proof.pem");
    let (exit, said) = fixture.refused(&format!("certificate verify plant {}", at("d1.pem"))).await;
    assert!(exit == Some(1) && said.contains("the verification code is"), "{said}");
    assert_eq!(
        fixture.json(&format!("certificate verify plant {}", at("proof.pem"))).await["isVerified"],
        true
    );
    assert_eq!(fixture.json(&explain).await["verdict"], "admitted");

    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2090, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(7_u64),
            revocation_time: rcgen::date_time_ymd(2026, 2, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let port = publish(list.signed_by(&issuer).unwrap().der().to_vec()).await;
    let url = format!("http://127.0.0.1:{port}/moved");
    fixture.json(&format!("certificate crl plant --url {url} --check require")).await;
    let fetched = |shown: &serde_json::Value| shown["crls"][0]["list"]["entries"] == 1;
    eventually(&fixture, fetched).await;
    let revoked = fixture.json(&explain).await;
    assert!(revoked["summary"].as_str().unwrap().contains("was revoked at"), "{revoked}");

    // Nobody leads the server where no operator sent it.
    fixture.json(&format!("certificate crl plant --url http://127.0.0.1:{port}/lured")).await;
    let lured = |shown: &serde_json::Value| {
        shown["crls"][0]["problem"].as_str().is_some_and(|problem| problem.contains("which is not followed"))
    };
    eventually(&fixture, lured).await;

    let (_, said) = fixture.refused("certificate delete plant").await;
    assert!(said.contains("group `line` refers to"), "{said}");
    fixture.json("group delete line").await;
    fixture.json("certificate delete plant").await;
    assert_eq!(fixture.json("certificate list").await.as_array().unwrap().len(), 0);
}

async fn eventually(fixture: &Fixture, holds: impl Fn(&serde_json::Value) -> bool) {
    let asking = async {
        while !holds(&fixture.json("certificate show plant").await) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap();
}
