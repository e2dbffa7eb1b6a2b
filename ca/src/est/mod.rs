//! Enrollment over secure transport (RFC 7030, 8951, 9908): devices and factory lines ask a label for certificates, by
//! a password, a token that is good for one, or the certificate they have, be it from a manufacturer whom the label trusts.
//!
//! A token is used up by the record of its certificate, so that a request that was refused uses none, and whoever lost
//! the answer gets it again with the same key. By a password, the same request within the hour gets the same certificate.
//! Where there is a client certificate of ours and no password, asking is renewing, by either operation.
//!
//! A manufacturer's certificate says what its device is called, and the request has no say in that.
//!
//! Labels that are told to make private keys, too, for devices without a good random source (serverkeygen). Such a key is
//! in the one answer and nowhere else: whoever lost the answer asks again for another key and another certificate, by
//! another token or approval if that was how it asked.

mod approval;
mod attempts;
mod cacerts;
mod credential;
mod csrattrs;
mod elsewhere;
mod enroll;
mod entrance;
mod label;
mod pop_link;
mod protocol;
mod refusal;
mod server_key;
mod service;
mod sql;
mod trust;

pub use approval::{EstRequest, EstRequestError, Verdict};
pub use credential::{CredentialKind, EstCredential, FreshCredential, NewEstCredential};
pub use label::{Approval, Base64Form, EstLabel};
pub use pop_link::PopLink;
pub use protocol::router;
pub use refusal::EstChangeError;
pub use trust::EstTrust;

pub(crate) use service::Est;

/// The label of a path without one. It is there without anybody having made it.
pub const DEFAULT_LABEL: &str = "default";

/// A label is a site, a line or a customer.
const LABELS_MAX: usize = 1000;
/// One for every device of a few orders; 300 bytes each in memory.
const CREDENTIALS_MAX: usize = 50_000;

#[cfg(test)]
mod tests;
