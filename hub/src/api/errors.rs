//! What can go wrong, as service clients read it: status, name and number, and the envelope every SDK parses (hub-service.md §2.12).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::HeaderName};
use muster_events::ReadError as LogError;
use serde_json::json;

use super::{json_response, route::RouteError};
use crate::{
    registry::{ReadError, RegistryError},
    twin::TwinRefusal,
};

const ERROR_CODE: HeaderName = HeaderName::from_static("iothub-errorcode");

#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("{reason}")]
    Unauthorized { reason: String },
    #[error("`api-version` is missing in the query; add `?api-version=2021-04-12`")]
    Version,
    #[error("{0:?}")]
    Route(RouteError),
    #[error("`{parameter}` is `{value}`; send {wanted}")]
    Query { parameter: &'static str, value: String, wanted: &'static str },
    #[error("body is over {max} bytes or broke off")]
    Body { max: usize },
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Twin(#[from] TwinRefusal),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        Self::Registry(error.into())
    }
}

/// How an error is told. The name and the first digits of the number belong together: C# compares them.
struct Told {
    status: StatusCode,
    name: &'static str,
    text: String,
}

impl ApiError {
    fn told(&self) -> Told {
        let (status, name) = match self {
            Self::Unauthorized { .. } => {
                let text = "Unauthorized".to_owned(); // the same to every stranger
                return Told { status: StatusCode::UNAUTHORIZED, name: "IotHubUnauthorizedAccess", text };
            }
            Self::Version => (StatusCode::BAD_REQUEST, "InvalidProtocolVersion"),
            Self::Route(error) => return route(error),
            Self::Query { .. } => (StatusCode::BAD_REQUEST, "ArgumentInvalid"),
            Self::Body { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "MessageTooLarge"),
            Self::Registry(error) => registry(error),
            Self::Twin(refusal) => twin(refusal),
            Self::Log(error) => log(error),
        };
        Told { status, name, text: self.to_string() }
    }

    pub(super) fn response(&self, tracking_id: &str) -> Response {
        let Told { status, name, text } = self.told();
        match (status.is_server_error(), self) {
            (true, _) => tracing::warn!(tracking_id, name, reason = text, "request failed"),
            (false, Self::Unauthorized { reason }) => {
                tracing::info!(tracking_id, reason, "request refused");
            }
            (false, _) => tracing::debug!(tracking_id, name, reason = text, "request refused"),
        }
        let body = json!({
            "Message": format!("ErrorCode:{name};{text}"),
            "ExceptionMessage": format!("Tracking ID:{tracking_id}"),
        });
        let mut response = json_response(status, &body).into_response();
        response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(name));
        response
    }
}

fn route(error: &RouteError) -> Told {
    let (status, name, text) = match error {
        RouteError::NotFound => {
            (StatusCode::NOT_FOUND, "GenericNotFound", "there is nothing at this path".to_owned())
        }
        RouteError::Method => (
            StatusCode::METHOD_NOT_ALLOWED,
            "OperationNotAllowedInCurrentState",
            "this path knows other methods".to_owned(),
        ),
        RouteError::DeviceId(error) => (StatusCode::BAD_REQUEST, "ArgumentInvalid", error.to_string()),
        RouteError::NotSupported(what) => {
            (StatusCode::NOT_FOUND, "FeatureNotSupported", format!("this hub does not do {what} yet"))
        }
    };
    Told { status, name, text }
}

fn registry(error: &RegistryError) -> (StatusCode, &'static str) {
    match error {
        RegistryError::Invalid(_) => (StatusCode::BAD_REQUEST, "ArgumentInvalid"),
        RegistryError::Exists(_) => (StatusCode::CONFLICT, "DeviceAlreadyExists"),
        RegistryError::NotFound(_) => (StatusCode::NOT_FOUND, "DeviceNotFound"),
        RegistryError::Precondition { .. } | RegistryError::EtagMissing => {
            (StatusCode::PRECONDITION_FAILED, "PreconditionFailed")
        }
        RegistryError::TooManyDevices { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "TooManyDevices"),
        RegistryError::Contended | RegistryError::Write(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
        }
        RegistryError::Read(ReadError::Store(_)) => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        RegistryError::Read(ReadError::Damaged { .. }) => (StatusCode::INTERNAL_SERVER_ERROR, "ServerError"),
    }
}

fn twin(refusal: &TwinRefusal) -> (StatusCode, &'static str) {
    match refusal {
        TwinRefusal::NotJson(_) => (StatusCode::BAD_REQUEST, "IotHubFormatError"),
        TwinRefusal::Invalid(_) | TwinRefusal::TooLarge { .. } => {
            (StatusCode::BAD_REQUEST, "ArgumentInvalid")
        }
        TwinRefusal::NotFound => (StatusCode::NOT_FOUND, "DeviceNotFound"),
        TwinRefusal::Precondition { .. } => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
        TwinRefusal::Throttled { .. } => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
        TwinRefusal::Contended | TwinRefusal::Unavailable(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
        }
    }
}

fn log(error: &LogError) -> (StatusCode, &'static str) {
    match error {
        LogError::Partition { .. } => (StatusCode::NOT_FOUND, "PartitionNotFound"),
        LogError::Corrupt { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "ServerError"),
        LogError::Storage(_) | LogError::Closed => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    }
}
