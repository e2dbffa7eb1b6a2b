//! Why webpki refused: it tells what, but not of which certificate; this walks up from the leaf and finds out.

use super::{ChainError, PATH_DEPTH_MAX, Place, Validation, strict};
use crate::{
    Certificate,
    signature::{self, Signature},
};

/// Enough to see that it is another list than the one that was meant.
const ANCHORS_SHOWN_MAX: usize = 3;

/// The first thing wrong on the way from the leaf to the anchor. Every presented certificate is tried as issuer once, an
/// anchor only where the name fits; so this costs as many signature checks as there are certificates, and a few.
pub(super) fn refusal(
    leaf: &Certificate,
    others: &[Certificate],
    validation: &Validation<'_>,
    error: &webpki::Error,
) -> ChainError {
    match walk(leaf, others, validation) {
        Err(found) => found,
        Ok(()) => unsound(Place::Leaf, leaf, error),
    }
}

fn walk(leaf: &Certificate, others: &[Certificate], validation: &Validation<'_>) -> Result<(), ChainError> {
    let mut untried: Vec<&Certificate> = others.iter().collect();
    let mut current = leaf;
    let mut counted = 0;
    for depth in 0..PATH_DEPTH_MAX {
        let place = if depth == 0 { Place::Leaf } else { Place::Intermediate { depth } };
        strict::dates(current, place, validation.now)?;
        if depth > 0 {
            strict::authority(current, place, validation)?;
            strict::path_length(current, place, counted)?;
            counted += usize::from(current.subject_der() != current.issuer_der());
        }
        let mut failed = None;
        for anchor in validation.anchors.iter().filter(|anchor| anchor.subject_der() == current.issuer_der())
        {
            match signature::check(current, anchor) {
                Signature::Good => return strict::path_length(anchor, Place::Anchor, counted),
                found @ (Signature::Bad | Signature::Unsupported { .. }) => failed = Some(found),
            }
        }
        // Perhaps a cross certificate of the same name leads on.
        if let Some(found) = failed
            && !untried.iter().any(|other| other.subject_der() == current.issuer_der())
        {
            return Err(unverified(current, place, found));
        }
        current = issuer_of(current, place, &mut untried, validation.anchors)?;
    }
    Err(ChainError::TooDeep)
}

fn issuer_of<'a>(
    current: &Certificate,
    place: Place,
    untried: &mut Vec<&'a Certificate>,
    anchors: &[Certificate],
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
            anchor: names(anchors),
        },
    })
}

/// Of many authorities the first few are shown.
fn names(anchors: &[Certificate]) -> String {
    let mut names: Vec<&str> = anchors.iter().map(Certificate::subject).take(ANCHORS_SHOWN_MAX).collect();
    if anchors.len() > ANCHORS_SHOWN_MAX {
        names.push("…");
    }
    names.join("`, `")
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
