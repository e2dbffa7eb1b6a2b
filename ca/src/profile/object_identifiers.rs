//! Object identifiers of our own.
//!
//! They are below 1.3.6.1.4.1.32473, the enterprise number for documentation (RFC 5612), which nobody else may be given,
//! until the project has one of its own. Of ours, `.1` are extensions: `.1.1` the generation of a certificate's holder
//! (a UTF8String), `.1.2` the holder's name (a UTF8String) where it is not the common name in lower case. `.2` are
//! policies: `.2.<profile>.<version>`, where the profile is a number made of its name. UUIDs below 2.25 would need no
//! registration, but half of the readers of certificates cannot take them: they are too long.

use x509_cert::der::asn1::ObjectIdentifier;

use crate::log::sha256;

pub const PRIVATE_ARC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473");
/// Which generation of its holder a certificate belongs to: with the next one, all of this one are revoked.
pub const GENERATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.1");

/// Whose it is, unless its common name tells ([`default_holder`]): revoking a holder must find what it has.
pub const HOLDER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.2");

const POLICIES: u32 = 2;

/// The holder of a certificate that has a generation and names no holder.
pub(crate) fn default_holder(common_name: &str) -> String {
    common_name.to_lowercase()
}

/// The policy of a profile that names none itself.
pub(super) fn policy(name: &str, version: u32) -> Option<ObjectIdentifier> {
    let hash = sha256(&[name.as_bytes()]);
    // 28 bits: RFC 5280 appendix B asks no reader to take more, and some do not.
    let number = u32::from_be_bytes([hash[0] & 0x0f, hash[1], hash[2], hash[3]]);
    PRIVATE_ARC.push_arc(POLICIES).ok()?.push_arc(number).ok()?.push_arc(version).ok()
}
