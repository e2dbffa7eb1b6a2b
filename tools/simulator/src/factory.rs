//! Certificates as a factory makes them: authorities, intermediates, devices. P-256 throughout.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use crate::DeviceKey;

/// When a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Current,
    Expired,
    NotYet,
}

/// A key that signs certificates, with its own certificate and those above it.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    /// From here up, the root left out: what a device sends after its own certificate.
    path: Vec<CertificateDer<'static>>,
}

/// What a TLS server is configured with.
pub struct Server {
    pub chain_pem: String,
    pub key_pem: String,
}

impl Authority {
    pub fn root(common_name: &str) -> Result<Authority, FactoryError> {
        Authority::root_valid(common_name, Validity::Current)
    }

    pub fn root_valid(common_name: &str, validity: Validity) -> Result<Authority, FactoryError> {
        let params = authority_params(common_name, validity)?;
        let key = key()?;
        let certificate = params.self_signed(&key)?;
        Ok(Authority {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
            path: Vec::new(),
        })
    }

    pub fn intermediate(&self, common_name: &str) -> Result<Authority, FactoryError> {
        self.intermediate_valid(common_name, Validity::Current)
    }

    pub fn intermediate_valid(
        &self,
        common_name: &str,
        validity: Validity,
    ) -> Result<Authority, FactoryError> {
        let params = authority_params(common_name, validity)?;
        let key = key()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let mut path = vec![certificate.der().clone()];
        path.extend(self.path.iter().cloned());
        Ok(Authority {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
            path,
        })
    }

    /// A device's certificate and key, with the intermediates to send along.
    pub fn device(&self, common_name: &str) -> Result<DeviceKey, FactoryError> {
        self.device_valid(common_name, Validity::Current)
    }

    pub fn device_valid(&self, common_name: &str, validity: Validity) -> Result<DeviceKey, FactoryError> {
        let key = key()?;
        let leaf = leaf_params(common_name, validity)?.signed_by(&key, &self.issuer)?;
        let mut chain = vec![leaf.der().clone()];
        chain.extend(self.path.iter().cloned());
        Ok(DeviceKey::X509 { chain, key: private(&key) })
    }

    /// A server's certificate for these names, as PEM, for servers that are not ours.
    pub fn server(&self, names: &[&str]) -> Result<Server, FactoryError> {
        let key = key()?;
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let mut chain_pem = params.signed_by(&key, &self.issuer)?.pem();
        for above in &self.path {
            chain_pem.push_str(&pem(above));
        }
        Ok(Server { chain_pem, key_pem: key.serialize_pem() })
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

/// A certificate that vouches for itself, as individual enrollments take it.
pub fn self_signed(common_name: &str, validity: Validity) -> Result<DeviceKey, FactoryError> {
    let key = key()?;
    let certificate = leaf_params(common_name, validity)?.self_signed(&key)?;
    Ok(DeviceKey::X509 { chain: vec![certificate.der().clone()], key: private(&key) })
}

/// A device's own certificate as PEM; none for a symmetric key.
pub fn leaf_pem(credential: &DeviceKey) -> Option<String> {
    match credential {
        DeviceKey::Symmetric { .. } => None,
        DeviceKey::X509 { chain, .. } => chain.first().map(|leaf| pem(leaf)),
    }
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn key() -> Result<KeyPair, FactoryError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

fn params(common_name: &str, validity: Validity) -> Result<CertificateParams, FactoryError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = match validity {
        Validity::Current => (date_time_ymd(2024, 1, 1), date_time_ymd(2049, 12, 31)),
        Validity::Expired => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
        Validity::NotYet => (date_time_ymd(2048, 1, 1), date_time_ymd(2049, 12, 31)),
    };
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn authority_params(common_name: &str, validity: Validity) -> Result<CertificateParams, FactoryError> {
    let mut params = params(common_name, validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(common_name: &str, validity: Validity) -> Result<CertificateParams, FactoryError> {
    let mut params = params(common_name, validity)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

#[derive(Debug, Error)]
pub enum FactoryError {
    #[error("the certificate cannot be made: {0}")]
    Unmakeable(#[from] rcgen::Error),
}
