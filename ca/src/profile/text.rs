//! Profiles as they are written: TOML, each field judged with what to do about it. Pure.

use serde::Deserialize;
use x509_cert::{
    der::{
        Decode,
        asn1::{AnyRef, ObjectIdentifier},
        flagset::FlagSet,
        oid::db::rfc5280 as oid,
    },
    ext::pkix::KeyUsages,
};

use muster_x509::NAMES_MAX;

use super::{
    CsrRule, FixedExtension, KeyFamily, KeyRule, Kind, LifeRule, NamePattern, OfAnother, PastIssuer, Profile,
    ProfileId, RenewalKeys, RenewalRule, Surplus, Usage,
    alternative_name::NameTemplate,
    asked::TAKEABLE,
    attribute::{AttributeTemplate, shown},
    life::{BACKDATE_MAX, Life, parse_duration},
    object_identifiers::policy,
};

/// A profile is a page.
pub(crate) const PROFILE_BYTES_MAX: usize = 16 * 1024;
const NAME_BYTES_MAX: usize = 40;
const TITLE_BYTES_MAX: usize = 200;
/// One standard extension or another is enough for what a certificate is for.
const EXTENSIONS_MAX: usize = 16;
const EXTENSION_BYTES_MAX: usize = 1024;

/// Extensions that have a field of their own here, or that the authority alone may give.
const OWN_EXTENSIONS: [&str; 2] = ["2.5.29.", "1.3.6.1.5.5.7.1.1"];

/// Why a text is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    #[error("profile of {0} bytes is longer than the {PROFILE_BYTES_MAX} allowed: shorten it")]
    TooLong(usize),
    #[error("profile cannot be read: {0}")]
    Toml(String),
    #[error(
        "profile name `{0}` is not one: use lower-case letters, digits and hyphens, at most {NAME_BYTES_MAX}, beginning with a letter"
    )]
    Name(String),
    #[error("field `{field}` of the profile has the value `{value}`: {fix}")]
    Field { field: &'static str, value: String, fix: &'static str },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    subject: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    names_required: bool,
    #[serde(default)]
    scope: Vec<String>,
    policy: Option<String>,
    authority: Option<AuthorityText>,
    key: KeyText,
    usage: UsageText,
    life: LifeText,
    #[serde(default)]
    csr: CsrText,
    renewal: Option<RenewalText>,
    #[serde(default)]
    extension: Vec<ExtensionText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityText {
    path_length: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    kinds: Vec<KeyFamily>,
    #[serde(default)]
    of_another: OfAnother,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageText {
    key: Vec<String>,
    #[serde(default)]
    key_rsa: Vec<String>,
    #[serde(default)]
    extended: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifeText {
    r#for: String,
    backdate: Option<String>,
    #[serde(default)]
    past_issuer: PastIssuer,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct CsrText {
    #[serde(default)]
    take: Vec<String>,
    #[serde(default)]
    surplus: Surplus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenewalText {
    #[serde(default)]
    keys: RenewalKeys,
    grace: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtensionText {
    oid: String,
    /// Hexadecimal, the contents of the OCTET STRING.
    der: String,
}

impl Profile {
    /// Reads a profile, to be that version of its name.
    pub fn parse(source: &str, version: u32) -> Result<Self, ProfileError> {
        if source.len() > PROFILE_BYTES_MAX {
            return Err(ProfileError::TooLong(source.len()));
        }
        let text: Text = toml::from_str(source).map_err(|error| ProfileError::Toml(error.to_string()))?;
        if !is_name(&text.name) {
            return Err(ProfileError::Name(shown(&text.name)));
        }
        if text.title.len() > TITLE_BYTES_MAX {
            return Err(field("title", &text.title, "shorten it"));
        }
        let policy = match &text.policy {
            Some(given) => object_identifier("policy", given)?,
            None => policy(&text.name, version)
                .ok_or_else(|| field("policy", &text.name, "name an object identifier"))?,
        };
        let profile = Self {
            id: ProfileId { name: text.name, version },
            title: text.title,
            source: source.to_owned(),
            policy,
            kind: text
                .authority
                .map_or(Kind::EndEntity, |AuthorityText { path_length }| Kind::Authority { path_length }),
            subject: lines("subject", &text.subject, AttributeTemplate::parse)?,
            names: lines("names", &text.names, NameTemplate::parse)?,
            names_required: text.names_required,
            scope: lines("scope", &text.scope, NamePattern::parse)?,
            key: key(text.key)?,
            usage: usage(&text.usage)?,
            life: life(&text.life)?,
            csr: csr(text.csr)?,
            renewal: text.renewal.map(|text| renewal(&text)).transpose()?,
            extensions: extensions(&text.extension)?,
        };
        profile.check_lists()?;
        Ok(profile)
    }

    /// A line with two facts of many values would be as many lines as both multiplied.
    fn check_lists(&self) -> Result<(), ProfileError> {
        let fix = "name at most one fact that is a list in a line, and none in the subject";
        if self.subject.iter().any(|line| line.lists() > 0) {
            return Err(field("subject", &self.id.name, fix));
        }
        if self.names.iter().any(|line| line.lists() > 1) {
            return Err(field("names", &self.id.name, fix));
        }
        Ok(())
    }
}

fn field(field: &'static str, value: &str, fix: &'static str) -> ProfileError {
    ProfileError::Field { field, value: shown(value), fix }
}

pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(plain)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
}

fn lines<T>(
    name: &'static str,
    lines: &[String],
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ProfileError> {
    if lines.len() > NAMES_MAX {
        return Err(field(name, &lines.len().to_string(), "write fewer lines"));
    }
    let parse = |line: &String| {
        parse(line)
            .ok_or_else(|| field(name, line, "write `CN={common_name}`, `DNS:{dns_names?}` or the like"))
    };
    lines.iter().map(parse).collect()
}

fn object_identifier(name: &'static str, text: &str) -> Result<ObjectIdentifier, ProfileError> {
    ObjectIdentifier::new(text)
        .map_err(|_| field(name, text, "write an object identifier, as in `1.3.6.1.4.1.32473.1`"))
}

fn key(text: KeyText) -> Result<KeyRule, ProfileError> {
    if text.kinds.is_empty() {
        return Err(field("key.kinds", "", "name at least one of p256, p384, p521, ed25519 and rsa"));
    }
    Ok(KeyRule { kinds: text.kinds, of_another: text.of_another })
}

fn usage(text: &UsageText) -> Result<Usage, ProfileError> {
    let bits = |name, words: &[String]| {
        words.iter().try_fold(FlagSet::default(), |bits, word| {
            let bit =
                key_usage(word).ok_or_else(|| field(name, word, "write `digital-signature` or the like"))?;
            Ok(bits | bit)
        })
    };
    let purpose = |word: &String| match word.as_str() {
        "client-auth" => Ok(oid::ID_KP_CLIENT_AUTH),
        "server-auth" => Ok(oid::ID_KP_SERVER_AUTH),
        "code-signing" => Ok(oid::ID_KP_CODE_SIGNING),
        "email-protection" => Ok(oid::ID_KP_EMAIL_PROTECTION),
        other => object_identifier("usage.extended", other),
    };
    let usage = Usage {
        key: bits("usage.key", &text.key)?,
        key_rsa: bits("usage.key_rsa", &text.key_rsa)?,
        extended: text.extended.iter().map(purpose).collect::<Result<_, _>>()?,
    };
    if usage.key.is_empty() {
        return Err(field("usage.key", "", "name at least one use, as in `digital-signature`"));
    }
    Ok(usage)
}

fn key_usage(word: &str) -> Option<KeyUsages> {
    Some(match word {
        "digital-signature" => KeyUsages::DigitalSignature,
        "non-repudiation" => KeyUsages::NonRepudiation,
        "key-encipherment" => KeyUsages::KeyEncipherment,
        "data-encipherment" => KeyUsages::DataEncipherment,
        "key-agreement" => KeyUsages::KeyAgreement,
        "key-cert-sign" => KeyUsages::KeyCertSign,
        "crl-sign" => KeyUsages::CRLSign,
        _ => return None,
    })
}

fn life(text: &LifeText) -> Result<LifeRule, ProfileError> {
    const FIX: &str = "write `90d`, `12h`, `5m` or `endless`";
    let life = Life::parse(&text.r#for).ok_or_else(|| field("life.for", &text.r#for, FIX))?;
    if let Life::For(span) = life
        && span.as_secs() < 60
    {
        return Err(field("life.for", &text.r#for, "give at least a minute"));
    }
    let backdate = text.backdate.as_deref().unwrap_or("5m");
    let span = parse_duration(backdate).filter(|span| *span <= BACKDATE_MAX);
    let backdate = span.ok_or_else(|| field("life.backdate", backdate, "write `5m`, at most a day"))?;
    if let Life::For(span) = life
        && span <= backdate
    {
        return Err(field("life.for", &text.r#for, "let it last longer than it is backdated"));
    }
    Ok(LifeRule { life, backdate, past_issuer: text.past_issuer })
}

fn csr(text: CsrText) -> Result<CsrRule, ProfileError> {
    match text.take.iter().find(|fact| !TAKEABLE.contains(&fact.as_str())) {
        Some(fact) => Err(field("csr.take", fact, "name facts that a request has, as in `common_name`")),
        None => Ok(CsrRule { take: text.take, surplus: text.surplus }),
    }
}

fn renewal(text: &RenewalText) -> Result<RenewalRule, ProfileError> {
    let grace = text.grace.as_deref().unwrap_or("0d");
    let span =
        parse_duration(grace).ok_or_else(|| field("renewal.grace", grace, "write `30d` or the like"))?;
    Ok(RenewalRule { keys: text.keys, grace: span })
}

fn extensions(texts: &[ExtensionText]) -> Result<Vec<FixedExtension>, ProfileError> {
    if texts.len() > EXTENSIONS_MAX {
        return Err(field("extension", &texts.len().to_string(), "write fewer"));
    }
    let extension = |text: &ExtensionText| {
        let own = OWN_EXTENSIONS.iter().any(|own| text.oid.starts_with(own));
        if own || [super::GENERATION, super::HOLDER].iter().any(|own| text.oid == own.to_string()) {
            return Err(field("extension.oid", &text.oid, "it is written by the authority itself"));
        }
        let oid = object_identifier("extension.oid", &text.oid)?;
        let value_der = hex::decode(&text.der).ok().filter(|der| der.len() <= EXTENSION_BYTES_MAX);
        let value_der = value_der.filter(|der| AnyRef::from_der(der).is_ok()).ok_or_else(|| {
            field("extension.der", &text.der, "write hexadecimal DER of at most 1024 bytes")
        })?;
        Ok(FixedExtension { oid, value_der })
    };
    texts.iter().map(extension).collect()
}
