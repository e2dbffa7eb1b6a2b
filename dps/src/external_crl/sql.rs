//! The table `external_crl`: a row for each address, with the last list that came from it.

use jiff::Timestamp;
use muster_store::{Row, Statement, Value};
use muster_x509::{Certificate, Crl};

use super::{CrlUrl, Feed, Validators};
use crate::enrollment::sql::{UnreadableRow, next_generation};

/// Without the lists, which may be large.
pub(super) const ALL: &str =
    "SELECT certificate, url, number, this_update_us, due_us, tried_us, fetched_us, problem
FROM external_crl ORDER BY certificate, url";

pub(super) const LIST: &str = "SELECT der FROM external_crl WHERE certificate = $1 AND url = $2";

pub(super) const COUNT: &str = "SELECT COUNT(*) AS n FROM external_crl WHERE certificate <> $1";

pub(super) const DUE: &str =
    "SELECT certificate, url, failures, etag, last_modified FROM external_crl WHERE due_us <= $1
ORDER BY due_us, certificate, url LIMIT $2";

const ADD: &str = "INSERT INTO external_crl (certificate, url, key, due_us, failures)
VALUES ($1, $2, $3, $4, 0) ON CONFLICT (certificate, url) DO NOTHING";

const FORGET: &str = "DELETE FROM external_crl WHERE certificate = $1 AND url = $2";

const FORGET_ALL: &str = "DELETE FROM external_crl WHERE certificate = $1";

/// What another key signed says nothing about this one.
const FORGET_OTHER_KEYS: &str = "DELETE FROM external_crl WHERE certificate = $1 AND key <> $2";

/// Never an older one, also when two nodes fetch at once; for the key that verified it, also when the certificate was
/// replaced meanwhile.
const KEEP: &str =
    "UPDATE external_crl SET der = $1, number = $2, this_update_us = $3, fetched_us = $4, tried_us = $4,
  due_us = $5, failures = 0, problem = NULL, etag = $9, last_modified = $10
WHERE certificate = $6 AND url = $7 AND key = $8
  AND (number IS NULL OR number < $2 OR (number = $2 AND this_update_us <= $3))";

const SAME: &str =
    "UPDATE external_crl SET fetched_us = $1, tried_us = $1, due_us = $2, failures = 0, problem = NULL,
  etag = $5, last_modified = $6
WHERE certificate = $3 AND url = $4";

const FAILED: &str = "UPDATE external_crl SET tried_us = $1, due_us = $2, failures = $3, problem = $4 WHERE certificate = $5 AND url = $6";

const DUE_NOW: &str = "UPDATE external_crl SET due_us = $1 WHERE certificate = $2";

pub(super) struct Due {
    pub(super) certificate: String,
    pub(super) url: CrlUrl,
    pub(super) failures: i64,
    /// What came with the list that is kept.
    pub(super) validators: Validators,
}

/// The addresses as they are to be from now on. Those that stay keep what came from them, unless the key is another.
pub(crate) fn set(
    id: &str,
    certificate: &Certificate,
    urls: &[CrlUrl],
    former: &[CrlUrl],
    now: Timestamp,
) -> Vec<Statement> {
    let key = key(certificate);
    let mut unit = vec![Statement::new(FORGET_OTHER_KEYS, [id.into(), key.as_str().into()])];
    for url in former.iter().filter(|url| !urls.contains(url)) {
        unit.push(Statement::new(FORGET, [id.into(), url.as_str().into()]));
    }
    for url in urls {
        let args: [Value; 4] =
            [id.into(), url.as_str().into(), key.as_str().into(), now.as_microsecond().into()];
        unit.push(Statement::new(ADD, args));
    }
    unit
}

pub(crate) fn forget_all(id: &str) -> Statement {
    Statement::new(FORGET_ALL, [id.into()])
}

pub(super) fn keep(
    due: &Due,
    certificate: &Certificate,
    list: &Crl,
    (number, validators): (&str, &Validators),
    now: Timestamp,
    next: Timestamp,
) -> Vec<Statement> {
    let args: Vec<Value> = vec![
        list.der().into(),
        number.into(),
        list.this_update().as_microsecond().into(),
        now.as_microsecond().into(),
        next.as_microsecond().into(),
        (&due.certificate).into(),
        due.url.as_str().into(),
        key(certificate).into(),
        validators.etag.as_deref().into(),
        validators.last_modified.as_deref().into(),
    ];
    vec![Statement::new(KEEP, args).exactly(1), next_generation()]
}

/// The list is the one that is known.
pub(super) fn same(due: &Due, validators: &Validators, now: Timestamp, next: Timestamp) -> Vec<Statement> {
    let args: Vec<Value> = vec![
        now.as_microsecond().into(),
        next.as_microsecond().into(),
        (&due.certificate).into(),
        due.url.as_str().into(),
        validators.etag.as_deref().into(),
        validators.last_modified.as_deref().into(),
    ];
    vec![Statement::new(SAME, args), next_generation()]
}

pub(super) fn failed(
    due: &Due,
    failures: i64,
    problem: &str,
    now: Timestamp,
    next: Timestamp,
) -> Vec<Statement> {
    let args: Vec<Value> = vec![
        now.as_microsecond().into(),
        next.as_microsecond().into(),
        failures.into(),
        problem.into(),
        (&due.certificate).into(),
        due.url.as_str().into(),
    ];
    vec![Statement::new(FAILED, args), next_generation()]
}

pub(super) fn due_now(id: &str, now: Timestamp) -> Statement {
    Statement::new(DUE_NOW, [now.as_microsecond().into(), id.into()])
}

pub(super) fn due(row: &Row) -> Result<Due, UnreadableRow> {
    Ok(Due {
        certificate: row.text("certificate")?.to_owned(),
        url: url(row)?,
        failures: row.int("failures")?,
        validators: Validators {
            etag: row.opt_text("etag")?.map(str::to_owned),
            last_modified: row.opt_text("last_modified")?.map(str::to_owned),
        },
    })
}

/// The list itself is read apart, if it is not known yet.
pub(super) fn feed(row: &Row) -> Result<Feed, UnreadableRow> {
    let instant = |us: i64| Timestamp::from_microsecond(us).map_err(|error| unreadable(&error));
    Ok(Feed {
        url: url(row)?,
        list: None,
        fetched: row.opt_int("fetched_us")?.map(instant).transpose()?,
        tried: row.opt_int("tried_us")?.map(instant).transpose()?,
        due: instant(row.int("due_us")?)?,
        problem: row.opt_text("problem")?.map(str::to_owned),
    })
}

fn url(row: &Row) -> Result<CrlUrl, UnreadableRow> {
    CrlUrl::parse(row.text("url")?).map_err(|error| unreadable(&error))
}

fn unreadable(reason: &dyn std::fmt::Display) -> UnreadableRow {
    UnreadableRow::Document { what: "revocation list", reason: reason.to_string() }
}

fn key(certificate: &Certificate) -> String {
    certificate.key_sha256().to_string()
}
