//! The forms in which requests and lists are sent: DER, PEM, base64 (RFC 8951) in one line or many.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::der;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Enough to recognise `EC PRIVATE KEY`, too little to repeat one.
const LABEL_SHOWN_MAX: usize = 32;
/// Base64 is a third longer; line ends, PEM armour and what `openssl req -text` writes above it come on top.
const TEXT_FACTOR: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    Empty,
    TooLarge { bytes: usize },
    NotBase64,
    Label { label: String },
    Block,
}

/// The DER in `sent`, at most `bytes_max` of it; a PEM block must have one of the labels.
pub(crate) fn to_der(sent: &[u8], labels: &[&str], bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Flaw> {
    let sized = |bytes: usize| match bytes {
        0 => Err(Flaw::Empty),
        bytes if bytes > bytes_max => Err(Flaw::TooLarge { bytes }),
        _ => Ok(()),
    };
    // As text this octet would be a `0`, with which neither PEM nor the base64 of a sequence begins.
    if sent.first() == Some(&der::SEQUENCE) {
        sized(sent.len())?;
        return Ok(Zeroizing::new(sent.to_vec()));
    }
    if sent.len() > bytes_max.saturating_mul(TEXT_FACTOR) {
        return Err(Flaw::TooLarge { bytes: sent.len() });
    }
    let base64 = match split(sent, BEGIN) {
        Some((_, block)) => body(block, labels)?,
        None => sent,
    };
    // All of its room at once: a vector that grows leaves copies behind, which nobody wipes.
    let mut compact = Zeroizing::new(Vec::with_capacity(base64.len()));
    compact.extend(base64.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let der = Zeroizing::new(STANDARD.decode(&compact).map_err(|_| Flaw::NotBase64)?);
    sized(der.len())?;
    Ok(der)
}

/// What stands between the armour of the only block, which begins with its label here.
fn body<'a>(block: &'a [u8], labels: &[&str]) -> Result<&'a [u8], Flaw> {
    let (label, after) = split(block, DASHES).ok_or(Flaw::Block)?;
    if !labels.iter().any(|known| known.as_bytes() == label) {
        let label = String::from_utf8_lossy(label).chars().take(LABEL_SHOWN_MAX).collect();
        return Err(Flaw::Label { label });
    }
    let (body, end) = split(after, END).ok_or(Flaw::Block)?;
    let rest = end.strip_prefix(label).and_then(|end| end.strip_prefix(DASHES)).ok_or(Flaw::Block)?;
    if split(rest, BEGIN).is_some() { Err(Flaw::Block) } else { Ok(body) }
}

fn split<'a>(within: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    // Only where its first byte stands the rest is compared: few places, and no call for the others.
    let at =
        within.windows(mark.len()).position(|window| window.first() == mark.first() && window == mark)?;
    Some((within.get(..at)?, within.get(at + mark.len()..)?))
}
