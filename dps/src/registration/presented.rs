//! What follows from what a device presented, before anything of it is proven.

use jiff::Timestamp;
use muster_x509::{Certificate, Malformed, PRESENTED_MAX};

use super::{Credential, Presented};
use crate::{
    TrackingId,
    attestation::{Evidence, Verified, is_authentic},
    trace::{Outcome, Step, Trace},
};

/// Text that a stranger chose is shown this far.
const SHOWN_CHARACTERS_MAX: usize = 200;

impl Presented {
    pub(super) fn credential(&self) -> Credential {
        match (&self.token, self.peer.chain.is_empty()) {
            (Some(_), _) => Credential::Token,
            (None, false) => Credential::Certificate,
            (None, true) => Credential::None,
        }
    }

    /// One more than is allowed, so that too many are told what they are.
    pub(super) fn chain(&self) -> Result<Vec<Certificate>, Malformed> {
        self.peer.chain.iter().take(PRESENTED_MAX + 1).map(|der| Certificate::parse(der)).collect()
    }

    /// Whether it is the one whose proof is known already. That it has the certificate's key is the connection's proof.
    pub(super) fn is_the_same(&self, verified: &Verified, now: Timestamp) -> bool {
        if let Some(leaf) = verified.leaf() {
            return self.peer.chain.first().is_some_and(|der| der == leaf.der());
        }
        let (Some(keys), Some(token)) = (verified.keys(), &self.token) else { return false };
        let evidence =
            Evidence { scope: &self.scope, id: &self.registration_id, token: Some(token), chain: &[], now };
        [&keys.primary, &keys.secondary].into_iter().any(|key| is_authentic(evidence, token, key))
    }

    pub(super) fn trace(&self, tracking_id: TrackingId, outcome: Outcome, steps: Vec<Step>) -> Trace {
        Trace {
            tracking_id,
            id_scope: shown(&self.scope),
            registration_id: self.registration_id.to_string(),
            transport: self.transport,
            address: self.peer.address.to_string(),
            at: self.peer.at,
            outcome,
            steps,
        }
    }
}

pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}
