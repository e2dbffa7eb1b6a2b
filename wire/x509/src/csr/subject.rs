//! The subject of a request: bounded, and made of text that shows what it is.

use x509_parser::asn1_rs::Tag;

use super::{CsrRefused, NAMES_MAX};
use crate::{
    der::{self, Element, NotDer},
    name,
};

/// An empty subject is fine: a profile may name the device by what it knows of it.
pub(super) fn check(subject: &Element<'_>) -> Result<(), CsrRefused> {
    let mut attributes = 0;
    let mut rdns = subject.inside();
    while !rdns.is_empty() {
        let rdn = rdns.expect(der::SET)?;
        let mut rdn = rdn.inside();
        if rdn.is_empty() {
            return Err(NotDer::Unexpected.into());
        }
        while !rdn.is_empty() {
            attributes += 1;
            if attributes > NAMES_MAX {
                return Err(CsrRefused::SubjectTooLong);
            }
            let mut attribute = rdn.expect(der::SEQUENCE)?.inside();
            let oid = attribute.expect(der::OID)?;
            let value = attribute.next()?;
            attribute.end()?;
            check_value(&oid, &value)?;
        }
    }
    Ok(())
}

/// A NUL ends a name for some readers and not for others; the other control characters forge log lines.
fn check_value(oid: &Element<'_>, value: &Element<'_>) -> Result<(), CsrRefused> {
    let oid = der::dotted(oid.contents)?;
    let Some(text) = name::text_of_string(Tag(u32::from(value.tag)), value.contents) else {
        return Err(CsrRefused::SubjectNotText { oid });
    };
    if text.chars().any(char::is_control) {
        return Err(CsrRefused::ControlInSubject { oid });
    }
    Ok(())
}
