//! The path from a device's certificate to an authority, by certificate or by key, within a bounded number of signatures.

use std::fmt;

use jiff::Timestamp;
use muster_x509::{Certificate, ChainError, Validation, issued_by};

use crate::enrollment::{Anchor, Groups, Pin};

/// Looking for who signed a certificate, for one device: above it a search is an attack, or a hundred authorities of one name.
const SIGNATURES_MAX: usize = 100;
/// Paths are tried to authorities that signed something of the chain, which is one, or a few while one takes over from another.
const PATHS_MAX: usize = 16;

pub(super) struct Paths<'a> {
    presented: &'a [Certificate],
    groups: &'a Groups,
    now: Timestamp,
    signatures_left: usize,
    paths_left: usize,
}

/// A way to an anchor.
pub(super) struct Leads {
    /// Leaf to anchor.
    pub(super) path: Vec<Certificate>,
    pub(super) by: By,
    /// Certificates of ours on it that the device did not send.
    pub(super) lent: Vec<Certificate>,
}

/// What the anchor was known by.
pub(super) enum By {
    Certificate,
    /// Another certificate for the pinned name and key.
    Key {
        reissued: Certificate,
    },
}

impl<'a> Paths<'a> {
    pub(super) fn new(presented: &'a [Certificate], groups: &'a Groups, now: Timestamp) -> Self {
        Self { presented, groups, now, signatures_left: SIGNATURES_MAX, paths_left: PATHS_MAX }
    }

    /// Whether the anchor's key signed one of the certificates that name it.
    pub(super) fn is_issuer(&mut self, anchor: &Anchor, below: &[Certificate]) -> bool {
        below.iter().any(|child| {
            self.signatures_left = self.signatures_left.saturating_sub(1);
            self.signatures_left > 0 && issued_by(child, &anchor.certificate)
        })
    }

    pub(super) fn to(&mut self, anchor: &Anchor, pool: &[Certificate]) -> Result<Leads, ChainError> {
        let refused = match self.path(std::slice::from_ref(&anchor.certificate), pool) {
            Ok(path) => return Ok(self.leads(path, By::Certificate)),
            Err(refused) => refused,
        };
        match anchor.pin {
            Pin::Certificate => Err(refused),
            Pin::Key => self.by_key(anchor, pool).ok_or(refused),
        }
    }

    /// A certificate for the pinned name and key that somebody answers for: the operator, the key itself, or a verified
    /// authority above it. Else whoever has seen the key could write himself one without its limits.
    fn by_key(&mut self, anchor: &Anchor, pool: &[Certificate]) -> Option<Leads> {
        let is_reissue = |certificate: &Certificate| {
            certificate.subject_der() == anchor.certificate.subject_der()
                && certificate.spki_der() == anchor.certificate.spki_der()
                && *certificate != anchor.certificate
        };
        let verified = self.groups.verified().map(|stored| &stored.certificate);
        let self_signed = self.presented.iter().chain(pool).filter(|certificate| is_reissue(certificate));
        let self_signed = self_signed.filter(|certificate| issued_by(certificate, certificate));
        let answered_for: Vec<Certificate> =
            verified.filter(|certificate| is_reissue(certificate)).chain(self_signed).cloned().collect();
        for reissued in answered_for {
            if let Ok(path) = self.path(std::slice::from_ref(&reissued), pool) {
                return Some(self.leads(path, By::Key { reissued }));
            }
        }
        let above: Vec<Certificate> =
            self.groups.verified().map(|stored| stored.certificate.clone()).collect();
        if above.is_empty() {
            return None;
        }
        let path = self.path(&above, pool).ok()?;
        let reissued = path.iter().skip(1).find(|certificate| is_reissue(certificate))?.clone();
        Some(self.leads(path, By::Key { reissued }))
    }

    fn path(
        &mut self,
        anchors: &[Certificate],
        pool: &[Certificate],
    ) -> Result<Vec<Certificate>, ChainError> {
        self.paths_left = self.paths_left.checked_sub(1).ok_or(ChainError::TooComplicated)?;
        let validation = Validation { intermediates: pool, ..Validation::of_clients(anchors, self.now) };
        validation.path(self.presented)
    }

    fn leads(&self, path: Vec<Certificate>, by: By) -> Leads {
        let between = path.get(1..path.len().saturating_sub(1)).unwrap_or_default();
        let lent = between.iter().filter(|certificate| !self.presented.contains(certificate));
        let lent = lent.cloned().collect();
        Leads { path, by, lent }
    }

    /// The name that a certificate of ours is stored by.
    pub(super) fn stored_name(&self, certificate: &Certificate) -> Option<&'a str> {
        let mut stored = self.groups.stored_as(certificate.subject_der());
        stored.find(|stored| stored.certificate == *certificate).map(|stored| stored.name.as_str())
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate => Ok(()),
            Self::Key { reissued } => {
                write!(f, ", by its key, which a later certificate (SHA-256 {}) has", reissued.sha256())
            }
        }
    }
}
