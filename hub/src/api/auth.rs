//! Whether a service client may do what it asks for (hub-service.md §1.2, §1.3).

use http::HeaderMap;
use jiff::Timestamp;
use muster_identity::{Right, authorize};
use muster_sas::Token;

use super::errors::ApiError;
use crate::settings::Settings;

/// The caller hears the same for every reason; the reason goes to the operator's log.
pub(super) fn permit(
    settings: &Settings,
    headers: &HeaderMap,
    path: &str,
    needs: Right,
    now: Timestamp,
) -> Result<(), ApiError> {
    let header = headers.get(http::header::AUTHORIZATION).ok_or_else(|| unauthorized("no token was sent"))?;
    let text = header.to_str().map_err(|_| unauthorized("token is not text"))?;
    let token = Token::parse(text).map_err(unauthorized)?;
    let mut denied = None;
    for host in settings.names() {
        match authorize(&settings.policies, &token, &format!("{host}{path}"), needs, now) {
            Ok(_) => return Ok(()),
            Err(reason) => denied = denied.or(Some(reason)),
        }
    }
    Err(unauthorized(denied.map(|reason| reason.to_string()).unwrap_or_default()))
}

fn unauthorized(reason: impl ToString) -> ApiError {
    ApiError::Unauthorized { reason: reason.to_string() }
}
