//! `/registrations`: what became of devices.

use super::{
    call::{Call, Reply},
    query,
    status::ApiError,
};
use crate::Dps;

pub(super) async fn get(dps: &Dps, call: Call) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    let record = dps.registration(&call.id()?).await?;
    Ok(Reply::ok(record.for_service()).with("etag", format!("\"{}\"", record.etag_shown())))
}

pub(super) async fn delete(dps: &Dps, call: Call) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    dps.delete_registration(&call.id()?, &call.precondition()?).await?;
    Ok(Reply::no_content())
}

/// Those of one group; its id is in the path.
pub(super) async fn query(dps: &Dps, call: Call) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    let wanted = query::wanted(&call)?;
    let page = dps.registrations_of_group(&call.id()?, &wanted.after, wanted.max).await?;
    Ok(query::reply(page, "DeviceRegistration"))
}
