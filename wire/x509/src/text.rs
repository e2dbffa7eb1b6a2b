//! Certificates as people paste them: PEM, PEM that lost its newlines, base64 of the DER.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{Certificate, Malformed};

/// Four of the largest certificates in DER, or two dozen ordinary ones in PEM.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// `X509` and `TRUSTED` are what older OpenSSL wrote for the same thing; the latter has trailing bytes, so it is not read.
const LABELS: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
const PEM_COLUMNS: usize = 64;

/// One or more certificates, in the order they stand.
pub fn read_certificates(text: &str) -> Result<Vec<Certificate>, Malformed> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Malformed::TextTooLong { bytes: text.len() });
    }
    // Some editors put a byte order mark before the text; services send text whose newlines were escaped twice.
    let text = text.trim_start_matches('\u{feff}').replace("\\r", "\r").replace("\\n", "\n");
    if text.trim().is_empty() {
        return Err(Malformed::Empty);
    }
    if !text.contains(BEGIN) {
        return Ok(vec![decode(&text, 1)?]);
    }
    let mut certificates = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, block)) = rest.split_once(BEGIN) {
        refuse_stray(before)?;
        let (label, body) = block.split_once(DASHES).ok_or(Malformed::Unterminated)?;
        if !LABELS.contains(&label) {
            return Err(Malformed::NotACertificate { label: excerpt(label) });
        }
        let (body, end) = body.split_once(END).ok_or(Malformed::Unterminated)?;
        let after = end.strip_prefix(label).and_then(|end| end.strip_prefix(DASHES));
        rest = after.ok_or(Malformed::Unterminated)?;
        certificates.push(decode(body, certificates.len() + 1)?);
    }
    refuse_stray(rest)?;
    Ok(certificates)
}

/// One PEM block, 64 columns (RFC 7468), ended by a newline.
pub fn to_pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = String::with_capacity(base64.len() + base64.len() / PEM_COLUMNS + 64);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(PEM_COLUMNS));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn decode(base64: &str, number: usize) -> Result<Certificate, Malformed> {
    let compact: String = base64.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(compact).map_err(|_| Malformed::NotBase64 { number })?;
    Certificate::parse(&der)
}

/// `openssl x509 -text` and `s_client` write prose around the blocks; that is taken for what it is.
fn refuse_stray(between: &str) -> Result<(), Malformed> {
    let _ = between;
    Ok(())
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}
