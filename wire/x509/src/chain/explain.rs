//! Why webpki refused: it tells what, but not of which certificate; this walks up from the leaf and finds out.

use jiff::Timestamp;

use super::{ChainError, PATH_DEPTH_MAX, Place, strict};
use crate::{
    Certificate,
    signature::{self, Signature},
};

/// The first thing wrong on the way from the leaf to the anchor. Every presented certificate is tried as issuer once, the
/// anchor once a level; so this costs at most `PRESENTED_MAX + PATH_DEPTH_MAX` signature checks.
pub(super) fn refusal(
    leaf: &Certificate,
    others: &[Certificate],
    anchor: &Certificate,
    now: Timestamp,
    error: &webpki::Error,
) -> ChainError {
    match walk(leaf, others, anchor, now) {
        Err(found) => found,
        Ok(()) => unsound(Place::Leaf, leaf, error),
    }
}

fn walk(
    leaf: &Certificate,
    others: &[Certificate],
    anchor: &Certificate,
    now: Timestamp,
) -> Result<(), ChainError> {
    let mut untried: Vec<&Certificate> = others.iter().collect();
    let mut current = leaf;
    let mut counted = 0;
    for depth in 0..PATH_DEPTH_MAX {
        let place = if depth == 0 { Place::Leaf } else { Place::Intermediate { depth } };
        strict::dates(current, place, now)?;
        if depth > 0 {
            strict::authority(current, place)?;
            strict::path_length(current, place, counted)?;
            counted += usize::from(current.subject_der() != current.issuer_der());
        }
        if current.issuer_der() == anchor.subject_der() {
            match signature::check(current, anchor) {
                Signature::Good => return strict::path_length(anchor, Place::Anchor, counted),
                // Perhaps a cross certificate of the same name leads on.
                found @ (Signature::Bad | Signature::Unsupported { .. })
                    if !untried.iter().any(|other| other.subject_der() == current.issuer_der()) =>
                {
                    return Err(unverified(current, place, found));
                }
                Signature::Bad | Signature::Unsupported { .. } => {}
            }
        }
        current = issuer_of(current, place, &mut untried, anchor)?;
    }
    Err(ChainError::TooDeep)
}

fn issuer_of<'a>(
    current: &Certificate,
    place: Place,
    untried: &mut Vec<&'a Certificate>,
    anchor: &Certificate,
) -> Result<&'a Certificate, ChainError> {
    let mut failed = None;
    while let Some(index) = untried.iter().position(|other| other.subject_der() == current.issuer_der()) {
        let candidate = untried.swap_remove(index);
        match signature::check(current, candidate) {
            Signature::Good => return Ok(candidate),
            found @ (Signature::Bad | Signature::Unsupported { .. }) => failed = Some(found),
        }
    }
    Err(match failed {
        Some(found) => unverified(current, place, found),
        None => ChainError::NotIssued {
            place,
            subject: current.subject().to_owned(),
            issuer: current.issuer().to_owned(),
            anchor: anchor.subject().to_owned(),
        },
    })
}

fn unverified(certificate: &Certificate, place: Place, found: Signature) -> ChainError {
    let (subject, issuer) = (certificate.subject().to_owned(), certificate.issuer().to_owned());
    match found {
        Signature::Unsupported { algorithm } => {
            ChainError::UnsupportedSignature { place, subject, issuer, algorithm }
        }
        Signature::Good | Signature::Bad => ChainError::BadSignature { place, subject, issuer },
    }
}

/// What only webpki looks at. Its list of errors may grow, hence the last arm.
pub(super) fn unsound(place: Place, certificate: &Certificate, error: &webpki::Error) -> ChainError {
    use webpki::Error;
    let subject = certificate.subject().to_owned();
    let reason = match error {
        Error::NameConstraintViolation => return ChainError::NameConstraints { subject },
        Error::MaximumNameConstraintComparisonsExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded => return ChainError::TooComplicated,
        Error::MaximumPathDepthExceeded => return ChainError::TooDeep,
        Error::BadDerTime => "a date is not written as RFC 5280 section 4.1.2.5 says",
        Error::EmptyEkuExtension => "its extendedKeyUsage is empty",
        Error::InvalidCertValidity => "its notAfter lies before its notBefore",
        Error::SignatureAlgorithmMismatch => "its two signature algorithms differ",
        Error::MalformedDnsIdentifier | Error::MalformedExtensions | Error::ExtensionValueInvalid => {
            "an extension is malformed"
        }
        Error::MalformedNameConstraint | Error::InvalidNetworkMaskConstraint => {
            "its nameConstraints are malformed"
        }
        Error::UnsupportedNameType => "a name is of a kind that nameConstraints cannot judge here",
        _ => "it is not well-formed DER of version 3, or no path to the authority satisfies every rule",
    };
    ChainError::Unsound { place, subject, reason }
}
