//! Any text as certificates, as people paste them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_x509::{read_certificates, to_pem};

fuzz_target!(|text: &str| {
    let Ok(certificates) = read_certificates(text) else { return };
    assert!(!certificates.is_empty());
    let written: String = certificates.iter().map(|certificate| to_pem(certificate.der())).collect();
    // Lines of their own can make it longer than what was pasted.
    if let Ok(again) = read_certificates(&written) {
        assert!(again == certificates);
    }
});
