//! `/certificates`: named authorities that enrollments refer to by `caReferences`.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    call::{Call, Reply},
    status::ApiError,
};
use crate::{
    Dps,
    certificate::show,
    enrollment::{Invalid, certificate_name},
};

pub(super) async fn list(dps: &Dps) -> Result<Reply, ApiError> {
    Ok(Reply::ok(Value::Array(dps.certificates().await?.iter().map(show).collect())))
}

pub(super) async fn get(dps: &Dps, call: Call) -> Result<Reply, ApiError> {
    let named = dps.certificate(&name(&call)?).await?;
    Ok(Reply::ok(show(&named)).with_etag(&named.etag))
}

pub(super) async fn put(dps: &Dps, call: Call, now: Timestamp) -> Result<Reply, ApiError> {
    let (name, precondition) = (name(&call)?, call.precondition()?);
    let named = dps.put_certificate(&name, &call.json().await?, &precondition, now).await?;
    Ok(Reply::ok(show(&named)).with_etag(&named.etag))
}

pub(super) async fn delete(dps: &Dps, call: Call) -> Result<Reply, ApiError> {
    dps.delete_certificate(&name(&call)?, &call.precondition()?).await?;
    Ok(Reply::no_content())
}

fn name(call: &Call) -> Result<String, ApiError> {
    certificate_name(call.name()?)
        .map_err(|error| Invalid { field: "name".to_owned(), problem: error.to_string() }.into())
}
