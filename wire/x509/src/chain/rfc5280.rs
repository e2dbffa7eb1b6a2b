//! What RFC 5280 demands of certificates without trust depending on it: key identifiers, serial numbers, spelling of names.

use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, GeneralSubtree, NameConstraints, ParsedExtension},
    prelude::FromDer,
};

use super::{ChainError, Place, path::Path};
use crate::{Certificate, PublicKey};

/// Section 4.1.2.2.
const SERIAL_OCTETS_MAX: usize = 20;
/// RFC 1034 section 3.1.
const LABEL_OCTETS_MAX: usize = 63;
const DNS_OCTETS_MAX: usize = 253;

pub(super) fn check(path: &Path<'_>) -> Result<(), ChainError> {
    let mut issued: Option<Vec<u8>> = None;
    for (place, certificate) in path.steps() {
        let unsound =
            |reason| ChainError::Unsound { place, subject: certificate.subject().to_owned(), reason };
        let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else {
            return Err(unsound("it cannot be read"));
        };
        if place != Place::Anchor {
            serial(certificate.serial()).map_err(unsound)?;
        }
        let identifiers = Identifiers::of(&parsed).map_err(unsound)?;
        identifiers.check(certificate, place, issued.as_deref()).map_err(unsound)?;
        names(&parsed).map_err(unsound)?;
        if place == Place::Leaf && PublicKey::judge(certificate.spki_der()).is_err() {
            return Err(unsound("its public key is of a kind or size that is not accepted"));
        }
        issued = identifiers.authority;
    }
    Ok(())
}

/// Old anchors have 0, and are known by their bytes.
fn serial(serial: &[u8]) -> Result<(), &'static str> {
    match serial {
        [first, ..] if *first >= 0x80 => Err("its serial number is negative"),
        [0] | [] => Err("its serial number is zero"),
        _ if serial.len() > SERIAL_OCTETS_MAX => Err("its serial number is longer than 20 octets"),
        _ => Ok(()),
    }
}

/// Sections 4.2.1.1 and 4.2.1.2.
struct Identifiers {
    subject: Option<Vec<u8>>,
    authority: Option<Vec<u8>>,
}

impl Identifiers {
    fn of(parsed: &X509Certificate<'_>) -> Result<Self, &'static str> {
        let mut identifiers = Self { subject: None, authority: None };
        for extension in parsed.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(identifier) => {
                    identifiers.subject = Some(identifier.0.to_vec());
                }
                ParsedExtension::AuthorityKeyIdentifier(authority) => match &authority.key_identifier {
                    Some(identifier) => identifiers.authority = Some(identifier.0.to_vec()),
                    None => return Err("its authorityKeyIdentifier has no keyIdentifier"),
                },
                // authorityInfoAccess among them, which nothing else here looks at.
                ParsedExtension::ParseError { .. } => return Err("an extension is malformed"),
                _ => {}
            }
        }
        Ok(identifiers)
    }

    /// `issued`: what the certificate below says of the key that signed it.
    fn check(
        &self,
        certificate: &Certificate,
        place: Place,
        issued: Option<&[u8]>,
    ) -> Result<(), &'static str> {
        let self_signed = certificate.subject_der() == certificate.issuer_der();
        match (&self.subject, &self.authority) {
            (None, _) if place != Place::Leaf => Err("it has no subjectKeyIdentifier"),
            // Who signed an anchor is not asked, also where somebody else did.
            (_, None) if place != Place::Anchor => Err("it has no authorityKeyIdentifier"),
            (Some(own), Some(signer)) if self_signed && place == Place::Anchor && own != signer => {
                Err("it is self-signed, and its two key identifiers differ")
            }
            (Some(own), _) if issued.is_some_and(|issued| issued != own) => {
                Err("its subjectKeyIdentifier is not the authorityKeyIdentifier of what it issued")
            }
            (_, _) => Ok(()),
        }
    }
}

/// Sections 4.2.1.6 and 4.2.1.10.
fn names(parsed: &X509Certificate<'_>) -> Result<(), &'static str> {
    for extension in parsed.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                if !extension.critical && parsed.subject().iter_rdn().next().is_none() {
                    return Err("its subject is empty, and its subjectAltName is not critical");
                }
                let spelled = names.general_names.iter().all(|name| match name {
                    GeneralName::DNSName(name) => is_host(name.strip_prefix("*.").unwrap_or(name)),
                    _ => true,
                });
                if !spelled {
                    return Err("its subjectAltName has a DNS name that is none");
                }
            }
            ParsedExtension::NameConstraints(constraints) => {
                if !extension.critical {
                    return Err("its nameConstraints are not critical");
                }
                self::constraints(constraints)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn constraints(constraints: &NameConstraints<'_>) -> Result<(), &'static str> {
    let subtrees: Vec<&GeneralSubtree<'_>> =
        [&constraints.permitted_subtrees, &constraints.excluded_subtrees]
            .into_iter()
            .flatten()
            .flatten()
            .collect();
    if subtrees.is_empty() {
        return Err("its nameConstraints are empty");
    }
    let spelled = subtrees.iter().all(|subtree| match subtree.base {
        // The empty name is every name.
        GeneralName::DNSName(name) => name.is_empty() || is_host(name),
        _ => true,
    });
    if spelled { Ok(()) } else { Err("its nameConstraints have a DNS name that is none") }
}

/// The preferred name syntax (RFC 1034 section 3.5, RFC 1123 section 2.1): letters, digits and hyphens between dots.
fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_OCTETS_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= DNS_OCTETS_MAX && name.split('.').all(is_label)
}
