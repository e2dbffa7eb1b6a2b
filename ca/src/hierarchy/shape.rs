//! What each kind of certificate says (RFC 5280 section 4.2), and how long it may say it.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use x509_cert::{
    builder::{self, profile::BuilderProfile},
    certificate::TbsCertificate,
    der::{
        asn1::OctetString,
        flagset::FlagSet,
        oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH},
    },
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
            SubjectKeyIdentifier,
        },
    },
    name::Name,
    spki::SubjectPublicKeyInfoRef,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Every client must be told of a new root, so it lasts.
const ROOT_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// Replaced here without anybody's help.
const ISSUING_LIFE: SignedDuration = SignedDuration::from_hours(24 * 730);
/// Some clients refuse server certificates of more than 398 days.
const SERVER_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// Devices' clocks lag.
const BACKDATE: SignedDuration = SignedDuration::from_mins(5);
/// An issuing authority is renewed while what it issues still gets its whole life.
const ISSUING_RENEW_BELOW: SignedDuration = SERVER_LIFE;
/// Time for a restart, which is when a server's certificate is renewed.
const SERVER_RENEW_BELOW: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A kind of certificate, with what differs between two of the kind.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Root { subject: Name },
    Issuing { subject: Name, issuer: Name },
    Server { subject: Name, issuer: Name, names: SubjectAltName },
}

/// When a certificate is valid, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl Shape {
    /// From `now`, a little backdated, for the life of the kind; never outside the validity of the issuer.
    pub(crate) fn validity(&self, now: Timestamp, issuer: Option<Validity>) -> Validity {
        let life = match self {
            Self::Root { .. } => ROOT_LIFE,
            Self::Issuing { .. } => ISSUING_LIFE,
            Self::Server { .. } => SERVER_LIFE,
        };
        let not_before = now.saturating_sub(BACKDATE).unwrap_or(now);
        // RFC 5280 section 4.1.2.5 counts the last second in.
        let not_after = not_before.saturating_add(life - SignedDuration::from_secs(1)).unwrap_or(now);
        match issuer {
            None => Validity { not_before, not_after },
            Some(issuer) => Validity {
                not_before: not_before.max(issuer.not_before),
                not_after: not_after.min(issuer.not_after),
            },
        }
    }
}

/// Whether the issuing authority is to be replaced, given what it has and what it could get.
pub(crate) fn issuing_is_due(current: Validity, renewed: Validity, now: Timestamp) -> bool {
    // Near the root's own end there is nothing to gain, and no reason to sign at every start.
    let gains = renewed.not_after.duration_since(current.not_after) > DAY;
    gains && current.not_after.duration_since(now) < ISSUING_RENEW_BELOW
}

/// Whether a server's certificate may be used again.
pub(crate) fn server_lasts(current: Validity, now: Timestamp) -> bool {
    current.not_before <= now && current.not_after.duration_since(now) > SERVER_RENEW_BELOW
}

impl BuilderProfile for Shape {
    fn get_issuer(&self, subject: &Name) -> Name {
        match self {
            Self::Root { .. } => subject.clone(),
            Self::Issuing { issuer, .. } | Self::Server { issuer, .. } => issuer.clone(),
        }
    }

    fn get_subject(&self) -> Name {
        match self {
            Self::Root { subject } | Self::Issuing { subject, .. } | Self::Server { subject, .. } => {
                subject.clone()
            }
        }
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let (authority, usage, purposes) = match self {
            Self::Root { .. } => (
                BasicConstraints { ca: true, path_len_constraint: None },
                KeyUsages::KeyCertSign | KeyUsages::CRLSign,
                vec![],
            ),
            Self::Issuing { .. } => (
                BasicConstraints { ca: true, path_len_constraint: Some(0) },
                KeyUsages::KeyCertSign | KeyUsages::CRLSign,
                vec![ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH],
            ),
            Self::Server { .. } => (
                BasicConstraints { ca: false, path_len_constraint: None },
                FlagSet::from(KeyUsages::DigitalSignature),
                vec![ID_KP_SERVER_AUTH],
            ),
        };
        let subject = tbs.subject();
        let mut extensions = vec![
            // Critical also in a leaf (pki profile), where the builder's default is not.
            (true, &authority).to_extension(subject, &[])?,
            KeyUsage(usage).to_extension(subject, &[])?,
            SubjectKeyIdentifier(key_identifier(key)?).to_extension(subject, &[])?,
        ];
        if !purposes.is_empty() {
            extensions.push(ExtendedKeyUsage(purposes).to_extension(subject, &[])?);
        }
        match self {
            Self::Root { .. } => {}
            Self::Issuing { .. } | Self::Server { .. } => {
                let issuer = AuthorityKeyIdentifier {
                    key_identifier: Some(key_identifier(issuer_key)?),
                    ..Default::default()
                };
                extensions.push(issuer.to_extension(subject, &[])?);
            }
        }
        if let Self::Server { names, .. } = self {
            extensions.push(names.to_extension(subject, &[])?);
        }
        Ok(extensions)
    }
}

/// RFC 7093 section 2 method 1: the left 160 bits of the SHA-256 over the public key's bits.
fn key_identifier(key: SubjectPublicKeyInfoRef<'_>) -> builder::Result<OctetString> {
    const BYTES: usize = 20;
    let hash = digest(&SHA256, key.subject_public_key.raw_bytes());
    Ok(OctetString::new(&hash.as_ref()[..BYTES])?)
}
