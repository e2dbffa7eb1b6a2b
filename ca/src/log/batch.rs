//! Many records made one unit of a few statements, each record in its place in both logs. Pure.

use serde::Serialize;

use muster_store::{Rows, Statement};

use super::{Head, Record, Recorded, sql};
use crate::audit::sql::{ENTRIES, EntryRow};

/// What is written, and what stands when it is.
pub(super) struct Batch {
    pub(super) unit: Vec<Statement>,
    pub(super) head: Head,
    pub(super) recorded: Vec<Recorded>,
    /// For each statement of the unit.
    owners: Vec<Owner>,
}

/// Whose statement it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// It moves the head from where the batch took it to be.
    Head,
    /// It writes entries, certificates or tiles of this batch.
    Logs,
    /// Rows of one kind, of several records; for a record alone the one with this index among its own.
    Rows { index: usize },
    /// A statement of this record, with this index among its own.
    Statement { record: usize, index: usize },
}

#[derive(Serialize)]
struct CertificateRow<'r> {
    log_index: u64,
    certificate: &'r str,
}

/// The rows of one kind, as JSON.
struct Set {
    kind: &'static Rows,
    json: String,
    rows: u64,
    /// Where the first of them is among the rows of its record.
    index: usize,
}

impl Batch {
    /// Places the records after the head, in their order.
    pub(super) fn new<'r>(after: &Head, records: impl Iterator<Item = &'r Record> + Clone) -> Self {
        let mut head = after.clone();
        let mut recorded = Vec::new();
        let mut entries = Set::new(&ENTRIES);
        let mut certificates = Set::new(&sql::CERTIFICATES);
        let mut sets = Vec::<Set>::new();
        let mut leaves = Vec::new();
        for record in records.clone() {
            let place = Recorded {
                sequence: head.chain.entries + 1,
                log_index: record.leaf.as_ref().map(|_| head.edge.size() + leaves.len() as u64),
            };
            for (at, entry) in record.entries.iter().enumerate() {
                let log_index = place.log_index.filter(|_| at == 0);
                entries.push(&EntryRow::from(&head.chain.chain(entry, log_index, record.at)));
            }
            if let (Some(leaf), Some(log_index)) = (&record.leaf, place.log_index) {
                leaves.push(leaf.hash);
                certificates.push(&CertificateRow { log_index, certificate: &leaf.base64 });
            }
            for (index, (kind, row)) in record.rows.iter().enumerate() {
                if !sets.iter().any(|set| std::ptr::eq(set.kind, *kind)) {
                    sets.push(Set { index, ..Set::new(kind) });
                }
                if let Some(set) = sets.iter_mut().find(|set| std::ptr::eq(set.kind, *kind)) {
                    set.push_placed(row, place);
                }
            }
            recorded.push(place);
        }
        let tiles = head.edge.append(&leaves);
        let mut batch = Self { unit: Vec::new(), head, recorded, owners: Vec::new() };
        // First, so that whoever lost the race does no other work; on PostgreSQL the row is the lock of both logs.
        batch.push(sql::move_head(after, &batch.head), Owner::Head);
        for set in [entries, certificates].into_iter().filter(|set| set.rows > 0) {
            batch.push(set.into_statement(), Owner::Logs);
        }
        for tile in &tiles {
            batch.push(sql::put_tile(tile), Owner::Logs);
        }
        for set in sets {
            let owner = Owner::Rows { index: set.index };
            batch.push(set.into_statement(), owner);
        }
        for (at, record) in records.enumerate() {
            for (index, statement) in record.statements.iter().enumerate() {
                let owner = Owner::Statement { record: at, index: record.rows.len() + index };
                batch.push(statement.clone(), owner);
            }
        }
        batch
    }

    pub(super) fn owner(&self, statement: usize) -> Owner {
        self.owners.get(statement).copied().unwrap_or(Owner::Logs)
    }

    fn push(&mut self, statement: Statement, owner: Owner) {
        self.unit.push(statement);
        self.owners.push(owner);
    }
}

impl Set {
    fn new(kind: &'static Rows) -> Self {
        Self { kind, json: String::from("["), rows: 0, index: 0 }
    }

    fn push(&mut self, row: &impl Serialize) {
        self.separate();
        // Plain structs of texts and numbers: there is nothing in them that JSON cannot say.
        self.json.push_str(&serde_json::to_string(row).unwrap_or_default());
    }

    /// The row, an object, with its place as further fields.
    fn push_placed(&mut self, row: &str, place: Recorded) {
        self.separate();
        let fields = row.strip_prefix('{').unwrap_or(row);
        self.json.push_str(&format!("{{\"sequence\":{}", place.sequence));
        if let Some(log_index) = place.log_index {
            self.json.push_str(&format!(",\"log_index\":{log_index}"));
        }
        if fields != "}" {
            self.json.push(',');
        }
        self.json.push_str(fields);
    }

    fn separate(&mut self) {
        if self.rows > 0 {
            self.json.push(',');
        }
        self.rows += 1;
    }

    fn into_statement(mut self) -> Statement {
        self.json.push(']');
        Statement::set(self.kind, self.json).exactly(self.rows)
    }
}
