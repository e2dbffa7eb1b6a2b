//! Which groups a chain of certificates may belong to: nearest to the leaf first (dps.md §4.2).

use muster_x509::{Certificate, PATH_DEPTH_MAX};

use super::{Anchor, Groups};

/// A device sends one chain. So many of ours with the names it leads to are the same authorities, certified again and again.
const POOL_MAX: usize = 32;

/// Which certificates stand between the leaf and an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only those that the device sent.
    Presented,
    /// Ours as well: for devices that send their own certificate and nothing else.
    Pool,
}

/// Anchors in the order in which they may decide, and what of ours may lie on the way to them.
pub(crate) struct Candidates<'g> {
    pub(crate) pool: Vec<Certificate>,
    pub(crate) anchors: Vec<Candidate<'g>>,
}

/// An anchor, and the certificates that say it has issued them.
pub(crate) struct Candidate<'g> {
    pub(crate) anchor: &'g Anchor,
    pub(crate) below: Vec<Certificate>,
}

/// Goes up from the leaf by names, level by level; whoever has issued, in name, a certificate of a level is a candidate there.
/// Names prove nothing: the caller verifies.
pub(crate) fn candidates<'g>(presented: &[Certificate], groups: &'g Groups, reach: Reach) -> Candidates<'g> {
    let mut found = Candidates { pool: Vec::new(), anchors: Vec::new() };
    let mut level: Vec<Certificate> = presented.first().cloned().into_iter().collect();
    let mut left: Vec<Certificate> = presented.iter().skip(1).cloned().collect();

    // Every level takes certificates out of `left` or adds one of ours, so a loop of names ends.
    for _ in 0..=PATH_DEPTH_MAX {
        let mut above = Vec::new();
        for certificate in &level {
            let issuer = certificate.issuer_der();
            for anchor in groups.anchors_named(issuer) {
                found.add(anchor, certificate);
            }
            if issuer == certificate.subject_der() {
                continue; // self-issued: nothing stands above it
            }
            above.extend(left.extract_if(.., |other| other.subject_der() == issuer));
            if reach == Reach::Pool {
                for known in groups.known_as(issuer) {
                    let is_new = !found.pool.contains(known) && !presented.contains(known);
                    if is_new && found.pool.len() < POOL_MAX {
                        found.pool.push(known.clone());
                        above.push(known.clone());
                    }
                }
            }
        }
        if above.is_empty() {
            break;
        }
        level = above;
    }
    found
}

impl<'g> Candidates<'g> {
    fn add(&mut self, anchor: &'g Anchor, below: &Certificate) {
        match self.anchors.iter_mut().find(|known| std::ptr::eq(known.anchor, anchor)) {
            Some(known) => known.below.push(below.clone()),
            None => self.anchors.push(Candidate { anchor, below: vec![below.clone()] }),
        }
    }
}
