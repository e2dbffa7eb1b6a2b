//! `POST /explain`: which enrollment would decide, without a device.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    call::{Call, Reply},
    status::ApiError,
};
use crate::{Dps, enrollment::Invalid, explain::Question};

pub(super) async fn explain(dps: &Dps, call: Call, now: Timestamp) -> Result<Reply, ApiError> {
    let body = call.json().await?;
    let question = Question::deserialize(&body)
        .map_err(|error| Invalid { field: "body".to_owned(), problem: error.to_string() })?;
    Ok(Reply::ok(json!(dps.explain(&question, now).await?)))
}
