//! Grants: who may ask which authority for certificates of which profile, with which names, how many, how fast. Pure.

use jiff::Timestamp;

use crate::hierarchy::AuthorityId;

/// Without one that fits, the answer is no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: String,
    /// A [`super::Credential`] as it is written, `policy:factory`, or its beginning with a `*` after it.
    pub to: String,
    pub authority: AuthorityId,
    /// A profile's name, of whatever version.
    pub profile: String,
    /// Every name that is asked for fits one of these: `*` is any run of characters, `{caller}` the caller's name.
    pub names: Vec<String>,
    pub quota: Quota,
    pub rate: Option<Rate>,
    /// A factory's order has an end.
    pub until: Option<Timestamp>,
}

/// How many certificates; what is none is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    pub per_hour: Option<u64>,
    pub per_day: Option<u64>,
    pub total: Option<u64>,
}

/// How fast a caller may ask: evenly, but for a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_minute: u32,
    pub burst: u32,
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
    #[error(
        "grant `{grant}` has no certificate left of its {limit} {period}: wait, or ask an operator for more"
    )]
    Quota { grant: String, limit: u64, period: &'static str, retry_after_s: Option<u64> },
    #[error("`{credential}` asks too fast: try again in {retry_after_s} s")]
    TooFast { credential: String, retry_after_s: u64 },
}
