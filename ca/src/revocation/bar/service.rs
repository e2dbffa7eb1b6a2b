//! Asking who is barred, and readmitting.

use std::sync::Arc;

use jiff::Timestamp;

use muster_store::WriteError;

use super::{ReadmitError, sql};
use crate::{
    Action, Ca, Caller, Decision, Entry,
    log::Record,
    revocation::{Reason, Revocation, What},
};

impl Ca {
    /// Since when a holder gets nothing more, and why: it was revoked for more than a change of its certificates. From
    /// memory.
    pub fn barred(&self, holder: &str) -> Option<Revocation> {
        self.revocations.memory().bar(holder)
    }

    /// Everyone who is barred, for those who missed what they were told.
    pub fn barred_holders(&self) -> Vec<String> {
        self.revocations.memory().barred()
    }

    /// Lets a holder have certificates again; tells why it was barred. What was revoked stays so. A caller that stops
    /// waiting does not stop it.
    pub async fn readmit(
        self: &Arc<Self>,
        holder: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revocation, ReadmitError> {
        let (ca, holder, caller) = (Arc::clone(self), holder.to_owned(), caller.clone());
        // A task of its own: what is recorded must be in memory, too, though a caller went away in between.
        let judged = tokio::spawn(async move { ca.judge_readmission(&holder, &caller, now).await });
        judged.await.map_err(|_| ReadmitError::Interrupted)?
    }

    async fn judge_readmission(
        &self,
        holder: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revocation, ReadmitError> {
        let entry =
            |decision| Entry::new(caller, Action::HolderReadmit, format!("holder/{holder}"), decision);
        let Some(bar) = self.barred(holder) else {
            let refused = ReadmitError::NotBarred(holder.to_owned());
            self.audit(entry(Decision::Refused).because(refused.to_string()), now).await?;
            return Err(refused);
        };
        let because = format!("barred since {}: {}", bar.at, bar.reason);
        let record = Record::new(entry(Decision::Allowed).because(because), now);
        match self.append(record.with(vec![sql::lift(holder)])).await {
            Ok(_) => {
                self.revocations.forget_bar(holder);
                Ok(bar)
            }
            // Somebody else was faster.
            Err(WriteError::Unmet { .. }) => {
                self.revocations.forget_bar(holder);
                Err(ReadmitError::NotBarred(holder.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The bar that revoking this for `wanted` puts up, when there is none yet, or one without a reason.
    pub(in crate::revocation) fn bar_for(&self, what: &What, wanted: Revocation) -> Option<Revocation> {
        let What::Holder(name) = what else { return None };
        match self.barred(name) {
            None => wanted.reason.bars().then_some(wanted),
            Some(bar) if bar.reason.gives_way_to(wanted.reason) => {
                Some(Revocation { reason: Reason::KeyCompromise, ..bar })
            }
            Some(_) => None,
        }
    }
}
