//! Profiles: what certificates of a kind look like, and the rules that turn a request into one.
//!
//! A profile is a text (TOML, see `ca/profiles/`); its versions are never changed, only followed by another.

mod alternative_name;
mod asked;
mod attribute;
mod built_in;
mod demands;
mod extensions;
mod issuer;
mod life;
mod lint;
mod object_identifiers;
mod pattern;
mod prepare;
mod refused;
mod service;
mod shelf;
mod sql;
mod tbs;
mod template;
mod text;

use std::fmt;

use jiff::SignedDuration;
use x509_cert::{
    der::{asn1::ObjectIdentifier, flagset::FlagSet},
    ext::pkix::KeyUsages,
};

pub use asked::Asked;
pub use issuer::Issuer;
pub use lint::Finding;
pub use object_identifiers::{GENERATION, HOLDER, PRIVATE_ARC};
pub use prepare::{Identity, Prepared, Wanted, prepare};
pub use refused::{EndOfLife, Refused};
pub use service::ProfileChangeError;
pub use text::ProfileError;

pub(crate) use asked::facts_asked;
pub(crate) use attribute::{common_name, serial_number, spelled};
pub(crate) use demands::Demand;
pub(crate) use extensions::value_of;
pub(crate) use object_identifiers::default_holder;
pub(crate) use service::Profiles;
pub(crate) use template::Template;
pub(crate) use text::is_name;

pub use pattern::NamePattern;

use alternative_name::NameTemplate;
use attribute::AttributeTemplate;
use life::Life;

/// A kind of certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub id: ProfileId,
    pub title: String,
    /// As it was written.
    pub source: String,
    /// Which profile, and which version of it, a certificate was issued by: stands in it as its policy.
    pub policy: ObjectIdentifier,
    pub(crate) kind: Kind,
    pub(crate) subject: Vec<AttributeTemplate>,
    pub(crate) names: Vec<NameTemplate>,
    pub(crate) names_required: bool,
    /// Every name that is asked for fits one of these; when there are none, any.
    pub(crate) scope: Vec<NamePattern>,
    pub(crate) key: KeyRule,
    pub(crate) usage: Usage,
    pub(crate) life: LifeRule,
    pub(crate) csr: CsrRule,
    pub(crate) renewal: Option<RenewalRule>,
    pub(crate) extensions: Vec<FixedExtension>,
}

/// A version of a profile: `device@3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProfileId {
    pub name: String,
    pub version: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    EndEntity,
    Authority { path_length: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRule {
    pub(crate) kinds: Vec<KeyFamily>,
    pub(crate) of_another: OfAnother,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyFamily {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa,
}

/// A key that has a certificate for another holder already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OfAnother {
    #[default]
    Refuse,
    Warn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) key: FlagSet<KeyUsages>,
    /// For RSA keys, those as well.
    pub(crate) key_rsa: FlagSet<KeyUsages>,
    pub(crate) extended: Vec<ObjectIdentifier>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LifeRule {
    pub(crate) life: Life,
    pub(crate) backdate: SignedDuration,
    pub(crate) past_issuer: PastIssuer,
}

/// When a certificate would last longer than its authority's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PastIssuer {
    #[default]
    Refuse,
    Truncate,
}

/// What is made of a certification request beside its key: nothing, unless a profile says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CsrRule {
    /// Facts that are taken from it when nobody else knows them.
    pub(crate) take: Vec<String>,
    pub(crate) surplus: Surplus,
}

/// What it asks for and does not get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Surplus {
    /// It is left out, and the answer says so.
    #[default]
    Remark,
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RenewalRule {
    pub(crate) keys: RenewalKeys,
    /// How long after its end a certificate is renewed for the same key.
    pub(crate) grace: SignedDuration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RenewalKeys {
    #[default]
    Any,
    New,
    Same,
}

/// An extension that is the same in every certificate of the profile. It is never critical: who does not know it must not
/// refuse the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FixedExtension {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) value_der: Vec<u8>,
}

/// id-kp-clientAuth.
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

impl Profile {
    /// Whether its certificates are shown by clients, and sign none themselves.
    pub fn is_for_clients(&self) -> bool {
        self.kind == Kind::EndEntity && self.usage.extended.contains(&CLIENT_AUTH)
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl fmt::Display for KeyFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::P521 => "p521",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        })
    }
}

#[cfg(test)]
mod tests;
