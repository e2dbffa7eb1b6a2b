//! Entries written.

use jiff::Timestamp;

use muster_store::{Db, Statement, StoreError, WriteError};
use muster_x509::Certificate;

use super::Entry;
use crate::{
    Ca,
    log::{Record, Recorded},
};

/// The head of the chain, and whatever else writing entries needs.
pub(crate) struct Audit {}

impl Audit {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// Writes an entry that stands alone; durable when it returns.
    pub async fn audit(&self, entry: Entry, now: Timestamp) -> Result<(), WriteError> {
        self.record(entry, None, Vec::new(), now).await.map(|_| ())
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
}
