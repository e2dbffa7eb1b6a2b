//! The member `attestation`: which proof an enrollment wants (dps.md §7.3).

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use muster_identity::{Entropy, enrollment_key};
use muster_sas::Key;
use muster_x509::{Certificate, Malformed, fit_to_anchor, read_certificates};

use super::{Attestation, Authorities, Certificates, EnrollmentKind, Invalid, Keys, Member, Pin};

/// What may fill the gaps of an `attestation`.
#[derive(Clone, Copy)]
pub(crate) enum Known<'a> {
    /// A request: keys and certificates that it leaves out are kept, or made. Readers are not shown them, so a client that
    /// reads, changes one field and writes back cannot send them.
    Request { existing: Option<&'a Attestation>, entropy: &'a Entropy },
    /// Our own table: nothing is missing.
    Store,
}

/// The longest name a certificate may have (dps.md §8).
pub(crate) const CERTIFICATE_NAME_CHARACTERS_MAX: usize = 256;

pub(crate) fn read(
    attestation: &Member<'_>,
    kind: EnrollmentKind,
    known: Known<'_>,
) -> Result<Attestation, Invalid> {
    attestation.object()?;
    let of_type = attestation.at("type");
    match of_type.filled_text()? {
        Some("symmetricKey") => symmetric_key(&attestation.at("symmetricKey"), known),
        Some("x509") => x509(&attestation.at("x509"), kind, known),
        Some("tpm") => {
            Err(of_type.wrong("TPM attestation is not available yet, use `symmetricKey` or `x509`"))
        }
        Some(other) => Err(of_type.wrong(format!("`{other}` is unknown, use `symmetricKey` or `x509`"))),
        None => Err(of_type.wrong("is missing, use `symmetricKey` or `x509`")),
    }
}

fn symmetric_key(keys: &Member<'_>, known: Known<'_>) -> Result<Attestation, Invalid> {
    let kept = match known {
        Known::Request { existing: Some(Attestation::SymmetricKey(keys)), .. } => Some(keys),
        Known::Request { .. } | Known::Store => None,
    };
    let key = |name: &str, kept: Option<&Key>| {
        let member = keys.at(name);
        match (member.parsed(Key::from_base64)?, kept, known) {
            (Some(key), _, _) => Ok(key),
            (None, Some(kept), _) => Ok(kept.clone()),
            (None, None, Known::Request { entropy, .. }) => Ok(enrollment_key(entropy)),
            (None, None, Known::Store) => Err(member.wrong("is missing")),
        }
    };
    Ok(Attestation::SymmetricKey(Keys {
        primary: key("primaryKey", kept.map(|keys| &keys.primary))?,
        secondary: key("secondaryKey", kept.map(|keys| &keys.secondary))?,
    }))
}

/// Exactly one of the three members; C# throws on anything else.
fn x509(x509: &Member<'_>, kind: EnrollmentKind, known: Known<'_>) -> Result<Attestation, Invalid> {
    let client = x509.at("clientCertificates");
    let signing = x509.at("signingCertificates");
    let names = x509.at("caReferences");
    let by = x509.at("pin");
    let pin = pin(&by, known)?;
    if by.is_given() && client.is_given() {
        return Err(by.wrong(
            "is for authorities, a device's own certificate is known by its thumbprint: leave it out",
        ));
    }
    match (client.is_given(), signing.is_given(), names.is_given(), kind) {
        (true, false, false, EnrollmentKind::Individual) => {
            certificates(&client, kind, Pin::Certificate, known)
        }
        (false, true, false, EnrollmentKind::Group) => certificates(&signing, kind, pin, known),
        (false, false, true, _) => authorities(&names, pin),
        (true, false, false, EnrollmentKind::Group) => {
            Err(client.wrong("belongs to an individual enrollment, a group has `signingCertificates`"))
        }
        (false, true, false, EnrollmentKind::Individual) => {
            Err(signing.wrong("belongs to a group, an individual enrollment has `clientCertificates`"))
        }
        (false, false, false, EnrollmentKind::Individual) => {
            Err(x509.wrong("give `clientCertificates` or `caReferences`"))
        }
        (false, false, false, EnrollmentKind::Group) => {
            Err(x509.wrong("give `signingCertificates` or `caReferences`"))
        }
        _ => Err(x509.wrong("give one of `clientCertificates`, `signingCertificates` and `caReferences`")),
    }
}

/// Our own member: clients of the original leave it out when they write back what they have read, and then it stays.
fn pin(member: &Member<'_>, known: Known<'_>) -> Result<Pin, Invalid> {
    let kept = match known {
        Known::Request { existing: Some(Attestation::Certificates(existing)), .. } => existing.pin,
        Known::Request { existing: Some(Attestation::Authorities(existing)), .. } => existing.pin,
        Known::Request { .. } | Known::Store => Pin::Certificate,
    };
    match member.filled_text()? {
        None => Ok(kept),
        Some("certificate") => Ok(Pin::Certificate),
        Some("key") => Ok(Pin::Key),
        Some(other) => Err(member.wrong(format!("`{other}` is unknown, use `certificate` or `key`"))),
    }
}

fn certificates(
    pair: &Member<'_>,
    kind: EnrollmentKind,
    pin: Pin,
    known: Known<'_>,
) -> Result<Attestation, Invalid> {
    let primary = certificate(&pair.at("primary"), kind, known)?;
    let secondary = certificate(&pair.at("secondary"), kind, known)?;
    if primary.is_none() && secondary.is_none() {
        return Err(pair
            .at("primary")
            .wrong("is missing, give a certificate as PEM or as base64 of its DER"));
    }
    Ok(Attestation::Certificates(Certificates { primary, secondary, pin }))
}

fn certificate(
    member: &Member<'_>,
    kind: EnrollmentKind,
    known: Known<'_>,
) -> Result<Option<Certificate>, Invalid> {
    let text = member.at("certificate");
    let Some(read) = text.parsed(one_certificate)? else { return kept(&member.at("info"), known) };
    match (kind, known) {
        (EnrollmentKind::Group, Known::Request { .. }) if !read.is_ca() => {
            Err(text.wrong("is not a CA certificate, so no device certificate can come from it"))
        }
        // Its dates are looked at where the hour is known.
        (EnrollmentKind::Group, Known::Request { .. }) => {
            fit_to_anchor(&read).map_err(|unfit| text.wrong(unfit))?;
            Ok(Some(read))
        }
        _ => Ok(Some(read)),
    }
}

/// An authority that has ended anchors nothing; one that the enrollment has already may have ended since, and stays.
pub(crate) fn not_expired(
    attestation: &Attestation,
    existing: Option<&Attestation>,
    now: Timestamp,
) -> Result<(), Invalid> {
    let Attestation::Certificates(pair) = attestation else { return Ok(()) };
    let kept = |certificate: &Certificate| match existing {
        Some(Attestation::Certificates(Certificates { primary, secondary, .. })) => {
            [primary, secondary].into_iter().flatten().any(|known| known == certificate)
        }
        Some(Attestation::SymmetricKey(_) | Attestation::Authorities(_)) | None => false,
    };
    for (which, certificate) in [("primary", &pair.primary), ("secondary", &pair.secondary)] {
        if let Some(certificate) = certificate
            && now > certificate.not_after()
            && !kept(certificate)
        {
            return Err(Invalid {
                field: format!("attestation.x509.signingCertificates.{which}.certificate"),
                problem: format!("expired at {}, give its successor", certificate.not_after()),
            });
        }
    }
    Ok(())
}

/// Readers get `info` instead of the certificate; written back, it stands for the certificate that it describes.
fn kept(info: &Member<'_>, known: Known<'_>) -> Result<Option<Certificate>, Invalid> {
    if !info.is_given() {
        return Ok(None);
    }
    let thumbprint = info.at("sha256Thumbprint");
    let wanted = thumbprint.filled_text()?;
    let existing = match known {
        Known::Request { existing: Some(Attestation::Certificates(existing)), .. } => Some(existing),
        Known::Request { .. } | Known::Store => None,
    };
    let mut existing = existing.into_iter().flat_map(|pair| [&pair.primary, &pair.secondary]).flatten();
    existing
        .find(|certificate| {
            wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case(&certificate.sha256().to_string()))
        })
        .map(|certificate| Some(certificate.clone()))
        .ok_or_else(|| thumbprint.wrong("is of no certificate this enrollment has, send `certificate`"))
}

fn authorities(names: &Member<'_>, pin: Pin) -> Result<Attestation, Invalid> {
    let name = |member: &str| names.at(member).parsed(certificate_name);
    let (primary, secondary) = (name("primary")?, name("secondary")?);
    if primary.is_none() && secondary.is_none() {
        return Err(names.at("primary").wrong("is missing, give the name of a stored certificate"));
    }
    Ok(Attestation::Authorities(Authorities { primary, secondary, pin }))
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NameError {
    #[error("has {0} characters, a certificate's name has 1 to {CERTIFICATE_NAME_CHARACTERS_MAX}")]
    Length(usize),
    #[error("has the character `{}`, allowed are ASCII letters, digits and - . _", .0.escape_debug())]
    Character(char),
}

pub(crate) fn certificate_name(text: &str) -> Result<String, NameError> {
    if text.is_empty() || text.len() > CERTIFICATE_NAME_CHARACTERS_MAX {
        return Err(NameError::Length(text.chars().count()));
    }
    match text.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._".contains(*c)) {
        Some(character) => Err(NameError::Character(character)),
        None => Ok(text.to_owned()),
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("holds {0} certificates, give one")]
    Several(usize),
}

/// PEM, base64 of the DER, or base64 of the PEM, which is what Node's and the CLI's users send.
pub(crate) fn one_certificate(text: &str) -> Result<Certificate, CertificateError> {
    let inner = BASE64_STANDARD.decode(text.trim()).ok().and_then(|inner| String::from_utf8(inner).ok());
    let text = inner.as_deref().filter(|inner| inner.contains("-----BEGIN")).unwrap_or(text);
    let mut certificates = read_certificates(text)?;
    match (certificates.pop(), certificates.len()) {
        (Some(certificate), 0) => Ok(certificate),
        (_, others) => Err(CertificateError::Several(others + 1)),
    }
}
