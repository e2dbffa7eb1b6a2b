//! `POST /ca/bulk?authority=&profile=`: JSON lines in, JSON lines out, answered as they are done.
//!
//! Each line is a request of its own, with an id that is its idempotency key: whoever is cut off sends all of it again, and
//! gets what was issued before as it was.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use futures::StreamExt;

use super::{
    Api, answer,
    lines::{Line, lines},
    read::{self, Asked},
    shapes::{BulkAnswer, BulkLine, BulkOutcome},
    status::ApiError,
};
use crate::{Action, Caller, Freshness, Issued, Request};

/// As many share a commit; more wait in memory for nothing.
const AT_ONCE: usize = 128;

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Defaults {
    authority: Option<String>,
    profile: Option<String>,
}

/// What is the same for all lines.
struct Order {
    api: Api,
    caller: Caller,
    defaults: Defaults,
}

pub(super) async fn bulk(mut asked: Asked) -> Response {
    match order(&asked) {
        Err(error) => asked.refuse(error),
        Ok(order) => {
            let order = Arc::new(order);
            let answers = lines(asked.body())
                .map(move |line| Box::pin(answer(Arc::clone(&order), line)))
                .buffer_unordered(AT_ONCE)
                .map(|answer| Ok::<_, std::convert::Infallible>(written(&answer)));
            let mut response = Response::new(Body::from_stream(answers));
            let content_type = HeaderValue::from_static("application/x-ndjson");
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            response
        }
    }
}

fn order(asked: &Asked) -> Result<Order, ApiError> {
    Ok(Order { api: asked.api.clone(), caller: asked.caller()?, defaults: asked.query()? })
}

async fn answer(order: Arc<Order>, line: Line) -> BulkAnswer {
    let mut id = None;
    let outcome = match issue(&order, &line, &mut id).await {
        Ok(issued) => {
            let certificate = Box::new(answer::certificate(&issued));
            match issued.freshness {
                Freshness::New => BulkOutcome::Issued(certificate),
                Freshness::Repeated => BulkOutcome::Repeated(certificate),
            }
        }
        Err(error) => BulkOutcome::Refused(error.shape(None).1),
    };
    BulkAnswer { line: line.number, id, outcome }
}

async fn issue(order: &Order, line: &Line, id: &mut Option<String>) -> Result<Issued, ApiError> {
    let text = line.text.as_ref().map_err(|error| ApiError::Line(*error))?;
    let asked: BulkLine = read::json(text)?;
    let id = id.insert(asked.id);
    let (sign, defaults) = (asked.sign, &order.defaults);
    let now = (order.api.clock)();
    let authority = read::authority(sign.authority.as_deref().or(defaults.authority.as_deref()))?;
    let profile = sign.profile.or_else(|| defaults.profile.clone()).ok_or(ApiError::ProfileMissing)?;
    let object = format!("{authority}/{profile}");
    let ca = &order.api.ca;
    let csr = ca.read_csr(Action::CertificateIssue, object, &order.caller, &sign.csr, now).await?;
    let subject = read::facts(sign.subject)?;
    let holder = read::holder(sign.holder, ca);
    let request = Request {
        holder: holder.or_else(|| ca.holder_by_name(&profile, &subject, &csr)),
        authority,
        profile,
        csr,
        subject,
        caller: order.caller.clone(),
        idempotency_key: Some(format!("bulk/{id}")),
        not_after: sign.not_after,
    };
    Ok(ca.issue(request, now).await?)
}

fn written(answer: &BulkAnswer) -> Vec<u8> {
    // Texts, numbers and lists of them: there is nothing in them that JSON cannot say.
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}
