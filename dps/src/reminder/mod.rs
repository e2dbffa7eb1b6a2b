//! Reminders: a device's twin says when its certificate is to be renewed, whichever way it got that (pki.md §5). The authority
//! knows no devices, so its log is followed from here: who got something, and is a device, is reminded by its hub of the newest.

mod service;
mod sql;
mod worker;

use jiff::SignedDuration;
use muster_ca::{CertificateReadError, renew_after};
use muster_identity::DeviceId;
use muster_store::{StoreError, WriteError};
use muster_x509::Certificate;
use serde_json::{Map, Value, json};

use crate::{
    HubError,
    enrollment::{CredentialPolicy, instant, sql::UnreadableRow},
};

#[cfg(test)]
mod tests;

/// Why a device was not reminded; it is asked again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReminded {
    #[error(transparent)]
    Registration(#[from] UnreadableRow),
    #[error(transparent)]
    Certificate(#[from] CertificateReadError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("its hub was away a moment ago")]
    Away,
    #[error("it gets certificates faster than it can be told of them")]
    Changing,
}

/// Why the log cannot be followed now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFollowed {
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// `muster.certificate` in the desired properties: a device need not look into its certificate to know when to renew it.
pub(crate) fn told_in_twin(certificate: &Certificate) -> Map<String, Value> {
    let serial = hex::encode(certificate.serial());
    let mut told = json!({ "serial": serial, "notAfter": instant(certificate.not_after()) });
    if let Some(renew_by) = renew_after(certificate) {
        told["renewBy"] = instant(renew_by).into();
    }
    Map::from_iter([("muster".to_owned(), json!({ "certificate": told }))])
}

/// The profiles whose newest certificate a device is reminded of: the one that its enrollment's policy names, whatever version.
/// Without a policy, or when the enrollment is gone, any that is for clients: what was told once is not to grow old.
fn profiles_that_count<'p>(policy: Option<&'p CredentialPolicy>, for_clients: &'p [String]) -> Vec<&'p str> {
    match policy {
        Some(policy) => vec![policy.profile_name()],
        None => for_clients.iter().map(String::as_str).collect(),
    }
}

/// What a holder is called at a hub that it came to by another way than a registration.
fn device_id(holder: &str, common_name: Option<&str>) -> Option<DeviceId> {
    let name = common_name.filter(|name| name.to_ascii_lowercase() == holder)?;
    DeviceId::parse(name).ok()
}

/// Before a device that could not be reminded is tried again: twice as long each time, up to ten minutes.
fn pause_after(failures: i64) -> SignedDuration {
    const FIRST_S: i64 = 1;
    const MAX_S: i64 = 600;
    let doubled = u32::try_from(failures.max(0)).ok().and_then(|failures| FIRST_S.checked_shl(failures));
    SignedDuration::from_secs(doubled.filter(|&pause_s| pause_s > 0).unwrap_or(MAX_S).min(MAX_S))
}
