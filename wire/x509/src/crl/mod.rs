//! Revocation lists (RFC 5280 section 5): read strictly, then bound to the authority that signed them.
//!
//! A [`Crl`] is only what somebody says; a [`VerifiedCrl`] is what the authority says. Dates are compared when a chain is
//! judged, for a list ages while it is kept.

mod entries;
mod extensions;
mod issuer_and_serial;
mod refused;
mod scope;

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use x509_parser::{prelude::FromDer, x509::X509Name};

use crate::{
    Certificate, armour,
    der::{self, NotDer},
    name,
    signature::{self, Signature},
};

use entries::Entries;
pub use entries::{Reason, Revoked};
pub use issuer_and_serial::{IssuerAndSerial, IssuerId};
pub use refused::CrlRefused;
pub use scope::{Scope, ScopeKind};

/// 400,000 entries: above what an authority puts into one list, below what fetching and keeping one would hurt.
pub const CRL_BYTES_MAX: usize = 16 * 1024 * 1024;
const LABELS: [&str; 1] = ["X509 CRL"];
const KEY_USAGE: &str = "2.5.29.15";
const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";

/// A list that could be read; nobody vouches for it yet. Cloning shares.
#[derive(Clone)]
pub struct Crl(Arc<Facts>);

struct Facts {
    der: Box<[u8]>,
    issuer: String,
    issuer_der: Box<[u8]>,
    number: Box<[u8]>,
    this_update: Timestamp,
    next_update: Timestamp,
    /// None when it identifies the key by other means than an identifier.
    key_identifier: Option<Box<[u8]>>,
    scope: Scope,
    entries: Entries,
}

/// A list that its authority signed. Cloning shares.
#[derive(Clone)]
pub struct VerifiedCrl {
    list: Crl,
    authority_spki_der: Arc<[u8]>,
}

impl Crl {
    /// Reads DER, PEM, or base64.
    pub fn parse(sent: &[u8]) -> Result<Self, CrlRefused> {
        let crl = armour::to_der(sent, &LABELS, CRL_BYTES_MAX)?;
        der::check(&crl)?;
        let mut list = der::only(&crl, der::SEQUENCE)?.inside();
        let mut parts = list.expect(der::SEQUENCE)?.inside();
        let algorithm = list.expect(der::SEQUENCE)?;
        list.expect(der::BIT_STRING)?;
        list.end()?;

        // Version 1 leaves the field out; version 2 writes a 1.
        match parts.optional(der::INTEGER)?.map(|version| version.small()).transpose()? {
            Some(1) => {}
            Some(_) | None => return Err(CrlRefused::Version),
        }
        if parts.expect(der::SEQUENCE)?.whole != algorithm.whole {
            return Err(CrlRefused::AlgorithmsDiffer);
        }
        let issuer = parts.expect(der::SEQUENCE)?;
        if issuer.contents.is_empty() {
            return Err(CrlRefused::EmptyIssuer);
        }
        let (_, name) = X509Name::from_der(issuer.whole).map_err(|_| NotDer::Unexpected)?;
        let this_update = der::time(&parts.next()?)?;
        let next_update = match (parts.optional(der::UTC_TIME)?, parts.optional(der::GENERALIZED_TIME)?) {
            (Some(at), None) | (None, Some(at)) => der::time(&at)?,
            (None, None) => return Err(CrlRefused::NoNextUpdate),
            (Some(_), Some(_)) => return Err(NotDer::Unexpected.into()),
        };
        let entries = Entries::read(parts.optional(der::SEQUENCE)?)?;
        let extensions = extensions::read(parts.optional(der::context(0))?)?;
        parts.end()?;
        Ok(Self(Arc::new(Facts {
            issuer: name::to_rfc4514(&name),
            issuer_der: issuer.whole.into(),
            number: extensions.number,
            this_update,
            next_update,
            key_identifier: extensions.key_identifier,
            scope: extensions.scope,
            entries,
            der: crl.as_slice().into(),
        })))
    }

    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    pub fn issuer_der(&self) -> &[u8] {
        &self.0.issuer_der
    }

    /// Big-endian, without leading zeros; rises with every list of the same scope.
    pub fn number(&self) -> &[u8] {
        &self.0.number
    }

    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        // Longer is greater, for there are no zeros in front.
        (self.number().len(), self.number()) < (other.number().len(), other.number())
    }

    pub fn this_update(&self) -> Timestamp {
        self.0.this_update
    }

    /// When the next list comes at the latest: from then on this one says nothing.
    pub fn next_update(&self) -> Timestamp {
        self.0.next_update
    }

    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the authority signed this list, and may.
    pub fn signed_by(&self, authority: &Certificate) -> Result<VerifiedCrl, CrlRefused> {
        let subject = || authority.subject().to_owned();
        if self.issuer_der() != authority.subject_der() {
            return Err(CrlRefused::OtherIssuer { issuer: self.issuer().to_owned(), authority: subject() });
        }
        let theirs = authority.extension(SUBJECT_KEY_IDENTIFIER);
        if let (Some(ours), Some(theirs)) = (&self.0.key_identifier, theirs)
            && der::only(&theirs, der::OCTET_STRING)?.contents != &**ours
        {
            return Err(CrlRefused::OtherKey { authority: subject() });
        }
        // RFC 5280 section 6.3.3 (f): if there is a keyUsage, it has cRLSign, bit 6.
        if let Some(usage) = authority.extension(KEY_USAGE)
            && der::only(&usage, der::BIT_STRING)?.contents.get(1).is_none_or(|bits| bits & 0b10 == 0)
        {
            return Err(CrlRefused::NoCrlSign { authority: subject() });
        }
        match signature::verify_signed(self.der(), authority.spki_der())? {
            Signature::Good => {
                Ok(VerifiedCrl { list: self.clone(), authority_spki_der: authority.spki_der().into() })
            }
            Signature::Bad => Err(CrlRefused::Signature { authority: subject() }),
            Signature::Unsupported { algorithm } => {
                Err(CrlRefused::SignatureAlgorithm { authority: subject(), oid: algorithm })
            }
        }
    }
}

impl VerifiedCrl {
    pub fn list(&self) -> &Crl {
        &self.list
    }

    /// Whether the list is by the key and name that issued `certificate`, and for its kind and distribution point.
    pub fn covers(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.list.issuer_der() == certificate.issuer_der()
            && *self.authority_spki_der == *issuer.spki_der()
            && self.list.scope().covers(certificate)
    }

    /// Ask only about a certificate that the list covers: serial numbers are an issuer's own.
    pub fn revoked(&self, serial: &[u8]) -> Option<Revoked> {
        self.list.0.entries.find(serial)
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = hex::encode(self.number());
        write!(f, "Crl({}, number {number}, {} entries)", self.issuer(), self.len())
    }
}

impl fmt::Debug for VerifiedCrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified{:?}", self.list)
    }
}

#[cfg(test)]
mod tests;
