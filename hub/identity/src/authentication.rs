//! How a device proves who it is, and the JSON in which a back end says so (hub-service.md §2.3, §2.4).

use muster_sas::{Key, KeyError};
use muster_x509::{Thumbprint, ThumbprintError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::{Entropy, device_key};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// A token signed with either key.
    Sas { primary: Key, secondary: Key },
    /// A certificate with either thumbprint; neither is allowed, and then nothing gets in.
    SelfSigned { primary: Option<Thumbprint>, secondary: Option<Thumbprint> },
    /// A certificate issued by an authority the hub trusts, in the device's name.
    CertificateAuthority,
}

/// What a request asks for: keys that are left out are the hub's to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedAuthentication {
    GenerateKeys,
    Given(Authentication),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    #[error("`authentication`: {reason}")]
    Shape { reason: String },
    #[error("`authentication.type` is `{found}`, use `sas`, `selfSigned` or `certificateAuthority`")]
    Type { found: String },
    #[error(
        "`authentication.type` is `none`, which a device cannot have, use `sas`, `selfSigned` or `certificateAuthority`"
    )]
    TypeNone,
    #[error("`authentication.symmetricKey` has one key, either no keys or both keys can be set")]
    OneKey,
    #[error("`authentication.symmetricKey.{field}`: {error}")]
    Key { field: &'static str, error: KeyError },
    #[error("`authentication.x509Thumbprint.{field}`: {error}")]
    Thumbprint { field: &'static str, error: ThumbprintError },
}

/// The JSON as it stands; absent, null and empty mean the same, as Node sends empty strings for "please generate".
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Raw {
    r#type: Option<String>,
    symmetric_key: Option<RawKeys>,
    #[serde(rename = "x509Thumbprint")]
    x509_thumbprint: Option<RawThumbprints>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawKeys {
    primary_key: Option<String>,
    secondary_key: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawThumbprints {
    primary_thumbprint: Option<String>,
    secondary_thumbprint: Option<String>,
}

impl RequestedAuthentication {
    /// Takes the member `authentication` of a device, `None` and null when it was left out.
    pub fn parse(json: Option<&Value>) -> Result<Self, AuthenticationError> {
        let raw = match json {
            None => Raw::default(),
            Some(json) => Option::<Raw>::deserialize(json)
                .map_err(|error| AuthenticationError::Shape { reason: error.to_string() })?
                .unwrap_or_default(),
        };
        match raw.kind()? {
            Kind::Sas => keys(raw.symmetric_key.unwrap_or_default()),
            Kind::SelfSigned => thumbprints(raw.x509_thumbprint.unwrap_or_default()).map(Self::Given),
            Kind::CertificateAuthority => Ok(Self::Given(Authentication::CertificateAuthority)),
        }
    }

    /// With keys made now where none were given.
    pub fn settle(self, entropy: &Entropy) -> Authentication {
        match self {
            Self::Given(authentication) => authentication,
            Self::GenerateKeys => {
                Authentication::Sas { primary: device_key(entropy), secondary: device_key(entropy) }
            }
        }
    }
}

enum Kind {
    Sas,
    SelfSigned,
    CertificateAuthority,
}

impl Raw {
    /// Old clients leave `type` out; then a thumbprint tells.
    fn kind(&self) -> Result<Kind, AuthenticationError> {
        let found = self.r#type.as_deref().unwrap_or_default();
        match found.to_ascii_lowercase().as_str() {
            "" if self.x509_thumbprint.as_ref().is_some_and(RawThumbprints::is_given) => Ok(Kind::SelfSigned),
            "" | "sas" => Ok(Kind::Sas),
            "selfsigned" => Ok(Kind::SelfSigned),
            "certificateauthority" => Ok(Kind::CertificateAuthority),
            "none" => Err(AuthenticationError::TypeNone),
            _ => Err(AuthenticationError::Type { found: found.to_owned() }),
        }
    }
}

impl RawThumbprints {
    fn is_given(&self) -> bool {
        given(&self.primary_thumbprint).or(given(&self.secondary_thumbprint)).is_some()
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn keys(raw: RawKeys) -> Result<RequestedAuthentication, AuthenticationError> {
    let key = |field, text| Key::from_base64(text).map_err(|error| AuthenticationError::Key { field, error });
    match (given(&raw.primary_key), given(&raw.secondary_key)) {
        (None, None) => Ok(RequestedAuthentication::GenerateKeys),
        (Some(primary), Some(secondary)) => Ok(RequestedAuthentication::Given(Authentication::Sas {
            primary: key("primaryKey", primary)?,
            secondary: key("secondaryKey", secondary)?,
        })),
        (Some(_), None) | (None, Some(_)) => Err(AuthenticationError::OneKey),
    }
}

fn thumbprints(raw: RawThumbprints) -> Result<Authentication, AuthenticationError> {
    let thumbprint = |field, text| {
        let parsed = given(text).map(Thumbprint::parse).transpose();
        parsed.map_err(|error| AuthenticationError::Thumbprint { field, error })
    };
    Ok(Authentication::SelfSigned {
        primary: thumbprint("primaryThumbprint", &raw.primary_thumbprint)?,
        secondary: thumbprint("secondaryThumbprint", &raw.secondary_thumbprint)?,
    })
}

impl Authentication {
    /// `sas`, `selfSigned`, `certificateAuthority`
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Sas { .. } => "sas",
            Self::SelfSigned { .. } => "selfSigned",
            Self::CertificateAuthority => "certificateAuthority",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    symmetric_key: WrittenKeys<'a>,
    #[serde(rename = "x509Thumbprint")]
    x509_thumbprint: WrittenThumbprints<'a>,
    r#type: &'static str,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenKeys<'a> {
    primary_key: Option<&'a str>,
    secondary_key: Option<&'a str>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenThumbprints<'a> {
    primary_thumbprint: Option<&'a Thumbprint>,
    secondary_thumbprint: Option<&'a Thumbprint>,
}

/// With the keys: for the store, and for callers allowed to read them. Every member is there, as the original sends it.
impl Serialize for Authentication {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = |symmetric_key: WrittenKeys<'_>, x509_thumbprint: WrittenThumbprints<'_>| {
            Written { symmetric_key, x509_thumbprint, r#type: self.type_name() }.serialize(serializer)
        };
        match self {
            Self::Sas { primary, secondary } => {
                let (primary, secondary) = (primary.to_base64(), secondary.to_base64());
                let keys = WrittenKeys { primary_key: Some(&primary), secondary_key: Some(&secondary) };
                written(keys, WrittenThumbprints::default())
            }
            Self::SelfSigned { primary, secondary } => {
                let (primary_thumbprint, secondary_thumbprint) = (primary.as_ref(), secondary.as_ref());
                written(
                    WrittenKeys::default(),
                    WrittenThumbprints { primary_thumbprint, secondary_thumbprint },
                )
            }
            Self::CertificateAuthority => written(WrittenKeys::default(), WrittenThumbprints::default()),
        }
    }
}

/// For what was stored: nothing may be left to be made.
impl<'de> Deserialize<'de> for Authentication {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match RequestedAuthentication::parse(Some(&Value::deserialize(deserializer)?))
            .map_err(de::Error::custom)?
        {
            RequestedAuthentication::Given(authentication) => Ok(authentication),
            RequestedAuthentication::GenerateKeys => Err(de::Error::custom("`authentication` has no keys")),
        }
    }
}
