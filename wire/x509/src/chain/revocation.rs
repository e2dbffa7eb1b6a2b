//! Whether a certificate of a path was revoked, by the lists at hand.

use jiff::Timestamp;

use super::{ChainError, Place, Validation, path::Path};
use crate::{Certificate, VerifiedCrl};

/// How revocation is found out.
#[derive(Debug, Clone, Copy)]
pub enum Revocation<'a> {
    /// Not here: the caller knows from elsewhere what was revoked.
    Unchecked,
    Lists {
        lists: &'a [VerifiedCrl],
        missing: Missing,
    },
}

/// What a certificate is for which there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Good,
    Refused,
}

/// Every certificate but the anchor, which is not trusted because of a list either.
pub(super) fn check(path: &Path<'_>, validation: &Validation<'_>) -> Result<(), ChainError> {
    let Revocation::Lists { lists, missing } = validation.revocation else { return Ok(()) };
    for ((place, certificate), (_, issuer)) in path.steps().zip(path.steps().skip(1)) {
        check_one(certificate, place, issuer, lists, missing, validation.now)?;
    }
    Ok(())
}

fn check_one(
    certificate: &Certificate,
    place: Place,
    issuer: &Certificate,
    lists: &[VerifiedCrl],
    missing: Missing,
    now: Timestamp,
) -> Result<(), ChainError> {
    let subject = || certificate.subject().to_owned();
    let covering = lists.iter().filter(|list| list.covers(certificate, issuer));
    let mut newest: Vec<&VerifiedCrl> = Vec::new();
    for list in covering {
        // Of two lists of one scope the newer counts: what was on hold may be released.
        match newest.iter_mut().find(|other| other.list().scope() == list.list().scope()) {
            Some(other) if other.list().is_older_than(list.list()) => *other = list,
            Some(_) => {}
            None => newest.push(list),
        }
    }
    if newest.is_empty() && missing == Missing::Refused {
        return Err(ChainError::NoList { place, subject: subject(), issuer: issuer.subject().to_owned() });
    }
    for list in newest {
        let (this_update, next_update) = (list.list().this_update(), list.list().next_update());
        let issuer = || issuer.subject().to_owned();
        if now.as_second() < this_update.as_second() {
            return Err(ChainError::ListNotYetValid { issuer: issuer(), this_update, now });
        }
        if now.as_second() > next_update.as_second() {
            return Err(ChainError::ListExpired { issuer: issuer(), next_update, now });
        }
        if let Some(revoked) = list.revoked(certificate.serial()) {
            let reason = revoked.reason.name();
            return Err(ChainError::Revoked { place, subject: subject(), at: revoked.at, reason });
        }
    }
    Ok(())
}
