//! The forms in which a request is sent: DER, PEM, base64 (RFC 8951) in one line or many.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{CSR_BYTES_MAX, CsrRefused};
use crate::der;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Both are in use for the same thing (RFC 7468 section 7).
const LABELS: [&[u8]; 2] = [b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"];
/// Enough to recognise `EC PRIVATE KEY`, too little to repeat one.
const LABEL_SHOWN_MAX: usize = 32;
/// Base64 is a third longer; line ends, PEM armour and what `openssl req -text` writes above it come on top.
const TEXT_BYTES_MAX: usize = 4 * CSR_BYTES_MAX;

pub(super) fn to_der(sent: &[u8]) -> Result<Zeroizing<Vec<u8>>, CsrRefused> {
    // As text this octet would be a `0`, with which neither PEM nor the base64 of a sequence begins.
    if sent.first() == Some(&der::SEQUENCE) || sent.is_empty() {
        return sized(Zeroizing::new(sent.to_vec()));
    }
    if sent.len() > TEXT_BYTES_MAX {
        return Err(CsrRefused::TooLarge { bytes: sent.len() });
    }
    let base64 = match find(sent, BEGIN) {
        Some(at) => pem_body(&sent[at + BEGIN.len()..])?,
        None => sent,
    };
    let compact: Zeroizing<Vec<u8>> =
        Zeroizing::new(base64.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    sized(Zeroizing::new(STANDARD.decode(&compact).map_err(|_| CsrRefused::NotBase64)?))
}

fn sized(der: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, CsrRefused> {
    match der.len() {
        0 => Err(CsrRefused::Empty),
        bytes if bytes > CSR_BYTES_MAX => Err(CsrRefused::TooLarge { bytes }),
        _ => Ok(der),
    }
}

/// What stands between the armour of the only block; `after` begins with its label.
fn pem_body(after: &[u8]) -> Result<&[u8], CsrRefused> {
    let label_end = find(after, DASHES).ok_or(CsrRefused::PemBlock)?;
    let (label, body) = after.split_at(label_end);
    if !LABELS.contains(&label) {
        let label = String::from_utf8_lossy(label).chars().take(LABEL_SHOWN_MAX).collect();
        return Err(CsrRefused::Label { label });
    }
    let body = &body[DASHES.len()..];
    let end = find(body, END).ok_or(CsrRefused::PemBlock)?;
    let (body, end) = body.split_at(end);
    let closed = end[END.len()..].strip_prefix(label).and_then(|end| end.strip_prefix(DASHES));
    match closed {
        Some(rest) if find(rest, BEGIN).is_none() => Ok(body),
        Some(_) | None => Err(CsrRefused::PemBlock),
    }
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}
