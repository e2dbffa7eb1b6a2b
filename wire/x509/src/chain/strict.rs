//! What RFC 5280 demands and webpki does not look at: anchors, key usage, criticality.
//!
//! Missing key identifiers are let pass: they only hint at the path, and many device certificates in the field lack them.

use std::collections::HashSet;

use jiff::Timestamp;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{BasicConstraints, ExtendedKeyUsage, KeyUsage, ParsedExtension},
    prelude::FromDer,
};

use super::{ChainError, NotAnAuthority, Place, Usage, Validation};
use crate::Certificate;

/// keyUsage, subjectAltName, basicConstraints, nameConstraints, cRLDistributionPoints, extKeyUsage: what webpki honours.
const UNDERSTOOD: [&str; 6] =
    ["2.5.29.15", "2.5.29.17", BASIC_CONSTRAINTS, NAME_CONSTRAINTS, "2.5.29.31", "2.5.29.37"];
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const NAME_CONSTRAINTS: &str = "2.5.29.30";
const POLICY_CONSTRAINTS: &str = "2.5.29.36";
/// subjectKeyIdentifier, authorityKeyIdentifier, authorityInfoAccess (RFC 5280 sections 4.2.1.1, 4.2.1.2, 4.2.2.1).
const NEVER_CRITICAL: [&str; 3] = ["2.5.29.14", "2.5.29.35", "1.3.6.1.5.5.7.1.1"];

/// Both ends belong to the validity (RFC 5280 section 4.1.2.5); a certificate's dates have whole seconds.
pub(super) fn dates(certificate: &Certificate, place: Place, now: Timestamp) -> Result<(), ChainError> {
    let subject = || certificate.subject().to_owned();
    if now.as_second() < certificate.not_before().as_second() {
        let not_before = certificate.not_before();
        return Err(ChainError::NotYetValid { place, subject: subject(), not_before, now });
    }
    if now.as_second() > certificate.not_after().as_second() {
        let not_after = certificate.not_after();
        return Err(ChainError::Expired { place, subject: subject(), not_after, now });
    }
    Ok(())
}

/// A certificate that others are to be issued by.
pub(super) fn authority(
    certificate: &Certificate,
    place: Place,
    validation: &Validation<'_>,
) -> Result<(), ChainError> {
    let refuse =
        |why| Err(ChainError::NotAnAuthority { place, subject: certificate.subject().to_owned(), why });
    if certificate.version() != 3 {
        return refuse(NotAnAuthority::Version { version: certificate.version() });
    }
    let said = Said::by(certificate, place)?;
    match said.basic_constraints {
        None => return refuse(NotAnAuthority::NoBasicConstraints),
        Some(BasicConstraints { ca: false, .. }) => return refuse(NotAnAuthority::CaFalse),
        Some(BasicConstraints { ca: true, .. }) => {}
    }
    if said.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
        return refuse(NotAnAuthority::NoKeyCertSign);
    }
    if certificate.subject().is_empty() {
        return refuse(NotAnAuthority::EmptySubject);
    }
    said.is_for(validation.usage, certificate, place)
}

pub(super) fn leaf(certificate: &Certificate, validation: &Validation<'_>) -> Result<(), ChainError> {
    let subject = certificate.subject().to_owned();
    if certificate.version() != 3 {
        return Err(ChainError::LeafVersion { subject, version: certificate.version() });
    }
    let said = Said::by(certificate, Place::Leaf)?;
    if said.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca) {
        return Err(ChainError::LeafIsAuthority { subject });
    }
    if said.key_usage.is_some_and(|usage| usage.key_cert_sign()) {
        return Err(ChainError::LeafSignsCertificates { subject });
    }
    if said.constrains_names {
        return Err(ChainError::LeafConstrainsNames { subject });
    }
    said.is_for(validation.usage, certificate, Place::Leaf)
}

/// `below`: authorities between this one and the leaf that are not self-issued.
pub(super) fn path_length(certificate: &Certificate, place: Place, below: usize) -> Result<(), ChainError> {
    let said = Said::by(certificate, place)?;
    match said.basic_constraints.and_then(|constraints| constraints.path_len_constraint) {
        Some(allowed) if usize::try_from(allowed).unwrap_or(usize::MAX) < below => {
            Err(ChainError::PathLength {
                place,
                subject: certificate.subject().to_owned(),
                allowed,
                found: below,
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// What the extensions of a certificate say, each of them at most once and readable.
struct Said {
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<Purposes>,
    constrains_names: bool,
}

#[derive(Clone, Copy)]
struct Purposes {
    clients: bool,
    servers: bool,
}

impl Said {
    fn by(certificate: &Certificate, place: Place) -> Result<Self, ChainError> {
        let subject = || certificate.subject().to_owned();
        let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else {
            return Err(ChainError::Unsound { place, subject: subject(), reason: "it cannot be read" });
        };
        let mut said = Self {
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            constrains_names: false,
        };
        let mut seen = HashSet::new();
        for extension in parsed.extensions() {
            let oid = extension.oid.to_id_string();
            if !seen.insert(&extension.oid) {
                return Err(ChainError::DuplicateExtension { place, subject: subject(), oid });
            }
            if extension.critical && NEVER_CRITICAL.contains(&oid.as_str()) {
                return Err(ChainError::MustNotBeCritical { place, subject: subject(), oid });
            }
            if extension.critical && !UNDERSTOOD.contains(&oid.as_str()) {
                return Err(ChainError::UnknownCriticalExtension { place, subject: subject(), oid });
            }
            if !extension.critical && oid == POLICY_CONSTRAINTS {
                return Err(ChainError::MustBeCritical { place, subject: subject(), oid });
            }
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(constraints) => {
                    // RFC 5280 section 4.2.1.9: critical wherever keys of it sign certificates.
                    if constraints.ca && !extension.critical {
                        return Err(ChainError::MustBeCritical { place, subject: subject(), oid });
                    }
                    said.basic_constraints = Some(constraints.clone());
                }
                ParsedExtension::KeyUsage(usage) => said.key_usage = Some(*usage),
                ParsedExtension::ExtendedKeyUsage(usage) => {
                    said.extended_key_usage = Some(Purposes::from(usage));
                }
                ParsedExtension::NameConstraints(_) => said.constrains_names = true,
                _ if UNDERSTOOD.contains(&oid.as_str()) && extension.parsed_extension().error().is_some() => {
                    return Err(ChainError::UnreadableExtension { place, subject: subject(), oid });
                }
                _ => {}
            }
        }
        Ok(said)
    }

    fn is_for(&self, usage: Usage<'_>, certificate: &Certificate, place: Place) -> Result<(), ChainError> {
        let subject = || certificate.subject().to_owned();
        let Some(purposes) = self.extended_key_usage else { return Ok(()) };
        match usage {
            Usage::Client if !purposes.clients => {
                Err(ChainError::NotForClients { place, subject: subject() })
            }
            Usage::Server | Usage::ServerNamed(_) if !purposes.servers => {
                Err(ChainError::NotForServers { place, subject: subject() })
            }
            Usage::Client | Usage::Server | Usage::ServerNamed(_) => Ok(()),
        }
    }
}

impl From<&ExtendedKeyUsage<'_>> for Purposes {
    fn from(usage: &ExtendedKeyUsage<'_>) -> Self {
        Self { clients: usage.client_auth, servers: usage.server_auth }
    }
}
