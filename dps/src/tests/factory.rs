//! Certificates as factories make them.

use muster_x509::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

pub(crate) struct Authority {
    pub(crate) certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

pub(crate) fn root(name: &str) -> Authority {
    let params = authority_params(name);
    let key = KeyPair::generate().unwrap();
    let certificate = Certificate::parse(params.self_signed(&key).unwrap().der()).unwrap();
    Authority { certificate, params, key }
}

pub(crate) fn authority(name: &str, issuer: &Authority) -> Authority {
    let params = authority_params(name);
    let key = KeyPair::generate().unwrap();
    let certificate = signed(&params, &key, issuer);
    Authority { certificate, params, key }
}

pub(crate) fn leaf(name: &str, issuer: &Authority) -> Certificate {
    signed(&params(name), &KeyPair::generate().unwrap(), issuer)
}

pub(crate) fn expired_leaf(name: &str, issuer: &Authority) -> Certificate {
    let mut params = params(name);
    params.not_after = date_time_ymd(2026, 2, 2);
    signed(&params, &KeyPair::generate().unwrap(), issuer)
}

pub(crate) fn self_signed(name: &str) -> Certificate {
    let key = KeyPair::generate().unwrap();
    Certificate::parse(params(name).self_signed(&key).unwrap().der()).unwrap()
}

fn signed(params: &CertificateParams, key: &KeyPair, issuer: &Authority) -> Certificate {
    let issuer = Issuer::from_params(&issuer.params, &issuer.key);
    Certificate::parse(params.signed_by(key, &issuer).unwrap().der()).unwrap()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}
