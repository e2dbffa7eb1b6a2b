//! Refusals recorded.

use jiff::Timestamp;

use muster_x509::{Csr, CsrRefused};

use crate::{Action, Ca, Decision, Entry, caller::Caller, issuance::IssueError, log::sha256};

impl Ca {
    /// Records that it was refused, and why. What is not known to be refused, but could not be done, is none of it.
    pub(in crate::issuance) async fn refused(
        &self,
        action: Action,
        object: String,
        caller: &Caller,
        csr: &Csr,
        error: &IssueError,
        now: Timestamp,
    ) {
        if error.is_a_decision() {
            self.refused_because(action, object, caller, csr, error.to_string(), now).await;
        }
    }

    pub(in crate::issuance) async fn refused_because(
        &self,
        action: Action,
        object: String,
        caller: &Caller,
        csr: &Csr,
        reason: String,
        now: Timestamp,
    ) {
        let entry = Entry::new(caller, action, object, Decision::Refused).because(reason);
        self.refused_entry(entry, csr.der(), now).await;
    }

    /// What cannot be read asks for nothing, and is on record like what asks for too much.
    pub(crate) async fn read_csr(
        &self,
        action: Action,
        object: String,
        caller: &Caller,
        sent: &str,
        now: Timestamp,
    ) -> Result<Csr, CsrRefused> {
        let read = Csr::parse(sent.as_bytes());
        if let Err(refused) = &read {
            let entry = Entry::new(caller, action, object, Decision::Refused).because(refused.to_string());
            self.refused_entry(entry, sent.as_bytes(), now).await;
        }
        read
    }

    async fn refused_entry(&self, mut entry: Entry, request: &[u8], now: Timestamp) {
        entry.request_sha256 = Some(sha256(&[request]));
        if let Err(error) = self.audit(entry, now).await {
            tracing::error!(%error, "a refusal is not recorded");
        }
    }
}
