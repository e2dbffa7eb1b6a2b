//! What a token is given to sign, and what becomes of its answer. Pure.

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use cryptoki::mechanism::Mechanism;
use x509_cert::der::{Encode, Sequence, asn1::UintRef};

use super::{KeyKind, Opener, TokenError};

/// DigestInfo up to the digest itself (RFC 8017 section 9.2 note 1).
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// Hashed here: tokens need not know how to (SoftHSM does not, for ECDSA), and a large CRL stays out of them.
pub(crate) struct Prepared {
    kind: KeyKind,
    input: Vec<u8>,
}

/// Of an ECDSA signature (RFC 3279 section 2.2.3).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

pub(crate) fn prepare(kind: KeyKind, message: &[u8]) -> Result<Prepared, TokenError> {
    let input = match kind {
        KeyKind::P256 => digest(&SHA256, message).as_ref().to_vec(),
        KeyKind::P384 => digest(&SHA384, message).as_ref().to_vec(),
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
            [&SHA256_DIGEST_INFO, digest(&SHA256, message).as_ref()].concat()
        }
        KeyKind::Ed25519 => return Err(TokenError::CannotMake(kind)),
    };
    Ok(Prepared { kind, input })
}

impl Prepared {
    pub(super) fn input(&self) -> &[u8] {
        &self.input
    }

    pub(super) fn mechanism(&self) -> Mechanism<'static> {
        match self.kind {
            KeyKind::P256 | KeyKind::P384 | KeyKind::Ed25519 => Mechanism::Ecdsa,
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => Mechanism::RsaPkcs,
        }
    }

    /// Tokens answer ECDSA as r and s side by side; certificates want them as DER.
    pub(super) fn finish(&self, opener: &Opener, raw: Vec<u8>) -> Result<Vec<u8>, TokenError> {
        match self.kind {
            KeyKind::P256 | KeyKind::P384 => {
                to_der(&raw).ok_or_else(|| opener.failed(cryptoki::error::Error::InvalidValue))
            }
            KeyKind::Ed25519 | KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => Ok(raw),
        }
    }
}

fn to_der(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.is_empty() || !raw.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    EcdsaSignature { r: UintRef::new(r).ok()?, s: UintRef::new(s).ok()? }.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::to_der;

    #[test]
    fn raw_signatures_become_the_shortest_integers() {
        let raw = [[0; 2], [0x80, 1], [0, 5], [7, 0]].concat();
        assert_eq!(to_der(&raw).unwrap(), [0x30, 10, 2, 3, 0, 0x80, 1, 2, 3, 5, 7, 0]);
    }

    #[test]
    fn answers_that_are_no_signatures_are_refused() {
        assert_eq!(to_der(&[]), None);
        assert_eq!(to_der(&[1, 2, 3]), None);
    }
}
