//! Any bytes as an OCSP request, which strangers send.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_x509::{
    OCSP_CERTIFICATES_MAX, OCSP_NONCE_BYTES_MAX, OCSP_REQUEST_BYTES_MAX, OcspHash, OcspRequest,
};

fuzz_target!(|bytes: &[u8]| {
    let asked = match OcspRequest::parse(bytes) {
        Ok(asked) => asked,
        Err(refused) => {
            let _ = refused.to_string();
            return;
        }
    };
    assert!(bytes.len() <= OCSP_REQUEST_BYTES_MAX);
    assert!((1..=OCSP_CERTIFICATES_MAX).contains(&asked.certificates.len()));
    if let Some(nonce) = &asked.nonce {
        assert!((1..=OCSP_NONCE_BYTES_MAX).contains(&nonce.as_bytes().len()));
    }
    for certificate in &asked.certificates {
        // Repeated in the answer, so it stands in the request.
        let der = certificate.der();
        assert!(bytes.windows(der.len()).any(|window| window == der));
        assert!(certificate.serial.len() <= 21);
        let length = match certificate.hash {
            Some(OcspHash::Sha1) => 20,
            Some(OcspHash::Sha256) => 32,
            Some(OcspHash::Sha384) => 48,
            None => continue,
        };
        assert!(certificate.name_hash.len() == length && certificate.key_hash.len() == length);
    }
    let _ = format!("{:?}", asked.certificates);
});
