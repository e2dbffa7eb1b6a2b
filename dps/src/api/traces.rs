//! `/traces`: why devices were refused, for `muster explain`.

use serde_json::json;

use super::{
    call::{Call, Reply},
    status::ApiError,
};
use crate::{Dps, TrackingId, enrollment::Invalid};

const TOP_DEFAULT: usize = 20;
/// A megabyte or so of JSON.
const TOP_MAX: usize = 500;

pub(super) async fn get(dps: &Dps, call: Call) -> Result<Reply, ApiError> {
    let name = call.name()?;
    let id = TrackingId::parse(name).ok_or_else(|| Invalid {
        field: "trackingId".to_owned(),
        problem: format!("`{name}` is not a UUID"),
    })?;
    Ok(Reply::ok(json!(dps.trace(id).await?)))
}

/// `?registrationId=` and `?top=`, latest first.
pub(super) async fn list(dps: &Dps, call: Call) -> Result<Reply, ApiError> {
    let top = match call.parameter("top") {
        None => TOP_DEFAULT,
        Some(text) => match text.parse() {
            Ok(top @ 1..=TOP_MAX) => top,
            Ok(_) | Err(_) => {
                let problem = format!("`{text}` is not a number from 1 to {TOP_MAX}");
                return Err(Invalid { field: "top".to_owned(), problem }.into());
            }
        },
    };
    let id = call.parameter("registrationId");
    let traces = dps.latest_traces(id.as_deref(), top).await.map_err(crate::trace::ReadError::Store)?;
    Ok(Reply::ok(json!(traces)))
}
