//! The table `instance_certificate`.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use muster_store::{Row, Statement, Value};
use muster_x509::Certificate;

use super::{NamedCertificate, VerificationCode};
use crate::{
    enrollment::{
        Etag, Standing, Stored,
        sql::{UnreadableRow, next_generation},
    },
    external_crl::{self, Check, CrlUrl, Crls},
};

pub(super) const ALL: &str =
    "SELECT name, etag, standing, der, crl_check, code, code_expires_us, created_us, updated_us
FROM instance_certificate ORDER BY id";

pub(super) const ONE: &str =
    "SELECT name, etag, standing, der, crl_check, code, code_expires_us, created_us, updated_us
FROM instance_certificate WHERE id = $1";

pub(super) const COUNT: &str =
    "SELECT COUNT(*) AS n, COUNT(CASE WHEN standing = 'intermediate' THEN 1 END) AS intermediates
FROM instance_certificate";

const INSERT: &str =
    "INSERT INTO instance_certificate (id, name, etag, standing, der, crl_check, created_us, updated_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";

const UPDATE: &str = "UPDATE instance_certificate
SET etag = $1, standing = $2, der = $3, crl_check = $4, code = NULL, code_expires_us = NULL, updated_us = $5
WHERE id = $6 AND etag = $7";

const SET_CODE: &str = "UPDATE instance_certificate
SET etag = $1, code = $2, code_expires_us = $3, updated_us = $4 WHERE id = $5 AND etag = $6";

/// The code is used up with it, by whoever comes first.
const VERIFY: &str = "UPDATE instance_certificate
SET etag = $1, standing = 'verified', code = NULL, code_expires_us = NULL, updated_us = $2
WHERE id = $3 AND etag = $4 AND code = $5";

const DELETE: &str = "DELETE FROM instance_certificate WHERE id = $1 AND etag = $2";

pub(super) fn insert(named: &NamedCertificate) -> Vec<Statement> {
    let stored = &named.stored;
    let args = vec![
        id(&stored.name),
        (&stored.name).into(),
        named.etag.as_str().into(),
        standing(stored.standing).into(),
        BASE64_STANDARD.encode(stored.certificate.der()).into(),
        stored.crls.check.as_str().into(),
        named.created.as_microsecond().into(),
        named.updated.as_microsecond().into(),
    ];
    let mut unit = vec![Statement::new(INSERT, args).exactly(1), next_generation()];
    unit.extend(feeds(named, None));
    unit
}

pub(super) fn replace(named: &NamedCertificate, former: &NamedCertificate) -> Vec<Statement> {
    let stored = &named.stored;
    let args = vec![
        named.etag.as_str().into(),
        standing(stored.standing).into(),
        BASE64_STANDARD.encode(stored.certificate.der()).into(),
        stored.crls.check.as_str().into(),
        named.updated.as_microsecond().into(),
        id(&stored.name),
        former.etag.as_str().into(),
    ];
    let mut unit = vec![Statement::new(UPDATE, args).exactly(1), next_generation()];
    unit.extend(feeds(named, Some(former)));
    unit
}

pub(super) fn set_code(named: &NamedCertificate, code: &VerificationCode, former: &Etag) -> Vec<Statement> {
    let args = vec![
        named.etag.as_str().into(),
        code.text.as_str().into(),
        code.expires.as_microsecond().into(),
        named.updated.as_microsecond().into(),
        id(&named.stored.name),
        former.as_str().into(),
    ];
    vec![Statement::new(SET_CODE, args).exactly(1), next_generation()]
}

pub(super) fn verify(named: &NamedCertificate, code: &VerificationCode, former: &Etag) -> Vec<Statement> {
    let args = vec![
        named.etag.as_str().into(),
        named.updated.as_microsecond().into(),
        id(&named.stored.name),
        former.as_str().into(),
        code.text.as_str().into(),
    ];
    vec![Statement::new(VERIFY, args).exactly(1), next_generation()]
}

pub(super) fn delete(name: &str, former: &Etag) -> Vec<Statement> {
    vec![
        Statement::new(DELETE, [id(name), former.as_str().into()]).exactly(1),
        external_crl::sql::forget_all(&name.to_ascii_lowercase()),
        next_generation(),
    ]
}

/// Without its revocation lists, which come from their own table.
pub(super) fn named(row: &Row) -> Result<NamedCertificate, UnreadableRow> {
    let unreadable = |reason: String| UnreadableRow::Document { what: "certificate", reason };
    let der = BASE64_STANDARD.decode(row.text("der")?).map_err(|error| unreadable(error.to_string()))?;
    let instant = |us| Timestamp::from_microsecond(us).map_err(|error| unreadable(error.to_string()));
    let standing = match row.text("standing")? {
        "verified" => Standing::Verified,
        "unverified" => Standing::Unverified,
        "intermediate" => Standing::Intermediate,
        other => return Err(unreadable(format!("standing `{other}` is unknown"))),
    };
    let check = Check::parse(row.text("crl_check")?).map_err(|error| unreadable(error.to_string()))?;
    let code = match (row.opt_text("code")?, row.opt_int("code_expires_us")?) {
        (Some(text), Some(expires_us)) => {
            Some(VerificationCode { text: text.to_owned(), expires: instant(expires_us)? })
        }
        _ => None,
    };
    Ok(NamedCertificate {
        stored: Stored {
            name: row.text("name")?.to_owned(),
            certificate: Certificate::parse(&der).map_err(|error| unreadable(error.to_string()))?,
            standing,
            crls: Crls { check, feeds: Vec::new() },
        },
        etag: Etag::stored(row.text("etag")?),
        code,
        created: instant(row.int("created_us")?)?,
        updated: instant(row.int("updated_us")?)?,
    })
}

fn feeds(named: &NamedCertificate, former: Option<&NamedCertificate>) -> Vec<Statement> {
    let urls = |named: &'_ NamedCertificate| -> Vec<CrlUrl> {
        named.stored.crls.feeds.iter().map(|feed| feed.url.clone()).collect()
    };
    let (wanted, former) = (urls(named), former.map(urls).unwrap_or_default());
    let id = named.stored.name.to_ascii_lowercase();
    external_crl::sql::set(&id, &named.stored.certificate, &wanted, &former, named.updated)
}

fn id(name: &str) -> Value {
    name.to_ascii_lowercase().into()
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Verified => "verified",
        Standing::Unverified => "unverified",
        Standing::Intermediate => "intermediate",
    }
}
