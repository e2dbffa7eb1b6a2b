//! Certificates as people paste them: PEM, PEM that lost its newlines, base64 of the DER.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use crate::{Certificate, Malformed};

/// Four of the largest certificates in DER, or two dozen ordinary ones in PEM.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// Both are in use for the same thing (RFC 7468 section 5.1).
const LABELS: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
/// Enough to recognise `EC PRIVATE KEY`, too little to repeat one.
const LABEL_SHOWN_MAX: usize = 32;
const PEM_COLUMNS: usize = 64;

/// Padding is lost where text is cut; DER knows its own length.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One or more certificates, in the order they stand. Text around PEM blocks is ignored (RFC 7468 section 2), as
/// `openssl x509 -text` writes it.
pub fn read_certificates(text: &str) -> Result<Vec<Certificate>, Malformed> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Malformed::TextTooLong { bytes: text.len() });
    }
    // Some editors begin with a byte order mark; some tools escape the newlines once too often.
    let text = text.trim_start_matches('\u{feff}').replace("\\r", "\r").replace("\\n", "\n");
    if text.trim().is_empty() {
        return Err(Malformed::Empty);
    }
    if text.contains(BEGIN) {
        return read_pem(&text);
    }
    let bytes = decode(&text).ok_or(Malformed::NotBase64)?;
    // The control plane takes the base64 of a `.cer` file, which may itself be PEM (one level, so no recursion).
    match std::str::from_utf8(&bytes) {
        Ok(inner) if inner.contains(BEGIN) => read_pem(inner),
        Ok(_) | Err(_) => Ok(vec![Certificate::parse(&bytes)?]),
    }
}

fn read_pem(text: &str) -> Result<Vec<Certificate>, Malformed> {
    let mut certificates = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.split_once(BEGIN) {
        let (label, body) = block.split_once(DASHES).ok_or(Malformed::Unterminated)?;
        if !LABELS.contains(&label) {
            return Err(Malformed::NotACertificate { label: label.chars().take(LABEL_SHOWN_MAX).collect() });
        }
        let (body, end) = body.split_once(END).ok_or(Malformed::Unterminated)?;
        let after = end.strip_prefix(label).and_then(|end| end.strip_prefix(DASHES));
        rest = after.ok_or(Malformed::Unterminated)?;
        let certificate = decode(body).ok_or(Malformed::NotBase64).and_then(|der| Certificate::parse(&der));
        certificates.push(certificate.map_err(|why| why.numbered(certificates.len() + 1))?);
    }
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

fn decode(base64: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    LENIENT.decode(compact).ok()
}

#[cfg(test)]
mod tests;
