//! SQL of labels and credentials.

use jiff::Timestamp;

use muster_store::{Db, Row, Statement, StoreError};

use super::{CredentialKind, EstCredential, EstLabel};

const LABELS: &str = "SELECT name, body FROM ca_est_label ORDER BY name";

const LABEL: &str = "SELECT body FROM ca_est_label WHERE name = $1";

const PUT_LABEL: &str = "INSERT INTO ca_est_label (name, body, changed) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET body = excluded.body, changed = excluded.changed";

/// Unless somebody was first.
const MAKE_LABEL: &str = "INSERT INTO ca_est_label (name, body, changed) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO NOTHING";

const DELETE_LABEL: &str = "DELETE FROM ca_est_label WHERE name = $1";

const CREDENTIALS: &str = "SELECT id, label, kind, secret, names, count, until, created FROM ca_est_credential \
     ORDER BY id";

const CREDENTIALS_OF: &str = "SELECT id, label, kind, secret, names, count, until, created FROM ca_est_credential \
     WHERE label = $1";

const CREDENTIAL: &str = "SELECT id, label, kind, secret, names, count, until, created FROM ca_est_credential \
     WHERE id = $1";

const INSERT_CREDENTIAL: &str = "INSERT INTO ca_est_credential (id, label, kind, secret, names, count, until, created) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";

const DELETE_CREDENTIAL: &str = "DELETE FROM ca_est_credential WHERE id = $1";

const DELETE_CREDENTIALS: &str = "DELETE FROM ca_est_credential WHERE label = $1";

/// Name and body.
pub(super) async fn labels(db: &Db) -> Result<Vec<(String, String)>, StoreError> {
    let rows = db.fetch(LABELS, &[]).await?;
    rows.iter().map(|row| Ok((row.text("name")?.to_owned(), row.text("body")?.to_owned()))).collect()
}

pub(super) fn put_label(label: &EstLabel, now: Timestamp) -> Statement {
    label_statement(PUT_LABEL, label, now).exactly(1)
}

pub(super) fn make_label(label: &EstLabel, now: Timestamp) -> Statement {
    label_statement(MAKE_LABEL, label, now)
}

fn label_statement(sql: &'static str, label: &EstLabel, now: Timestamp) -> Statement {
    // Texts: there is nothing in it that JSON cannot say.
    let body = serde_json::to_string(label).unwrap_or_default();
    Statement::new(sql, [label.name.as_str().into(), body.into(), now.as_microsecond().into()])
}

/// With its credentials.
pub(super) fn delete_label(name: &str) -> Vec<Statement> {
    vec![
        Statement::new(DELETE_LABEL, [name.into()]).exactly(1),
        Statement::new(DELETE_CREDENTIALS, [name.into()]),
    ]
}

/// A credential of which the record makes no sense, by its user.
pub(super) struct Unreadable(pub(super) String);

type Read = Result<EstCredential, Unreadable>;

pub(super) async fn credentials(db: &Db) -> Result<Vec<Read>, StoreError> {
    db.fetch(CREDENTIALS, &[]).await?.iter().map(read).collect()
}

pub(super) async fn credentials_of(db: &Db, label: &str) -> Result<Vec<Read>, StoreError> {
    db.fetch(CREDENTIALS_OF, &[label.into()]).await?.iter().map(read).collect()
}

pub(super) async fn credential_named(db: &Db, user: &str) -> Result<Option<Read>, StoreError> {
    db.fetch(CREDENTIAL, &[user.into()]).await?.first().map(read).transpose()
}

/// Its body.
pub(super) async fn label(db: &Db, name: &str) -> Result<Option<String>, StoreError> {
    let rows = db.fetch(LABEL, &[name.into()]).await?;
    rows.first().map(|row| row.text("body").map(str::to_owned)).transpose()
}

fn read(row: &Row) -> Result<Read, StoreError> {
    Ok(credential(row)?.ok_or(Unreadable(row.text("id")?.to_owned())))
}

fn credential(row: &Row) -> Result<Option<EstCredential>, StoreError> {
    let kind = match row.text("kind")? {
        "basic" => CredentialKind::Basic,
        "one-time" => CredentialKind::OneTime,
        _ => return Ok(None),
    };
    let mut secret_sha256 = [0; 32];
    if hex::decode_to_slice(row.text("secret")?, &mut secret_sha256).is_err() {
        return Ok(None);
    }
    let Ok(names) = serde_json::from_str(row.text("names")?) else { return Ok(None) };
    let instant = |us: i64| Timestamp::from_microsecond(us).unwrap_or(Timestamp::MIN);
    Ok(Some(EstCredential {
        user: row.text("id")?.to_owned(),
        label: row.text("label")?.to_owned(),
        kind,
        names,
        count: row.opt_int("count")?.map(|count| u64::try_from(count).unwrap_or_default()),
        until: row.opt_int("until")?.map(instant),
        created: instant(row.int("created")?),
        secret_sha256,
    }))
}

/// Unmet when somebody has that name.
pub(super) fn insert_credential(new: &EstCredential) -> Statement {
    let kind = match new.kind {
        CredentialKind::Basic => "basic",
        CredentialKind::OneTime => "one-time",
    };
    let args = [
        new.user.as_str().into(),
        new.label.as_str().into(),
        kind.into(),
        hex::encode(new.secret_sha256).into(),
        serde_json::to_string(&new.names).unwrap_or_default().into(),
        new.count.map(|count| i64::try_from(count).unwrap_or(i64::MAX)).into(),
        new.until.map(Timestamp::as_microsecond).into(),
        new.created.as_microsecond().into(),
    ];
    Statement::new(INSERT_CREDENTIAL, args).exactly(1)
}

pub(super) fn delete_credential(user: &str) -> Statement {
    Statement::new(DELETE_CREDENTIAL, [user.into()]).exactly(1)
}
