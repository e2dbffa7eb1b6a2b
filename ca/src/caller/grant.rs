//! Grants: who may ask which authority for certificates of which profile, with which names, how many, how fast. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Caller;
use crate::{hierarchy::AuthorityId, profile::NamePattern};

const ID_BYTES_MAX: usize = 64;
const TO_BYTES_MAX: usize = 256;
/// One pattern a factory line, or a host.
const NAMES_MAX: usize = 64;
const ANY: &str = "*";
/// Somebody who may ask oftener is not limited.
const PER_MINUTE_MAX: u32 = 1_000_000;

/// Without one that fits, the answer is no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    #[serde(default)]
    pub id: String,
    /// A [`super::Credential`] as it is written, `policy:factory`, or its beginning with a `*` after it.
    pub to: String,
    /// An authority, or `*` for any.
    pub authority: String,
    /// A profile's name, of whatever version, or `*` for any.
    pub profile: String,
    /// Every name that is asked for fits one of these ([`NamePattern`]).
    pub names: Vec<String>,
    #[serde(default)]
    pub quota: Quota,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// A factory's order has an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// How many certificates; what is none is not limited. Hours and days are those of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Quota {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// How fast each caller may ask: evenly, but for a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    pub per_minute: u32,
    pub burst: u32,
}

/// A grant whose texts were read.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    pub(crate) grant: Grant,
    names: Vec<NamePattern>,
}

/// Why a grant is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` of the grant has the value `{value}`: {fix}")]
pub struct GrantError {
    pub field: &'static str,
    pub value: String,
    pub fix: &'static str,
}

/// Why a caller may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    #[error(
        "`{credential}` has no grant for profile `{profile}` of authority `{authority}`: ask an operator for one"
    )]
    NoGrant { credential: String, authority: AuthorityId, profile: String },
    #[error(
        "name `{name}` is outside of what `{credential}` may ask for: ask for another, or for a wider grant"
    )]
    Name { name: String, credential: String },
    #[error("grant `{grant}` ended at {until}: ask an operator for another")]
    Ended { grant: String, until: Timestamp },
    #[error("grant `{grant}` has no certificate left of {limit} {period}: wait, or ask an operator for more")]
    Quota { grant: String, limit: u64, period: &'static str, retry_after_s: Option<u64> },
    #[error("`{credential}` asks too fast: try again in {retry_after_s} s")]
    TooFast { credential: String, retry_after_s: u64 },
}

impl Permit {
    pub(crate) fn read(grant: Grant) -> Result<Self, GrantError> {
        let refused = |field, value: &str, fix| {
            let value = value.chars().filter(|char| !char.is_control()).take(TO_BYTES_MAX).collect();
            GrantError { field, value, fix }
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        if !(1..=ID_BYTES_MAX).contains(&grant.id.len()) || !grant.id.bytes().all(plain) {
            return Err(refused(
                "id",
                &grant.id,
                "use lower-case letters, digits, hyphens and dots, at most 64",
            ));
        }
        if !(1..=TO_BYTES_MAX).contains(&grant.to.len()) || grant.to.starts_with('*') {
            return Err(refused(
                "to",
                &grant.to,
                "write a credential, as in `policy:factory`, or `registration:*`",
            ));
        }
        if grant.authority != ANY && AuthorityId::parse(&grant.authority).is_err() {
            return Err(refused("authority", &grant.authority, "name an authority, or write `*` for any"));
        }
        if grant.profile != ANY && !crate::profile::is_name(&grant.profile) {
            let fix = "name a profile, without its version, or write `*` for any";
            return Err(refused("profile", &grant.profile, fix));
        }
        if !(1..=NAMES_MAX).contains(&grant.names.len()) {
            let given = grant.names.len().to_string();
            return Err(refused("names", &given, "give 1 to 64 patterns; `*` is any name"));
        }
        let pattern = |text: &String| {
            let fix = "write a name, with `*` for any run of characters, or `{caller}`";
            NamePattern::parse(text).ok_or_else(|| refused("names", text, fix))
        };
        let names = grant.names.iter().map(pattern).collect::<Result<_, _>>()?;
        if let Some(rate) = grant.rate
            && (rate.burst == 0 || !(1..=PER_MINUTE_MAX).contains(&rate.per_minute))
        {
            let given = format!("{} a minute, {} at once", rate.per_minute, rate.burst);
            return Err(refused("rate", &given, "give at least 1 of both"));
        }
        Ok(Self { grant, names })
    }

    pub(crate) fn is_for(&self, credential: &str, authority: &AuthorityId, profile: &str) -> bool {
        let to = match self.grant.to.strip_suffix('*') {
            Some(beginning) => credential.starts_with(beginning),
            None => credential == self.grant.to,
        };
        let covers = |granted: &str, wanted: &str| granted == ANY || granted == wanted;
        to && covers(&self.grant.authority, authority.as_str()) && covers(&self.grant.profile, profile)
    }

    /// Whether it holds at this hour, for all these names.
    pub(crate) fn check(&self, caller: &Caller, names: &[String], now: Timestamp) -> Result<(), NotGranted> {
        if let Some(until) = self.grant.until
            && until < now
        {
            return Err(NotGranted::Ended { grant: self.grant.id.clone(), until });
        }
        let fits = |name: &&String| self.names.iter().any(|pattern| pattern.fits(name, &caller.name));
        match names.iter().find(|name| !fits(name)) {
            Some(name) => {
                Err(NotGranted::Name { name: name.clone(), credential: caller.credential.to_string() })
            }
            None => Ok(()),
        }
    }
}
