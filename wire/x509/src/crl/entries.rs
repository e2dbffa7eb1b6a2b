//! The entries of a revocation list, sorted by serial number so that finding one costs little.

use jiff::Timestamp;

use super::CrlRefused;
use crate::der::{self, Element};

const REASON_CODE: &str = "2.5.29.21";

/// RFC 5280 section 5.3.1, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Unspecified = 0,
    KeyCompromise = 1,
    CaCompromise = 2,
    AffiliationChanged = 3,
    Superseded = 4,
    CessationOfOperation = 5,
    CertificateHold = 6,
    RemoveFromCrl = 8,
    PrivilegeWithdrawn = 9,
    AaCompromise = 10,
}

/// What a list says of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    pub at: Timestamp,
    pub reason: Reason,
}

pub(super) struct Entries(Vec<Entry>);

struct Entry {
    serial: Box<[u8]>,
    revoked: Revoked,
}

impl Reason {
    pub const ALL: [Self; 10] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::RemoveFromCrl,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    pub fn code(self) -> u32 {
        self as u32
    }

    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// As RFC 5280 spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }
}

impl Entries {
    /// An empty sequence is what some write for no entry.
    pub(super) fn read(entries: Option<Element<'_>>) -> Result<Self, CrlRefused> {
        let Some(entries) = entries else { return Ok(Self(Vec::new())) };
        let mut reader = entries.inside();
        let mut read = Vec::new();
        while !reader.is_empty() {
            let mut entry = reader.expect(der::SEQUENCE)?.inside();
            let serial = significant(entry.expect(der::INTEGER)?.contents);
            let at = der::time(&entry.next()?)?;
            let reason = match entry.optional(der::SEQUENCE)? {
                Some(extensions) => reason(&extensions)?,
                None => Reason::Unspecified,
            };
            entry.end()?;
            read.push(Entry { serial: serial.into(), revoked: Revoked { at, reason } });
        }
        read.sort_by(|one, other| one.serial.cmp(&other.serial));
        Ok(Self(read))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn find(&self, serial: &[u8]) -> Option<Revoked> {
        let serial = significant(serial);
        let found = self.0.binary_search_by(|entry| (*entry.serial).cmp(serial)).ok()?;
        self.0.get(found).map(|entry| entry.revoked)
    }
}

/// Without the zeros in front, which not every certificate writes as DER wants them.
pub(super) fn significant(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|octet| **octet == 0).count();
    serial.get(zeros..).unwrap_or_default()
}

fn reason(extensions: &Element<'_>) -> Result<Reason, CrlRefused> {
    let mut reason = Reason::Unspecified;
    let mut reader = extensions.inside();
    while !reader.is_empty() {
        let mut extension = reader.expect(der::SEQUENCE)?.inside();
        let oid = der::dotted(extension.expect(der::OID)?.contents)?;
        let critical = extension.optional(der::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
        let value = extension.expect(der::OCTET_STRING)?.contents;
        extension.end()?;
        if oid == REASON_CODE {
            let unreadable = |why| CrlRefused::Extension { oid: oid.clone(), why };
            der::check(value).map_err(unreadable)?;
            let code = der::only(value, der::ENUMERATED).and_then(|code| code.small()).map_err(unreadable)?;
            reason = Reason::from_code(code).ok_or(CrlRefused::ReasonUnknown { code })?;
        } else if critical {
            // RFC 5280 section 5.3: such a list must not be used. `certificateIssuer` is the usual one, in indirect lists.
            return Err(CrlRefused::EntryExtension { oid });
        }
    }
    Ok(reason)
}
