//! Named certificates stored on the instance: authorities that enrollments refer to by `caReferences`, and intermediates that
//! complete the chains of devices which send only their own certificate (dps.md §8, pki.md §8).
//!
//! An authority anchors nothing before somebody has shown possession of its key ([`possession`]), or the operator vouches for
//! it. An intermediate never anchors anything: every chain that it completes leads on to an authority.

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use muster_x509::{Certificate, describe};
use serde_json::{Value, json};

use crate::{
    enrollment::{Etag, Standing, Stored, instant},
    external_crl,
};

mod definition;
mod expiry;
mod possession;
mod service;
mod sql;

pub(crate) use definition::Kind;
pub(crate) use expiry::Expiring;
pub(crate) use possession::is_verification_code;
pub(crate) use service::{ReadError, WriteError};

/// A row of the table.
#[derive(Debug, Clone)]
pub(crate) struct NamedCertificate {
    pub(crate) stored: Stored,
    pub(crate) etag: Etag,
    /// Of this ETag: every change of the certificate forgets it.
    pub(crate) code: Option<VerificationCode>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// What a certificate signed by the authority must be named to show possession of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerificationCode {
    pub(crate) text: String,
    pub(crate) expires: Timestamp,
}

/// A root's key lies in a safe, and its officers meet when they can.
pub(crate) const CODE_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Our own members, and beside them `properties` as the control plane of the original has it (dps.md §8).
pub(crate) fn show(named: &NamedCertificate, now: Timestamp) -> Value {
    let NamedCertificate { stored, etag, code: _, created, updated } = named;
    let mut json = json!({
        "name": stored.name,
        "etag": etag.quoted(),
        "kind": Kind::of(stored.standing).as_str(),
        "isVerified": is_verified(stored.standing),
        "info": describe(&stored.certificate),
        "publicKeySha256": stored.certificate.key_sha256().to_string(),
        "crlCheck": stored.crls.check.as_str(),
        "crlUrls": stored.crls.feeds.iter().map(|feed| feed.url.as_str()).collect::<Vec<_>>(),
        "crls": external_crl::show(&stored.crls),
        "createdDateTimeUtc": instant(*created),
        "lastUpdatedDateTimeUtc": instant(*updated),
        "properties": properties(named),
    });
    if let Some(warning) = expiry::warning(&stored.certificate, now) {
        json["warning"] = warning.into();
    }
    json
}

/// The answer to `generateVerificationCode`: the only one that has the code.
pub(crate) fn show_with_code(named: &NamedCertificate, now: Timestamp) -> Value {
    let mut json = show(named, now);
    if let Some(VerificationCode { text, expires }) = &named.code {
        json["properties"]["verificationCode"] = text.as_str().into();
        json["verificationCode"] = text.as_str().into();
        json["verificationCodeExpiresUtc"] = instant(*expires).into();
    }
    json
}

fn properties(named: &NamedCertificate) -> Value {
    let certificate = &named.stored.certificate;
    json!({
        "subject": certificate.common_name().unwrap_or(certificate.subject()),
        "expiry": rfc_1123(certificate.not_after()),
        "thumbprint": certificate.sha1().to_string(),
        "isVerified": is_verified(named.stored.standing),
        "created": rfc_1123(named.created),
        "updated": rfc_1123(named.updated),
        "certificate": base64(certificate),
    })
}

fn is_verified(standing: Standing) -> bool {
    match standing {
        Standing::Verified => true,
        Standing::Unverified | Standing::Intermediate => false,
    }
}

fn rfc_1123(at: Timestamp) -> String {
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_else(|_| instant(at))
}

fn base64(certificate: &Certificate) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(certificate.der())
}

#[cfg(test)]
mod tests;
