//! Which certificates webpki gets to build a path with.
//!
//! It tries them in every order, and looks at signatures only where a path has reached an anchor: nine authorities of one
//! name that never reach one cost it a second. So where there are more than a few, only those go to it that an anchor issued,
//! or an authority that an anchor issued, and so on down: there is no such crowd without somebody trusted behind it.

use super::{ChainError, PATH_DEPTH_MAX};
use crate::{
    Certificate,
    signature::{self, Signature},
};

/// Every certificate costs webpki a reading at every step. So many of one name is a pool gone wrong, or an attack on it.
const CANDIDATES_MAX: usize = 64;
/// So many are tried in every order in no time, and a usual chain has no more.
const FEW: usize = 3;
/// As many as webpki allows itself: 10 ms.
const SIGNATURES_MAX: usize = 100;

/// What was presented, and what of the server's own pool could lie above it: what carries the name of some issuer.
pub(super) fn near(
    leaf: &Certificate,
    presented: &[Certificate],
    pool: &[Certificate],
) -> Result<Vec<Certificate>, ChainError> {
    let mut candidates = presented.to_vec();
    if pool.is_empty() {
        return Ok(candidates);
    }
    let mut wanted: Vec<&[u8]> =
        std::iter::once(leaf).chain(presented).map(|certificate| certificate.issuer_der()).collect();
    for _ in 0..PATH_DEPTH_MAX {
        let found: Vec<&Certificate> = pool
            .iter()
            .filter(|known| wanted.contains(&known.subject_der()) && !candidates.contains(known))
            .collect();
        if found.is_empty() {
            break;
        }
        wanted = found.iter().map(|known| known.issuer_der()).collect();
        for known in found {
            // The pool may hold one twice.
            if !candidates.contains(known) {
                candidates.push(known.clone());
            }
        }
        if candidates.len() > CANDIDATES_MAX {
            return Err(ChainError::TooComplicated);
        }
    }
    Ok(candidates)
}

/// Those of the candidates that go back to an anchor by good signatures; all of them when they are few.
pub(super) fn issued(
    candidates: &[Certificate],
    anchors: &[Certificate],
) -> Result<Vec<Certificate>, ChainError> {
    if candidates.len() <= FEW {
        return Ok(candidates.to_vec());
    }
    let mut left: Vec<&Certificate> = candidates.iter().collect();
    // Each round looks at the issuers that the last one found, so that no pair is checked twice.
    let mut issuers: Vec<&Certificate> = anchors.iter().collect();
    let mut issued = Vec::new();
    let mut signatures = 0;
    for _ in 0..PATH_DEPTH_MAX {
        let mut found = Vec::new();
        let mut orphans = Vec::new();
        for candidate in left {
            let mut parents = issuers.iter().filter(|issuer| issuer.subject_der() == candidate.issuer_der());
            let is_issued = parents.any(|parent| {
                signatures += 1;
                signatures <= SIGNATURES_MAX && signature::check(candidate, parent) == Signature::Good
            });
            if is_issued { found.push(candidate) } else { orphans.push(candidate) }
        }
        if signatures > SIGNATURES_MAX {
            return Err(ChainError::TooComplicated);
        }
        issued.extend(found.iter().map(|certificate| (*certificate).clone()));
        (left, issuers) = (orphans, found);
    }
    Ok(issued)
}
