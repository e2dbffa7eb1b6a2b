//! Requests as clients make them.

mod draft;
mod hostile;

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair};

use super::{AltName, Attribute, BasicConstraints, Csr, CsrRefused, KeyUse};
use crate::{PublicKey, armour, workshop::element};

const EVERYTHING: &str = include_str!("tests/everything.pem");
const PLAIN: &str = include_str!("tests/plain.pem");

fn read(pem: &str) -> Csr {
    Csr::parse(pem.as_bytes()).unwrap()
}

fn der(pem: &str) -> Vec<u8> {
    armour::to_der(pem.as_bytes(), &super::LABELS, super::CSR_BYTES_MAX).unwrap().to_vec()
}

#[test]
fn all_that_openssl_puts_into_a_request_is_read() {
    let csr = read(EVERYTHING);
    assert_eq!(csr.subject(), "O=Contoso,CN=device-1");
    assert_eq!(csr.common_name(), Some("device-1"));
    assert_eq!(csr.public_key(), PublicKey::P256);
    assert!(csr.der().windows(csr.spki_der().len()).any(|window| window == csr.spki_der()));
    assert!(csr.der().windows(csr.subject_der().len()).any(|window| window == csr.subject_der()));
    let requested = csr.requested();
    let common_name = element(0x30, &[&element(6, &[&[0x55, 4, 3]]), &element(0x0c, &[b"other"])]);
    assert_eq!(
        requested.alt_names,
        [
            AltName::Dns("device-1.example".to_owned()),
            AltName::Ip("192.0.2.1".parse().unwrap()),
            AltName::Ip("2001:db8::1".parse().unwrap()),
            AltName::Email("a@example.com".to_owned()),
            AltName::Uri("urn:device:1".to_owned()),
            AltName::RegisteredId("1.2.3.4".to_owned()),
            AltName::Directory { name_der: element(0x30, &[&element(0x31, &[&common_name])]) },
        ]
    );
    assert_eq!(requested.basic_constraints, Some(BasicConstraints::Authority { path_length: Some(0) }));
    let usage = requested.key_usage.unwrap();
    for used in [KeyUse::DigitalSignature, KeyUse::KeyCertSign, KeyUse::DecipherOnly] {
        assert!(usage.contains(used));
    }
    assert!(!usage.contains(KeyUse::CrlSign) && !usage.contains(KeyUse::EncipherOnly));
    assert_eq!(requested.extended_key_usage, ["1.3.6.1.5.5.7.3.2", "1.2.3.4"]);
    let other = requested.extension("1.2.3.5").unwrap();
    assert_eq!((other.critical, &other.value_der), (false, &element(0x0c, &[b"hello"])));
    assert!(requested.extension("2.5.29.19").unwrap().critical);
    assert_eq!(requested.extensions.len(), 5);
    let unstructured =
        Attribute { oid: "1.2.840.113549.1.9.2".to_owned(), values_der: vec![element(0x0c, &[b"line 3"])] };
    assert_eq!(csr.attributes(), [unstructured]);
}

#[test]
fn a_challenge_password_is_compared_and_never_shown() {
    let csr = read(EVERYTHING);
    let password = csr.challenge_password().unwrap();
    assert!(password.is("s3cret-ch4llenge"));
    assert!(!password.is("s3cret-ch4llenge2") && !password.is(""));
    assert_eq!(password.reveal(), "s3cret-ch4llenge");
    assert!(!format!("{csr:?} {password:?} {:?} {:?}", csr.attributes(), csr.requested()).contains("s3cret"));
    assert!(read(PLAIN).challenge_password().is_none());
}

#[test]
fn every_usual_kind_of_key_and_signature_is_accepted() {
    for (pem, kind) in [
        (PLAIN, PublicKey::P256),
        (include_str!("tests/nameless.pem"), PublicKey::P256),
        (include_str!("tests/new_header.pem"), PublicKey::P256),
        (include_str!("tests/p384_sha256.pem"), PublicKey::P384),
        (include_str!("tests/ed25519.pem"), PublicKey::Ed25519),
        (include_str!("tests/rsa2048.pem"), PublicKey::Rsa { bits: 2048 }),
        (include_str!("tests/rsa2048_pss.pem"), PublicKey::Rsa { bits: 2048 }),
    ] {
        assert_eq!(read(pem).public_key(), kind, "{pem}");
    }
    for algorithm in [&rcgen::PKCS_ECDSA_P521_SHA512, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let params = CertificateParams::new(["device.example".to_owned()]).unwrap();
        let made = params.serialize_request(&KeyPair::generate_for(algorithm).unwrap()).unwrap();
        let csr = Csr::parse(made.der()).unwrap();
        assert_eq!(csr.requested().alt_names, [AltName::Dns("device.example".to_owned())]);
    }
}

#[test]
fn a_request_without_a_name_is_a_request() {
    let csr = read(include_str!("tests/nameless.pem"));
    assert_eq!((csr.subject(), csr.common_name()), ("", None));
    assert_eq!(csr.subject_der(), [0x30, 0]);
    assert!(csr.requested().extensions.is_empty() && csr.requested().key_usage.is_none());
}

#[test]
fn one_request_is_read_in_every_form() {
    let der = der(PLAIN);
    let base64 = STANDARD.encode(&der);
    let lines = PLAIN.lines().collect::<Vec<_>>();
    let body = lines[1..lines.len() - 1].join("\n");
    for (form, sent) in [
        ("DER", der.clone()),
        ("PEM", PLAIN.into()),
        ("PEM, CRLF", PLAIN.replace('\n', "\r\n").into()),
        ("PEM with prose around", format!("Certificate Request:\n  Data:\n{PLAIN}\nthat was it\n").into()),
        ("PEM in one line", PLAIN.replace('\n', "").into()),
        ("base64 in one line", base64.clone().into()),
        ("base64 in one line, ended", (base64 + "\r\n").into()),
        ("base64 in lines", (body.clone() + "\n").into()),
        ("base64 in lines, CRLF", body.replace('\n', "\r\n").into()),
        ("base64 with tabs and spaces", body.replace('\n', " \t ").into()),
    ] {
        let csr = Csr::parse(&sent).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(csr.der(), der, "{form}");
    }
}

#[test]
fn what_is_no_request_is_told() {
    let cases = [
        ("", "certification request is empty: send PKCS #10 as DER, PEM or base64"),
        ("\n", "certification request is empty: send PKCS #10 as DER, PEM or base64"),
        (
            "hello, world",
            "certification request is neither DER nor base64: send PKCS #10 as DER, PEM or base64",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
            "certification request has a PEM block `EC PRIVATE KEY` where `CERTIFICATE REQUEST` was expected: send the request only, never the key",
        ),
        (
            &PLAIN[..200],
            "certification request has no end of its PEM block, or more than one block: send one whole block",
        ),
        (
            &PLAIN.repeat(2),
            "certification request has no end of its PEM block, or more than one block: send one whole block",
        ),
        (
            "AAAA",
            "certification request is not DER (bytes follow where it should end): make it again, for example with `openssl req -new`",
        ),
    ];
    for (sent, said) in cases {
        assert_eq!(Csr::parse(sent.as_bytes()).unwrap_err().to_string(), said);
    }
    let certificate = crate::workshop::root("root").certificate;
    assert!(matches!(Csr::parse(certificate.der()), Err(CsrRefused::NotDer(_))));
}
