//! What is recorded of a certificate before it is signed. Pure.

use jiff::Timestamp;
use x509_cert::{
    certificate::TbsCertificate,
    der::{Decode, Encode},
};

use crate::{
    hierarchy::{AuthorityId, BuildError},
    log::sha256,
    profile::{OfAnother, Prepared, ProfileId, common_name, spelled},
};

pub(super) struct Draft<'a> {
    pub(super) authority: &'a AuthorityId,
    pub(super) serial: [u8; 16],
    pub(super) profile: ProfileId,
    /// RFC 4514.
    pub(super) subject: String,
    pub(super) common_name: Option<String>,
    pub(super) spki_sha256: [u8; 32],
    pub(super) not_after: Timestamp,
    pub(super) tbs: &'a [u8],
    pub(super) about: About<'a>,
}

/// Whose it is, and who asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) holder: Option<&'a str>,
    pub(super) generation: Option<&'a str>,
    pub(super) of_another: OfAnother,
    pub(super) caller: &'a str,
    pub(super) idempotency: Option<&'a str>,
    pub(super) quota: Option<&'a str>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(prepared: &'a Prepared, about: About<'a>) -> Self {
        Self {
            authority: prepared.authority(),
            serial: prepared.serial(),
            profile: prepared.profile().clone(),
            subject: prepared.subject().to_owned(),
            common_name: prepared.common_name().map(str::to_owned),
            spki_sha256: prepared.spki_sha256(),
            not_after: prepared.not_after(),
            tbs: prepared.tbs(),
            about,
        }
    }

    /// Of a certificate that the authority makes for itself.
    pub(super) fn of_own(
        authority: &'a AuthorityId,
        profile: &str,
        tbs: &'a [u8],
        about: About<'a>,
    ) -> Result<Self, BuildError> {
        let parsed = TbsCertificate::from_der(tbs)?;
        let serial = <[u8; 16]>::try_from(parsed.serial_number().as_bytes())
            .map_err(|_| BuildError::Build("its serial number has not 16 octets".to_owned()))?;
        let not_after_s = parsed.validity().not_after.to_unix_duration().as_secs();
        Ok(Self {
            authority,
            serial,
            profile: ProfileId { name: profile.to_owned(), version: 1 },
            subject: spelled(parsed.subject()),
            common_name: common_name(parsed.subject()),
            spki_sha256: sha256(&[&parsed.subject_public_key_info().to_der()?]),
            not_after: i64::try_from(not_after_s)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .unwrap_or(Timestamp::MAX),
            tbs,
            about,
        })
    }
}
