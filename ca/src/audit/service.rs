//! Entries written, and read again.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use muster_store::{Db, Statement, StoreError, WriteError};
use muster_x509::Certificate;

use super::{Chained, Decision, Entry, refusals::Refusals, sql};
use crate::{
    Ca,
    log::{ReadError, Record, Recorded, sql as log_sql},
};

/// Entries that are read at once, at most.
pub(crate) const PAGE_MAX: usize = 1000;

/// What keeps a flood of refusals from being a flood of entries.
#[derive(Default)]
pub(crate) struct Audit {
    refusals: Mutex<Refusals>,
}

impl Audit {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self::default())
    }

    pub(crate) fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ca {
    /// Writes an entry that stands alone; durable when it returns. Refusals that are alike within a second are written
    /// once and then counted.
    pub async fn audit(&self, entry: Entry, now: Timestamp) -> Result<(), WriteError> {
        let due = match entry.decision {
            Decision::Allowed => vec![entry],
            Decision::Refused => self.audit.refusals().admit(entry.kept(), now),
        };
        self.append_entries(due, now).await
    }

    /// Hands an outcome on, with what was refused on record: `refused` tells of it, but for the reason. What did not work
    /// is no decision.
    pub(crate) async fn or_refused<T, E: Display + From<WriteError>>(
        &self,
        outcome: Result<T, E>,
        refused: Entry,
        is_decision: impl FnOnce(&E) -> bool,
        now: Timestamp,
    ) -> Result<T, E> {
        if let Err(error) = &outcome
            && is_decision(error)
        {
            self.audit(refused.because(error.to_string()), now).await?;
        }
        outcome
    }

    /// Writes an entry with the change that it tells of, in one commit of the database that both share, or not at all;
    /// durable when it returns. `Unmet` and `Refused` count the statements of `with`.
    pub async fn audit_with(
        &self,
        entry: Entry,
        with: Vec<Statement>,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        self.record(entry, None, with, now).await.map(|_| ())
    }

    /// Writes what was decided with what it changed: the entry, the certificate's leaf in the transparency log, and
    /// `with`, all in one commit or not at all; durable when it returns. An unmet expectation in `with` undoes all.
    pub(crate) async fn record(
        &self,
        entry: Entry,
        certificate: Option<&Certificate>,
        with: Vec<Statement>,
        now: Timestamp,
    ) -> Result<Recorded, WriteError> {
        let record = Record::new(entry, now).with(with);
        self.append(match certificate {
            Some(certificate) => record.certificate(certificate),
            None => record,
        })
        .await
    }

    pub(crate) async fn append_entries(&self, entries: Vec<Entry>, now: Timestamp) -> Result<(), WriteError> {
        let mut entries = entries.into_iter();
        let Some(first) = entries.next() else { return Ok(()) };
        self.append(entries.fold(Record::new(first, now), Record::and)).await.map(|_| ())
    }

    /// How many entries there are, other nodes' too.
    pub async fn audit_entries(&self) -> Result<u64, ReadError> {
        Ok(log_sql::head(&self.db).await?.chain.entries)
    }

    /// Entries from a sequence on, which counts from 1: at most `max`, and never more than a page of 1000.
    pub async fn audit_page(&self, from: u64, max: usize) -> Result<Vec<Chained>, StoreError> {
        sql::page(&self.db, from, u64::MAX, max.min(PAGE_MAX)).await
    }
}
