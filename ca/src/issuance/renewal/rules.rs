//! Whether a certificate may be renewed, by this request, at this hour. Pure.

use jiff::Timestamp;
use x509_cert::{
    der::{Any, Decode, Tag, Tagged, oid::AssociatedOid},
    ext::pkix::{SubjectAltName, name::GeneralName},
    name::Name,
};

use muster_x509::{Certificate, Csr};

use super::RenewError;
use crate::{
    hierarchy::BuildError,
    profile::{Profile, RenewalKeys, value_of},
};

const SUBJECT_ALT_NAME: &str = "2.5.29.17";

/// What a renewed certificate keeps of the old one, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// SubjectAltName, DER.
    pub(super) names_der: Option<Vec<u8>>,
}

/// The same identity, a certificate that may be renewed, at this hour, with this key.
pub(super) fn check(
    old: &Certificate,
    csr: &Csr,
    profile: &Profile,
    now: Timestamp,
) -> Result<Kept, RenewError> {
    let serial = || old.serial_hex().to_owned();
    let Some(rule) = profile.renewal else {
        return Err(RenewError::NotRenewable { serial: serial(), profile: profile.id.name.clone() });
    };
    let (not_before, not_after) = (old.not_before(), old.not_after());
    if now < not_before {
        return Err(RenewError::NotYetValid { serial: serial(), not_before });
    }
    let same_key = csr.spki_der() == old.spki_der();
    if now > not_after {
        if now.duration_since(not_after) > rule.grace {
            return Err(RenewError::Expired { serial: serial(), not_after });
        }
        if !same_key {
            return Err(RenewError::ExpiredWithNewKey { serial: serial(), not_after });
        }
    }
    match rule.keys {
        RenewalKeys::New if same_key => return Err(RenewError::SameKey { profile: profile.id.name.clone() }),
        RenewalKeys::Same if !same_key => {
            return Err(RenewError::OtherKey { profile: profile.id.name.clone() });
        }
        RenewalKeys::Any | RenewalKeys::New | RenewalKeys::Same => {}
    }
    check_identity(old, csr)
}

fn check_identity(old: &Certificate, csr: &Csr) -> Result<Kept, RenewError> {
    let asked = Name::from_der(csr.subject_der()).map_err(BuildError::from)?;
    if !asked.is_empty() && !is_same(&asked, &Name::from_der(old.subject_der()).map_err(BuildError::from)?) {
        let (asked, old) = (csr.subject().to_owned(), old.subject().to_owned());
        return Err(RenewError::OtherSubject { asked, old });
    }
    let names_der = value_of(old, SubjectAltName::OID)?;
    match csr.requested().extension(SUBJECT_ALT_NAME) {
        Some(asked) if names_der.as_deref() != Some(asked.value_der.as_slice()) => {
            Err(RenewError::OtherNames { old: shown(names_der.as_deref())? })
        }
        Some(_) | None => Ok(Kept { names_der }),
    }
}

/// The same attributes in the same order. Their type of string is no difference (RFC 5280 section 7.1): many clients write
/// a PrintableString where an authority writes a UTF8String.
fn is_same(one: &Name, other: &Name) -> bool {
    let attributes = |name: &Name| {
        let relative = name.as_ref().iter().enumerate();
        let all = relative.flat_map(|(nth, relative)| relative.iter().map(move |it| (nth, it.clone())));
        all.collect::<Vec<_>>()
    };
    let (one, other) = (attributes(one), attributes(other));
    let is_text = |value: &Any| [Tag::Utf8String, Tag::PrintableString].contains(&value.tag());
    one.len() == other.len()
        && one.iter().zip(&other).all(|((at, one), (there, other))| {
            let spelled_alike = is_text(&one.value) && is_text(&other.value);
            let same_value = if spelled_alike {
                one.value.value() == other.value.value()
            } else {
                one.value == other.value
            };
            at == there && one.oid == other.oid && same_value
        })
}

fn shown(names_der: Option<&[u8]>) -> Result<String, BuildError> {
    let names = alternative(names_der)?;
    Ok(match names.is_empty() {
        true if names_der.is_none() => "none".to_owned(),
        true => "others".to_owned(),
        false => format!("`{}`", names.join("`, `")),
    })
}

/// Every name of a certificate that a grant could limit.
pub(super) fn names(old: &Certificate, names_der: Option<&[u8]>) -> Result<Vec<String>, BuildError> {
    let names = old.common_name().map(str::to_owned).into_iter();
    Ok(names.chain(alternative(names_der)?).collect())
}

fn alternative(names_der: Option<&[u8]>) -> Result<Vec<String>, BuildError> {
    let mut names = Vec::new();
    let Some(names_der) = names_der else { return Ok(names) };
    for name in SubjectAltName::from_der(names_der)?.0 {
        match name {
            GeneralName::DnsName(text)
            | GeneralName::UniformResourceIdentifier(text)
            | GeneralName::Rfc822Name(text) => names.push(text.to_string()),
            GeneralName::IpAddress(octets) => names.push(hex::encode(octets.as_bytes())),
            GeneralName::OtherName(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::RegisteredId(_) => {}
        }
    }
    Ok(names)
}
