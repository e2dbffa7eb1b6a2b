//! `GET /ca/authorities`, `GET PUT /ca/authorities/{id}`, `GET /ca/tree`, and what becomes of an authority: `POST
//! /ca/authorities/{id}/renew`, `…/retire`, `…/reactivate`, `…/crl-only`.

use axum::{extract::Path, http::StatusCode, response::Response};
use jiff::{SignedDuration, Timestamp};

use muster_x509::to_pem;

use super::{answer, read::Asked, shapes, status::ApiError};
use crate::{
    Authority, AuthorityId, ExpiryWarning, KeyKind, KeyPlace, NewAuthority, Node, Renewal, Retirement,
    Urgency,
};

const HOURS_A_DAY: i64 = 24;

pub(super) async fn list(asked: Asked) -> Response {
    let answered = asked.caller().map(|_| {
        let warnings = asked.ca().expiry_warnings(asked.now);
        let authorities: Vec<_> = asked.ca().tree().iter().map(|it| shape(it, &warnings)).collect();
        answer::json(StatusCode::OK, &authorities)
    });
    asked.answer(answered)
}

pub(super) async fn tree(asked: Asked) -> Response {
    let answered = asked.caller().map(|_| {
        let warnings = asked.ca().expiry_warnings(asked.now);
        let nodes: Vec<_> = asked.ca().tree().nodes().iter().map(|node| below(node, &warnings)).collect();
        answer::json(StatusCode::OK, &nodes)
    });
    asked.answer(answered)
}

pub(super) async fn one(Path(id): Path<String>, asked: Asked) -> Response {
    let answered = try_one(&asked, &id);
    asked.answer(answered)
}

pub(super) async fn create(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_create(&mut asked, &id)).await;
    asked.answer(answered)
}

pub(super) async fn renew(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_renew(&mut asked, &id)).await;
    asked.answer(answered)
}

pub(super) async fn retire(Path(id): Path<String>, asked: Asked) -> Response {
    change(asked, &id, Retirement::Retire).await
}

pub(super) async fn reactivate(Path(id): Path<String>, asked: Asked) -> Response {
    change(asked, &id, Retirement::Reactivate).await
}

pub(super) async fn crl_only(Path(id): Path<String>, asked: Asked) -> Response {
    change(asked, &id, Retirement::CrlOnly).await
}

fn try_one(asked: &Asked, id: &str) -> Result<Response, ApiError> {
    asked.caller()?;
    let id = AuthorityId::parse(id)?;
    let authority = asked.ca().authority(&id).ok_or(ApiError::NoAuthority(id))?;
    Ok(told(asked, StatusCode::OK, &authority))
}

async fn try_create(asked: &mut Asked, id: &str) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let id = AuthorityId::parse(id)?;
    let wanted: shapes::NewAuthority = asked.json_or_nothing().await?;
    let parent = wanted.parent.as_deref().map(AuthorityId::parse).transpose()?;
    let (new, now) = (new(id, wanted)?, asked.now);
    let made = match parent {
        Some(parent) => asked.ca().create_intermediate(&parent, new, &caller, now).await?,
        None => asked.ca().create_root(new, &caller, now).await?,
    };
    Ok(told(asked, StatusCode::CREATED, &made))
}

async fn try_renew(asked: &mut Asked, id: &str) -> Result<Response, ApiError> {
    let renewed = asked.ca().renew_authority(&AuthorityId::parse(id)?, &asked.caller()?, asked.now).await?;
    Ok(told(asked, StatusCode::OK, &renewed))
}

async fn change(mut asked: Asked, id: &str, retirement: Retirement) -> Response {
    let answered = Box::pin(try_change(&mut asked, id, retirement)).await;
    asked.answer(answered)
}

async fn try_change(asked: &mut Asked, id: &str, retirement: Retirement) -> Result<Response, ApiError> {
    let (id, caller) = (AuthorityId::parse(id)?, asked.caller()?);
    let changed = asked.ca().retire_authority(&id, retirement, &caller, asked.now).await?;
    Ok(told(asked, StatusCode::OK, &changed))
}

/// As it was asked for.
pub(super) fn new(id: AuthorityId, wanted: shapes::NewAuthority) -> Result<NewAuthority, ApiError> {
    Ok(NewAuthority {
        id,
        common_name: wanted.common_name,
        organization: wanted.organization,
        key: wanted.key.as_deref().map(KeyKind::parse).transpose()?.unwrap_or_default(),
        place: match wanted.place {
            shapes::Place::File => KeyPlace::File,
            shapes::Place::Token => KeyPlace::Token,
        },
        life: wanted.life_days.map(|days| SignedDuration::from_hours(HOURS_A_DAY * i64::from(days))),
        path_len: wanted.path_length,
        crl_shards: wanted.crl_shards,
        renewal: match wanted.renewal {
            shapes::Renewal::Automatic => Renewal::Automatic,
            shapes::Renewal::ByHand => Renewal::ByHand,
        },
    })
}

pub(super) fn told(asked: &Asked, status: StatusCode, authority: &Authority) -> Response {
    answer::json(status, &shape(authority, &asked.ca().expiry_warnings(asked.now)))
}

fn below(node: &Node, warnings: &[ExpiryWarning]) -> shapes::Node {
    shapes::Node {
        authority: shape(&node.authority, warnings),
        below: node.children.iter().map(|child| below(child, warnings)).collect(),
    }
}

fn shape(authority: &Authority, warnings: &[ExpiryWarning]) -> shapes::Authority {
    let certificate = authority.certificate.as_ref();
    let instant = |of: fn(&muster_x509::Certificate) -> Timestamp| certificate.map(of);
    let warning = warnings.iter().find(|warning| warning.authority == authority.id);
    shapes::Authority {
        id: authority.id.to_string(),
        parent: authority.parent.as_ref().map(ToString::to_string),
        state: authority.state.as_str(),
        generation: authority.generation,
        crl_shards: authority.crl_shards,
        key: authority.key.as_ref().map(ToString::to_string),
        renewal: authority.renewal.as_str(),
        subject: certificate.map(|certificate| certificate.subject().to_owned()),
        not_before: instant(muster_x509::Certificate::not_before),
        not_after: instant(muster_x509::Certificate::not_after),
        certificate: certificate.map(|certificate| to_pem(certificate.der())),
        warning: warning.map(|warning| shapes::Warning {
            urgency: match warning.urgency {
                Urgency::Notice => "notice",
                Urgency::Warning => "warning",
                Urgency::Critical => "critical",
                Urgency::Expired => "expired",
            },
            days_left: warning.days_left,
        }),
    }
}
