//! The authorities: a root that clients trust, and the issuing authority below it.
//!
//! Each is a key file and a certificate file. The key is written first and the certificate follows from it, with a name
//! that is the key's fingerprint; so a start that was killed in between is repeated and ends in the same place.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use tracing::info;
use x509_cert::{der::Decode, name::Name};

use muster_x509::{Certificate, Malformed, issued_by, read_certificates, to_pem};

use crate::{
    Entropy,
    folder::{Folder, FolderError, Readers},
    hierarchy::{
        BuildError,
        certify::issue,
        shape::{self, Shape, Validity},
    },
    keys::{self, KeyError, PublicKey, SigningKey},
};

const ROOT: Files = Files { title: "Muster Root", certificate: "root.pem", key: "root.key.pem" };
const ISSUING: Files = Files { title: "Muster Issuing", certificate: "issuing.pem", key: "issuing.key.pem" };

/// 2025-01-01: no clock that is set says less, and a root made by one that is not would expire within its first years.
const EARLIEST_S: i64 = 1_735_689_600;

/// A CA key with its certificate.
pub(crate) struct Pair {
    key: SigningKey,
    certificate: Certificate,
}

pub(crate) struct Hierarchy {
    pub(crate) root: Pair,
    pub(crate) issuing: Pair,
}

struct Files {
    title: &'static str,
    certificate: &'static str,
    key: &'static str,
}

/// Why the authorities cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("records of the authorities cannot be read: {0}")]
    Store(#[from] muster_store::StoreError),
    #[error(transparent)]
    Log(#[from] crate::log::ReadError),
    #[error(transparent)]
    KeyRef(#[from] keys::KeyRefError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Issue(#[from] BuildError),
    #[error("clock says {now}, which lies in the past: set it, then start again")]
    ClockNotSet { now: Timestamp },
    #[error(
        "certificate `{path}` is valid from {not_before}, but the clock says {now}: set the clock, then start again"
    )]
    ClockBehind { path: PathBuf, not_before: Timestamp, now: Timestamp },
    #[error(
        "root certificate `{path}` expired at {not_after}, now is {now}: move the folder `{}` away, start again, and give clients the new root",
        folder_of(path)
    )]
    RootExpired { path: PathBuf, not_after: Timestamp, now: Timestamp },
    #[error(
        "certificate `{path}` is damaged ({why}): restore it from a backup, or remove it to have it made again from its key"
    )]
    Damaged { path: PathBuf, why: Malformed },
    #[error(
        "certificate `{path}` holds {count} certificates instead of one: restore it from a backup, or remove it to have it made again from its key"
    )]
    NotOne { path: PathBuf, count: usize },
    #[error(
        "private key `{path}` is missing, but there is a certificate for it: restore the key from a backup"
    )]
    KeyMissing { path: PathBuf },
    #[error(
        "root authority `{path}` is missing, but there is an issuing authority below it: restore the whole folder from a backup"
    )]
    RootMissing { path: PathBuf },
    #[error(
        "private key `{key}` does not belong to the certificate `{certificate}`: restore both from the same backup"
    )]
    NotAPair { key: PathBuf, certificate: PathBuf },
    #[error(
        "certificate `{path}` is not one of an authority signed by the root `{root}`: restore both from the same backup"
    )]
    NotBelowRoot { path: PathBuf, root: String },
}

impl Hierarchy {
    /// Loads the authorities, makes what is not there yet, and renews the issuing one when it is due.
    pub(crate) fn open(folder: &Folder, entropy: &Entropy, now: Timestamp) -> Result<Self, OpenError> {
        if now.as_second() < EARLIEST_S {
            return Err(OpenError::ClockNotSet { now });
        }
        let _lock = folder.lock()?;
        let root = Self::open_root(folder, entropy, now)?;
        let issuing = Self::open_issuing(folder, &root, entropy, now)?;
        Ok(Self { root, issuing })
    }

    fn open_root(folder: &Folder, entropy: &Entropy, now: Timestamp) -> Result<Pair, OpenError> {
        let path = folder.path_of(ROOT.certificate);
        let (key, certificate) = ROOT.load(folder)?;
        let key = match key {
            Some(key) => key,
            None if ISSUING.exist(folder)? => {
                return Err(OpenError::RootMissing { path: folder.path_of(ROOT.key) });
            }
            None => keys::make(folder, ROOT.key)?,
        };
        let Some(certificate) = certificate else {
            let profile = Shape::Root { subject: ROOT.name_for(key.public())? };
            let validity = profile.validity(now, None);
            let certificate = issue(profile, key.public(), &key, validity, entropy)?;
            ROOT.keep(folder, &certificate)?;
            return Ok(Pair { key, certificate });
        };
        if !certificate.is_ca() || !issued_by(&certificate, &certificate) {
            return Err(OpenError::NotBelowRoot { path, root: certificate.subject().to_owned() });
        }
        if certificate.not_after() < now {
            return Err(OpenError::RootExpired { path, not_after: certificate.not_after(), now });
        }
        refuse_future(&certificate, path, now)?;
        Ok(Pair { key, certificate })
    }

    fn open_issuing(
        folder: &Folder,
        root: &Pair,
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<Pair, OpenError> {
        let path = folder.path_of(ISSUING.certificate);
        let (key, certificate) = ISSUING.load(folder)?;
        let key = match key {
            Some(key) => key,
            None => keys::make(folder, ISSUING.key)?,
        };
        let profile = Shape::Issuing { subject: ISSUING.name_for(key.public())?, issuer: root.name()? };
        let validity = profile.validity(now, Some(root.validity()));
        if let Some(certificate) = certificate {
            if !certificate.is_ca() || !issued_by(&certificate, &root.certificate) {
                return Err(OpenError::NotBelowRoot { path, root: root.certificate.subject().to_owned() });
            }
            refuse_future(&certificate, path, now)?;
            if !shape::issuing_is_due(validity_of(&certificate), validity, now) {
                return Ok(Pair { key, certificate });
            }
        }
        // A renewed certificate has the same key and name, so what the old one issued stays valid under it.
        let certificate = issue(profile, key.public(), &root.key, validity, entropy)?;
        ISSUING.keep(folder, &certificate)?;
        Ok(Pair { key, certificate })
    }
}

impl Pair {
    pub(crate) fn into_key(self) -> SigningKey {
        self.key
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// As it stands in the certificate, to the byte.
    pub(crate) fn name(&self) -> Result<Name, BuildError> {
        Ok(Name::from_der(self.certificate.subject_der())?)
    }

    pub(crate) fn validity(&self) -> Validity {
        validity_of(&self.certificate)
    }
}

impl Files {
    /// Key and certificate as far as they are there; both mean a pair.
    fn load(&self, folder: &Folder) -> Result<(Option<SigningKey>, Option<Certificate>), OpenError> {
        let (key_path, path) = (folder.path_of(self.key), folder.path_of(self.certificate));
        let key = keys::load(folder, self.key)?;
        let Some(text) = folder.read(self.certificate, Readers::Everyone)? else { return Ok((key, None)) };
        let read = read_certificates(&text).map_err(|why| OpenError::Damaged { path: path.clone(), why })?;
        let [certificate] = read.as_slice() else {
            return Err(OpenError::NotOne { path, count: read.len() });
        };
        match &key {
            None => Err(OpenError::KeyMissing { path: key_path }),
            Some(key) if key.public().spki_der() != certificate.spki_der() => {
                Err(OpenError::NotAPair { key: key_path, certificate: path })
            }
            Some(_) => Ok((key, Some(certificate.clone()))),
        }
    }

    fn exist(&self, folder: &Folder) -> Result<bool, FolderError> {
        Ok(folder.names()?.iter().any(|name| name == self.key || name == self.certificate))
    }

    fn keep(&self, folder: &Folder, certificate: &Certificate) -> Result<(), FolderError> {
        folder.write(self.certificate, Readers::Everyone, &to_pem(certificate.der()))?;
        info!(subject = certificate.subject(), serial = certificate.serial_hex(), not_after = %certificate.not_after(), "authority certified");
        Ok(())
    }

    /// Two installations have two names, because clients find an issuer by its name.
    fn name_for(&self, key: &PublicKey) -> Result<Name, BuildError> {
        const FINGERPRINT_BYTES: usize = 4;
        let hash = digest(&SHA256, key.spki_der());
        let fingerprint = hex::encode(&hash.as_ref()[..FINGERPRINT_BYTES]);
        Ok(format!("CN={} {fingerprint}", self.title).parse()?)
    }
}

fn validity_of(certificate: &Certificate) -> Validity {
    Validity { not_before: certificate.not_before(), not_after: certificate.not_after() }
}

fn refuse_future(certificate: &Certificate, path: PathBuf, now: Timestamp) -> Result<(), OpenError> {
    let not_before = certificate.not_before();
    if now < not_before { Err(OpenError::ClockBehind { path, not_before, now }) } else { Ok(()) }
}

fn folder_of(path: &Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}
