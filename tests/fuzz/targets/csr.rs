//! Any bytes as a certification request, in whatever form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_x509::{AltName, CSR_BYTES_MAX, Csr, NAMES_MAX, PublicKey};

fuzz_target!(|bytes: &[u8]| {
    let csr = match Csr::parse(bytes) {
        Ok(csr) => csr,
        Err(refused) => {
            let _ = refused.to_string();
            return;
        }
    };
    assert!(csr.der().len() <= CSR_BYTES_MAX);
    assert!(Csr::parse(csr.der()).is_ok());
    assert!(PublicKey::judge(csr.spki_der()) == Ok(csr.public_key()));
    assert!(!csr.subject().contains('\0'));
    let requested = csr.requested();
    assert!(requested.alt_names.len() <= NAMES_MAX && requested.extensions.len() <= NAMES_MAX);
    for name in &requested.alt_names {
        if let AltName::Dns(text) | AltName::Email(text) | AltName::Uri(text) = name {
            assert!(text.is_ascii() && !text.contains('\0'));
        }
    }
});
