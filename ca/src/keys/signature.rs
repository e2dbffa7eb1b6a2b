//! What signing gives.

/// A signature with the algorithm that it was made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// AlgorithmIdentifier, DER.
    pub(crate) algorithm_der: Vec<u8>,
    /// As it stands in the BIT STRING: for ECDSA, the DER of r and s.
    pub(crate) bytes: Vec<u8>,
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

impl Signature {
    /// `SEQUENCE { signed, algorithm, BIT STRING }`, the outer form of certificates, requests, CRLs.
    pub(crate) fn wrap(&self, signed: &[u8]) -> Vec<u8> {
        const HEADERS_BYTES: usize = 16;
        let mut bits = Vec::with_capacity(self.bytes.len() + HEADERS_BYTES);
        bits.push(BIT_STRING);
        push_length(&mut bits, self.bytes.len() + 1);
        bits.push(0); // no unused bits
        bits.extend_from_slice(&self.bytes);
        let inner = signed.len() + self.algorithm_der.len() + bits.len();
        let mut der = Vec::with_capacity(inner + HEADERS_BYTES);
        der.push(SEQUENCE);
        push_length(&mut der, inner);
        der.extend_from_slice(signed);
        der.extend_from_slice(&self.algorithm_der);
        der.extend_from_slice(&bits);
        der
    }
}

/// X.690 section 8.1.3, the shortest form.
fn push_length(der: &mut Vec<u8>, length: usize) {
    const SHORT_MAX: usize = 0x7f;
    if length <= SHORT_MAX {
        der.push(u8::try_from(length).unwrap_or(u8::MAX));
        return;
    }
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    der.push(0x80 | u8::try_from(significant.len()).unwrap_or(u8::MAX));
    der.extend_from_slice(significant);
}
