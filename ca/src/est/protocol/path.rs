//! Which operation of which label a path is (RFC 7030 section 3.2.2). Pure.

use crate::est::DEFAULT_LABEL;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    CaCerts,
    SimpleEnroll,
    SimpleReenroll,
    ServerKeygen,
    CsrAttrs,
}

/// None for what there is not: fullcmc is not offered.
pub(super) fn read(path: &str) -> Option<(&str, Operation)> {
    let (label, operation) = path.split_once('/').unwrap_or((DEFAULT_LABEL, path));
    let operation = match operation {
        "cacerts" => Operation::CaCerts,
        "simpleenroll" => Operation::SimpleEnroll,
        "simplereenroll" => Operation::SimpleReenroll,
        "serverkeygen" => Operation::ServerKeygen,
        "csrattrs" => Operation::CsrAttrs,
        _ => return None,
    };
    Some((label, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_operation_of_a_label_or_of_the_default_one() {
        assert_eq!(read("cacerts"), Some(("default", Operation::CaCerts)));
        assert_eq!(read("lab1/simpleenroll"), Some(("lab1", Operation::SimpleEnroll)));
        assert_eq!(read("lab1/simplereenroll"), Some(("lab1", Operation::SimpleReenroll)));
        assert_eq!(read("lab1/serverkeygen"), Some(("lab1", Operation::ServerKeygen)));
        assert_eq!(read("lab1/csrattrs"), Some(("lab1", Operation::CsrAttrs)));
        for path in ["", "lab1", "lab1/", "lab1/fullcmc", "a/b/cacerts", "cacerts/"] {
            assert_eq!(read(path), None, "{path}");
        }
    }
}
