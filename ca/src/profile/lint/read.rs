//! What is to be signed, read again by another hand than the one that wrote it. Nothing of it is copied, so that its parts
//! are compared as they stand. Pure.

use x509_cert::{
    certificate::Version,
    der::{
        Decode, Sequence,
        asn1::{AnyRef, IntRef, ObjectIdentifier, OctetStringRef},
        oid::AssociatedOid,
    },
    time::Validity,
};

use super::Finding;

/// RFC 5280 section 4.1, without the unique identifiers, which nobody is given.
#[derive(Debug, Sequence)]
pub(super) struct Tbs<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    pub(super) version: Version,
    pub(super) serial_number: IntRef<'a>,
    pub(super) signature: AnyRef<'a>,
    pub(super) issuer: AnyRef<'a>,
    pub(super) validity: Validity,
    pub(super) subject: AnyRef<'a>,
    pub(super) subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension<'a>>>,
}

#[derive(Debug, Sequence)]
pub(super) struct Extension<'a> {
    pub(super) extn_id: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    pub(super) critical: bool,
    extn_value: &'a OctetStringRef,
}

impl<'a> Tbs<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Finding> {
        Self::from_der(der).map_err(|error| Finding::Unreadable(error.to_string()))
    }

    pub(super) fn extensions(&self) -> &[Extension<'a>] {
        self.extensions.as_deref().unwrap_or_default()
    }

    /// The extension of that type, with whether it is critical.
    pub(super) fn find<T: AssociatedOid + Decode<'a>>(
        &self,
        name: &'static str,
    ) -> Result<Option<(bool, T)>, Finding> {
        let Some(extension) = self.extensions().iter().find(|extension| extension.extn_id == T::OID) else {
            return Ok(None);
        };
        let value = T::from_der(extension.extn_value.as_bytes()).map_err(|_| Finding::Extension(name))?;
        Ok(Some((extension.critical, value)))
    }
}
