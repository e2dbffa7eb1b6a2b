//! What authorities are called. Pure.

use aws_lc_rs::digest::{SHA256, digest};
use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Any, Decode, Encode,
        asn1::{ObjectIdentifier, SetOfVec, Utf8StringRef},
        oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME},
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use muster_x509::Certificate;

use super::{AuthorityId, BuildError, NewAuthority};
use crate::keys::PublicKey;

/// RFC 5280 appendix A.1, ub-common-name and ub-organization-name.
const CHARS_MAX: usize = 64;
const FINGERPRINT_BYTES: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} `{value}` is not usable in a certificate: write 1 to {CHARS_MAX} printable characters")]
pub struct NameError {
    pub field: &'static str,
    pub value: String,
}

/// Before anything is made: whether the names that were asked for can stand in a certificate.
pub(super) fn check(new: &NewAuthority) -> Result<(), NameError> {
    let fields = [("common name", &new.common_name), ("organization", &new.organization)];
    for (field, value) in fields {
        let Some(value) = value else { continue };
        let chars = value.chars().count();
        if !(1..=CHARS_MAX).contains(&chars) || value.chars().any(char::is_control) || value.trim() != value {
            return Err(NameError { field, value: value.escape_debug().take(CHARS_MAX).collect() });
        }
    }
    Ok(())
}

/// Two installations have two names, because clients find an issuer by its name.
pub(super) fn subject(new: &NewAuthority, key: &PublicKey) -> Result<Name, BuildError> {
    let common_name = new.common_name.clone().unwrap_or_else(|| {
        let hash = digest(&SHA256, key.spki_der());
        format!("{} {}", title(&new.id), hex::encode(&hash.as_ref()[..FINGERPRINT_BYTES]))
    });
    let mut sequence = Vec::new();
    if let Some(organization) = &new.organization {
        sequence.push(attribute(ORGANIZATION_NAME, organization)?);
    }
    sequence.push(attribute(COMMON_NAME, &common_name)?);
    Ok(Name::from_der(&RdnSequence::from(sequence).to_der()?)?)
}

/// As it stands in the certificate, to the byte: a re-encoding that differs would break every chain below.
pub(crate) fn subject_of(certificate: &Certificate) -> Result<Name, BuildError> {
    let name = Name::from_der(certificate.subject_der())?;
    if name.to_der()? == certificate.subject_der() {
        Ok(name)
    } else {
        Err(BuildError::Build(format!("the name `{}` is not DER", certificate.subject())))
    }
}

/// Case and runs of blanks are no difference between names (RFC 5280 section 7.1); nor is the type of string.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    match (folded(one), folded(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Types and values of one relative distinguished name.
type FoldedRdn = Vec<(ObjectIdentifier, Vec<u8>)>;

fn folded(der: &[u8]) -> Option<Vec<FoldedRdn>> {
    let name = Name::from_der(der).ok()?;
    let fold = |attribute: &AttributeTypeAndValue| {
        let bytes = attribute.value.value();
        let folded = match std::str::from_utf8(bytes) {
            Ok(text) => text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        (attribute.oid, folded)
    };
    Some(name.iter_rdn().map(|rdn| rdn.iter().map(fold).collect()).collect())
}

fn title(id: &AuthorityId) -> String {
    const ROOM: usize = 40;
    let words = id.as_str().split('-').filter(|word| !word.is_empty()).map(|word| {
        let (first, rest) = word.split_at(1);
        format!(" {}{rest}", first.to_uppercase())
    });
    format!("Muster{}", words.collect::<String>().chars().take(ROOM).collect::<String>())
}

pub(crate) fn attribute(oid: ObjectIdentifier, value: &str) -> Result<RelativeDistinguishedName, BuildError> {
    let value = Any::encode_from(&Utf8StringRef::new(value)?)?;
    Ok(SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }])?.into())
}
