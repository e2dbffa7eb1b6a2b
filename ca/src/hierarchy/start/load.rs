//! Whether what the database says of the authorities can be true. Pure.

use jiff::Timestamp;

use muster_x509::issued_by;

use crate::hierarchy::{Authority, AuthorityId, OpenError, State, Tree};

/// 2025-01-01: no clock that is set says less, and a root made by one that is not would expire within its first years.
const EARLIEST_S: i64 = 1_735_689_600;

pub(super) fn check_clock(now: Timestamp) -> Result<(), OpenError> {
    if now.as_second() < EARLIEST_S { Err(OpenError::ClockNotSet { now }) } else { Ok(()) }
}

/// Each certificate signed by its parent's.
pub(super) fn check_tree(tree: &Tree) -> Result<(), OpenError> {
    for authority in tree.iter() {
        let (Some(certificate), Some(parent)) = (&authority.certificate, &authority.parent) else { continue };
        let above = tree.find(parent).and_then(|parent| parent.certificate.as_ref());
        if !above.is_some_and(|above| issued_by(certificate, above)) {
            return Err(OpenError::NotBelow { authority: authority.id.clone(), parent: parent.clone() });
        }
    }
    Ok(())
}

/// What the server itself stands on: the issuing authority, up to its root, at this hour.
pub(super) fn check_time(tree: &Tree, now: Timestamp) -> Result<(), OpenError> {
    let mut next = tree.find(&AuthorityId::issuing()).or_else(|| tree.find(&AuthorityId::root()));
    while let Some(authority) = next {
        if let Some(certificate) = certificate_in_use(authority) {
            let (id, not_before) = (authority.id.clone(), certificate.not_before());
            if now < not_before {
                return Err(OpenError::ClockBehind { authority: id, not_before, now });
            }
            let not_after = certificate.not_after();
            if authority.parent.is_none() && not_after < now {
                return Err(OpenError::RootExpired { authority: id, not_after, now });
            }
        }
        next = authority.parent.as_ref().and_then(|parent| tree.find(parent));
    }
    Ok(())
}

fn certificate_in_use(authority: &Authority) -> Option<&muster_x509::Certificate> {
    match authority.state {
        State::Pending | State::Revoked => None,
        State::Active | State::Retiring | State::CrlOnly => authority.certificate.as_ref(),
    }
}
