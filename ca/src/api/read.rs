//! A request, read: who asks, which request it is, its body within limits.

use std::convert::Infallible;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Query, Request},
    http::{HeaderMap, Uri},
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use muster_x509::{Certificate, read_certificates};

use super::{Api, status::ApiError};
use crate::{Ca, Caller, Hardware, Holder, SubjectFacts, api::shapes, hierarchy::AuthorityId};

/// A certificate and a request with sixty names, in PEM, with room to spare.
pub(super) const BODY_BYTES_MAX: usize = 128 * 1024;

/// A request to this API.
pub(super) struct Asked {
    pub(super) api: Api,
    pub(super) tracking: String,
    pub(super) now: Timestamp,
    caller: Option<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
}

impl FromRequest<Api> for Asked {
    type Rejection = Infallible;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        let mut tracking = [0; 16];
        (api.ca.entropy)(&mut tracking);
        Ok(Self {
            api: api.clone(),
            tracking: hex::encode(tracking),
            now: (api.clock)(),
            caller: parts.extensions.get().cloned(),
            headers: parts.headers,
            uri: parts.uri,
            body,
        })
    }
}

impl Asked {
    pub(super) fn ca(&self) -> &Ca {
        &self.api.ca
    }

    pub(super) fn caller(&self) -> Result<Caller, ApiError> {
        self.caller.clone().ok_or(ApiError::NoCaller)
    }

    pub(super) fn idempotency_key(&self) -> Result<Option<String>, ApiError> {
        let Some(value) = self.headers.get("idempotency-key") else { return Ok(None) };
        let key = value.to_str().map_err(|_| ApiError::Header("Idempotency-Key"))?;
        Ok(Some(key.to_owned()))
    }

    /// As the client calls this server.
    pub(super) fn host(&self) -> String {
        let told = self.headers.get("host").and_then(|value| value.to_str().ok());
        let host = self.uri.authority().map(ToString::to_string).or_else(|| told.map(str::to_owned));
        host.unwrap_or_else(|| "localhost".to_owned())
    }

    pub(super) fn is_json(&self) -> bool {
        let content_type = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        content_type.is_some_and(|it| it.to_ascii_lowercase().starts_with("application/json"))
    }

    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let read = Query::<T>::try_from_uri(&self.uri);
        read.map(|Query(query)| query).map_err(|error| ApiError::Query(error.body_text()))
    }

    /// The body, taken out.
    pub(super) fn body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    pub(super) async fn text(&mut self) -> Result<String, ApiError> {
        let body = to_bytes(self.body(), BODY_BYTES_MAX).await.map_err(|_| ApiError::TooLarge)?;
        String::from_utf8(body.to_vec()).map_err(|_| ApiError::NotText)
    }

    pub(super) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        json(self.text().await?.as_bytes())
    }

    /// Where all of it may be left out.
    pub(super) async fn json_or_nothing<T: DeserializeOwned + Default>(&mut self) -> Result<T, ApiError> {
        match self.text().await? {
            text if text.trim().is_empty() => Ok(T::default()),
            text => json(text.as_bytes()),
        }
    }
}

pub(super) fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(text).map_err(|error| ApiError::Json(error.to_string()))
}

pub(super) fn authority(id: Option<&str>) -> Result<AuthorityId, ApiError> {
    id.map_or_else(|| Ok(AuthorityId::issuing()), |id| Ok(AuthorityId::parse(id)?))
}

pub(super) fn certificate(text: &str) -> Result<Certificate, ApiError> {
    let mut certificates = read_certificates(text)?.into_iter();
    match (certificates.next(), certificates.next()) {
        (Some(certificate), None) => Ok(certificate),
        _ => Err(ApiError::OneCertificate),
    }
}

pub(super) fn facts(subject: shapes::Subject) -> Result<SubjectFacts, ApiError> {
    let hardware = subject.hardware.map(|hardware| {
        let serial = hex::decode(&hardware.serial).map_err(|_| ApiError::HardwareSerial)?;
        Ok::<_, ApiError>(Hardware { kind: hardware.r#type, serial })
    });
    Ok(SubjectFacts {
        common_name: subject.common_name,
        serial_number: subject.serial_number,
        organization: subject.organization,
        organizational_unit: subject.organizational_unit,
        dns_names: subject.dns_names,
        ip_addresses: subject.ip_addresses,
        uris: subject.uris,
        hardware: hardware.transpose()?,
        more: subject.more,
    })
}

pub(super) fn holder(holder: Option<shapes::Holder>, ca: &Ca) -> Option<Holder> {
    holder.map(|shapes::Holder { name, generation }| match generation {
        Some(generation) => Holder { name, generation },
        None => ca.holder(&name),
    })
}

/// By what a certificate is asked for.
pub(super) enum Named {
    Serial([u8; 16]),
    /// Of its DER.
    Sha256([u8; 32]),
}

/// Told apart by their lengths.
pub(super) fn serial_or_sha256(text: &str) -> Result<Named, ApiError> {
    let mut sha256 = [0; 32];
    match hex::decode_to_slice(text.replace(':', ""), &mut sha256) {
        Ok(()) => Ok(Named::Sha256(sha256)),
        Err(_) => serial(text).map(Named::Serial).map_err(|_| ApiError::SerialOrHash),
    }
}

/// As it is written everywhere: hexadecimal, perhaps with colons.
pub(super) fn serial(text: &str) -> Result<[u8; 16], ApiError> {
    let mut serial = [0; 16];
    let digits = text.replace(':', "");
    hex::decode_to_slice(&digits, &mut serial).map_err(|_| ApiError::Serial)?;
    Ok(serial)
}
