//! Why a chain does not lead to an authority, each reason with what was compared and what to do.

use std::fmt;

use jiff::Timestamp;

use super::{PATH_DEPTH_MAX, PRESENTED_MAX};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("client certificate is missing: connect with the device's certificate and its key")]
    Empty,
    #[error(
        "client certificate chain has {presented} certificates, more than the {PRESENTED_MAX} allowed: send the leaf and the authorities above it, nothing else"
    )]
    TooMany { presented: usize },
    #[error(
        "client certificate chain is more than {PATH_DEPTH_MAX} certificates deep: enroll an authority nearer to the device"
    )]
    TooDeep,
    #[error("{place} `{subject}` expired at {not_after}, now is {now}: renew it, or correct the clock")]
    Expired { place: Place, subject: String, not_after: Timestamp, now: Timestamp },
    #[error("{place} `{subject}` is not valid before {not_before}, now is {now}: wait, or correct the clock")]
    NotYetValid { place: Place, subject: String, not_before: Timestamp, now: Timestamp },
    #[error(
        "{place} `{subject}` is not issued by `{anchor}`, nor by a certificate that was presented: its issuer is `{issuer}`; send the missing certificate along, or enroll that issuer"
    )]
    NotIssued { place: Place, subject: String, issuer: String, anchor: String },
    #[error(
        "signature of {place} `{subject}` does not verify with the key of `{issuer}`: the issuer has the same name but another key, or the certificate was altered; issue it again"
    )]
    BadSignature { place: Place, subject: String, issuer: String },
    #[error(
        "signature algorithm `{algorithm}` of {place} `{subject}` is not supported with the key of `{issuer}`: use ECDSA, Ed25519, or RSA of 2048 bits or more, with SHA-256 or better"
    )]
    UnsupportedSignature { place: Place, subject: String, issuer: String, algorithm: String },
    #[error("{place} `{subject}` cannot issue certificates because it {why}")]
    NotAnAuthority { place: Place, subject: String, why: NotAnAuthority },
    #[error(
        "{place} `{subject}` allows {allowed} authorities below it, the chain has {found} (basicConstraints pathLenConstraint): issue it with a greater path length, or shorten the chain"
    )]
    PathLength { place: Place, subject: String, allowed: u32, found: usize },
    #[error(
        "leaf `{subject}` is a version {version} certificate, which says nothing about its use: issue it as version 3 (with `openssl x509 -req`, give an `-extfile`), or enroll its thumbprint"
    )]
    LeafVersion { subject: String, version: u8 },
    #[error(
        "leaf `{subject}` is an authority itself (basicConstraints CA:TRUE): present the device's certificate first and issue it with CA:FALSE, or enroll its thumbprint"
    )]
    LeafIsAuthority { subject: String },
    #[error(
        "leaf `{subject}` may sign certificates (keyUsage keyCertSign) though it is no authority: issue it with keyUsage digitalSignature"
    )]
    LeafSignsCertificates { subject: String },
    #[error("leaf `{subject}` has nameConstraints, which only an authority may have: issue it without")]
    LeafConstrainsNames { subject: String },
    #[error(
        "{place} `{subject}` is not for TLS clients (extendedKeyUsage lacks clientAuth): issue it with clientAuth, or without extendedKeyUsage"
    )]
    NotForClients { place: Place, subject: String },
    #[error(
        "{place} `{subject}` is not for TLS servers (extendedKeyUsage lacks serverAuth): issue it with serverAuth, or without extendedKeyUsage"
    )]
    NotForServers { place: Place, subject: String },
    #[error("leaf `{subject}` is not for the name `{name}`: issue it with that name as subjectAltName")]
    NotNamed { subject: String, name: String },
    #[error(
        "{place} `{subject}` has the critical extension `{oid}`, which is not understood here: issue it without, or not critical"
    )]
    UnknownCriticalExtension { place: Place, subject: String, oid: String },
    #[error(
        "{place} `{subject}` has the extension `{oid}` marked critical, which RFC 5280 forbids: issue it not critical"
    )]
    MustNotBeCritical { place: Place, subject: String, oid: String },
    #[error(
        "{place} `{subject}` has the extension `{oid}` not marked critical, which RFC 5280 demands: issue it critical"
    )]
    MustBeCritical { place: Place, subject: String, oid: String },
    #[error("{place} `{subject}` has the extension `{oid}` twice: issue it with one")]
    DuplicateExtension { place: Place, subject: String, oid: String },
    #[error("{place} `{subject}` has an extension `{oid}` that cannot be read: issue it again")]
    UnreadableExtension { place: Place, subject: String, oid: String },
    #[error(
        "name of leaf `{subject}` is outside the nameConstraints of an authority above it: issue it by another authority; only constraints on DNS names and IP addresses can be compared here"
    )]
    NameConstraints { subject: String },
    #[error("{place} `{subject}` was revoked at {at} ({reason}): issue another")]
    Revoked { place: Place, subject: String, at: Timestamp, reason: &'static str },
    #[error(
        "{place} `{subject}` may be revoked: there is no revocation list of `{issuer}` for it; configure where that is published"
    )]
    NoList { place: Place, subject: String, issuer: String },
    #[error(
        "revocation list of `{issuer}` says nothing since {next_update}, now is {now}: publish the next one, or correct the clock"
    )]
    ListExpired { issuer: String, next_update: Timestamp, now: Timestamp },
    #[error(
        "revocation list of `{issuer}` says nothing before {this_update}, now is {now}: wait, or correct the clock"
    )]
    ListNotYetValid { issuer: String, this_update: Timestamp, now: Timestamp },
    #[error(
        "client certificate chain takes too many steps to check: send the leaf and the authorities above it, in order, and nothing else"
    )]
    TooComplicated,
    #[error("{place} `{subject}` breaks RFC 5280 ({reason}): issue it again")]
    Unsound { place: Place, subject: String, reason: &'static str },
}

/// Where in the path a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Leaf,
    /// Depth 1 issued the leaf.
    Intermediate {
        depth: usize,
    },
    /// The authority that was enrolled.
    Anchor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAuthority {
    #[error(
        "is a version {version} certificate, which cannot say that it is an authority: issue it as version 3 with basicConstraints CA:TRUE"
    )]
    Version { version: u8 },
    #[error("has no basicConstraints: issue it with critical basicConstraints CA:TRUE")]
    NoBasicConstraints,
    #[error(
        "has basicConstraints CA:FALSE: issue it with critical basicConstraints CA:TRUE, or use another certificate as authority"
    )]
    CaFalse,
    #[error("has a keyUsage without keyCertSign: issue it with keyCertSign")]
    NoKeyCertSign,
    #[error("has an empty subject, so nothing can name it as issuer: issue it with a subject")]
    EmptySubject,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf => f.write_str("leaf"),
            Self::Intermediate { depth } => write!(f, "intermediate at depth {depth}"),
            Self::Anchor => f.write_str("authority"),
        }
    }
}
