//! The extensions of a revocation list.

use std::collections::BTreeSet;

use super::{CrlRefused, Scope};
use crate::der::{self, Element, NotDer};

pub(super) const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
const CRL_NUMBER: &str = "2.5.29.20";
const ISSUING_DISTRIBUTION_POINT: &str = "2.5.29.28";
/// RFC 5280 section 5.2.3.
const NUMBER_OCTETS_MAX: usize = 20;

pub(super) struct Read {
    pub(super) number: Box<[u8]>,
    pub(super) key_identifier: Option<Box<[u8]>>,
    pub(super) scope: Scope,
}

pub(super) fn read(extensions: Option<Element<'_>>) -> Result<Read, CrlRefused> {
    let (mut number, mut key_identifier, mut scope) = (None, None, None);
    let mut seen = BTreeSet::new();
    if let Some(explicit) = extensions {
        let mut reader = der::only(explicit.contents, der::SEQUENCE)?.inside();
        while !reader.is_empty() {
            let mut extension = reader.expect(der::SEQUENCE)?.inside();
            let oid = der::dotted(extension.expect(der::OID)?.contents)?;
            let critical =
                extension.optional(der::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
            let value = extension.expect(der::OCTET_STRING)?.contents;
            extension.end()?;
            let unreadable = |why| CrlRefused::Extension { oid: oid.clone(), why };
            if seen.contains(&oid) {
                return Err(CrlRefused::DuplicateExtension { oid });
            }
            match oid.as_str() {
                CRL_NUMBER if critical => return Err(CrlRefused::NumberCritical),
                CRL_NUMBER => number = Some(number_of(value)?),
                AUTHORITY_KEY_IDENTIFIER => {
                    key_identifier = Some(identifier_of(value).map_err(unreadable)?);
                }
                ISSUING_DISTRIBUTION_POINT => {
                    der::check(value).map_err(unreadable)?;
                    scope = Some(Scope::read(value, unreadable)?);
                }
                _ if critical => return Err(CrlRefused::UnknownCriticalExtension { oid }),
                _ => {}
            }
            seen.insert(oid);
        }
    }
    Ok(Read {
        number: number.ok_or(CrlRefused::NoNumber)?,
        key_identifier: key_identifier.ok_or(CrlRefused::NoKeyIdentifier)?,
        scope: scope.unwrap_or_default(),
    })
}

fn number_of(value: &[u8]) -> Result<Box<[u8]>, CrlRefused> {
    let number = der::only(value, der::INTEGER).and_then(|number| number.unsigned());
    match number {
        Ok(number) if number.len() <= NUMBER_OCTETS_MAX => Ok(number.into()),
        Ok(_) | Err(_) => Err(CrlRefused::NumberUnsound),
    }
}

/// RFC 5280 section 4.2.1.1; issuer and serial number are the means of older authorities, and are not compared.
pub(super) fn identifier_of(value: &[u8]) -> Result<Option<Box<[u8]>>, NotDer> {
    der::check(value)?;
    let mut parts = der::only(value, der::SEQUENCE)?.inside();
    Ok(parts.optional(der::context_primitive(0))?.map(|identifier| identifier.contents.into()))
}
