//! What belongs on the CRLs, read from the records: all of it at the start, and what a revocation touches.

mod service;

use jiff::Timestamp;

use crate::hierarchy::AuthorityId;

/// A certificate that may be revoked: by whom it was issued, its serial number and its end.
pub(super) type Touched = (AuthorityId, [u8; 16], Timestamp);
