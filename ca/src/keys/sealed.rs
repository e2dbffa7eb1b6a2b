//! Sealed texts: a header in the clear and authenticated, a secret below it under AES-256-GCM.
//!
//! ```text
//! muster sealed key 1
//! name: root
//! kind: p256
//!
//! <nonce, base64> <sealed bytes with their tag, base64>
//! ```

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use crate::Entropy;

const KEY_BYTES: usize = 32;

/// What everything else is sealed under.
pub(super) struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

/// A sealed text, taken apart.
pub(super) struct Sealed<'a> {
    /// With the empty line that ends it: what is authenticated.
    header: &'a str,
    nonce: [u8; NONCE_LEN],
    sealed: Vec<u8>,
}

/// It was changed, or the key is another one: nobody can tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DoesNotOpen;

impl DataKey {
    pub(super) fn generate(entropy: &Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        entropy(bytes.as_mut_slice());
        Self(bytes)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// A few thousand nonces are drawn for one key in its life; 2^32 would be too many.
    pub(super) fn seal(
        &self,
        title: &str,
        fields: &[(&str, String)],
        secret: &[u8],
        entropy: &Entropy,
    ) -> Result<String, DoesNotOpen> {
        let mut text = format!("{title}\n");
        for (name, value) in fields {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        let mut nonce = [0; NONCE_LEN];
        entropy(&mut nonce);
        // Room for the tag, so that no copy of the secret is left behind by a growing buffer.
        let mut bytes = Zeroizing::new(Vec::with_capacity(secret.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(secret);
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(text.as_bytes()),
                &mut *bytes,
            )
            .map_err(|_| DoesNotOpen)?;
        text.push_str(&BASE64_STANDARD.encode(nonce));
        text.push(' ');
        text.push_str(&BASE64_STANDARD.encode(&*bytes));
        text.push('\n');
        Ok(text)
    }

    pub(super) fn open(&self, sealed: Sealed<'_>) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let mut bytes = Zeroizing::new(sealed.sealed);
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let opened = self.cipher()?.open_in_place(nonce, Aad::from(sealed.header.as_bytes()), &mut bytes);
        let length = opened.map_err(|_| DoesNotOpen)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }

    fn cipher(&self) -> Result<LessSafeKey, DoesNotOpen> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice()).map(LessSafeKey::new).map_err(|_| DoesNotOpen)
    }
}

impl<'a> Sealed<'a> {
    /// None when the text is not one of these, or has another title.
    pub(super) fn parse(text: &'a str, title: &str) -> Option<Self> {
        let end = text.find("\n\n")? + 2;
        let (header, body) = text.split_at(end);
        if header.lines().next()? != title {
            return None;
        }
        let (nonce, sealed) = body.trim_end().split_once(' ')?;
        let nonce = BASE64_STANDARD.decode(nonce).ok()?.try_into().ok()?;
        Some(Self { header, nonce, sealed: BASE64_STANDARD.decode(sealed).ok()? })
    }

    pub(super) fn field(&self, name: &str) -> Option<&'a str> {
        self.header.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
