//! Whether a device is who it says (hub-device.md §1.2, §3.2), and whether that still holds after the registry changed.

use jiff::Timestamp;
use muster_identity::{Authentication, Right, Status, authorize};
use muster_sas::{CLOCK_SKEW_S, Key, Token, resource_covers};
use muster_x509::{Certificate, Thumbprint, verify};

use super::{Disconnect, Refused, Verdict, Vouched};
use crate::{registry::Device, settings::Settings};

/// By what a device got in.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// A token signed with this key of the device.
    Key(Key),
    /// A token signed with the key of a policy that may connect any device.
    Policy,
    Thumbprint(Thumbprint),
    Authority,
}

#[derive(Debug)]
pub(crate) struct Proven {
    pub proof: Proof,
    pub until: Option<Until>,
}

/// What ends a live connection by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The token's expiry, with the grace after which a live connection is closed (§3.3).
    Token(Timestamp),
    /// The end of a certificate that its issuer vouched for.
    Certificate(Timestamp),
}

impl Until {
    pub(crate) fn at(self) -> Timestamp {
        match self {
            Self::Token(at) | Self::Certificate(at) => at,
        }
    }

    pub(crate) fn lapsed(self) -> Disconnect {
        match self {
            Self::Token(_) => Disconnect::TokenExpired,
            Self::Certificate(_) => Disconnect::CertificateExpired,
        }
    }
}

/// What a device presented.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub token: Option<&'a Token>,
    pub chain: &'a [Vec<u8>],
    pub vouched: Option<&'a Vouched>,
}

/// The registry's authentication type decides what is looked at; what else was sent is ignored (I-14), but for a certificate
/// whose issuer does not stand by it: who has that is not let in with anything.
pub(crate) fn prove(
    settings: &Settings,
    device: &Device,
    presented: Presented<'_>,
    now: Timestamp,
) -> Result<Proven, Refused> {
    let Presented { token, chain, vouched } = presented;
    if device.status == Status::Disabled {
        return Err(Refused::Disabled);
    }
    if let Some(Vouched { verdict: Verdict::Refused(why), .. }) = vouched {
        return Err(Refused::Vouched(why.clone()));
    }
    let until_certificate = vouched.map(|vouched| Until::Certificate(vouched.not_after));
    match &device.authentication {
        Authentication::Sas { primary, secondary } => {
            let token = token.ok_or(Refused::TokenMissing)?;
            let proof = match token.policy {
                Some(_) => by_policy(settings, device, token, now)?,
                None => by_key(settings, device, token, [primary, secondary], now)?,
            };
            let until = Timestamp::from_second(token.expires_s.saturating_add(CLOCK_SKEW_S));
            Ok(Proven { proof, until: Some(Until::Token(until.unwrap_or(Timestamp::MAX))) })
        }
        Authentication::SelfSigned { primary, secondary } => {
            let proof = by_thumbprint(chain, [primary.as_ref(), secondary.as_ref()])?;
            Ok(Proven { proof, until: until_certificate })
        }
        Authentication::CertificateAuthority => {
            match vouched {
                Some(vouched) => is_named(device, vouched.common_name.as_deref())?,
                None => by_authority(settings, device, chain, now)?,
            }
            Ok(Proven { proof: Proof::Authority, until: until_certificate })
        }
    }
}

/// Why a session that was let in by `proof` must end, now that the device is this.
pub(crate) fn still_holds(proof: &Proof, device: &Device) -> Result<(), Disconnect> {
    if device.status == Status::Disabled {
        return Err(Disconnect::Disabled);
    }
    let holds = match (&device.authentication, proof) {
        (Authentication::Sas { primary, secondary }, Proof::Key(key)) => key == primary || key == secondary,
        (Authentication::Sas { .. }, Proof::Policy) => true,
        (Authentication::SelfSigned { primary, secondary }, Proof::Thumbprint(thumbprint)) => {
            [primary, secondary].into_iter().flatten().any(|current| current == thumbprint)
        }
        (Authentication::CertificateAuthority, Proof::Authority) => true,
        (
            Authentication::Sas { .. }
            | Authentication::SelfSigned { .. }
            | Authentication::CertificateAuthority,
            _,
        ) => false,
    };
    match holds {
        true => Ok(()),
        false => Err(Disconnect::CredentialChanged),
    }
}

/// Signature first: nothing else a token says counts before it is known who says it.
fn by_key(
    settings: &Settings,
    device: &Device,
    token: &Token,
    keys: [&Key; 2],
    now: Timestamp,
) -> Result<Proof, Refused> {
    let key = keys.into_iter().find(|key| token.is_signed_by(key)).ok_or(Refused::TokenSignature)?;
    if token.is_expired(now.as_second()) {
        return Err(Refused::TokenExpired(Timestamp::from_second(token.expires_s).unwrap_or_default()));
    }
    let granted = without_api_version(&token.resource);
    match resources(settings, device).any(|wanted| resource_covers(granted, &wanted)) {
        true => Ok(Proof::Key(key.clone())),
        false => Err(Refused::TokenResource(token.resource.clone())),
    }
}

fn by_policy(settings: &Settings, device: &Device, token: &Token, now: Timestamp) -> Result<Proof, Refused> {
    let mut denied = None;
    for wanted in resources(settings, device) {
        match authorize(&settings.policies, token, &wanted, Right::DeviceConnect, now) {
            Ok(_) => return Ok(Proof::Policy),
            Err(reason) => denied = denied.or(Some(reason)),
        }
    }
    Err(Refused::Policy(denied.map(|reason| reason.to_string()).unwrap_or_default()))
}

fn resources(settings: &Settings, device: &Device) -> impl Iterator<Item = String> {
    settings.names().map(move |host| format!("{host}/devices/{}", device.id))
}

/// Old tooling appended it to the resource it signed (§3.1).
fn without_api_version(resource: &str) -> &str {
    match resource.rsplit_once('/') {
        Some((resource, last)) if last.starts_with("api-version=") => resource,
        Some(_) | None => resource,
    }
}

/// Validity dates and issuer are not looked at: the thumbprint names this very certificate.
fn by_thumbprint(chain: &[Vec<u8>], known: [Option<&Thumbprint>; 2]) -> Result<Proof, Refused> {
    let leaf = certificate(chain.first().ok_or(Refused::CertificateMissing)?)?;
    if known.iter().all(Option::is_none) {
        return Err(Refused::ThumbprintMissing);
    }
    match known.into_iter().flatten().find(|thumbprint| thumbprint.is_of(&leaf)) {
        Some(thumbprint) => Ok(Proof::Thumbprint(thumbprint.clone())),
        None => Err(Refused::Thumbprint(leaf.sha256().to_string())),
    }
}

fn by_authority(
    settings: &Settings,
    device: &Device,
    chain: &[Vec<u8>],
    now: Timestamp,
) -> Result<(), Refused> {
    let chain = chain.iter().map(|der| certificate(der)).collect::<Result<Vec<_>, _>>()?;
    let leaf = chain.first().ok_or(Refused::CertificateMissing)?;
    is_named(device, leaf.common_name())?;
    let mut reasons = Vec::new();
    for authority in &settings.ca_certificates {
        match verify(&chain, authority, now) {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(format!("`{}`: {reason}", authority.subject())),
        }
    }
    match reasons.is_empty() {
        true => Err(Refused::Chain("it has none, add one to `ca_certificates`".to_owned())),
        false => Err(Refused::Chain(reasons.join("; "))),
    }
}

/// An authority vouches for a name; it must be the device's (§1.2).
fn is_named(device: &Device, common_name: Option<&str>) -> Result<(), Refused> {
    match common_name {
        Some(name) if name == device.id.as_str() => Ok(()),
        other => Err(Refused::CommonName(other.unwrap_or_default().to_owned())),
    }
}

fn certificate(der: &[u8]) -> Result<Certificate, Refused> {
    Certificate::parse(der).map_err(|error| Refused::CertificateMalformed(error.to_string()))
}

#[cfg(test)]
mod tests;
