//! Why a request does not fit its profile, each reason with what to do about it.

use jiff::Timestamp;

use muster_x509::NAMES_MAX;

use super::{Finding, life::End};
use crate::hierarchy::BuildError;

#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("fact `{fact}` is missing, which the profile puts into the certificate: give it")]
    Missing { fact: String },
    #[error(
        "fact `{fact}` is {bytes} bytes long, or has control characters: give a plain text of at most {max}"
    )]
    Fact { fact: String, bytes: usize, max: usize },
    #[error("there are {given} facts in one list, more than the {NAMES_MAX} allowed: give fewer")]
    TooManyFacts { given: usize },
    #[error("there are {given} subject alternative names, more than the {NAMES_MAX} allowed: ask for fewer")]
    TooManyNames { given: usize },
    #[error("subject attribute `{attribute}` with the value `{value}` {why}: give another")]
    Attribute { attribute: String, value: String, why: &'static str },
    #[error("subject alternative name `{name}` {why}: give another")]
    Name { name: String, why: &'static str },
    #[error("there is no subject alternative name, and the profile wants one: give a DNS name or an address")]
    NoNames,
    #[error(
        "hardware type `{kind}` is no object identifier: give one of your own, below your enterprise number"
    )]
    HardwareKind { kind: String },
    #[error("hardware serial number has {bytes} bytes: give 1 to 64")]
    HardwareSerial { bytes: usize },
    #[error("name `{name}` is outside of the profile's scope: ask for another, or another profile")]
    OutOfScope { name: String },
    #[error("public key is {kind}, and the profile takes {allowed} only: make a key pair of such a kind")]
    KeyKind { kind: &'static str, allowed: String },
    #[error(
        "common name `{asked}` of the certification request is not `{given}`: ask for the same, or for none"
    )]
    OtherCommonName { asked: String, given: String },
    #[error(
        "certification request asks to be an authority, which the profile does not make: leave out basicConstraints"
    )]
    AsksForAuthority,
    #[error(
        "certification request asks for key usage `{usage}`, which is for authorities only: leave it out"
    )]
    AsksForUsage { usage: &'static str },
    #[error(
        "certification request asks for the purpose `{purpose}`, which the profile does not give: leave it out"
    )]
    AsksForPurpose { purpose: String },
    #[error(
        "certification request asks for the extension `{extension}`, which is for authorities only: leave it out"
    )]
    AsksForExtension { extension: &'static str },
    #[error("certification request asks for `{what}`, which the profile does not give: leave it out")]
    AsksForMore { what: String },
    #[error("holder `{name}` has no usable name: give 1 to 256 bytes without control characters")]
    Holder { name: String },
    #[error("holder's generation `{generation}` is not usable: give 1 to 64 printable ASCII characters")]
    Generation { generation: String },
    #[error("the authority's certificate expired at {not_after}: renew the authority, or name another one")]
    IssuerExpired { not_after: Timestamp },
    #[error("the end that was asked for, {asked}, is in the past: ask for a later one, or for none")]
    EndInThePast { asked: Timestamp },
    #[error(
        "the end that was asked for, {asked}, is later than what the profile gives, {given}: ask for an earlier one"
    )]
    EndTooLate { asked: Timestamp, given: EndOfLife },
    #[error(
        "the certificate would last until {wanted}, its authority's lasts until {issuer} only: ask for an earlier end, or name another authority"
    )]
    PastIssuer { wanted: EndOfLife, issuer: EndOfLife },
    #[error("the authority's certificate allows no authority below it: name another one")]
    NoRoomBelow,
    #[error("certificate would not be right: {0}: correct the profile")]
    Lint(#[from] Finding),
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// An instant, or the one that means no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOfLife(pub(super) End);

impl std::fmt::Display for EndOfLife {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<End> for EndOfLife {
    fn from(end: End) -> Self {
        Self(end)
    }
}
