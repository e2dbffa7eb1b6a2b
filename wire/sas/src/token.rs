//! A token: read, checked against a key, written.

use std::fmt;

use aws_lc_rs::constant_time;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::Key;

/// Two ids of 128 characters, each encoded twice (`%25xx`), a host name, a signature and a policy name need about 1.8 KB.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// Clocks of devices and back ends differ by this much without being refused (hub-device.md §3.3).
pub const CLOCK_SKEW_S: i64 = 300;
/// The last second a timestamp can hold (end of year 9999); a later expiry is read as this one, so no caller overflows.
pub const EXPIRES_S_MAX: i64 = 253_402_207_200;

const SIGNATURE_BYTES: usize = 32; // HMAC-SHA-256
const SCHEME: &str = "SharedAccessSignature";
/// What RFC 3986 calls unreserved stays; everything else, the slash too, is written `%XX`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SIGNATURE_TEXT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A token that could be read. It proves nothing before `is_signed_by`.
#[derive(Clone)]
pub struct Token {
    /// The text that was signed; not to be compared with anything.
    pub resource_as_sent: String,
    /// The same, percent-decoded once: for `resource_covers`, which undoes a second encoding of the ids.
    pub resource: String,
    /// Within 0 and [`EXPIRES_S_MAX`].
    pub expires_s: i64,
    /// `skn`; `None` when missing or empty, which means signed with the device's own key.
    pub policy: Option<String>,
    expires_as_sent: String,
    signature: Zeroizing<[u8; SIGNATURE_BYTES]>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token has {bytes} bytes, at most {TOKEN_BYTES_MAX} are read")]
    TooLong { bytes: usize },
    #[error("the token is not of the form `SharedAccessSignature sr=…&sig=…&se=…`")]
    NotAToken,
    #[error("field `{field}` is missing, a token has `sr`, `sig` and `se`")]
    Missing { field: &'static str },
    #[error("field `{field}` is there twice, leave one")]
    Repeated { field: &'static str },
    #[error("field `{field}` is not UTF-8 after percent-decoding")]
    NotUtf8 { field: &'static str },
    #[error("field `sig` is not the base64 of {SIGNATURE_BYTES} bytes, percent-encode its `+`, `/` and `=`")]
    Signature,
    #[error("field `se` is not a number of seconds since 1970")]
    Expiry,
}

impl Token {
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong { bytes: text.len() });
        }
        let mut parts = text.split_whitespace();
        let (Some(SCHEME), Some(fields), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TokenError::NotAToken);
        };

        let (mut sr, mut sig, mut se, mut skn) = (None, None, None, None);
        for (name, value) in fields.split('&').filter_map(|field| field.split_once('=')) {
            let (field, slot) = match name.to_ascii_lowercase().as_str() {
                "sr" => ("sr", &mut sr),
                "sig" => ("sig", &mut sig),
                "se" => ("se", &mut se),
                "skn" => ("skn", &mut skn),
                _ => continue, // unknown fields are tolerated, as the original does
            };
            if slot.replace(value).is_some() {
                return Err(TokenError::Repeated { field });
            }
        }
        let sr = sr.filter(|sr| !sr.is_empty()).ok_or(TokenError::Missing { field: "sr" })?;
        let sig = sig.ok_or(TokenError::Missing { field: "sig" })?;
        let se = se.ok_or(TokenError::Missing { field: "se" })?;
        Ok(Self {
            resource: decoded("sr", sr)?,
            resource_as_sent: sr.to_owned(),
            expires_s: expiry(&decoded("se", se)?)?,
            policy: skn.filter(|skn| !skn.is_empty()).map(|skn| decoded("skn", skn)).transpose()?,
            expires_as_sent: se.to_owned(),
            signature: signature(&decoded("sig", sig)?)?,
        })
    }

    /// The key's bytes sign: IoT Hub and DPS clients.
    pub fn is_signed_by(&self, key: &Key) -> bool {
        self.signature_is(key.mac(self.signed_text().as_bytes()).as_ref())
    }

    /// The key's base64 text signs: Event Hubs clients, with the same policy key (hub-service.md §1.2).
    pub fn is_signed_by_text_of(&self, key: &Key) -> bool {
        self.signature_is(key.mac_by_text(self.signed_text().as_bytes()).as_ref())
    }

    /// Expired, and the skew of clocks does not explain it.
    pub fn is_expired(&self, now_s: i64) -> bool {
        self.expires_s.saturating_add(CLOCK_SKEW_S) < now_s
    }

    fn signed_text(&self) -> String {
        format!("{}\n{}", self.resource_as_sent, self.expires_as_sent)
    }

    fn signature_is(&self, expected: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(self.signature.as_slice(), expected).is_ok()
    }
}

/// Writes a token as Python's SDK does: `sr` encoded once, upper-case hex.
pub fn sign(resource: &str, key: &Key, expires_s: i64, policy: Option<&str>) -> String {
    let sr = utf8_percent_encode(resource, RESERVED).to_string();
    let signature = BASE64_STANDARD.encode(key.mac(format!("{sr}\n{expires_s}").as_bytes()));
    let sig = utf8_percent_encode(&signature, RESERVED);
    let mut token = format!("{SCHEME} sr={sr}&sig={sig}&se={expires_s}");
    if let Some(policy) = policy {
        token.push_str("&skn=");
        token.extend(utf8_percent_encode(policy, RESERVED));
    }
    token
}

/// A `+` stays a `+`: ids may contain one, base64 does, and nothing in a token contains the space it could stand for.
fn decoded(field: &'static str, value: &str) -> Result<String, TokenError> {
    let text = percent_decode_str(value).decode_utf8().map_err(|_| TokenError::NotUtf8 { field })?;
    Ok(text.into_owned())
}

fn signature(text: &str) -> Result<Zeroizing<[u8; SIGNATURE_BYTES]>, TokenError> {
    let bytes = Zeroizing::new(SIGNATURE_TEXT.decode(text).map_err(|_| TokenError::Signature)?);
    let bytes = <[u8; SIGNATURE_BYTES]>::try_from(bytes.as_slice()).map_err(|_| TokenError::Signature)?;
    Ok(Zeroizing::new(bytes))
}

/// The original reads a floating-point number, and some clients have sent one (hub-device.md §3.1).
fn expiry(text: &str) -> Result<i64, TokenError> {
    let seconds: f64 = text.parse().map_err(|_| TokenError::Expiry)?;
    if !seconds.is_finite() {
        return Err(TokenError::Expiry);
    }
    Ok((seconds as i64).clamp(0, EXPIRES_S_MAX))
}

/// The signature is a password until it expires, so it is not shown.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("resource", &self.resource)
            .field("expires_s", &self.expires_s)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
