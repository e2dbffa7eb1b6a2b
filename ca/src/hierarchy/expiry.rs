//! Which authorities run out soon. Pure.

use jiff::Timestamp;

use super::AuthorityId;

/// How much time is left, by thresholds that differ for roots and intermediates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    Notice,
    Warning,
    Critical,
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryWarning {
    pub authority: AuthorityId,
    pub urgency: Urgency,
    pub not_after: Timestamp,
    pub days_left: i64,
}
