//! The waist between transports and hub: what a device may say, what the hub may say to it, and how it ends.

mod auth_method;
mod credential;
mod directory;
mod live;
mod refused;
mod service;
mod subscriptions;
mod vouched;

#[cfg(test)]
mod tests;

use std::num::NonZeroU16;

use bytes::Bytes;
use jiff::Timestamp;
use muster_identity::DeviceId;
use muster_mqtt::{ByteString, QoS};
use muster_sas::Token;
use muster_x509::{IssuerAndSerial, Peer};
use tokio::sync::mpsc;

use crate::{renewal::RenewalRefusal, twin::TwinRefusal};

pub(crate) use auth_method::AuthMethods;
pub(crate) use directory::Directory;
pub use live::Session;
pub use refused::Refused;
pub use vouched::{Holder, Shown, Verdict, Vouched};

/// What the transport needs back to acknowledge.
pub type PacketId = NonZeroU16;

/// A device at the door.
#[derive(Debug)]
pub struct Hello {
    pub device: DeviceId,
    pub module: Option<String>,
    pub token: Option<Token>,
    pub peer: Peer,
    /// When the certificate in `peer` is known to whoever issued it.
    pub vouched: Option<Vouched>,
    /// What the lists of others know those in `peer` by.
    pub certificates: Box<[IssuerAndSerial]>,
    pub clean_session: bool,
    pub keep_alive_s: u16,
    /// `DeviceClientType`, for the operator.
    pub product: Option<String>,
    pub model_id: Option<String>,
    pub will: Option<Will>,
}

/// A last message, published when the connection ends without a goodbye (§1.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    pub properties: Bytes,
    pub body: Bytes,
}

/// A device inside.
pub struct Connected {
    pub session: Session,
    /// When it ends, the session was cut: `Session::cut` says why.
    pub mailbox: mpsc::Receiver<Box<ToDevice>>,
    /// Whether subscriptions of an earlier connection are in force again.
    pub session_present: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum FromDevice {
    /// `packet_id` is there when an acknowledgement is due, here and below.
    Telemetry {
        packet_id: Option<PacketId>,
        properties: Bytes,
        body: Bytes,
    },
    TwinGet {
        packet_id: Option<PacketId>,
        rid: ByteString,
    },
    /// `base`: apply only when the reported version is still this one.
    TwinPatch {
        packet_id: Option<PacketId>,
        rid: ByteString,
        base: Option<u64>,
        body: Bytes,
    },
    /// An answer nobody waits for (any more).
    MethodResult {
        packet_id: Option<PacketId>,
        rid: ByteString,
        status: i64,
        body: Bytes,
    },
    /// Another certificate, for the request in the body.
    IssueCertificate {
        packet_id: Option<PacketId>,
        rid: ByteString,
        body: Bytes,
    },
    Subscribe {
        packet_id: PacketId,
        filters: Vec<Filter>,
    },
    Unsubscribe {
        packet_id: PacketId,
        filters: Vec<Filter>,
    },
    /// A message from us has arrived there.
    Received(PacketId),
    Ping,
    Goodbye,
}

/// What a subscription asks for. Subjects are a closed set: there is no matching of topics here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    Subject(Subject, QoS),
    Unknown(String, QoS),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    TwinResponses,
    DesiredChanges,
    CloudToDevice,
    Methods,
    Credentials,
    StreamRequests,
    StreamResponses,
}

/// Answer to one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    AtMostOnce,
    AtLeastOnce,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToDevice {
    /// Durable: in the log, or in the registry.
    Accepted(PacketId),
    Subscribed {
        packet_id: PacketId,
        granted: Vec<Granted>,
    },
    Unsubscribed(PacketId),
    Pong,
    /// `{desired, reported}` as the device may see it.
    Twin {
        rid: ByteString,
        body: Bytes,
    },
    /// Reported properties were merged.
    Patched {
        rid: ByteString,
        version: u64,
    },
    TwinRefused {
        rid: ByteString,
        refusal: TwinRefusal,
        tracking_id: String,
        at: Timestamp,
    },
    /// Its request for another certificate is taken.
    Renewing {
        rid: ByteString,
        correlation_id: String,
        expires: Timestamp,
    },
    /// Leaf first, each base64 of its DER.
    Renewed {
        rid: ByteString,
        correlation_id: String,
        certificates: Vec<String>,
    },
    RenewalRefused {
        rid: ByteString,
        correlation_id: String,
        refusal: RenewalRefusal,
        tracking_id: String,
        at: Timestamp,
    },
    /// A change of desired properties: what the back end sent, with `$version`.
    Desired {
        version: u64,
        qos: QoS,
        body: Bytes,
    },
}

/// How a session ended. What can go wrong on a connection, in the operator's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disconnect {
    #[error("device said goodbye")]
    Goodbye,
    #[error("connection was lost")]
    Lost,
    #[error(
        "nothing was heard for one and a half times the keep-alive interval; raise it or mend the network"
    )]
    KeepAlive,
    #[error("token expired more than five minutes ago; connect with a new one before that")]
    TokenExpired,
    #[error("certificate expired; connect with a renewed one before that")]
    CertificateExpired,
    #[error("certificate it connected with is no longer accepted: {0}")]
    Revoked(String),
    #[error("device was cut: {0}")]
    Cut(String),
    #[error(
        "another connection of the same device took over; if it goes back and forth, two devices share one identity"
    )]
    TakenOver,
    #[error("device was disabled in the registry")]
    Disabled,
    #[error("device was deleted from the registry")]
    Deleted,
    #[error("credential it connected with is no longer the device's")]
    CredentialChanged,
    #[error("topic `{0}` is not one this device may publish to; check the device id in it")]
    ForbiddenTopic(String),
    #[error("topic `{0}` has no `$rid`, so there is no way to answer; add `?$rid=` and a number")]
    MissingRid(String),
    #[error("filter `{0}` is not one a hub serves; leave it out, or set the hub to grant unknown filters")]
    UnknownFilter(String),
    #[error("{count} filters in one subscription, at most {max}")]
    TooManyFilters { count: usize, max: usize },
    #[error("message of {bytes} bytes with its properties is over the limit of {max}; send smaller ones")]
    TooLarge { bytes: usize, max: usize },
    #[error("more messages than {quota} allows; send slower or raise it")]
    Throttled { quota: &'static str },
    #[error("device did not read what was sent to it, {max} messages wait")]
    TooSlow { max: usize },
    #[error("protocol violation: {0}")]
    Protocol(String),
    #[error("messages could not be stored: {0}")]
    Unavailable(String),
    #[error("server is shutting down")]
    Shutdown,
}

/// What of a device's text is kept in a reason: topics and ids may be 64 KB, and a reason is kept for every device.
const SHOWN_CHARACTERS: usize = 200;

pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).collect()
}

/// What the codec found. Its texts say what to mend.
impl From<muster_mqtt::Violation> for Disconnect {
    fn from(violation: muster_mqtt::Violation) -> Self {
        match violation {
            muster_mqtt::Violation::TooLarge { bytes, max, .. } => Self::TooLarge { bytes, max },
            other => Self::Protocol(shown(&other.to_string())),
        }
    }
}
