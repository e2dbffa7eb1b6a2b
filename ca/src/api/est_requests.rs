//! `GET /ca/est/requests?max=`, `POST /ca/est/requests/{id}/approve`, `…/deny`: requests of labels where somebody looks first.

use axum::{extract::Path, http::StatusCode, response::Response};

use muster_x509::to_pem;

use super::{answer, read::Asked, shapes, status::ApiError};
use crate::{EstRequest, Verdict};

const MAX: usize = 100;

pub(super) async fn list(mut asked: Asked) -> Response {
    let answered = Box::pin(try_list(&mut asked)).await;
    asked.answer(answered)
}

pub(super) async fn approve(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_decide(&mut asked, &id, Verdict::Approved)).await;
    asked.answer(answered)
}

pub(super) async fn deny(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_decide(&mut asked, &id, Verdict::Denied)).await;
    asked.answer(answered)
}

async fn try_list(asked: &mut Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let list: shapes::EstRequests = asked.query()?;
    let waiting = asked.ca().est_requests(list.max.unwrap_or(MAX)).await?;
    let shapes: Vec<_> = waiting.iter().map(shape).collect();
    Ok(answer::json(StatusCode::OK, &shapes))
}

async fn try_decide(asked: &mut Asked, id: &str, verdict: Verdict) -> Result<Response, ApiError> {
    asked.ca().decide_est_request(id, verdict, &asked.caller()?, asked.now).await?;
    Ok(answer::no_content())
}

fn shape(request: &EstRequest) -> shapes::EstRequest {
    shapes::EstRequest {
        id: request.id.clone(),
        label: request.label.clone(),
        requested_by: request.caller.clone(),
        subject: request.subject.clone(),
        csr: to_pem(&request.csr).replace("CERTIFICATE", "CERTIFICATE REQUEST"),
        created: request.created,
    }
}
