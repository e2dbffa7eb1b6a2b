//! Every way a device's request can end, as status, code and words (dps.md §2.1).

use jiff::Timestamp;
use muster_identity::IdError;
use serde_json::{Value, json};

use super::ApiVersionError;
use crate::{
    ConnectRefused, TrackingId,
    enrollment::instant,
    issuing::CsrRefusal,
    registration::{BodyError, Credential, Refusal},
};

/// What a device is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    /// Its thousands are the status.
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) retry_after_s: Option<u32>,
}

impl Told {
    fn new(code: u32, message: impl ToString) -> Self {
        let status = u16::try_from(code / 1000).unwrap_or(500);
        Self { status, code, message: message.to_string(), retry_after_s: None }
    }

    fn later(self, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..self }
    }

    pub(crate) fn body(&self, tracking_id: TrackingId, now: Timestamp) -> Value {
        json!({
            "errorCode": self.code,
            "trackingId": tracking_id,
            "message": self.message,
            "timestampUtc": instant(now),
        })
    }
}

/// Strangers all hear the same; why is in the trace, for the operator.
pub(crate) fn refusal(refusal: &Refusal, retry_after_s: u32) -> Told {
    match refusal {
        Refusal::Scope { credential, .. } | Refusal::Unauthorized { credential, .. } => match credential {
            Credential::Certificate => Told::new(401_002, "Invalid certificate."),
            Credential::Token | Credential::None => Told::new(401_002, "Unauthorized"),
        },
        Refusal::Body(error @ BodyError::TooLarge { .. }) => Told::new(413_000, error),
        Refusal::Body(error @ (BodyError::NotJson(_) | BodyError::Invalid(_))) => Told::new(400_004, error),
        Refusal::Csr(
            CsrRefusal::NoPolicy { .. }
            | CsrRefusal::Malformed(_)
            | CsrRefusal::CommonName { .. }
            | CsrRefusal::Required { .. },
        ) => Told::new(400_004, refusal),
        // The operator's to mend, and then the device may ask again.
        Refusal::Csr(CsrRefusal::Policy { .. }) => {
            Told::new(500_001, "Certificates cannot be issued now").later(retry_after_s)
        }
        Refusal::NoOperation(_) => Told::new(404_203, "Operation not found, register again"),
        Refusal::NotRegistered => Told::new(404_203, "Registration not found"),
        Refusal::Throttled(too_fast) => {
            Told::new(429_001, "Too many requests").later(too_fast.wait_s.max(retry_after_s))
        }
        Refusal::Busy | Refusal::Contended => Told::new(429_001, "Too many requests").later(retry_after_s),
        Refusal::Read(_) | Refusal::Issued(_) | Refusal::Write(_) => {
            Told::new(500_001, "Internal error").later(retry_after_s)
        }
    }
}

/// What is wrong with a request over HTTPS before it is one of a device.
#[derive(Debug)]
pub(crate) enum HttpRefusal {
    Path,
    Method,
    RegistrationId(IdError),
    ApiVersion(ApiVersionError),
    Body(BodyError),
    Token(ConnectRefused),
    /// The listener did not say who asks: a mistake of ours.
    NoPeer,
}

pub(crate) fn http_refusal(refusal: &HttpRefusal) -> Told {
    match refusal {
        HttpRefusal::Path => Told::new(404_000, "Not found"),
        HttpRefusal::Method => Told::new(405_000, "Method not allowed"),
        HttpRefusal::RegistrationId(error) => Told::new(400_004, error),
        HttpRefusal::ApiVersion(error) => Told::new(400_004, error),
        HttpRefusal::Body(error @ BodyError::TooLarge { .. }) => Told::new(413_000, error),
        HttpRefusal::Body(error @ (BodyError::NotJson(_) | BodyError::Invalid(_))) => {
            Told::new(400_004, error)
        }
        HttpRefusal::Token(_) => Told::new(401_002, "Unauthorized"),
        HttpRefusal::NoPeer => Told::new(500_001, "Internal error"),
    }
}
