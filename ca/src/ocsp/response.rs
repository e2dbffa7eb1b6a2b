//! Answers, built up to their signature and put together after it (RFC 6960 section 4.2.1). Pure.

use jiff::Timestamp;

use muster_x509::Nonce;

use super::ANSWER_LIFE;
use crate::{
    keys::Signature,
    revocation::{Reason, Revocation},
    tlv::{self, Mark},
};

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// id-pkix-ocsp-nonce, 1.3.6.1.5.5.7.48.1.2
const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
/// `good [0] IMPLICIT NULL`
const GOOD: [u8; 2] = [0x80, 0];
const SUCCESSFUL: u8 = 0;

/// What is said of one certificate.
pub(super) struct Single<'a> {
    /// The certificate as it was asked about, DER.
    pub(super) cert_id: &'a [u8],
    pub(super) revoked: Option<Revocation>,
}

/// When an answer that is made now comes to its end.
pub(super) fn next_update(now: Timestamp) -> Timestamp {
    now.saturating_add(ANSWER_LIFE).unwrap_or(Timestamp::MAX)
}

/// ResponseData: what is signed. `responder` is the SHA-1 of the bits of the responder's key.
pub(super) fn data(
    responder: &[u8],
    singles: &[Single<'_>],
    nonce: Option<&Nonce>,
    now: Timestamp,
) -> Vec<u8> {
    let by_key = tlv::element(tlv::context(2), &[&tlv::element(tlv::OCTET_STRING, &[responder])]);
    let now_der = tlv::generalized_time(now);
    let next = tlv::element(tlv::context(0), &[&tlv::generalized_time(next_update(now))]);
    let mut list = Vec::new();
    for Single { cert_id, revoked } in singles {
        list.extend(tlv::element(tlv::SEQUENCE, &[cert_id, &status(*revoked), &now_der, &next]));
    }
    let extensions = nonce.map(|nonce| {
        let value = tlv::element(tlv::OCTET_STRING, &[nonce.as_bytes()]);
        let extension = tlv::extension(NONCE, Mark::Plain, &value);
        tlv::element(tlv::context(1), &[&tlv::element(tlv::SEQUENCE, &[&extension])])
    });
    let list = tlv::element(tlv::SEQUENCE, &[&list]);
    tlv::element(tlv::SEQUENCE, &[&by_key, &now_der, &list, &extensions.unwrap_or_default()])
}

/// OCSPResponse, with the responder's certificate in it.
pub(super) fn response(data: &[u8], signature: &Signature, certificate: &[u8]) -> Vec<u8> {
    let certificates = tlv::element(tlv::context(0), &[&tlv::element(tlv::SEQUENCE, &[certificate])]);
    let bits = tlv::bit_string(&signature.bytes);
    let basic = tlv::element(tlv::SEQUENCE, &[data, &signature.algorithm_der, &bits, &certificates]);
    let kind = tlv::element(tlv::OBJECT_IDENTIFIER, &[BASIC]);
    let bytes = tlv::element(tlv::SEQUENCE, &[&kind, &tlv::element(tlv::OCTET_STRING, &[&basic])]);
    let status = tlv::element(tlv::ENUMERATED, &[&[SUCCESSFUL]]);
    tlv::element(tlv::SEQUENCE, &[&status, &tlv::element(tlv::context(0), &[&bytes])])
}

fn status(revoked: Option<Revocation>) -> Vec<u8> {
    let Some(Revocation { reason, at }) = revoked else { return GOOD.to_vec() };
    let reason = match reason {
        Reason::Unspecified => Vec::new(),
        reason => tlv::element(tlv::context(0), &[&tlv::element(tlv::ENUMERATED, &[&[reason.code()]])]),
    };
    tlv::element(tlv::context(1), &[&tlv::generalized_time(at), &reason])
}
