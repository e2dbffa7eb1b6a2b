//! Certificates as people name them: by a file that has one, or by a serial number.

use std::path::Path;

use serde_json::Value;

use muster_x509::{Certificate, read_certificates};

use super::get;
use crate::cli::failure::Failure;
use crate::client::{Client, segment};

/// Octets of a serial number, as this authority makes them.
const SERIAL_BYTES: usize = 16;
/// No certificate is larger, and no chain.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) enum Named {
    /// The first one of a file: a chain begins with its own.
    File(Box<Certificate>),
    /// In lower-case hexadecimal.
    Serial(String),
}

impl Named {
    /// A serial number, with colons or without; else a file, `-` for standard input.
    pub(super) fn read(argument: &str) -> Result<Self, Failure> {
        match serial(argument) {
            Some(serial) => Ok(Self::Serial(serial)),
            None => Ok(Self::File(Box::new(read_file(Path::new(argument))?))),
        }
    }

    pub(super) fn serial(&self) -> String {
        match self {
            Self::File(certificate) => hex::encode(certificate.serial()),
            Self::Serial(serial) => serial.clone(),
        }
    }

    /// The same, if it can be one of ours.
    pub(super) fn own_serial(&self) -> Result<String, Failure> {
        match self {
            Self::File(certificate) if certificate.serial().len() != SERIAL_BYTES => {
                let octets = certificate.serial().len();
                Err(Failure::new(format!(
                    "the certificate of `{}` is not from here: its serial number has {octets} octets, ours have {SERIAL_BYTES}",
                    certificate.subject()
                ))
                .fix(format!("its issuer is `{}`", certificate.issuer())))
            }
            Self::File(_) | Self::Serial(_) => Ok(self.serial()),
        }
    }

    /// The certificate itself, from the server when only its number is known.
    pub(super) async fn certificate(self, client: &Client) -> Result<Certificate, Failure> {
        match self {
            Self::File(certificate) => Ok(*certificate),
            Self::Serial(serial) => {
                let found = get(client, path(&serial)).await?;
                let text = found["certificate"].as_str().unwrap_or_default();
                first(text.as_bytes(), &format!("certificate `{serial}`"))
            }
        }
    }
}

pub(super) fn path(serial: &str) -> String {
    format!("/ca/certificates/{}", segment(serial))
}

pub(super) fn read_file(path: &Path) -> Result<Certificate, Failure> {
    let shown = path.display().to_string();
    first(&read_bytes(path)?, &format!("`{shown}`"))
}

/// A small file, or standard input, whatever is in it.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let unreadable = |error| Failure::new(format!("cannot read `{}`: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_end(&mut bytes),
        false => std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)),
    };
    read.map_err(unreadable)?;
    Ok(bytes)
}

/// PEM or base64 of DER, else DER itself.
pub(super) fn first(bytes: &[u8], named: &str) -> Result<Certificate, Failure> {
    let read = match std::str::from_utf8(bytes) {
        Ok(text) => read_certificates(text).map(|all| all.into_iter().next()),
        Err(_) => Certificate::parse(bytes).map(Some),
    };
    match read {
        Ok(Some(certificate)) => Ok(certificate),
        Ok(None) => Err(Failure::new(format!("{named} has no certificate"))),
        Err(error) => Err(Failure::new(format!("{named} is not a certificate: {error}"))
            .fix("give a file (PEM or DER), or a serial number of 32 hexadecimal digits")),
    }
}

fn serial(text: &str) -> Option<String> {
    let digits = text.replace(':', "").to_ascii_lowercase();
    hex::decode(&digits).ok().filter(|bytes| bytes.len() == SERIAL_BYTES).map(|_| digits)
}

/// `valid`, or why not, of a certificate as the API lists it.
pub(super) fn status(listed: &Value, now: jiff::Timestamp) -> String {
    if let Some(reason) = listed["revoked"]["reason"].as_str() {
        return format!("revoked, {reason}");
    }
    let ended = |text: &str| text.parse::<jiff::Timestamp>().is_ok_and(|end| end < now);
    match listed["stage"].as_str() {
        Some("issued") if listed["notAfter"].as_str().is_some_and(ended) => "expired".to_owned(),
        Some("issued") => "valid".to_owned(),
        Some("recorded") => "not signed yet".to_owned(),
        Some("abandoned") => "never signed".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_told_from_a_file() {
        let serial = "4a00112233445566778899AABBCCDDEE";
        let colons: Vec<_> = serial.as_bytes().chunks(2).map(|it| std::str::from_utf8(it).unwrap()).collect();
        for text in [serial, &colons.join(":")] {
            assert_eq!(super::serial(text), Some(serial.to_ascii_lowercase()));
        }
        for text in ["4a00", "pump.pem", "", "4a00112233445566778899AABBCCDDEG"] {
            assert_eq!(super::serial(text), None, "{text}");
        }
    }

    #[test]
    fn a_certificate_is_valid_until_it_is_revoked_or_ends() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        for (listed, expected) in [
            (r#"{"stage":"issued","notAfter":"2027-01-01T00:00:00Z"}"#, "valid"),
            (r#"{"stage":"issued","notAfter":"2026-01-01T00:00:00Z"}"#, "expired"),
            (
                r#"{"stage":"issued","notAfter":"2026-01-01T00:00:00Z","revoked":{"reason":"superseded"}}"#,
                "revoked, superseded",
            ),
            (r#"{"stage":"abandoned"}"#, "never signed"),
        ] {
            assert_eq!(status(&serde_json::from_str(listed).unwrap(), now), expected);
        }
    }
}
