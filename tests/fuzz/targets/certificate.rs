//! Any bytes as one DER certificate, as peers present them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_x509::{Certificate, PublicKey, describe, issued_by, read_certificates, to_pem};

fuzz_target!(|bytes: &[u8]| {
    let Ok(certificate) = Certificate::parse(bytes) else { return };
    let _ = describe(&certificate);
    let _ =
        (certificate.not_before(), certificate.not_after(), certificate.is_ca(), format!("{certificate:?}"));
    let _ = issued_by(&certificate, &certificate);
    let _ = PublicKey::judge(certificate.spki_der());
    // What is written is read again as the same.
    let again = read_certificates(&to_pem(bytes)).expect("what was read can be written and read");
    assert!(again == [certificate]);
});
