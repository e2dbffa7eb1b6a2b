//! `/enrollments` and `/enrollmentGroups`: the same verbs on the same shapes.

use jiff::Timestamp;
use muster_ca::Caller;

use super::{
    call::{Call, Reply},
    query,
    status::ApiError,
};
use crate::{
    Dps,
    enrollment::{EnrollmentKind, show_mechanism, with_keys, without_keys},
    registration::ReadError,
};

pub(super) async fn get(dps: &Dps, kind: EnrollmentKind, call: Call) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    let enrollment = dps.enrollment(kind, &call.id()?).await?;
    let registration = match kind {
        EnrollmentKind::Group => None,
        EnrollmentKind::Individual => match dps.registration(enrollment.id()).await {
            Ok(record) => Some(record.for_service()),
            Err(ReadError::NotFound { .. }) => None,
            Err(error @ ReadError::Store(_)) => return Err(error.into()),
        },
    };
    Ok(Reply::ok(without_keys(&enrollment, registration)).with_etag(&enrollment.etag))
}

pub(super) async fn put(
    dps: &Dps,
    kind: EnrollmentKind,
    call: Call,
    by: &Caller,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    let (id, precondition) = (call.id()?, call.precondition()?);
    let body = call.json().await?;
    let enrollment = dps.put_enrollment(kind, id, &body, &precondition, by, now).await?;
    Ok(Reply::ok(with_keys(&enrollment)).with_etag(&enrollment.etag))
}

pub(super) async fn delete(
    dps: &Dps,
    kind: EnrollmentKind,
    call: Call,
    by: &Caller,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    dps.delete_enrollment(kind, &call.id()?, &call.precondition()?, by, now).await?;
    Ok(Reply::no_content())
}

pub(super) async fn mechanism(dps: &Dps, kind: EnrollmentKind, call: Call) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    Ok(Reply::ok(show_mechanism(&dps.enrollment(kind, &call.id()?).await?)))
}

pub(super) async fn query(dps: &Dps, kind: EnrollmentKind, call: Call) -> Result<Reply, ApiError> {
    call.check_api_version()?;
    let wanted = query::wanted(&call)?;
    let filter = query::filter(&call.json().await?)?;
    let page = dps.enrollments(kind, &filter, &wanted.after, wanted.max).await?;
    // The C SDK compares these letter by letter.
    let item_type = match kind {
        EnrollmentKind::Individual => "Enrollment",
        EnrollmentKind::Group => "EnrollmentGroup",
    };
    Ok(query::reply(page, item_type))
}
