//! What was handed in at the same time, arranged into as few statements as it takes.

use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::{Rows, Statement, WriteError};

/// The text of one set-based statement; a row can be a twin of 32 KiB and more, and a parsed set costs a multiple.
const SET_BYTES_MAX: usize = 4 << 20;

pub(crate) type Answer<T> = Result<T, WriteError>;

#[derive(Debug)]
pub(crate) enum Job {
    Put(Put),
    Unit(Unit),
}

/// One row of a kind, already spelled as JSON by whoever handed it in: callers are many, the writer is one.
#[derive(Debug)]
pub(crate) struct Put {
    pub rows: &'static Rows,
    pub key: String,
    pub json: String,
    pub outcome: Answer<bool>,
    pub caller: oneshot::Sender<Answer<bool>>,
}

/// Statements that happen together or not at all.
#[derive(Debug)]
pub(crate) struct Unit {
    pub statements: Vec<Statement>,
    pub outcome: Answer<Vec<u64>>,
    pub caller: oneshot::Sender<Answer<Vec<u64>>>,
}

/// Rows of one kind with different keys: one statement.
#[derive(Debug)]
pub(crate) struct Set {
    pub rows: &'static Rows,
    pub puts: Vec<Put>,
    bytes: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub sets: Vec<Set>,
    pub units: Vec<Unit>,
}

impl Job {
    /// Whether it carries what many callers handed in to somebody who gathered it already: none of them comes now.
    pub(crate) fn is_batch(&self) -> bool {
        match self {
            Job::Put(_) => false,
            Job::Unit(unit) => unit.statements.iter().any(Statement::is_set),
        }
    }
}

impl Put {
    pub(crate) fn new(
        rows: &'static Rows,
        key: &str,
        row: &serde_json::Value,
        caller: oneshot::Sender<Answer<bool>>,
    ) -> Put {
        Put { rows, key: key.to_owned(), json: row.to_string(), outcome: Ok(false), caller }
    }
}

impl Unit {
    pub(crate) fn new(statements: Vec<Statement>, caller: oneshot::Sender<Answer<Vec<u64>>>) -> Unit {
        Unit { statements, outcome: Ok(Vec::new()), caller }
    }
}

impl Batch {
    /// Sets in an order in which rows of the same kind and key are written as they came: one statement cannot touch
    /// a row twice, so the second one waits for a later set of its kind.
    pub(crate) fn arrange(jobs: impl Iterator<Item = Job>) -> Batch {
        let mut batch = Batch::default();
        // Where the next row with this kind and key may go at the earliest.
        let mut earliest = HashMap::<(*const Rows, String), usize>::new();
        for job in jobs {
            match job {
                Job::Unit(unit) => batch.units.push(unit),
                Job::Put(put) => {
                    let from = earliest.entry((std::ptr::from_ref(put.rows), put.key.clone())).or_default();
                    *from = batch.place(put, *from) + 1;
                }
            }
        }
        batch
    }

    /// Into the first set from `from` on that takes it; tells which.
    fn place(&mut self, put: Put, from: usize) -> usize {
        let fits =
            |set: &Set| std::ptr::eq(set.rows, put.rows) && set.bytes + put.json.len() <= SET_BYTES_MAX;
        let index = match self.sets.iter().skip(from).position(fits) {
            Some(offset) => from + offset,
            None => {
                self.sets.push(Set { rows: put.rows, puts: Vec::new(), bytes: 0 });
                self.sets.len() - 1
            }
        };
        if let Some(set) = self.sets.get_mut(index) {
            set.bytes += put.json.len();
            set.puts.push(put);
        }
        index
    }

    pub(crate) fn len(&self) -> usize {
        self.units.len() + self.sets.iter().map(|set| set.puts.len()).sum::<usize>()
    }

    /// Tells every caller its own outcome, or the error that all of them share. Who stopped waiting is not told.
    pub(crate) fn answer(self, shared: Result<(), WriteError>) {
        for put in self.sets.into_iter().flat_map(|set| set.puts) {
            let _ = put.caller.send(shared.clone().and(put.outcome));
        }
        for unit in self.units {
            let _ = unit.caller.send(shared.clone().and(unit.outcome));
        }
    }
}

/// The rows as one JSON array.
pub(crate) fn json_array(puts: &[Put]) -> String {
    let bytes = puts.iter().map(|put| put.json.len() + 1).sum::<usize>();
    let mut text = String::with_capacity(bytes + 1);
    let mut separator = '[';
    for put in puts {
        text.push(separator);
        text.push_str(&put.json);
        separator = ',';
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    static TWIN: Rows = Rows { name: "twin", sql: "" };
    static DEVICE: Rows = Rows { name: "device", sql: "" };

    fn put(rows: &'static Rows, key: &str, json: &str) -> Job {
        let (caller, _) = oneshot::channel();
        Job::Put(Put { rows, key: key.into(), json: json.into(), outcome: Ok(false), caller })
    }

    fn keys(batch: &Batch) -> Vec<(&str, Vec<&str>)> {
        batch.sets.iter().map(|set| (set.rows.name, set.puts.iter().map(|put| &*put.key).collect())).collect()
    }

    #[test]
    fn rows_of_a_kind_become_one_set_whatever_comes_between() {
        let jobs = [put(&TWIN, "a", "1"), put(&DEVICE, "a", "2"), put(&TWIN, "b", "3")];
        assert_eq!(
            keys(&Batch::arrange(jobs.into_iter())),
            [("twin", vec!["a", "b"]), ("device", vec!["a"])]
        );
    }

    #[test]
    fn the_same_key_again_goes_to_a_later_set_in_the_order_it_came() {
        let jobs = ["a", "b", "a", "c", "a", "b"].map(|key| put(&TWIN, key, "{}"));
        assert_eq!(
            keys(&Batch::arrange(jobs.into_iter())),
            [("twin", vec!["a", "b", "c"]), ("twin", vec!["a", "b"]), ("twin", vec!["a"])]
        );
    }

    #[test]
    fn a_unit_with_rows_of_a_kind_is_a_batch_and_nothing_else_is() {
        static ROWS: Rows =
            Rows { name: "twin", sql: "DELETE FROM twin WHERE id IN (SELECT value FROM {rows})" };
        let unit = |statement| {
            let (caller, _) = oneshot::channel();
            Job::Unit(Unit::new(vec![Statement::new("DELETE FROM t", []), statement], caller))
        };
        assert!(unit(Statement::set(&ROWS, "[]".to_owned())).is_batch());
        assert!(!unit(Statement::new("DELETE FROM u", [])).is_batch());
        assert!(!put(&ROWS, "a", "1").is_batch());
    }

    #[test]
    fn a_set_is_cut_before_its_text_is_too_long() {
        let long = "x".repeat(SET_BYTES_MAX / 2);
        let jobs = ["a", "b", "c"].map(|key| put(&TWIN, key, &long));
        assert_eq!(keys(&Batch::arrange(jobs.into_iter())), [("twin", vec!["a", "b"]), ("twin", vec!["c"])]);
    }

    #[test]
    fn the_array_of_one_row_and_of_two() {
        let batch = Batch::arrange([put(&TWIN, "a", "{}"), put(&TWIN, "b", "{}")].into_iter());
        assert_eq!(json_array(&batch.sets[0].puts), "[{},{}]");
        assert_eq!(json_array(&batch.sets[0].puts[..1]), "[{}]");
    }
}
