//! How long an answer may be kept, and whether who asks has it already (RFC 9110, RFC 9111). Pure.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::{Timestamp, tz::TimeZone};

use crate::log::sha256;

/// By what bytes are told apart from those before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    etag: String,
    modified: Timestamp,
}

impl Tag {
    /// Of these bytes, which stand since `modified`.
    pub(crate) fn new(bytes: &[u8], modified: Timestamp) -> Self {
        let hash = sha256(&[bytes]);
        let (start, _) = hash.split_at(16);
        Self { etag: format!("\"{}\"", hex::encode(start)), modified }
    }

    /// What caches are told, which may keep it from `now` on until it `expires`.
    pub(super) fn put(&self, headers: &mut HeaderMap, expires: Timestamp, now: Timestamp) {
        let seconds = expires.duration_since(now).as_secs().max(0);
        let cache = format!("max-age={seconds}, public, no-transform, must-revalidate");
        let fields = [
            (header::CACHE_CONTROL, cache),
            (header::ETAG, self.etag.clone()),
            (header::LAST_MODIFIED, http_date(self.modified)),
            (header::EXPIRES, http_date(expires)),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }

    /// Whether who asks has these very bytes. A date says less than a tag, so it is only looked at without one (RFC 9110
    /// section 13.2.2).
    pub(super) fn is_known(&self, asked: &HeaderMap) -> bool {
        let text = |name| asked.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        match (text(header::IF_NONE_MATCH), text(header::IF_MODIFIED_SINCE)) {
            (Some(tags), _) => tags.split(',').any(|tag| {
                let tag = tag.trim();
                tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag
            }),
            (None, Some(since)) => since == http_date(self.modified),
            (None, None) => false,
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workshop::{DAY, now};

    fn asked(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn caches_are_told_until_when() {
        let mut headers = HeaderMap::new();
        let tag = Tag::new(b"crl", now());
        tag.put(&mut headers, now() + DAY, now());
        let header = |name| headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(header("cache-control"), "max-age=86400, public, no-transform, must-revalidate");
        assert_eq!(header("last-modified"), "Fri, 20 Nov 2026 12:00:00 GMT");
        assert_eq!(header("expires"), "Sat, 21 Nov 2026 12:00:00 GMT");
        assert_eq!(header("etag").len(), 34);
        tag.put(&mut headers, now(), now() + DAY);
        let cache = headers.get("cache-control").unwrap();
        assert!(cache.to_str().unwrap().starts_with("max-age=0, "));
    }

    #[test]
    fn who_has_it_is_known_by_tag_or_by_date() {
        let tag = Tag::new(b"crl", now());
        let etag = tag.etag.as_str();
        for tags in [etag, "*", &format!("W/{etag}"), &format!("\"other\", {etag}")] {
            assert!(tag.is_known(&asked(header::IF_NONE_MATCH, tags)), "{tags}");
        }
        let mut both = asked(header::IF_NONE_MATCH, "\"other\"");
        let date = "Fri, 20 Nov 2026 12:00:00 GMT";
        assert!(tag.is_known(&asked(header::IF_MODIFIED_SINCE, date)));
        both.extend(asked(header::IF_MODIFIED_SINCE, date));
        assert!(!tag.is_known(&both));
        assert!(!tag.is_known(&HeaderMap::new()));
    }
}
