//! Which groups a chain of certificates may belong to: nearest to the leaf first (dps.md §4.2).

use muster_x509::{Certificate, PRESENTED_MAX};

use super::{Anchor, Groups};

/// Anchors in the order in which they may decide, and the chain to verify against each.
pub(crate) struct Candidates<'g> {
    /// As presented, completed by certificates of ours that the device left out.
    pub(crate) chain: Vec<Certificate>,
    pub(crate) anchors: Vec<&'g Anchor>,
}

/// Goes up from the leaf by names, level by level; whoever has issued, in name, a certificate of a level is a candidate there.
/// Names prove nothing: the caller verifies.
pub(crate) fn candidates<'g>(presented: &[Certificate], groups: &'g Groups) -> Candidates<'g> {
    let mut found = Candidates { chain: presented.to_vec(), anchors: Vec::new() };
    let mut level: Vec<Certificate> = presented.first().cloned().into_iter().collect();
    let mut left: Vec<Certificate> = presented.iter().skip(1).cloned().collect();

    // Every level takes certificates out of `left` or adds one of ours, so a loop of names ends.
    for _ in 0..PRESENTED_MAX {
        let mut above = Vec::new();
        for certificate in &level {
            let issuer = certificate.issuer_der();
            for anchor in groups.anchors_named(issuer) {
                if !found.anchors.iter().any(|known| std::ptr::eq(*known, anchor)) {
                    found.anchors.push(anchor);
                }
            }
            if issuer == certificate.subject_der() {
                continue; // self-issued: nothing stands above it
            }
            let sent = left.extract_if(.., |other| other.subject_der() == issuer).collect::<Vec<_>>();
            if sent.is_empty() {
                for known in groups.known_as(issuer) {
                    if found.chain.len() < PRESENTED_MAX && !found.chain.contains(known) {
                        found.chain.push(known.clone());
                        above.push(known.clone());
                    }
                }
            }
            above.extend(sent);
        }
        if above.is_empty() {
            break;
        }
        level = above;
    }
    found
}
