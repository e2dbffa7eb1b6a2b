//! Proof of possession: a certificate that the authority's key has signed, named by a code that was made for this (dps.md §8,
//! pki.md §8). It keeps whoever has merely seen an intermediate on a wire from making a group with it.

use jiff::Timestamp;
use muster_x509::{Certificate, ChainError, fit_to_anchor, issued_by};

use super::{CODE_LIFE, NamedCertificate, VerificationCode};
use crate::enrollment::Standing;

/// What every code begins with, so that a certificate made for one is known for what it is, also long after, on any node: no
/// device registers with it, and no device may be named like it.
const CODE_PREFIX: &str = "MUSTER-VERIFY-";
/// With the prefix within the 64 characters that a common name may have.
const CODE_OCTETS: usize = 20;

/// Why a certificate does not show possession.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotShown {
    #[error(
        "`{name}` is an intermediate, which anchors nothing and needs no verification: leave it as it is, or store it as `authority`"
    )]
    Intermediate { name: String },
    #[error(
        "`{name}` has no verification code, or it was used or the certificate was changed since: ask for one with `generateVerificationCode`"
    )]
    NoCode { name: String },
    #[error(
        "the verification code of `{name}` expired at {expires}: ask for another with `generateVerificationCode`"
    )]
    CodeExpired { name: String, expires: Timestamp },
    #[error(
        "the common name is {found}, the verification code is `{code}`: have the authority issue a certificate with exactly the code as its common name"
    )]
    CommonName { found: String, code: String },
    #[error(
        "the certificate is issued by `{issuer}`, not by `{authority}`: have exactly that authority sign it, none below it"
    )]
    Issuer { issuer: String, authority: String },
    #[error(
        "the signature does not verify with the key of `{authority}`: sign with the key of the certificate that was uploaded"
    )]
    Signature { authority: String },
    #[error(
        "the certificate is valid from {not_before} to {not_after}, now is {now}: issue another, or correct the clock"
    )]
    Dates { not_before: Timestamp, not_after: Timestamp, now: Timestamp },
    #[error("the authority `{authority}` expired at {not_after}: upload its successor")]
    AuthorityExpired { authority: String, not_after: Timestamp },
    #[error("{0}")]
    Unfit(ChainError),
}

pub(crate) fn new_code(entropy: &dyn Fn(&mut [u8]), now: Timestamp) -> VerificationCode {
    let mut octets = [0; CODE_OCTETS];
    entropy(&mut octets);
    VerificationCode {
        text: format!("{CODE_PREFIX}{}", hex::encode_upper(octets)),
        expires: now.saturating_add(CODE_LIFE).unwrap_or(Timestamp::MAX),
    }
}

/// Whether a name is, or was ever, a code: reserved, whoever bears it.
pub(crate) fn is_verification_code(name: &str) -> bool {
    name.get(..CODE_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(CODE_PREFIX))
}

/// Whether there is any use in a code for this certificate.
pub(crate) fn may_be_shown(named: &NamedCertificate, now: Timestamp) -> Result<(), NotShown> {
    let authority = &named.stored.certificate;
    if named.stored.standing == Standing::Intermediate {
        return Err(NotShown::Intermediate { name: named.stored.name.clone() });
    }
    if now > authority.not_after() {
        let not_after = authority.not_after();
        return Err(NotShown::AuthorityExpired { authority: authority.subject().to_owned(), not_after });
    }
    fit_to_anchor(authority).map_err(NotShown::Unfit)
}

/// The certificate itself may be of any version and for any use: nothing is built on it.
pub(crate) fn shows_possession(
    named: &NamedCertificate,
    proof: &Certificate,
    now: Timestamp,
) -> Result<(), NotShown> {
    may_be_shown(named, now)?;
    let (name, authority) = (&named.stored.name, &named.stored.certificate);
    let Some(VerificationCode { text: code, expires }) = &named.code else {
        return Err(NotShown::NoCode { name: name.clone() });
    };
    if now > *expires {
        return Err(NotShown::CodeExpired { name: name.clone(), expires: *expires });
    }
    if proof.common_name() != Some(code) {
        let found = proof.common_name().map_or_else(|| "missing".to_owned(), |found| format!("`{found}`"));
        return Err(NotShown::CommonName { found, code: code.clone() });
    }
    if proof.issuer_der() != authority.subject_der() {
        return Err(NotShown::Issuer {
            issuer: proof.issuer().to_owned(),
            authority: authority.subject().to_owned(),
        });
    }
    if !issued_by(proof, authority) {
        return Err(NotShown::Signature { authority: authority.subject().to_owned() });
    }
    let (not_before, not_after) = (proof.not_before(), proof.not_after());
    if now.as_second() < not_before.as_second() || now.as_second() > not_after.as_second() {
        return Err(NotShown::Dates { not_before, not_after, now });
    }
    Ok(())
}
