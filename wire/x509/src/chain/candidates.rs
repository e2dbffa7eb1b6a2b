//! Which certificates of the server's own pool may be needed for a chain: those that carry the name of some issuer.

use super::{ChainError, PATH_DEPTH_MAX};
use crate::Certificate;

/// Every certificate costs webpki a reading at every step. So many of one name is a pool gone wrong, or an attack on it.
const CANDIDATES_MAX: usize = 64;

/// What was presented, and what of the pool could lie above it.
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
