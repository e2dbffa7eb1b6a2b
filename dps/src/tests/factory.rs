//! Certificates as factories make them.

use muster_x509::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
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

impl Authority {
    /// The same name and key once more, by itself.
    pub(crate) fn reissued(&self, bend: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = self.params.clone();
        bend(&mut params);
        Certificate::parse(params.self_signed(&self.key).unwrap().der()).unwrap()
    }

    /// The same name and key once more, under another authority.
    pub(crate) fn crossed_by(&self, other: &Authority) -> Certificate {
        self.crossed_anew(other, |_| {})
    }

    pub(crate) fn crossed_anew(
        &self,
        other: &Authority,
        bend: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let mut params = self.params.clone();
        bend(&mut params);
        signed(&params, &self.key, other)
    }

    /// A revocation list of this authority, in DER.
    pub(crate) fn crl(&self, number: u64, revoked: &[&Certificate], next_update: (i32, u8, u8)) -> Vec<u8> {
        let revoked = revoked.iter().map(|certificate| RevokedCertParams {
            serial_number: SerialNumber::from_slice(certificate.serial()),
            revocation_time: date_time_ymd(2026, 11, 19),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
        let (year, month, day) = next_update;
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 11, 1),
            next_update: date_time_ymd(year, month, day),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(&issuer).unwrap().der().to_vec()
    }
}

/// A root that a test bends.
pub(crate) fn bent_root(name: &str, bend: impl FnOnce(&mut CertificateParams)) -> Authority {
    let mut params = authority_params(name);
    bend(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = Certificate::parse(params.self_signed(&key).unwrap().der()).unwrap();
    Authority { certificate, params, key }
}

/// A leaf that a test bends.
pub(crate) fn bent_leaf(
    name: &str,
    issuer: &Authority,
    bend: impl FnOnce(&mut CertificateParams),
) -> Certificate {
    let mut params = params(name);
    bend(&mut params);
    signed(&params, &KeyPair::generate().unwrap(), issuer)
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
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
