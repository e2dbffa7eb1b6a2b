//! Answers, written.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;

use muster_x509::to_pem;

use super::{read::Asked, revocations, shapes, status::ApiError};
use crate::{Ca, Issued, Stage, Stored, renew_after};

pub(super) fn json(status: StatusCode, shape: &impl Serialize) -> Response {
    // Texts, numbers and lists of them: there is nothing in them that JSON cannot say.
    let mut response = Response::new(Body::from(serde_json::to_vec(shape).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

impl Asked {
    pub(super) fn refuse(&self, error: ApiError) -> Response {
        let (status, shape) = error.shape(Some(self.tracking.clone()));
        if status.is_server_error() {
            tracing::error!(tracking = self.tracking, %error, "a call to the authority failed");
        }
        let mut response = json(status, &shape);
        if let Some(seconds) = error.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    pub(super) fn answer(&self, answered: Result<Response, ApiError>) -> Response {
        answered.unwrap_or_else(|error| self.refuse(error))
    }
}

pub(super) fn certificate(issued: &Issued) -> shapes::Certificate {
    let certificate = &issued.certificate;
    shapes::Certificate {
        serial: hex::encode(issued.serial),
        profile: issued.profile.to_string(),
        subject: certificate.subject().to_owned(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        renew_after: renew_after(certificate),
        log_index: issued.log_index,
        certificate: to_pem(certificate.der()),
        chain: issued.chain.iter().map(|certificate| to_pem(certificate.der())).collect(),
        remarks: issued.remarks.clone(),
    }
}

pub(super) fn listed(stored: &Stored, ca: &Ca) -> shapes::Listed {
    let (stage, log_index) = match &stored.stage {
        Stage::Recorded => ("recorded", None),
        Stage::Issued { log_index, .. } => ("issued", Some(*log_index)),
        Stage::Abandoned => ("abandoned", None),
    };
    let revoked = ca.is_revoked(&stored.authority, &stored.serial, stored.held_by().as_ref());
    shapes::Listed {
        serial: hex::encode(stored.serial),
        authority: stored.authority.to_string(),
        profile: stored.profile.to_string(),
        stage,
        subject: stored.subject.clone(),
        holder: stored.holder.clone(),
        generation: stored.generation.clone(),
        requested_by: stored.caller.clone(),
        recorded: stored.recorded,
        not_after: stored.not_after,
        log_index,
        revoked: revoked.map(revocations::shape),
        certificate: None,
    }
}
