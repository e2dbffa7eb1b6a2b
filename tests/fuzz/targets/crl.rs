//! Any bytes as a revocation list, as configured addresses serve them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_x509::{CRL_BYTES_MAX, Crl};

fuzz_target!(|bytes: &[u8]| {
    let list = match Crl::parse(bytes) {
        Ok(list) => list,
        Err(refused) => {
            let _ = refused.to_string();
            return;
        }
    };
    assert!(list.der().len() <= CRL_BYTES_MAX && list.number().len() <= 20);
    assert!(list.len() * 4 <= list.der().len());
    let _ = (list.this_update(), list.next_update(), list.scope(), format!("{list:?}"));
    assert!(Crl::parse(list.der()).is_ok());
});
