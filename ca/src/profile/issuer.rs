//! What a certificate takes from the authority that signs it. Pure.

use std::sync::Arc;

use x509_cert::{
    der::{
        Decode,
        asn1::{ObjectIdentifier, OctetString},
    },
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectKeyIdentifier},
};

use muster_x509::Certificate;

use super::{
    extensions,
    life::{End, Period},
};
use crate::{
    BaseUrl,
    hierarchy::{Authority, BuildError},
};

/// An authority, read once for all that it signs.
#[derive(Debug, Clone)]
pub struct Issuer {
    pub(crate) authority: Arc<Authority>,
    pub(super) certificate: Certificate,
    /// As it stands in the authority's certificate, whoever computed it.
    pub(super) key_identifier: OctetString,
    /// Of the signatures that it makes, AlgorithmIdentifier, DER.
    pub(super) algorithm_der: Vec<u8>,
    pub(super) path_length: Option<u8>,
    /// Purposes that its certificate is limited to, if it is.
    pub(super) purposes: Option<Vec<ObjectIdentifier>>,
    pub(super) base_url: Option<BaseUrl>,
    /// Values of extensions that are the same in all that it signs, DER: AuthorityKeyIdentifier, and AuthorityInfoAccess for
    /// those that have addresses.
    pub(super) own_key: Vec<u8>,
    pub(super) information_access: Vec<u8>,
}

impl Issuer {
    /// None while the authority has no certificate.
    pub fn new(
        authority: &Arc<Authority>,
        algorithm_der: Vec<u8>,
        base_url: Option<&BaseUrl>,
    ) -> Result<Option<Self>, BuildError> {
        let Some(certificate) = authority.certificate.clone() else { return Ok(None) };
        let parsed = x509_cert::Certificate::from_der(certificate.der())?;
        let tbs = parsed.tbs_certificate();
        let Some((_, key_identifier)) = tbs.get_extension::<SubjectKeyIdentifier>()? else {
            return Err(BuildError::Build(format!("authority `{}` has no key identifier", authority.id)));
        };
        let constraints = tbs.get_extension::<BasicConstraints>()?;
        let purposes = tbs.get_extension::<ExtendedKeyUsage>()?;
        Ok(Some(Self {
            authority: Arc::clone(authority),
            certificate,
            own_key: extensions::authority_key(&key_identifier.0),
            key_identifier: key_identifier.0,
            algorithm_der,
            path_length: constraints.and_then(|(_, constraints)| constraints.path_len_constraint),
            purposes: purposes.map(|(_, purposes)| purposes.0),
            information_access: base_url
                .map(|base| extensions::information_access(base, &authority.id))
                .unwrap_or_default(),
            base_url: base_url.cloned(),
        }))
    }

    pub(super) fn period(&self) -> Period {
        let end = End::of_certificate(self.certificate.not_after());
        Period { begin: self.certificate.not_before(), end }
    }
}
