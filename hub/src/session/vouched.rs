//! What whoever issued a certificate says of it. The hub knows no authorities: it is told, and asks again when it is told to.

use jiff::Timestamp;
use muster_x509::IssuerAndSerial;

/// A client certificate that was recognized by its issuer when the device connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Name of the authority that signed it.
    pub authority: String,
    pub serial: [u8; 16],
    pub holder: Option<Holder>,
    pub common_name: Option<String>,
    pub not_after: Timestamp,
    pub verdict: Verdict,
}

/// What is kept of the certificates that a connected device showed, to ask their issuers again.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'s> {
    pub vouched: Option<&'s Vouched>,
    /// Of the chain, leaf first.
    pub certificates: &'s [IssuerAndSerial],
}

/// Whose it is: everything with this generation is revoked at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    pub generation: String,
}

/// Whether its issuer stands by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// With the reason, for the operator.
    Refused(String),
}

#[cfg(test)]
mod tests;
