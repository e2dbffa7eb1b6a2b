//! What the service API tells about a certificate (DPS `X509CertificateInfo`: all eight fields are required).

use serde::Serialize;

use crate::Certificate;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    pub subject_name: String,
    pub sha1_thumbprint: String,
    pub sha256_thumbprint: String,
    pub issuer_name: String,
    pub not_before_utc: String,
    pub not_after_utc: String,
    pub serial_number: String,
    pub version: u8,
}

pub fn describe(certificate: &Certificate) -> Description {
    Description {
        subject_name: certificate.subject().to_owned(),
        sha1_thumbprint: certificate.sha1().to_string(),
        sha256_thumbprint: certificate.sha256().to_string(),
        issuer_name: certificate.issuer().to_owned(),
        not_before_utc: certificate.not_before_text(),
        not_after_utc: certificate.not_after_text(),
        serial_number: certificate.serial_hex().to_owned(),
        version: certificate.version(),
    }
}
