//! Who asks: a user with a password, a token, or neither.

mod service;

use std::fmt;

use jiff::SignedDuration;
use zeroize::Zeroizing;

/// What came in the header `Authorization`.
#[derive(Clone)]
pub(crate) enum Shown {
    Basic {
        user: String,
        password: Zeroizing<String>,
    },
    Bearer(Zeroizing<String>),
    /// Another scheme, or nothing that can be read.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("user, password or token is wrong")]
    Wrong,
    #[error("credential is for another label than this")]
    OtherLabel,
    #[error("too many attempts failed: try again in {retry_after_s} s")]
    Wait { retry_after_s: u64 },
}

impl SignInError {
    pub(super) fn wait(left: SignedDuration) -> Self {
        Self::Wait { retry_after_s: u64::try_from(left.as_secs()).unwrap_or_default() + 1 }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Bearer(_) => "Bearer",
            Self::Unknown => "Unknown",
        })
    }
}
