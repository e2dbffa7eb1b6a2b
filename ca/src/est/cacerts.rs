//! What clients of a label are to trust (RFC 7030 section 4.1.3). Pure.

use jiff::Timestamp;

use muster_x509::Certificate;

use crate::hierarchy::{AuthorityId, State, Tree};

/// The way from the label's authority to its root, and every other root that authorities of ours stand below: after a
/// rollover, clients learn the new one before they meet it.
pub(super) fn certificates(tree: &Tree, authority: &AuthorityId, now: Timestamp) -> Vec<Certificate> {
    let mut found = tree.chain(authority);
    for other in tree.iter() {
        let in_use = match other.state {
            State::Active | State::Retiring => other.key.is_some(),
            State::Pending | State::CrlOnly | State::Revoked => false,
        };
        if in_use && let Some(root) = tree.chain(&other.id).pop() {
            found.push(root);
        }
    }
    found.retain(|certificate| now <= certificate.not_after());
    let mut seen = Vec::new();
    found.retain(|certificate| {
        let is_new = !seen.contains(certificate);
        seen.push(certificate.clone());
        is_new
    });
    found
}
