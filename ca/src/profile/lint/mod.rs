//! What is to be signed is read again and looked through, whatever built it: rules of RFC 5280 and of our own that no
//! certificate may break, be its profile as wrong as it can be. Pure.

mod extensions;
mod fields;
mod names;
mod read;

use x509_cert::name::Name;

use muster_x509::Csr;

use super::{Issuer, Profile};

pub(super) use names::check_name;

use read::Tbs;

/// What a certificate would break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    #[error("it cannot be read again ({0})")]
    Unreadable(String),
    #[error("it has {0} bytes, more than readers take")]
    TooLarge(usize),
    #[error("it is not of version 3")]
    Version,
    #[error("its serial number is not positive, or not 8 to 20 octets long")]
    Serial,
    #[error("its signature algorithm is not that of its authority's key")]
    Algorithm,
    #[error("its issuer is not the subject of its authority's certificate")]
    Issuer,
    #[error("its end is before its beginning")]
    Backwards,
    #[error("it would be valid when its authority's certificate is not")]
    OutsideIssuer,
    #[error("it would last longer than its profile says")]
    TooLong,
    #[error("it begins more than a day before now")]
    Backdated,
    #[error("its key is not that of the request")]
    OtherKey,
    #[error("its subject is that of its authority")]
    SubjectOfIssuer,
    #[error("subject attribute `{0}` stands twice")]
    AttributeTwice(String),
    #[error("its subject is empty, and it has no critical alternative name")]
    Nameless,
    #[error("extension `{0}` is missing")]
    Missing(&'static str),
    #[error("extension `{0}` stands twice")]
    ExtensionTwice(String),
    #[error("extension `{0}` must be critical")]
    NotCritical(&'static str),
    #[error("extension `{0}` must not be critical")]
    Critical(String),
    #[error("extension `{0}` cannot be read")]
    Extension(&'static str),
    #[error("its key identifier is not that of its key")]
    KeyIdentifier,
    #[error("its authority key identifier is not that of its authority")]
    AuthorityKeyIdentifier,
    #[error("it says that it is an authority, and its profile does not")]
    IsAuthority,
    #[error("it says that it is no authority, and its profile says that it is")]
    IsNoAuthority,
    #[error("it leaves more room below it than its authority has")]
    PathLength,
    #[error("key usage `{0}` is for authorities only")]
    UsageOfAuthority(&'static str),
    #[error("key usage `{0}` is missing, which authorities need")]
    UsageMissing(&'static str),
    #[error("key usage is empty")]
    NoUsage,
    #[error("key usage `{0}` is impossible with its kind of key")]
    UsageOfKey(&'static str),
    #[error("purpose `{purpose}` needs another key usage")]
    PurposeWithoutUsage { purpose: String },
    #[error("purpose `{purpose}` is never given")]
    Purpose { purpose: String },
    #[error("purpose `{purpose}` is not one that its authority may give")]
    PurposeOfIssuer { purpose: String },
    #[error("policy `{0}` stands twice")]
    PolicyTwice(String),
    #[error("there is an empty list in extension `{0}`")]
    Empty(&'static str),
    #[error("alternative name `{name}` {why}")]
    Name { name: String, why: &'static str },
    #[error("`{0}` is no http URL")]
    Url(String),
}

/// The first rule that it breaks, if there is one.
pub(super) fn check(tbs_der: &[u8], profile: &Profile, csr: &Csr, issuer: &Issuer) -> Result<(), Finding> {
    /// The signature is to come: what readers take, less the largest.
    const BYTES_MAX: usize = muster_x509::CERTIFICATE_BYTES_MAX - 1024;
    if tbs_der.len() > BYTES_MAX {
        return Err(Finding::TooLarge(tbs_der.len()));
    }
    let tbs = Tbs::read(tbs_der)?;
    let subject = tbs.subject.decode_as::<Name>().map_err(|error| Finding::Unreadable(error.to_string()))?;
    fields::check(&tbs, &subject, profile, csr, issuer)?;
    extensions::check(&tbs, profile, csr, issuer)?;
    names::check(&tbs, &subject)
}

#[cfg(test)]
mod tests;
