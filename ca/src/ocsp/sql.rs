//! SQL of OCSP: what was issued, and who answers for whom.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use muster_store::{Db, Statement, StoreError, Value};
use muster_x509::Certificate;

use super::{
    cache::Subject,
    responder::{Responder, ResponderReadError},
};
use crate::{hierarchy::AuthorityId, issuance::Holder, keys::KeyRef};

const ISSUED: &str = "SELECT holder, generation FROM ca_certificate \
     WHERE authority = $1 AND serial = $2 AND state = 'issued'";

const RESPONDERS: &str = "SELECT authority, number, key, certificate FROM ca_responder";

/// The next one; who comes later has a higher number.
const PUT: &str = "INSERT INTO ca_responder (authority, number, key, certificate) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (authority) DO UPDATE SET number = excluded.number, key = excluded.key, \
     certificate = excluded.certificate WHERE ca_responder.number < excluded.number";

/// None for a serial number that nothing was issued with.
pub(super) async fn issued(
    db: &Db,
    authority: &AuthorityId,
    serial: [u8; 16],
) -> Result<Option<Subject>, StoreError> {
    let rows = db.fetch(ISSUED, &[authority.as_str().into(), hex::encode(serial).into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let holder = match (row.opt_text("holder")?, row.opt_text("generation")?) {
        (Some(name), Some(generation)) => {
            Some(Holder { name: name.to_owned(), generation: generation.to_owned() })
        }
        _ => None,
    };
    Ok(Some(Subject { authority: authority.clone(), serial, holder }))
}

pub(super) async fn responders(db: &Db) -> Result<Vec<(AuthorityId, Responder)>, ResponderReadError> {
    let mut responders = Vec::new();
    for row in db.fetch(RESPONDERS, &[]).await? {
        let authority = row.text("authority")?;
        let damaged = || ResponderReadError::Damaged { authority: authority.to_owned() };
        let der = STANDARD.decode(row.text("certificate")?).map_err(|_| damaged())?;
        let certificate = Certificate::parse(&der).map_err(|_| damaged())?;
        let key = KeyRef::parse(row.text("key")?).map_err(|_| damaged())?;
        let number = u32::try_from(row.int("number")?).map_err(|_| damaged())?;
        let id = AuthorityId::parse(authority).map_err(|_| damaged())?;
        responders.push((id, Responder::new(number, key, certificate)));
    }
    Ok(responders)
}

pub(super) fn put(authority: &AuthorityId, responder: &Responder) -> Statement {
    let args = [
        authority.as_str().into(),
        Value::Int(responder.number.into()),
        responder.key.to_string().into(),
        STANDARD.encode(responder.certificate.der()).into(),
    ];
    Statement::new(PUT, args).exactly(1)
}
