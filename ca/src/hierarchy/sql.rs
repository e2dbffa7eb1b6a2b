//! Authorities in the database.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use muster_store::{Db, Row, Statement, StoreError, Value};
use muster_x509::Certificate;

use super::{Authority, AuthorityId, OpenError, Renewal, State};
use crate::keys::KeyRef;

const ALL: &str = "SELECT id, parent, state, key, certificate, request, generation, crl_shards, path_len, renewal, \
     created FROM ca_authority ORDER BY created, id";

const INSERT: &str = "INSERT INTO ca_authority (id, parent, state, key, certificate, request, generation, crl_shards, \
     path_len, renewal, created, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// Only what nobody else has changed since it was read.
const UPDATE: &str = "UPDATE ca_authority SET parent = $3, state = $4, certificate = $5, generation = $6, changed = $7 \
     WHERE id = $1 AND state = $2 AND generation = $8";

pub(super) async fn all(db: &Db) -> Result<Vec<Authority>, OpenError> {
    db.fetch(ALL, &[]).await?.iter().map(read).collect()
}

pub(super) fn insert(new: &Authority, now: Timestamp) -> Statement {
    let args: [Value; 12] = [
        new.id.as_str().into(),
        new.parent.as_ref().map(AuthorityId::as_str).into(),
        new.state.as_str().into(),
        new.key.as_ref().map(ToString::to_string).into(),
        certificate(new).into(),
        new.request.as_ref().map(|der| BASE64_STANDARD.encode(der)).into(),
        new.generation.into(),
        i64::from(new.crl_shards).into(),
        new.path_len.map(i64::from).into(),
        new.renewal.as_str().into(),
        new.created.as_microsecond().into(),
        now.as_microsecond().into(),
    ];
    Statement::new(INSERT, args).exactly(1)
}

pub(super) fn update(was: &Authority, new: &Authority, now: Timestamp) -> Statement {
    let args: [Value; 8] = [
        was.id.as_str().into(),
        was.state.as_str().into(),
        new.parent.as_ref().map(AuthorityId::as_str).into(),
        new.state.as_str().into(),
        certificate(new).into(),
        new.generation.into(),
        now.as_microsecond().into(),
        was.generation.into(),
    ];
    Statement::new(UPDATE, args).exactly(1)
}

fn certificate(authority: &Authority) -> Option<String> {
    authority.certificate.as_ref().map(|certificate| BASE64_STANDARD.encode(certificate.der()))
}

fn read(row: &Row) -> Result<Authority, OpenError> {
    let id = row.text("id")?;
    let corrupt = |column: &'static str| OpenError::Corrupt { authority: id.to_owned(), column };
    let bytes = |column: &'static str| -> Result<Option<Vec<u8>>, OpenError> {
        let Some(text) = row.opt_text(column)? else { return Ok(None) };
        Ok(Some(BASE64_STANDARD.decode(text).map_err(|_| corrupt(column))?))
    };
    let parse_id = |text: &str, column| AuthorityId::parse(text).map_err(|_| corrupt(column));
    let number = |column: &'static str| -> Result<Option<i64>, StoreError> { row.opt_int(column) };
    let certificate = bytes("certificate")?.map(|der| Certificate::parse(&der));
    Ok(Authority {
        id: parse_id(id, "id")?,
        parent: row.opt_text("parent")?.map(|parent| parse_id(parent, "parent")).transpose()?,
        state: State::parse(row.text("state")?).ok_or_else(|| corrupt("state"))?,
        certificate: certificate.transpose().map_err(|_| corrupt("certificate"))?,
        key: row.opt_text("key")?.map(KeyRef::parse).transpose().map_err(|_| corrupt("key"))?,
        generation: u32::try_from(row.int("generation")?).map_err(|_| corrupt("generation"))?,
        crl_shards: u16::try_from(row.int("crl_shards")?).map_err(|_| corrupt("crl_shards"))?,
        path_len: number("path_len")?.map(u8::try_from).transpose().map_err(|_| corrupt("path_len"))?,
        renewal: Renewal::parse(row.text("renewal")?).ok_or_else(|| corrupt("renewal"))?,
        request: bytes("request")?,
        created: Timestamp::from_microsecond(row.int("created")?).map_err(|_| corrupt("created"))?,
    })
}
