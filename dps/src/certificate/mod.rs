//! Named certificates stored on the instance: the authorities that enrollments refer to by `caReferences` (dps.md §8).

use jiff::Timestamp;
use muster_x509::{Certificate, describe};
use serde_json::{Value, json};

use crate::enrollment::{Etag, Invalid, Member, Standing, Stored, instant, one_certificate};

mod service;
mod sql;

pub(crate) use service::{ReadError, WriteError};

/// A row of the table.
#[derive(Debug, Clone)]
pub(crate) struct NamedCertificate {
    pub(crate) stored: Stored,
    pub(crate) etag: Etag,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// The body of a PUT: `{"certificate": …, "isVerified": true}`, or the same inside `properties` as ARM has it.
pub(crate) fn read(body: &Value) -> Result<(Certificate, Standing), Invalid> {
    let root = Member::root(body);
    let properties = root.at("properties");
    let members = if properties.is_given() { properties } else { root };
    let text = members.at("certificate");
    let certificate = text
        .parsed(one_certificate)?
        .ok_or_else(|| text.wrong("is missing, give a certificate as PEM or as base64 of its DER"))?;
    if !certificate.is_ca() {
        return Err(text.wrong("is not a CA certificate, so no device certificate can come from it"));
    }
    match members.at("isVerified").truth()? {
        Some(true) => Ok((certificate, Standing::Verified)),
        Some(false) | None => Ok((certificate, Standing::Unverified)),
    }
}

pub(crate) fn show(named: &NamedCertificate) -> Value {
    let NamedCertificate { stored, etag, created, updated } = named;
    let is_verified = match stored.standing {
        Standing::Verified => true,
        Standing::Unverified => false,
    };
    json!({
        "name": stored.name,
        "etag": etag.quoted(),
        "isVerified": is_verified,
        "info": describe(&stored.certificate),
        "createdDateTimeUtc": instant(*created),
        "lastUpdatedDateTimeUtc": instant(*updated),
    })
}
