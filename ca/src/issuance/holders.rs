//! Whose keys are being certified right now: records tell of the others. Pure.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// By the hash of the key. As many as there are requests at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holders(Arc<Mutex<HashMap<[u8; 32], Claim>>>);

#[derive(Debug)]
struct Claim {
    holder: String,
    requests: usize,
}

/// While it lives, nobody else gets a certificate for the key.
#[derive(Debug)]
pub(crate) struct Claimed {
    holders: Holders,
    spki_sha256: [u8; 32],
}

impl Holders {
    /// Claims the key for this holder, or tells whose it is being made.
    pub(crate) fn claim(&self, spki_sha256: [u8; 32], holder: &str) -> Result<Claimed, String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let claim =
            all.entry(spki_sha256).or_insert_with(|| Claim { holder: holder.to_owned(), requests: 0 });
        if claim.holder != holder {
            return Err(claim.holder.clone());
        }
        claim.requests += 1;
        Ok(Claimed { holders: self.clone(), spki_sha256 })
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mut all = self.holders.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claim) = all.get_mut(&self.spki_sha256) {
            claim.requests -= 1;
            if claim.requests == 0 {
                all.remove(&self.spki_sha256);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_holders_until_the_last_of_its_requests_is_done() {
        let holders = Holders::default();
        let first = holders.claim([1; 32], "pump-1").unwrap();
        let second = holders.claim([1; 32], "pump-1").unwrap();
        assert!(holders.claim([2; 32], "pump-2").is_ok());
        drop(first);
        assert_eq!(holders.claim([1; 32], "pump-2").unwrap_err(), "pump-1");
        drop(second);
        assert!(holders.claim([1; 32], "pump-2").is_ok());
    }
}
