//! Any bytes as a bag of certificates, in whatever form.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use muster_x509::{CERTIFICATES_MAX, CMS_BYTES_MAX, certs_only, read_certs_only};

fuzz_target!(|bytes: &[u8]| {
    let found = match read_certs_only(bytes) {
        Ok(found) => found,
        Err(refused) => {
            let _ = refused.to_string();
            return;
        }
    };
    assert!(!found.is_empty() && found.len() <= CERTIFICATES_MAX);
    assert!(found.iter().map(|it| it.der().len()).sum::<usize>() < CMS_BYTES_MAX);
    // What is in it, written again, is the same set.
    let ours = certs_only(&found);
    let again = read_certs_only(&ours).unwrap();
    let set = |certificates: &[muster_x509::Certificate]| -> BTreeSet<Vec<u8>> {
        certificates.iter().map(|it| it.der().to_vec()).collect()
    };
    assert!(set(&found) == set(&again) && again.len() == set(&again).len());
});
