//! Why a certificate is revoked (RFC 5280 section 5.3.1), by name and by code. Pure.

use std::fmt;

/// Without certificateHold and removeFromCRL, which would take a revocation back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    Unspecified = 0,
    KeyCompromise = 1,
    CaCompromise = 2,
    AffiliationChanged = 3,
    Superseded = 4,
    CessationOfOperation = 5,
    PrivilegeWithdrawn = 9,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "reason `{0}` is not one to revoke for good: use unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn"
)]
pub struct UnknownReason(String);

/// Longer than any name: what is shown of a text that is none.
const SHOWN_CHARS_MAX: usize = 40;

impl Reason {
    pub const ALL: [Self; 7] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// As the standard spells it; people need not mind the case.
    pub fn parse(text: &str) -> Result<Self, UnknownReason> {
        let found = Self::ALL.into_iter().find(|reason| reason.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownReason(text.chars().take(SHOWN_CHARS_MAX).collect()))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }

    /// CRLReason, as it stands in CRLs and OCSP answers.
    pub fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| i64::from(reason.code()) == code)
    }

    /// An earlier reason stands; only that nobody gave one gives way to the one that matters most.
    pub(super) fn gives_way_to(self, later: Self) -> bool {
        self == Self::Unspecified && later == Self::KeyCompromise
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_the_names_and_codes_of_the_standard() {
        let table = Reason::ALL.map(|reason| (reason.code(), reason.as_str()));
        let expected = [
            (0, "unspecified"),
            (1, "keyCompromise"),
            (2, "cACompromise"),
            (3, "affiliationChanged"),
            (4, "superseded"),
            (5, "cessationOfOperation"),
            (9, "privilegeWithdrawn"),
        ];
        assert_eq!(table, expected);
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Ok(reason));
            assert_eq!(Reason::parse(&reason.to_string().to_ascii_uppercase()), Ok(reason));
            assert_eq!(Reason::of_code(reason.code().into()), Some(reason));
        }
    }

    #[test]
    fn a_hold_is_no_reason_because_nothing_is_given_back() {
        for (code, name) in [(6, "certificateHold"), (8, "removeFromCRL"), (7, ""), (10, "aACompromise")] {
            assert_eq!(Reason::of_code(code), None);
            let said = Reason::parse(name).unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("reason `{name}` is not one to revoke for good: use ")),
                "{said}"
            );
        }
    }
}
