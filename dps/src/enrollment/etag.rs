//! ETags, and what `If-Match` makes of a write (dps.md §7.2).

use std::fmt;

/// Kept without the quotes; the contract's JSON has them inside the string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Etag(String);

/// `If-Match`, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// No header: a PUT may only create.
    Absent,
    /// `*`
    Any,
    Matches(Etag),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ETag is invalid")]
pub(crate) struct EtagUnreadable;

/// What a PUT comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Create,
    Replace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfulfilled {
    Exists,
    NotFound,
    Changed,
}

impl Etag {
    /// 64 random bits: two writes of one thing never meet the same.
    pub(crate) fn random(entropy: &dyn Fn(&mut [u8])) -> Self {
        let mut bytes = [0; 8];
        entropy(&mut bytes);
        Self(hex::encode(bytes))
    }

    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// With quotes: `"…"`, as in headers and in the contract's JSON.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Precondition {
    /// People pass ETags without their quotes, and proxies make them weak; both are read as meant.
    pub(crate) fn parse(header: Option<&str>) -> Result<Self, EtagUnreadable> {
        let Some(header) = header else { return Ok(Self::Absent) };
        let bare = header.trim().trim_start_matches("W/");
        let bare = bare.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')).unwrap_or(bare);
        match bare {
            "*" => Ok(Self::Any),
            "" => Err(EtagUnreadable),
            _ if bare.contains(['"', ',', ' ']) => Err(EtagUnreadable),
            _ => Ok(Self::Matches(Etag(bare.to_owned()))),
        }
    }
}

pub(crate) fn decide_put(existing: Option<&Etag>, precondition: &Precondition) -> Result<Write, Unfulfilled> {
    match (existing, precondition) {
        (None, Precondition::Absent | Precondition::Any) => Ok(Write::Create),
        (None, Precondition::Matches(_)) => Err(Unfulfilled::NotFound),
        (Some(_), Precondition::Absent) => Err(Unfulfilled::Exists),
        (Some(_), Precondition::Any) => Ok(Write::Replace),
        (Some(existing), Precondition::Matches(wanted)) if existing == wanted => Ok(Write::Replace),
        (Some(_), Precondition::Matches(_)) => Err(Unfulfilled::Changed),
    }
}

/// Without `If-Match` a DELETE is unconditional.
pub(crate) fn decide_delete(existing: Option<&Etag>, precondition: &Precondition) -> Result<(), Unfulfilled> {
    match (existing, precondition) {
        (None, _) => Err(Unfulfilled::NotFound),
        (Some(_), Precondition::Absent | Precondition::Any) => Ok(()),
        (Some(existing), Precondition::Matches(wanted)) if existing == wanted => Ok(()),
        (Some(_), Precondition::Matches(_)) => Err(Unfulfilled::Changed),
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
