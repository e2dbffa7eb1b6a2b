//! Whether a request was made for the connection that it came by (RFC 7030 section 3.5), by the value that TLS 1.3 has for
//! that (RFC 9266, `tls-exporter`) instead of the one it has no more. Pure.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use muster_x509::{ChannelBinding, Csr};

/// Whether requests of a label must say which connection they were made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PopLink {
    /// What a challenge password says is looked at, and stays without consequence.
    #[default]
    Optional,
    /// A challenge password is the base64 of the connection's `tls-exporter` value, in every request.
    Required,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unlinked {
    #[error(
        "request is not linked to this connection, which this label demands: give it a challengePassword, the base64 of the 32 bytes that the TLS exporter gives for `EXPORTER-Channel-Binding`"
    )]
    Missing,
    #[error(
        "request is not linked to this connection: its challengePassword is not the base64 of the 32 bytes that the TLS exporter gives for `EXPORTER-Channel-Binding`"
    )]
    Wrong,
    #[error("request cannot be linked to this connection, which this label demands: connect by TLS 1.3")]
    NoBinding,
}

/// What the record says of it: nothing where nothing was said.
pub(super) fn check(
    rule: PopLink,
    csr: &Csr,
    binding: Option<&ChannelBinding>,
) -> Result<Option<&'static str>, Unlinked> {
    let challenge = csr.challenge_password();
    let is_linked = challenge.is_some_and(|challenge| {
        binding.is_some_and(|binding| challenge.is(&BASE64_STANDARD.encode(binding.as_bytes())))
    });
    match (rule, challenge, binding) {
        _ if is_linked => Ok(Some("pop_link=verified")),
        (PopLink::Optional, None, _) => Ok(None),
        (PopLink::Optional, Some(_), _) => Ok(Some("pop_link=unverified")),
        (PopLink::Required, _, None) => Err(Unlinked::NoBinding),
        (PopLink::Required, None, Some(_)) => Err(Unlinked::Missing),
        (PopLink::Required, Some(_), Some(_)) => Err(Unlinked::Wrong),
    }
}
