//! Who may use the service API: a token signed by a policy that has the right (dps.md §7.1).

use http::header;
use jiff::Timestamp;
use muster_identity::{Denied, Right};
use muster_sas::Token;

use super::{call::Call, status::ApiError};
use crate::{Dps, TrackingId};

/// Strangers learn nothing; the reason is in the log under the tracking id. Who holds a policy is told which right it lacks.
pub(super) fn authorize(
    dps: &Dps,
    call: &Call,
    needs: Right,
    now: Timestamp,
    tracking: TrackingId,
) -> Result<(), ApiError> {
    let log = |why: &dyn std::fmt::Display| tracing::info!(%tracking, %why, "a service call was refused");
    let Some(text) = call.header(header::AUTHORIZATION.as_str()) else {
        log(&"there is no `Authorization` header");
        return Err(ApiError::Unauthorized);
    };
    let token = Token::parse(text).map_err(|error| {
        log(&error);
        ApiError::Unauthorized
    })?;
    let resource = format!("{}/{}", dps.settings().host, call.segments.join("/"));
    match muster_identity::authorize(&dps.settings().policies, &token, &resource, needs, now) {
        Ok(_) => Ok(()),
        Err(denied @ Denied::Right { .. }) => Err(ApiError::Forbidden(denied)),
        Err(denied) => {
            log(&denied);
            Err(ApiError::Unauthorized)
        }
    }
}
