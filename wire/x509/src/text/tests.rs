//! Every form in which certificates were seen pasted.

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::{TEXT_BYTES_MAX, read_certificates, to_pem};
use crate::{Certificate, Malformed, workshop::VERSION_1};

fn der() -> Vec<u8> {
    read_certificates(VERSION_1).unwrap()[0].der().to_vec()
}

fn base64() -> String {
    STANDARD.encode(der())
}

#[test]
fn pem_is_written_as_openssl_writes_it() {
    assert_eq!(to_pem(&der()), VERSION_1);
}

#[test]
fn one_certificate_is_read_in_every_form() {
    let lines = VERSION_1.lines().collect::<Vec<_>>();
    let body = lines[1..lines.len() - 1].join("\n");
    for (form, text) in [
        ("PEM", VERSION_1.to_owned()),
        ("CRLF", VERSION_1.replace('\n', "\r\n")),
        ("newlines stripped", VERSION_1.replace('\n', "")),
        ("newlines as spaces", VERSION_1.replace('\n', " ")),
        ("newlines escaped", VERSION_1.replace('\n', "\\n")),
        ("CRLF escaped", VERSION_1.replace('\n', "\\r\\n")),
        ("indented", VERSION_1.replace('\n', "\n    ")),
        ("byte order mark", format!("\u{feff}{VERSION_1}")),
        ("prose around", format!("Certificate:\n  Data:\n{VERSION_1}\nthat was it\n")),
        ("older label", VERSION_1.replace("CERTIFICATE", "X509 CERTIFICATE")),
        ("base64", base64()),
        ("base64 in lines", body.clone()),
        ("base64 in lines, CRLF", body.replace('\n', "\r\n") + "\r\n"),
        ("base64 without padding", base64().trim_end_matches('=').to_owned()),
        ("base64 of PEM", STANDARD.encode(VERSION_1)),
    ] {
        let read = read_certificates(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(read.len(), 1, "{form}");
        assert_eq!(read[0].der(), der(), "{form}");
    }
}

#[test]
fn several_blocks_are_read_in_their_order() {
    let other = crate::workshop::root("other").certificate;
    let text = VERSION_1.to_owned() + &to_pem(other.der()) + VERSION_1;
    for text in [text.clone(), text.replace('\n', "")] {
        let read = read_certificates(&text).unwrap();
        assert_eq!(read.iter().map(Certificate::der).collect::<Vec<_>>(), [&der()[..], other.der(), &der()]);
    }
}

#[test]
fn what_is_not_a_certificate_is_named() {
    let key = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
    let broken = VERSION_1.replace("MIIB", "!!!!");
    let cases = [
        ("", "certificate text is empty: send PEM, or the base64 of the DER".to_owned()),
        (" \n\t", "certificate text is empty: send PEM, or the base64 of the DER".to_owned()),
        ("hello, world", "certificate text is not base64: copy it again, whole and unchanged".to_owned()),
        (
            key,
            "certificate text has `EC PRIVATE KEY` where a certificate was expected: send `BEGIN CERTIFICATE` blocks only"
                .to_owned(),
        ),
        (&broken, "certificate text is not base64: copy it again, whole and unchanged".to_owned()),
        (
            &VERSION_1[..200],
            "certificate text has a `BEGIN CERTIFICATE` without its `END CERTIFICATE`: send the whole PEM block".to_owned(),
        ),
    ];
    for (text, said) in cases {
        assert_eq!(read_certificates(text).unwrap_err().to_string(), said);
    }
    for text in ["AAAA", "MIIB", "MAMCAQA="] {
        let error = read_certificates(text).unwrap_err().to_string();
        assert!(error.starts_with("certificate is not DER of an X.509 certificate ("), "{error}");
    }
}

#[test]
fn the_second_of_several_is_named_by_its_number() {
    let text = VERSION_1.to_owned() + &VERSION_1.replace("MIIB", "!!!!");
    let error = read_certificates(&text).unwrap_err();
    assert_eq!(error, Malformed::Numbered { number: 2, why: Box::new(Malformed::NotBase64) });
    assert!(error.to_string().starts_with("number 2 of the certificates: "), "{error}");
}

#[test]
fn text_is_bounded() {
    let long = "A".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(read_certificates(&long).unwrap_err(), Malformed::TextTooLong { bytes: TEXT_BYTES_MAX + 1 });
    // As much as fits is read.
    let many = VERSION_1.repeat(TEXT_BYTES_MAX / VERSION_1.len());
    assert_eq!(read_certificates(&many).unwrap().len(), TEXT_BYTES_MAX / VERSION_1.len());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = read_certificates(&text);
    }

    #[test]
    fn torn_and_joined_pem_never_panics(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("-----BEGIN CERTIFICATE-----".to_owned()),
                Just("-----END CERTIFICATE-----".to_owned()),
                Just("-----BEGIN ".to_owned()),
                Just("-----".to_owned()),
                Just(VERSION_1.to_owned()),
                Just("\n".to_owned()),
                "[A-Za-z0-9+/=\\\\ é]{0,80}",
            ],
            0..30,
        ),
    ) {
        let _ = read_certificates(&pieces.concat());
    }

    #[test]
    fn what_is_written_is_read_again(der in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let pem = to_pem(&der);
        prop_assert!(pem.lines().all(|line| line.len() <= 64));
        let error = read_certificates(&pem);
        prop_assert_eq!(error.err(), Certificate::parse(&der).err());
    }
}
