//! Which names may be asked for: `pump-*`, `*.factory.example`, `{caller}`. Pure.

use std::fmt;

const PATTERN_BYTES_MAX: usize = 256;
const CALLER: &str = "{caller}";

/// `*` is any run of characters, `{caller}` the caller's name. Case is no difference: names of devices and hosts do not
/// differ by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=PATTERN_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        let braces = text.replace(CALLER, "").contains(['{', '}']);
        (fits && !braces).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn fits(&self, name: &str, caller: &str) -> bool {
        // The caller's name stands for itself, whatever is in it.
        let name = name.to_ascii_lowercase();
        let pattern = self.0.to_ascii_lowercase();
        let pieces: Vec<String> =
            pattern.split('*').map(|piece| piece.replace(CALLER, &caller.to_ascii_lowercase())).collect();
        let [first, middle @ .., last] = pieces.as_slice() else {
            return pieces.first().is_some_and(|only| *only == name);
        };
        let Some(mut rest) = name.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            let Some(at) = rest.find(piece.as_str()) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        NamePattern::parse(pattern).unwrap().fits(name, "Pump*1")
    }

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, name) in [
            ("*", "x"),
            ("*", ""),
            ("pump-*", "PUMP-1"),
            ("*.a.example", "x.a.example"),
            ("a*b*c", "a-b-b-c"),
            ("x", "X"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("pump-*", "pumps-1"),
            ("*.a.example", "a.example"),
            ("a*b*c", "a-c"),
            ("x", "xy"),
            ("ab*bc", "abc"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_callers_name_is_itself_and_no_pattern() {
        assert!(fits("{caller}", "pump*1"));
        assert!(fits("{caller}/*", "pump*1/a"));
        assert!(!fits("{caller}", "pump-1"));
    }

    #[test]
    fn a_pattern_has_no_other_braces() {
        for text in ["", "{device}", "{", "a}", "x\0y"] {
            assert_eq!(NamePattern::parse(text), None, "{text}");
        }
    }
}
