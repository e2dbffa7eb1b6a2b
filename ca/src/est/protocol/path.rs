//! Which operation of which label a path is (RFC 7030 section 3.2.2). Pure.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::est::DEFAULT_LABEL;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    CaCerts,
    SimpleEnroll,
    SimpleReenroll,
    ServerKeygen,
    CsrAttrs,
}

/// Where EST stands on a host.
pub(super) const START: &str = "/.well-known/est/";

/// As the request has it, not decoded. None for what there is not: fullcmc is not offered.
pub(super) fn read(path: &str) -> Option<(Cow<'_, str>, Operation)> {
    let below = path.strip_prefix(START)?;
    let (label, operation) = below.split_once('/').unwrap_or((DEFAULT_LABEL, below));
    let operation = match operation {
        "cacerts" => Operation::CaCerts,
        "simpleenroll" => Operation::SimpleEnroll,
        "simplereenroll" => Operation::SimpleReenroll,
        "serverkeygen" => Operation::ServerKeygen,
        "csrattrs" => Operation::CsrAttrs,
        _ => return None,
    };
    // Of one segment: a slash that is encoded is none.
    Some((percent_decode_str(label).decode_utf8().ok()?, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_operation_of_a_label_or_of_the_default_one() {
        for (path, label, operation) in [
            ("cacerts", "default", Operation::CaCerts),
            ("lab1/simpleenroll", "lab1", Operation::SimpleEnroll),
            ("lab1/simplereenroll", "lab1", Operation::SimpleReenroll),
            ("lab1/serverkeygen", "lab1", Operation::ServerKeygen),
            ("lab1/csrattrs", "lab1", Operation::CsrAttrs),
            ("l%61b1/csrattrs", "lab1", Operation::CsrAttrs),
            ("a%2Fb/csrattrs", "a/b", Operation::CsrAttrs),
            ("/cacerts", "", Operation::CaCerts),
        ] {
            assert_eq!(read(&format!("{START}{path}")), Some((label.into(), operation)), "{path}");
        }
        for path in
            ["", "lab1", "lab1/", "lab1/fullcmc", "a/b/cacerts", "cacerts/", "a%2Fcacerts", "%ff/cacerts"]
        {
            assert_eq!(read(&format!("{START}{path}")), None, "{path}");
        }
        assert_eq!(read("/.well-known/est"), None);
    }
}
