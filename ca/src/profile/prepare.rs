//! From a request to what is to be signed. Pure.

use jiff::Timestamp;
use x509_cert::{
    der::{Decode, Encode},
    ext::pkix::SubjectAltName,
    name::Name,
};

use muster_x509::Csr;

use super::{
    Asked, Issuer, Kind, Profile, ProfileId, Refused, alternative_name, attribute,
    extensions::{Particulars, extensions},
    life::Period,
    lint,
    tbs::{self, Parts},
};
use crate::{
    hierarchy::{AuthorityId, BuildError},
    issuance::Holder,
    log::sha256,
};

const GENERATION_BYTES_MAX: usize = 64;
/// It may stand in the certificate. Ids of devices have 128 characters.
const HOLDER_BYTES_MAX: usize = 256;

/// What differs between two requests for a profile.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub csr: &'a Csr,
    pub identity: Identity<'a>,
    /// In its generation of now.
    pub holder: Option<&'a Holder>,
    /// Earlier than what the profile gives.
    pub not_after: Option<Timestamp>,
}

/// Whose certificate it will be.
#[derive(Debug, Clone)]
pub enum Identity<'a> {
    Asked(&'a Asked),
    /// That of another certificate, as it stands there.
    Renewed {
        subject_der: &'a [u8],
        /// SubjectAltName, DER.
        names_der: Option<&'a [u8]>,
    },
}

/// A certificate that may be signed: only [`prepare`] makes one, and it has been looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    tbs: Vec<u8>,
    serial: [u8; 16],
    authority: AuthorityId,
    profile: ProfileId,
    subject: String,
    common_name: Option<String>,
    spki_sha256: [u8; 32],
    not_after: Timestamp,
}

/// Builds what is to be signed, or says why not.
pub fn prepare(
    profile: &Profile,
    wanted: &Wanted<'_>,
    issuer: &Issuer,
    serial: [u8; 16],
    now: Timestamp,
) -> Result<Prepared, Refused> {
    let csr = wanted.csr;
    profile.check_key(csr.public_key())?;
    check_holder(wanted.holder)?;
    check_path(profile, issuer)?;
    let (subject_der, names_der) = match &wanted.identity {
        Identity::Renewed { subject_der, names_der } => (subject_der.to_vec(), names_der.map(<[u8]>::to_vec)),
        Identity::Asked(asked) => {
            let names = alternative_name::names(&profile.names, asked.facts())?;
            if names.is_empty() && profile.names_required {
                return Err(Refused::NoNames);
            }
            let names_der = match names.is_empty() {
                true => None,
                false => Some(SubjectAltName(names).to_der().map_err(BuildError::from)?),
            };
            (attribute::subject(&profile.subject, asked.facts())?, names_der)
        }
    };
    let period = Period::of(&profile.life, wanted.not_after, issuer.period(), now)?;
    let subject = Name::from_der(&subject_der).map_err(BuildError::from)?;
    let common_name = attribute::common_name(&subject);
    let particulars = Particulars {
        serial: &serial,
        key: csr.public_key(),
        spki_der: csr.spki_der(),
        subject_is_empty: subject.is_empty(),
        names_der: names_der.as_deref(),
        holder: wanted.holder,
        common_name: common_name.as_deref(),
    };
    let tbs = tbs::encode(&Parts {
        serial: &serial,
        algorithm_der: &issuer.algorithm_der,
        issuer_der: issuer.certificate.subject_der(),
        period,
        subject_der: &subject_der,
        spki_der: csr.spki_der(),
        extensions: &extensions(profile, issuer, &particulars)?,
    });
    lint::check(&tbs, profile, csr, issuer)?;
    Ok(Prepared {
        tbs,
        serial,
        authority: issuer.authority.id.clone(),
        profile: profile.id.clone(),
        common_name,
        subject: attribute::spelled(&subject),
        spki_sha256: sha256(&[csr.spki_der()]),
        not_after: period.end.to_timestamp(),
    })
}

fn check_holder(holder: Option<&Holder>) -> Result<(), Refused> {
    let Some(Holder { name, generation }) = holder else { return Ok(()) };
    if !(1..=HOLDER_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
        return Err(Refused::Holder { name: attribute::shown(name) });
    }
    if !(1..=GENERATION_BYTES_MAX).contains(&generation.len())
        || !generation.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(Refused::Generation { generation: attribute::shown(generation) });
    }
    Ok(())
}

/// RFC 5280 section 4.2.1.9: how many authorities may stand below, the leaf not counted.
fn check_path(profile: &Profile, issuer: &Issuer) -> Result<(), Refused> {
    match (profile.kind, issuer.path_length) {
        (Kind::Authority { path_length }, Some(room)) if path_length >= room => Err(Refused::NoRoomBelow),
        (Kind::Authority { .. } | Kind::EndEntity, _) => Ok(()),
    }
}

impl Prepared {
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    pub fn serial(&self) -> [u8; 16] {
        self.serial
    }

    pub(crate) fn authority(&self) -> &AuthorityId {
        &self.authority
    }

    pub(crate) fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// RFC 4514.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    pub(crate) fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    pub(crate) fn spki_sha256(&self) -> [u8; 32] {
        self.spki_sha256
    }

    pub(crate) fn not_after(&self) -> Timestamp {
        self.not_after
    }
}
