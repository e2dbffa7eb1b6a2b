//! Many enrollments in one call, each for itself (dps.md §7.2).

use jiff::Timestamp;
use muster_ca::Caller;
use serde_json::{Value, json};

use super::{
    call::{Call, Reply},
    status::{ApiError, write_code},
};
use crate::{
    Dps,
    enrollment::{BULK_ITEMS_MAX, BulkError, BulkMode, EnrollmentKind, Invalid, Member},
};

pub(super) async fn bulk(
    dps: &Dps,
    kind: EnrollmentKind,
    call: Call,
    by: &Caller,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    let body = call.json().await?;
    let (mode, items) = read(kind, &body)?;
    let errors: Vec<_> =
        dps.bulk(kind, mode, items, by, now).await.iter().map(|error| show(kind, error)).collect();
    Ok(Reply::ok(json!({ "isSuccessful": errors.is_empty(), "errors": errors })))
}

fn read(kind: EnrollmentKind, body: &Value) -> Result<(BulkMode, &[Value]), Invalid> {
    let body = Member::root(body);
    body.object()?;
    let mode = body.at("mode");
    let wanted = "use `create`, `update`, `updateIfMatchETag` or `delete`";
    let mode = match mode.filled_text()?.map(str::to_ascii_lowercase).as_deref() {
        Some("create") => BulkMode::Create,
        Some("update") => BulkMode::Update,
        Some("updateifmatchetag") => BulkMode::UpdateIfMatchEtag,
        Some("delete") => BulkMode::Delete,
        Some(other) => return Err(mode.wrong(format!("`{other}` is unknown, {wanted}"))),
        None => return Err(mode.wrong(format!("is missing, {wanted}"))),
    };
    let items = body.at(match kind {
        EnrollmentKind::Individual => "enrollments",
        EnrollmentKind::Group => "enrollmentGroups",
    });
    let listed = items.list()?.ok_or_else(|| items.wrong("is missing, list the enrollments"))?;
    if listed.len() > BULK_ITEMS_MAX {
        let problem = format!("lists {}, at most {BULK_ITEMS_MAX} are done in one call", listed.len());
        return Err(items.wrong(problem));
    }
    Ok((mode, listed))
}

/// C# requires the id.
fn show(kind: EnrollmentKind, BulkError { id, error }: &BulkError) -> Value {
    let name = match kind {
        EnrollmentKind::Individual => "registrationId",
        EnrollmentKind::Group => "enrollmentGroupId",
    };
    let code = write_code(error);
    let text = if code / 1000 == 500 { "internal error".to_owned() } else { error.to_string() };
    json!({ name: id, "errorCode": code, "errorStatus": text })
}
