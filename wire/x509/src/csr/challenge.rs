//! The challenge password: a secret that some enrolment protocols put into the request.

use std::fmt;

use zeroize::Zeroizing;

/// Wiped from memory, never shown. Compare it in constant time.
#[derive(Clone)]
pub struct ChallengePassword(Zeroizing<String>);

impl ChallengePassword {
    pub(super) fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    pub fn is(&self, expected: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), expected.as_bytes()).is_ok()
    }

    /// For a use other than comparing, which is rare.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ChallengePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChallengePassword(redacted)")
    }
}
