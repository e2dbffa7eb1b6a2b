//! A shared access key: 16 to 64 secret bytes, written as base64.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Shorter keys can be guessed; Azure refuses them as well (dps.md §4.1, hub-service.md §2.4).
pub const KEY_BYTES_MIN: usize = 16;
/// One block of HMAC-SHA-256: longer keys would be hashed down and gain nothing.
pub const KEY_BYTES_MAX: usize = 64;

/// Padding is required. Hand-made keys whose last letter carries bits beyond the last byte are taken, as by every client.
const TEXT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Compared in constant time, wiped on drop, never printed: `to_base64` is the one way out.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key(Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the key is not base64, write it in the standard alphabet with padding")]
    NotBase64,
    #[error("the key has {bytes} bytes, a key has {KEY_BYTES_MIN} to {KEY_BYTES_MAX}")]
    WrongLength { bytes: usize },
}

impl Key {
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        // Measured before it is decoded: a key's text may come from a stranger's request body.
        if text.len() > KEY_BYTES_MAX.div_ceil(3) * 4 {
            return Err(KeyError::WrongLength { bytes: text.len() / 4 * 3 });
        }
        let bytes = Zeroizing::new(TEXT.decode(text).map_err(|_| KeyError::NotBase64)?);
        Self::from_bytes(bytes.to_vec())
    }

    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, KeyError> {
        let key = Self(bytes); // first, so that a refused key is wiped too
        match key.0.len() {
            KEY_BYTES_MIN..=KEY_BYTES_MAX => Ok(key),
            bytes => Err(KeyError::WrongLength { bytes }),
        }
    }

    /// A fresh key of `N` bytes; a length that no key may have does not compile.
    pub fn generate<const N: usize>(entropy: &dyn Fn(&mut [u8])) -> Self {
        const { assert!(N >= KEY_BYTES_MIN && N <= KEY_BYTES_MAX) };
        let mut bytes = vec![0; N];
        entropy(&mut bytes);
        Self(bytes)
    }

    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(TEXT.encode(&self.0))
    }

    /// The key of one device of a group (dps.md §4.1): HMAC-SHA-256 of the registration id as given.
    pub fn derive(&self, registration_id: &str) -> Self {
        Self(mac(&self.0, registration_id.as_bytes()).as_ref().to_vec())
    }

    pub(crate) fn mac(&self, message: &[u8]) -> hmac::Tag {
        mac(&self.0, message)
    }

    /// The Event Hubs reading of a key: not the bytes its base64 means, but the letters it is written with.
    pub(crate) fn mac_by_text(&self, message: &[u8]) -> hmac::Tag {
        mac(self.to_base64().as_bytes(), message)
    }
}

fn mac(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}
