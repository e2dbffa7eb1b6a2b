//! The attributes of a request: the extensions asked for, the challenge password, and others kept as they are.

use std::collections::BTreeSet;

use x509_parser::asn1_rs::Tag;
use zeroize::Zeroizing;

use super::{CHALLENGE_BYTES_MAX, ChallengePassword, CsrRefused, NAMES_MAX, Requested, extensions};
use crate::{
    der::{self, Element, NotDer},
    name,
};

/// RFC 2985 sections 5.4.1 and 5.4.2.
const CHALLENGE_PASSWORD: &str = "1.2.840.113549.1.9.7";
const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";

/// An attribute that means nothing here: whoever knows it reads its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub oid: String,
    pub values_der: Vec<Vec<u8>>,
}

#[derive(Default)]
pub(super) struct Read {
    pub(super) requested: Requested,
    pub(super) challenge_password: Option<ChallengePassword>,
    pub(super) others: Vec<Attribute>,
}

pub(super) fn read(attributes: Option<Element<'_>>) -> Result<Read, CsrRefused> {
    let mut read = Read::default();
    let Some(attributes) = attributes else { return Ok(read) };
    let mut seen = BTreeSet::new();
    let mut reader = attributes.inside();
    while !reader.is_empty() {
        let mut attribute = reader.expect(der::SEQUENCE)?.inside();
        let oid = der::dotted(attribute.expect(der::OID)?.contents)?;
        let values = attribute.expect(der::SET)?;
        attribute.end()?;
        if !seen.insert(oid.clone()) {
            return Err(CsrRefused::DuplicateAttribute { oid });
        }
        let unreadable = |why| CsrRefused::Attribute { oid: oid.clone(), why };
        match oid.as_str() {
            EXTENSION_REQUEST => {
                read.requested = extensions::read(&single(&values).map_err(unreadable)?)?;
            }
            CHALLENGE_PASSWORD => {
                let value = single(&values).map_err(unreadable)?;
                read.challenge_password = Some(challenge(&value, unreadable)?);
            }
            _ => read.others.push(Attribute { values_der: all(&values).map_err(unreadable)?, oid }),
        }
        // Names, extensions and attributes share one limit: more of anything is nobody's need.
        if seen.len() > NAMES_MAX {
            return Err(CsrRefused::TooManyAttributes);
        }
    }
    Ok(read)
}

fn single<'a>(values: &Element<'a>) -> Result<Element<'a>, NotDer> {
    let mut reader = values.inside();
    let value = reader.next()?;
    reader.end()?;
    Ok(value)
}

fn all(values: &Element<'_>) -> Result<Vec<Vec<u8>>, NotDer> {
    let mut reader = values.inside();
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(reader.next()?.whole.to_vec());
    }
    Ok(all)
}

fn challenge(
    value: &Element<'_>,
    unreadable: impl Fn(NotDer) -> CsrRefused,
) -> Result<ChallengePassword, CsrRefused> {
    if value.contents.len() > CHALLENGE_BYTES_MAX {
        return Err(CsrRefused::ChallengeTooLong);
    }
    let text = name::text_of_string(Tag(u32::from(value.tag)), value.contents);
    Ok(ChallengePassword::new(Zeroizing::new(text.ok_or_else(|| unreadable(NotDer::Unexpected))?)))
}
