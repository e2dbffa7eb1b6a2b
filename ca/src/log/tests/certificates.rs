//! Certificates to be logged: any will do, if no two are the same.

use std::sync::LazyLock;

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};

use muster_x509::Certificate;

pub(crate) fn certificate(number: u64) -> Certificate {
    static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("device-{number}"));
    params.serial_number = Some(SerialNumber::from(number + 1));
    Certificate::parse(params.self_signed(&*KEY).unwrap().der()).unwrap()
}
