//! A CRL, built up to its signature (RFC 5280 section 5). Pure.

use jiff::Timestamp;
use x509_cert::der::{
    asn1::{ObjectIdentifier, OctetString},
    oid::db::rfc5280::{ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CRL_NUMBER, ID_CE_ISSUING_DISTRIBUTION_POINT},
};

use muster_x509::Certificate;

use super::{LIFE, listed::Entry};
use crate::{
    hierarchy::{BuildError, key_identifier::subject_key_identifier},
    keys::Signature,
    log::sha256,
    revocation::Reason,
    tlv::{self, Mark},
};

const V2: u8 = 1;

/// What all CRLs of an authority have in common.
pub(super) struct Frame {
    algorithm_der: Vec<u8>,
    issuer_der: Vec<u8>,
    /// The extension authorityKeyIdentifier.
    key_identifier: Vec<u8>,
}

/// All but the signature.
pub(super) struct Draft {
    pub(super) tbs: Vec<u8>,
    /// Of `tbs`: tells whether a signature on record is of this.
    pub(super) sha256: [u8; 32],
    pub(super) entries: usize,
}

/// When a CRL was made, and the how many-th it is of its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edition {
    pub(super) number: u64,
    pub(super) this_update: Timestamp,
}

impl Edition {
    pub(super) fn next_update(self) -> Timestamp {
        self.this_update.saturating_add(LIFE).unwrap_or(Timestamp::MAX)
    }
}

impl Frame {
    pub(super) fn new(certificate: &Certificate, algorithm_der: Vec<u8>) -> Result<Self, BuildError> {
        let identifier =
            subject_key_identifier(certificate).map_or_else(Box::default, OctetString::into_bytes);
        let value = tlv::element(tlv::SEQUENCE, &[&tlv::element(tlv::context_primitive(0), &[&identifier])]);
        Ok(Self {
            algorithm_der,
            issuer_der: certificate.subject_der().to_vec(),
            key_identifier: extension(ID_CE_AUTHORITY_KEY_IDENTIFIER, Mark::Plain, &value),
        })
    }

    /// A signature of one of its lists.
    pub(super) fn signature(&self, bytes: Vec<u8>) -> Signature {
        Signature { algorithm_der: self.algorithm_der.clone(), bytes }
    }

    /// `scope` is the value of issuingDistributionPoint, if the list has one.
    pub(super) fn draft<'e>(
        &self,
        edition: Edition,
        entries: impl Iterator<Item = Entry<'e>>,
        scope: Option<&[u8]>,
    ) -> Draft {
        let (mut rows, mut count) = (Vec::new(), 0);
        for entry in entries {
            push_row(&mut rows, &entry);
            count += 1;
        }
        // RFC 5280 section 5.1.2.6: an empty list is left out.
        let rows = if count == 0 { Vec::new() } else { tlv::element(tlv::SEQUENCE, &[&rows]) };
        let number = tlv::integer(&edition.number.to_be_bytes());
        let number = extension(ID_CE_CRL_NUMBER, Mark::Plain, &number);
        let scope = scope.map(|scope| extension(ID_CE_ISSUING_DISTRIBUTION_POINT, Mark::Critical, scope));
        let scope = scope.unwrap_or_default();
        let extensions = tlv::element(tlv::SEQUENCE, &[&self.key_identifier, &number, &scope]);
        let tbs = tlv::element(
            tlv::SEQUENCE,
            &[
                &tlv::integer(&[V2]),
                &self.algorithm_der,
                &self.issuer_der,
                &tlv::time(edition.this_update),
                &tlv::time(edition.next_update()),
                &rows,
                &tlv::element(tlv::context(0), &[&extensions]),
            ],
        );
        Draft { sha256: sha256(&[&tbs]), tbs, entries: count }
    }
}

fn push_row(rows: &mut Vec<u8>, entry: &Entry<'_>) {
    // SEQUENCE { SEQUENCE { reasonCode 2.5.29.21, OCTET STRING { ENUMERATED code } } }, but for the code.
    const REASON: [u8; 13] = [0x30, 12, 0x30, 10, 6, 3, 0x55, 0x1d, 0x15, 4, 3, 0x0a, 1];
    let code = [entry.revocation.reason.code()];
    let [reason, code]: [&[u8]; 2] = match entry.revocation.reason {
        // RFC 5280 section 5.3.1: better left out.
        Reason::Unspecified => [&[], &[]],
        _ => [&REASON, &code],
    };
    let parts: [&[u8]; 4] = [&tlv::integer(entry.serial), &tlv::time(entry.revocation.at), reason, code];
    rows.extend_from_slice(&tlv::element(tlv::SEQUENCE, &parts));
}

fn extension(oid: ObjectIdentifier, mark: Mark, value: &[u8]) -> Vec<u8> {
    tlv::extension(oid.as_bytes(), mark, value)
}
