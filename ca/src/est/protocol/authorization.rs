//! The header `Authorization`: Basic (RFC 7617) and Bearer (RFC 6750). Pure.

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use crate::est::entrance::Shown;

/// Longer than any user and password of ours in base64.
const BYTES_MAX: usize = 1024;

pub(super) fn read(header: &[u8]) -> Shown {
    try_read(header).unwrap_or(Shown::Unknown)
}

fn try_read(header: &[u8]) -> Option<Shown> {
    let text = std::str::from_utf8(header).ok().filter(|text| text.len() <= BYTES_MAX)?;
    let (scheme, rest) = text.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Shown::Bearer(Zeroizing::new(rest.to_owned())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(rest).ok()?);
    let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some(Shown::Basic { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_and_bearer_are_read_whatever_the_case_of_their_names() {
        // user:pass:word
        match read(b"basic dXNlcjpwYXNzOndvcmQ=") {
            Shown::Basic { user, password } => assert_eq!((&*user, &**password), ("user", "pass:word")),
            other => panic!("{other:?}"),
        }
        match read(b"BEARER  abc") {
            Shown::Bearer(token) => assert_eq!(&**token, "abc"),
            other => panic!("{other:?}"),
        }
        for other in
            ["", "Basic", "Basic ?", "Basic dXNlcg==", "Digest x", &format!("Bearer {}", "x".repeat(1024))]
        {
            assert!(matches!(read(other.as_bytes()), Shown::Unknown), "{other}");
        }
        assert!(!format!("{:?}", read(b"Basic dXNlcjpwYXNzOndvcmQ=")).contains("pass"));
    }
}
