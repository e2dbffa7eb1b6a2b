//! What a certificate says of itself, beyond what every certificate says. Pure.

use x509_cert::{
    Certificate as Parsed,
    der::{
        Decode,
        asn1::{ObjectIdentifier, OctetString, Utf8StringRef},
        oid::AssociatedOid,
    },
    ext::pkix::AuthorityKeyIdentifier,
};

use muster_x509::Certificate;

use crate::{
    issuance::Holder,
    profile::{GENERATION, HOLDER, default_holder},
};

pub(super) struct Said {
    pub(super) key_identifier: Option<OctetString>,
    pub(super) holder: Option<Holder>,
}

impl Said {
    /// None when it cannot be read as what is issued here can.
    pub(super) fn by(certificate: &Certificate) -> Option<Self> {
        let parsed = Parsed::from_der(certificate.der()).ok()?;
        let extensions = parsed.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default();
        let value = |oid: ObjectIdentifier| {
            extensions.iter().find(|it| it.extn_id == oid).map(|it| it.extn_value.as_bytes())
        };
        let text = |oid| match value(oid) {
            Some(der) => Utf8StringRef::from_der(der).ok().map(|text| Some(text.as_str().to_owned())),
            None => Some(None),
        };
        let key_identifier = match value(AuthorityKeyIdentifier::OID) {
            Some(der) => AuthorityKeyIdentifier::from_der(der).ok()?.key_identifier,
            None => None,
        };
        let name = text(HOLDER)?.or_else(|| certificate.common_name().map(default_holder));
        let holder = match (text(GENERATION)?, name) {
            (Some(generation), Some(name)) => Some(Holder { name, generation }),
            // A generation of nobody.
            (Some(_), None) => return None,
            (None, _) => None,
        };
        Some(Self { key_identifier, holder })
    }
}
