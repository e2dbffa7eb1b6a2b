//! Revocation lists of other people's authorities: fetched only from where the operator says they are published, never from
//! an address that stands in a certificate, which would let a device choose what this server connects to (pki.md §11).
//!
//! A list counts when the key of the stored certificate signed it. It is kept, and never replaced by an older one. What is on
//! it is refused at registration, also when the list is out of date, and by those who ask for their sessions ([`Rolls`]); what
//! a missing or outdated list means for all others who register is the operator's choice ([`Check`]).

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use http::Uri;
use jiff::Timestamp;
use muster_x509::VerifiedCrl;

mod judge;
mod rolls;
mod schedule;
mod service;
mod show;
pub(crate) mod sql;

pub(crate) use judge::{Condemned, unlisted_leaf, unlisted_path};
pub(crate) use rolls::Rolls;
pub(crate) use show::show;

/// One certificate's lists: shards of an authority, or a mirror.
pub(crate) const URLS_MAX: usize = 8;
/// All certificates together: each list stays in memory, up to [`muster_x509::CRL_BYTES_MAX`] of it.
pub(crate) const FEEDS_MAX: usize = 64;
/// Longer than any address in use, short enough to be shown.
const URL_CHARACTERS_MAX: usize = 1000;

/// Gets what is published at an address, unless that is still what came with these validators: `muster` owns the HTTP client,
/// and its limits of size, time and redirects.
pub type Fetch =
    Arc<dyn Fn(CrlUrl, Validators) -> BoxFuture<'static, Result<Fetched, FetchFailed>> + Send + Sync>;

/// By what a server tells whether it has another list by now (RFC 9110 section 8.8), as it sent them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    List {
        bytes: Vec<u8>,
        validators: Validators,
    },
    /// What came last is what there is. That makes it no newer: its own dates stand.
    Unchanged,
}

/// Why nothing came, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchFailed(pub String);

/// An address of plain HTTP or HTTPS that an operator has set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrlUrl(String);

/// What a list that is missing or out of date means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Check {
    /// The last list known counts; devices are let in, and the trace says how old it is.
    #[default]
    BestEffort,
    /// Nobody is let in without a list that counts today.
    Require,
}

/// What is known of one certificate's lists.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crls {
    pub(crate) check: Check,
    pub(crate) feeds: Vec<Feed>,
}

/// One address, and what came from it.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) url: CrlUrl,
    pub(crate) list: Option<VerifiedCrl>,
    pub(crate) fetched: Option<Timestamp>,
    pub(crate) tried: Option<Timestamp>,
    pub(crate) due: Timestamp,
    /// Why the last attempt brought nothing.
    pub(crate) problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("has more than {URL_CHARACTERS_MAX} characters, no list is published at such an address")]
    TooLong,
    #[error("`{0}` is not an address, write `http://host/path` or `https://host/path`")]
    Unreadable(String),
    #[error("`{0}` is neither HTTP nor HTTPS, write `http://host/path` or `https://host/path`")]
    Scheme(String),
    #[error("has a user name in it, which would be sent to whoever answers: leave it out")]
    UserInfo,
    #[error("is a mistake of spelling: {0} is unknown, use `bestEffort` or `require`")]
    Check(String),
}

impl CrlUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > URL_CHARACTERS_MAX {
            return Err(UrlError::TooLong);
        }
        let unreadable = || UrlError::Unreadable(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| unreadable())?;
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(_) => return Err(UrlError::Scheme(text.to_owned())),
            None => return Err(unreadable()),
        }
        match authority {
            None => Err(unreadable()),
            Some(authority) if authority.as_str().contains('@') => Err(UrlError::UserInfo),
            Some(_) => Ok(Self(uri.to_string())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Check {
    pub(crate) fn parse(text: &str) -> Result<Self, UrlError> {
        match text {
            _ if text.eq_ignore_ascii_case(Self::BestEffort.as_str()) => Ok(Self::BestEffort),
            _ if text.eq_ignore_ascii_case(Self::Require.as_str()) => Ok(Self::Require),
            other => Err(UrlError::Check(format!("`{other}`"))),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BestEffort => "bestEffort",
            Self::Require => "require",
        }
    }
}

impl Crls {
    /// As set by an operator; nothing was fetched yet.
    pub(crate) fn set(check: Check, urls: impl IntoIterator<Item = CrlUrl>, now: Timestamp) -> Self {
        let feed = |url| Feed { url, list: None, fetched: None, tried: None, due: now, problem: None };
        Self { check, feeds: urls.into_iter().map(feed).collect() }
    }
}

impl fmt::Display for CrlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
