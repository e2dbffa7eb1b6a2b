//! The table `instance_certificate`.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use muster_store::{Row, Statement, Value};
use muster_x509::Certificate;

use super::NamedCertificate;
use crate::enrollment::{
    Etag, Standing, Stored,
    sql::{UnreadableRow, next_generation},
};

pub(super) const ALL: &str =
    "SELECT name, etag, verified, der, created_us, updated_us FROM instance_certificate ORDER BY id";

pub(super) const ONE: &str =
    "SELECT name, etag, verified, der, created_us, updated_us FROM instance_certificate WHERE id = $1";

const INSERT: &str =
    "INSERT INTO instance_certificate (id, name, etag, verified, der, created_us, updated_us)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";

const UPDATE: &str = "UPDATE instance_certificate SET etag = $1, verified = $2, der = $3, updated_us = $4
WHERE id = $5 AND etag = $6";

const DELETE: &str = "DELETE FROM instance_certificate WHERE id = $1 AND etag = $2";

pub(super) fn insert(named: &NamedCertificate) -> Vec<Statement> {
    let args = vec![
        named.stored.name.to_ascii_lowercase().into(),
        (&named.stored.name).into(),
        named.etag.as_str().into(),
        verified(named.stored.standing),
        BASE64_STANDARD.encode(named.stored.certificate.der()).into(),
        named.created.as_microsecond().into(),
        named.updated.as_microsecond().into(),
    ];
    vec![Statement::new(INSERT, args).exactly(1), next_generation()]
}

pub(super) fn replace(named: &NamedCertificate, former: &Etag) -> Vec<Statement> {
    let args = vec![
        named.etag.as_str().into(),
        verified(named.stored.standing),
        BASE64_STANDARD.encode(named.stored.certificate.der()).into(),
        named.updated.as_microsecond().into(),
        named.stored.name.to_ascii_lowercase().into(),
        former.as_str().into(),
    ];
    vec![Statement::new(UPDATE, args).exactly(1), next_generation()]
}

pub(super) fn delete(name: &str, former: &Etag) -> Vec<Statement> {
    let args: [Value; 2] = [name.to_ascii_lowercase().into(), former.as_str().into()];
    vec![Statement::new(DELETE, args).exactly(1), next_generation()]
}

pub(super) fn named(row: &Row) -> Result<NamedCertificate, UnreadableRow> {
    let unreadable = |reason: String| UnreadableRow::Document { what: "certificate", reason };
    let der = BASE64_STANDARD.decode(row.text("der")?).map_err(|error| unreadable(error.to_string()))?;
    let instant = |us| Timestamp::from_microsecond(us).map_err(|error| unreadable(error.to_string()));
    Ok(NamedCertificate {
        stored: Stored {
            name: row.text("name")?.to_owned(),
            certificate: Certificate::parse(&der).map_err(|error| unreadable(error.to_string()))?,
            standing: if row.int("verified")? == 1 { Standing::Verified } else { Standing::Unverified },
        },
        etag: Etag::stored(row.text("etag")?),
        created: instant(row.int("created_us")?)?,
        updated: instant(row.int("updated_us")?)?,
    })
}

fn verified(standing: Standing) -> Value {
    match standing {
        Standing::Verified => 1.into(),
        Standing::Unverified => 0.into(),
    }
}
