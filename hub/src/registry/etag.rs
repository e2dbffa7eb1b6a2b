//! ETags: how they are written, and which spellings of `If-Match` are understood (hub-service.md §2.1, §2.13).

use base64::{Engine, prelude::BASE64_STANDARD};

/// Base64 of a decimal counter.
pub(crate) fn of_identity(counter: u64) -> String {
    BASE64_STANDARD.encode(counter.to_string())
}

/// Base64 of an eight-byte counter.
pub(crate) fn of_twin(counter: u64) -> String {
    BASE64_STANDARD.encode(counter.to_be_bytes())
}

/// What a client wants a resource to be before it is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    Any,
    Etag(String),
}

impl IfMatch {
    /// `*`, `"*"`, `"etag"`, `etag`: SDKs send all four.
    pub(crate) fn parse(header: &str) -> Self {
        let header = header.trim();
        let bare = header.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(header);
        match bare {
            "*" => Self::Any,
            etag => Self::Etag(etag.to_owned()),
        }
    }

    /// `Err` is what was given instead.
    pub(crate) fn judge(&self, existing: &str) -> Result<(), String> {
        match self {
            Self::Etag(given) if given != existing => Err(given.clone()),
            Self::Etag(_) | Self::Any => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_have_the_shape_of_the_original() {
        assert_eq!(of_identity(801_232_426), "ODAxMjMyNDI2");
        assert_eq!(of_twin(1), "AAAAAAAAAAE=");
    }

    #[test]
    fn every_spelling_of_if_match_is_understood() {
        let etag = || IfMatch::Etag("x+9B".to_owned());
        for (header, expected) in [
            ("*", IfMatch::Any),
            ("\"*\"", IfMatch::Any),
            ("\"x+9B\"", etag()),
            ("x+9B", etag()),
            (" \"x+9B\" ", etag()),
        ] {
            assert_eq!(IfMatch::parse(header), expected, "{header}");
        }
    }
}
