//! The change: checked, recorded, done.

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use muster_store::Db;

use super::{KeyError, PassphraseChange, PassphraseChangeError, folders};
use crate::{
    Action, Caller, Decision, Entropy, Entry,
    keys::files::SealedFiles,
    log::{Log, Record},
};

const OBJECT: &str = "keys";

impl PassphraseChange {
    /// Durable, and in the audit log of `db`, when it returns. The settings must name the new place at the next start.
    pub async fn carry_out(
        self,
        db: &Db,
        entropy: Entropy,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), PassphraseChangeError> {
        let log = Log::open(db).await?;
        let changed = self.recorded(&log, entropy, caller, now).await;
        log.close().await;
        changed
    }

    async fn recorded(
        self,
        log: &Log,
        entropy: Entropy,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), PassphraseChangeError> {
        let said = self.new.to_string();
        let entry = |decision, why| {
            let entry = Entry::new(caller, Action::PassphraseChange, OBJECT, decision).because(why);
            log.append(Record::new(entry, now))
        };
        let checked = spawn_blocking(move || {
            let (parent, keys) = folders(&self.dir)?;
            let files = SealedFiles::reopen(parent, keys, &self.old, entropy)?;
            let next = files.next(&self.new)?;
            Ok::<_, KeyError>((files, next))
        });
        let (files, next) = match checked.await.unwrap_or(Err(KeyError::Make)) {
            Ok(checked) => checked,
            Err(refused) => {
                entry(Decision::Refused, refused.to_string()).await?;
                return Err(refused.into());
            }
        };
        // First: what cannot be recorded is not done.
        entry(Decision::Allowed, format!("from now on: {said}")).await?;
        let done = spawn_blocking(move || files.reseal(&next)).await.unwrap_or(Err(KeyError::Make));
        if let Err(failed) = &done {
            entry(Decision::Refused, format!("it was allowed, and not done: {failed}")).await?;
        }
        Ok(done?)
    }
}
