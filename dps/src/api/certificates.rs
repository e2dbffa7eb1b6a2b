//! `/certificates`: named authorities that enrollments refer to by `caReferences`, and intermediates that complete chains.
//!
//! | call | does |
//! |---|---|
//! | `PUT …/{name}` | stores: `certificate`, `isVerified`, and our own `kind` (`authority`, `intermediate`), `crlUrls`, `crlCheck` (`bestEffort`, `require`); at the top or in `properties`; what is left out stays. With `If-Match` it replaces |
//! | `POST …/{name}/generateVerificationCode` | a code of this ETag (`If-Match`), good for a week and for one use |
//! | `POST …/{name}/verify` | `certificate`: named by the code, signed by exactly that key (`If-Match`) |
//! | `POST …/{name}/refreshCrls` | its revocation lists are fetched within seconds |
//! | `GET`, `GET …/{name}`, `DELETE …/{name}` | list, show, delete (`If-Match`) |
//!
//! A group's `attestation.x509.pin` is our own as well: `key` lets a certificate issued anew for the same name and key count, the
//! default `certificate` does not. It is shown when it is `key`, and stays when a PUT leaves it out, as typed clients do.

use jiff::Timestamp;
use muster_ca::Caller;
use serde_json::Value;

use super::{
    call::{Call, Reply},
    status::ApiError,
};
use crate::{
    Dps,
    certificate::{NamedCertificate, show, show_with_code},
    enrollment::{Invalid, certificate_name},
};

pub(super) async fn list(dps: &Dps, now: Timestamp) -> Result<Reply, ApiError> {
    let all = dps.certificates().await?;
    Ok(Reply::ok(Value::Array(all.iter().map(|named| show(named, now)).collect())))
}

pub(super) async fn get(dps: &Dps, call: Call, now: Timestamp) -> Result<Reply, ApiError> {
    Ok(reply(&dps.certificate(&name(&call)?).await?, now))
}

pub(super) async fn put(dps: &Dps, call: Call, by: &Caller, now: Timestamp) -> Result<Reply, ApiError> {
    let (name, precondition) = (name(&call)?, call.precondition()?);
    Ok(reply(&dps.put_certificate(&name, &call.json().await?, &precondition, by, now).await?, now))
}

pub(super) async fn new_code(dps: &Dps, call: Call, by: &Caller, now: Timestamp) -> Result<Reply, ApiError> {
    let named = dps.new_verification_code(&name(&call)?, &call.precondition()?, by, now).await?;
    Ok(Reply::ok(show_with_code(&named, now)).with_etag(&named.etag))
}

pub(super) async fn verify(dps: &Dps, call: Call, by: &Caller, now: Timestamp) -> Result<Reply, ApiError> {
    let (name, precondition) = (name(&call)?, call.precondition()?);
    Ok(reply(&dps.verify_certificate(&name, &call.json().await?, &precondition, by, now).await?, now))
}

pub(super) async fn refresh_crls(dps: &Dps, call: Call, now: Timestamp) -> Result<Reply, ApiError> {
    Ok(reply(&dps.refresh_crls_of(&name(&call)?, now).await?, now))
}

pub(super) async fn delete(dps: &Dps, call: Call, by: &Caller, now: Timestamp) -> Result<Reply, ApiError> {
    dps.delete_certificate(&name(&call)?, &call.precondition()?, by, now).await?;
    Ok(Reply::no_content())
}

fn reply(named: &NamedCertificate, now: Timestamp) -> Reply {
    Reply::ok(show(named, now)).with_etag(&named.etag)
}

fn name(call: &Call) -> Result<String, ApiError> {
    certificate_name(call.name()?)
        .map_err(|error| Invalid { field: "name".to_owned(), problem: error.to_string() }.into())
}
