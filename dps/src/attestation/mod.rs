//! Whether a device is who it says: evidence against what its enrollment wants.

use std::sync::Arc;

use jiff::Timestamp;
use muster_ca::Reason;
use muster_identity::{Authentication, DeviceId, RegistrationId};
use muster_sas::Token;
use muster_x509::{Certificate, ChainError, Malformed};

use crate::{
    enrollment::{Attestation, Enrollment, Groups, Keys, Subject},
    external_crl::Condemned,
    trace::Steps,
};

mod path;
mod symmetric;
pub(crate) mod x509;

#[cfg(test)]
mod tests;

pub(crate) use symmetric::is_authentic;

/// What a device presented, read but not believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence<'a> {
    pub(crate) scope: &'a str,
    pub(crate) id: &'a RegistrationId,
    pub(crate) token: Option<&'a Token>,
    /// Leaf first. The handshake proved that the device has the leaf's key.
    pub(crate) chain: &'a [Certificate],
    pub(crate) now: Timestamp,
}

/// A device that has proved itself to one enrollment. Only this module makes one.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    enrollment: Arc<Enrollment>,
    proof: Proof,
}

/// What the hub will know the device by.
#[derive(Debug, Clone)]
enum Proof {
    /// The pair as the device has it: an individual's own, or derived from its group's.
    Keys(Keys),
    Leaf(Certificate),
}

/// By what its hub knows a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// What it proved itself with.
    Proof,
    /// The certificates that are issued to it, whichever is the latest: what it begins with is good for registering only
    /// (dps.md §6.1, pki.md §6).
    Issued,
}

/// Why a device did not prove itself; for the trace. A stranger is told no more than that it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    #[error(
        "the device presented neither a token nor a certificate: give it a key and sign a token, or connect with a client certificate"
    )]
    NoCredential,
    #[error(
        "individual enrollment `{id}` wants a token and the device presented none: give the device the enrollment's key, or change the enrollment to X.509"
    )]
    TokenMissing { id: RegistrationId },
    #[error(
        "individual enrollment `{id}` wants a client certificate and the device presented none: configure the device's certificate, or check that nothing ends TLS on the way"
    )]
    CertificateMissing { id: RegistrationId },
    #[error("the token is for `{found}`, wanted is `{wanted}`: sign the id scope and registration id")]
    TokenResource { found: String, wanted: String },
    #[error("the token names the policy `{policy}`, wanted is `registration` or none: leave `skn` out")]
    TokenPolicy { policy: String },
    #[error(
        "the token expired at {expires_s} seconds since 1970, now is {now_s}: set the device's clock, or make a new token"
    )]
    TokenExpired { expires_s: i64, now_s: i64 },
    #[error(
        "the token is signed by neither key of individual enrollment `{id}`: give the device that key, unchanged and still base64"
    )]
    TokenSignature { id: RegistrationId },
    #[error(
        "there is no individual enrollment `{id}`, and the token is signed by no key derived from a group ({groups} tried): enroll the device, or derive its key from the group's key and exactly this registration id"
    )]
    NoGroupKey { id: RegistrationId, groups: usize },
    #[error(
        "the certificate's common name is {found}, the registration id is `{id}`: register with the common name, or issue the certificate for the registration id"
    )]
    CommonName { found: CommonName, id: RegistrationId },
    #[error(
        "the certificate (SHA-256 {presented}) is none of individual enrollment `{id}` ({enrolled}): enroll it as primary or secondary, or configure the enrolled one on the device"
    )]
    Thumbprint { presented: String, enrolled: String, id: RegistrationId },
    #[error("{0}")]
    Chain(#[from] ChainError),
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error(
        "there is no individual enrollment `{id}`, and no group for any issuer in the chain ({issuers}): make a group with the issuer's certificate, let the device send the intermediates, or store them here"
    )]
    NoGroupCertificate { id: RegistrationId, issuers: String },
    #[error(
        "certificate `{serial}` of our authority `{authority}` was revoked at {at} ({reason}): give the device another one"
    )]
    Revoked { serial: String, authority: String, at: Timestamp, reason: Reason },
    #[error(
        "`{enrollment}` refers to certificate `{name}`, which is not verified, so nothing leads to it: show possession of its key with `muster certificate verification-code {name}` and `verify`"
    )]
    Unverified { name: String, enrollment: RegistrationId },
    #[error(
        "the certificate was made to verify an authority (its common name is a verification code) and never lets a device in: give the device a certificate of its own"
    )]
    VerificationCertificate,
    #[error("{0}")]
    Condemned(#[from] Condemned),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommonName(Option<String>);

impl Verified {
    pub(crate) fn enrollment(&self) -> &Arc<Enrollment> {
        &self.enrollment
    }

    pub(crate) fn keys(&self) -> Option<&Keys> {
        match &self.proof {
            Proof::Keys(keys) => Some(keys),
            Proof::Leaf(_) => None,
        }
    }

    pub(crate) fn leaf(&self) -> Option<&Certificate> {
        match &self.proof {
            Proof::Keys(_) => None,
            Proof::Leaf(leaf) => Some(leaf),
        }
    }

    /// Of a certificate the hub is told the SHA-1 of the leaf (dps.md §4.2).
    pub(crate) fn authentication(&self, known_by: KnownBy) -> Authentication {
        match (known_by, &self.proof) {
            (KnownBy::Issued, _) => Authentication::CertificateAuthority,
            (KnownBy::Proof, Proof::Keys(Keys { primary, secondary })) => {
                Authentication::Sas { primary: primary.clone(), secondary: secondary.clone() }
            }
            (KnownBy::Proof, Proof::Leaf(leaf)) => {
                Authentication::SelfSigned { primary: Some(leaf.sha1()), secondary: None }
            }
        }
    }

    pub(crate) fn device_id(&self, registration_id: &RegistrationId) -> DeviceId {
        match &self.enrollment.subject {
            Subject::Individual { device_id: Some(device_id), .. } => device_id.clone(),
            Subject::Individual { device_id: None, .. } | Subject::Group { .. } => registration_id.into(),
        }
    }
}

/// An individual enrollment decides alone when there is one, also against the device (dps.md §4.1). Else the groups are asked,
/// `previous_group` first, and the first that matches decides.
pub(crate) fn attest(
    evidence: Evidence<'_>,
    individual: Option<&Arc<Enrollment>>,
    groups: &Groups,
    previous_group: Option<&str>,
    steps: &mut Steps,
) -> Result<Verified, Rejected> {
    let outcome = match individual {
        Some(individual) => {
            steps.noted("enrollment", format_args!("individual enrollment `{}` decides", individual.id()));
            by_individual(evidence, individual, groups, steps)
        }
        None => by_group(evidence, groups, previous_group, steps),
    };
    if let Err(rejected) = &outcome {
        steps.refused("attestation", rejected);
    }
    outcome
}

fn by_individual(
    evidence: Evidence<'_>,
    individual: &Arc<Enrollment>,
    groups: &Groups,
    steps: &mut Steps,
) -> Result<Verified, Rejected> {
    let proof = match &individual.attestation {
        Attestation::SymmetricKey(keys) => Proof::Keys(symmetric::individual(evidence, keys, steps)?),
        Attestation::Certificates(certificates) => {
            Proof::Leaf(x509::individual(evidence, certificates, groups, steps)?)
        }
        Attestation::Authorities(names) => {
            Proof::Leaf(x509::individual_by_authority(evidence, individual, names, groups, steps)?)
        }
    };
    Ok(Verified { enrollment: Arc::clone(individual), proof })
}

fn by_group(
    evidence: Evidence<'_>,
    groups: &Groups,
    previous_group: Option<&str>,
    steps: &mut Steps,
) -> Result<Verified, Rejected> {
    let by_token = match evidence.token {
        Some(token) => match symmetric::group(evidence, token, groups, previous_group, steps) {
            Ok((group, keys)) => {
                return Ok(Verified { enrollment: Arc::clone(group), proof: Proof::Keys(keys) });
            }
            Err(rejected) => Some(rejected),
        },
        None => None,
    };
    match (evidence.chain, by_token) {
        ([], Some(rejected)) => Err(rejected),
        ([], None) => Err(Rejected::NoCredential),
        (chain, _) => {
            let (group, leaf) = x509::group(evidence, chain, groups, steps)?;
            Ok(Verified { enrollment: Arc::clone(group), proof: Proof::Leaf(leaf) })
        }
    }
}

impl std::fmt::Display for CommonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "`{name}`"),
            None => f.write_str("missing"),
        }
    }
}
