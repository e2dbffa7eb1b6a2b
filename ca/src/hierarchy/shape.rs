//! What the certificate of an authority says (RFC 5280 section 4.2), and for how long. Pure.

use jiff::{SignedDuration, Timestamp};
use x509_cert::{
    builder::{self, profile::BuilderProfile},
    certificate::TbsCertificate,
    der::{
        asn1::{Ia5String, OctetString},
        oid::db::{
            rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH},
            rfc5912::ID_AD_CA_ISSUERS,
        },
    },
    ext::{
        Extension, ToExtension,
        pkix::{
            AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints,
            CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName},
        },
    },
    name::Name,
    spki::SubjectPublicKeyInfoRef,
};

use super::key_identifier::key_identifier;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Every client must be told of a new root, so it lasts.
const ROOT_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// Replaced here without anybody's help.
const INTERMEDIATE_LIFE: SignedDuration = SignedDuration::from_hours(24 * 730);
/// Longer than any authority is kept, and still a date that every client can compute with.
pub(super) const LIFE_MAX: SignedDuration = SignedDuration::from_hours(24 * 365 * 30);
/// Devices' clocks lag.
pub(crate) const BACKDATE: SignedDuration = SignedDuration::from_mins(5);
/// An issuing authority is renewed while what it issues still gets a whole year.
const RENEW_BELOW: SignedDuration = SignedDuration::from_hours(24 * 365);

/// A kind of authority, with what differs between two of the kind.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Root {
        subject: Name,
    },
    Intermediate {
        subject: Name,
        issuer: Name,
        /// As it stands in the issuer's certificate.
        issuer_key: OctetString,
        path_len: u8,
        places: Option<Places>,
    },
}

/// Where the issuer's CRL and certificate are fetched.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) crl: String,
    pub(super) issuer: String,
}

/// When a certificate is valid, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl Shape {
    pub(super) fn life(&self) -> SignedDuration {
        match self {
            Self::Root { .. } => ROOT_LIFE,
            Self::Intermediate { .. } => INTERMEDIATE_LIFE,
        }
    }
}

impl Validity {
    pub(super) fn life(self) -> SignedDuration {
        self.not_after.duration_since(self.not_before) + SignedDuration::from_secs(1)
    }

    /// From `now`, a little backdated; never outside the validity of the issuer.
    pub(crate) fn of(life: SignedDuration, now: Timestamp, issuer: Option<Self>) -> Self {
        let not_before = now.saturating_sub(BACKDATE).unwrap_or(now);
        // RFC 5280 section 4.1.2.5 counts the last second in.
        let not_after = not_before.saturating_add(life - SignedDuration::from_secs(1)).unwrap_or(now);
        match issuer {
            None => Self { not_before, not_after },
            Some(issuer) => Self {
                not_before: not_before.max(issuer.not_before),
                not_after: not_after.min(issuer.not_after),
            },
        }
    }
}

/// Whether an authority is to get another certificate, given what it has and what it could get.
pub(super) fn renewal_is_due(current: Validity, renewed: Validity, now: Timestamp) -> bool {
    // Near the root's own end there is nothing to gain, and no reason to sign at every start.
    let gains = renewed.not_after.duration_since(current.not_after) > DAY;
    let enough = RENEW_BELOW.min(current.life() / 2);
    gains && current.not_after.duration_since(now) < enough
}

impl BuilderProfile for Shape {
    fn get_issuer(&self, subject: &Name) -> Name {
        match self {
            Self::Root { .. } => subject.clone(),
            Self::Intermediate { issuer, .. } => issuer.clone(),
        }
    }

    fn get_subject(&self) -> Name {
        match self {
            Self::Root { subject } | Self::Intermediate { subject, .. } => subject.clone(),
        }
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let path_len = match self {
            // As deep as may be: those below say how deep they go.
            Self::Root { .. } => None,
            Self::Intermediate { path_len, .. } => Some(*path_len),
        };
        let mut extensions = vec![
            BasicConstraints { ca: true, path_len_constraint: path_len }.to_extension(subject, &[])?,
            KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign).to_extension(subject, &[])?,
            SubjectKeyIdentifier(key_identifier(&key)?).to_extension(subject, &[])?,
        ];
        if let Self::Intermediate { issuer_key, places, .. } = self {
            // What it issues is for TLS. An authority that could sign OCSP answers could sign those about itself.
            let purposes = ExtendedKeyUsage(vec![ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH]);
            extensions.push(purposes.to_extension(subject, &[])?);
            let issuer =
                AuthorityKeyIdentifier { key_identifier: Some(issuer_key.clone()), ..Default::default() };
            extensions.push(issuer.to_extension(subject, &[])?);
            if let Some(places) = places {
                extensions.push(places.crl_point()?.to_extension(subject, &[])?);
                extensions.push(places.issuer_access()?.to_extension(subject, &[])?);
            }
        }
        Ok(extensions)
    }
}

impl Places {
    fn crl_point(&self) -> Result<CrlDistributionPoints, x509_cert::der::Error> {
        let place = GeneralName::UniformResourceIdentifier(Ia5String::new(&self.crl)?);
        let distribution_point = Some(DistributionPointName::FullName(vec![place]));
        let point = DistributionPoint { distribution_point, reasons: None, crl_issuer: None };
        Ok(CrlDistributionPoints(vec![point]))
    }

    fn issuer_access(&self) -> Result<AuthorityInfoAccessSyntax, x509_cert::der::Error> {
        let access_location = GeneralName::UniformResourceIdentifier(Ia5String::new(&self.issuer)?);
        Ok(AuthorityInfoAccessSyntax(vec![AccessDescription {
            access_method: ID_AD_CA_ISSUERS,
            access_location,
        }]))
    }
}
