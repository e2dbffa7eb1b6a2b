//! The certificate of a TLS listener: kept on disk, used again while it lasts.

use std::fmt;

use jiff::Timestamp;
use tracing::{info, warn};
use x509_cert::{
    der::{Decode, Encode},
    ext::pkix::SubjectAltName,
};
use zeroize::Zeroizing;

use muster_x509::{Certificate, issued_by, read_certificates, to_pem};

use super::{NameError, ServerNames};
use crate::{
    Entropy,
    folder::{Folder, FolderError},
    hierarchy::{BuildError, Pair, Shape, issue, shape},
    keys::{KeyError, ServerKey},
};

/// Sets of names come and go with configurations; the oldest files beyond this are removed.
const FILES_MAX: usize = 32;

/// A TLS server's certificate with its key, which the listener needs in the clear.
pub struct ServerCertificate {
    /// DER, leaf first, then the issuing authority.
    pub chain: Vec<Vec<u8>>,
    pub key_pkcs8: Zeroizing<Vec<u8>>,
    pub not_after: Timestamp,
}

/// Why there is no certificate for a server.
#[derive(Debug, thiserror::Error)]
pub enum ServerCertificateError {
    #[error(transparent)]
    Names(#[from] NameError),
    #[error(transparent)]
    Issue(#[from] BuildError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "issuing authority `{subject}` expired at {not_after}, now is {now}: start again, which renews it, or correct the clock"
    )]
    IssuerExpired { subject: String, not_after: Timestamp, now: Timestamp },
}

impl ServerCertificate {
    /// The one kept for these names, or a new one.
    pub(crate) fn open(
        folder: &Folder,
        issuer: &Pair,
        names: &ServerNames,
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<Self, ServerCertificateError> {
        let _lock = folder.lock()?;
        if let Some((key, leaf)) = kept(folder, issuer, names, now)? {
            return Ok(Self::new(key, &leaf, issuer));
        }
        let issuer_validity = issuer.validity();
        if issuer_validity.not_after <= now {
            let (subject, not_after) = (issuer.certificate().subject().to_owned(), issuer_validity.not_after);
            return Err(ServerCertificateError::IssuerExpired { subject, not_after, now });
        }
        let profile = Shape::Server {
            subject: names.subject()?,
            issuer: issuer.name()?,
            names: names.alternative_names()?,
        };
        let key = ServerKey::generate()?;
        let validity = profile.validity(now, Some(issuer_validity));
        let leaf = issue(profile, key.key.public(), issuer.key(), validity, entropy)?;
        prune(folder)?;
        let chain = to_pem(leaf.der()) + &to_pem(issuer.certificate().der());
        key.seal(folder, &names.file_name(), &chain)?;
        info!(subject = leaf.subject(), serial = leaf.serial_hex(), not_after = %leaf.not_after(), "server certificate issued");
        Ok(Self::new(key, &leaf, issuer))
    }

    fn new(key: ServerKey, leaf: &Certificate, issuer: &Pair) -> Self {
        Self {
            chain: vec![leaf.der().to_vec(), issuer.certificate().der().to_vec()],
            key_pkcs8: key.pkcs8,
            not_after: leaf.not_after(),
        }
    }
}

/// What is on disk, if it is whole, ours, for these names, and lasts. A server's key is nobody's identity: when its file
/// is damaged, a new one does.
fn kept(
    folder: &Folder,
    issuer: &Pair,
    names: &ServerNames,
    now: Timestamp,
) -> Result<Option<(ServerKey, Certificate)>, ServerCertificateError> {
    let name = names.file_name();
    let found = match ServerKey::load(folder, &name) {
        Ok(found) => found,
        Err(KeyError::Folder(error @ FolderError::Io { .. })) => return Err(error.into()),
        Err(error) => {
            warn!(%error, "server certificate is issued anew");
            None
        }
    };
    let Some((key, certificates)) = found else { return Ok(None) };
    let Some(leaf) = read_certificates(&certificates).ok().and_then(|chain| chain.into_iter().next()) else {
        warn!(path = %folder.path_of(&name).display(), "certificate is damaged: it is issued anew");
        return Ok(None);
    };
    let validity = shape::Validity { not_before: leaf.not_before(), not_after: leaf.not_after() };
    let fits = leaf.spki_der() == key.key.public().spki_der()
        && issued_by(&leaf, issuer.certificate())
        && names_of(&leaf) == names.alternative_names()?.to_der().ok()
        && shape::server_lasts(validity, now);
    Ok(fits.then_some((key, leaf)))
}

/// The subjectAltName, encoded.
fn names_of(leaf: &Certificate) -> Option<Vec<u8>> {
    let parsed = x509_cert::Certificate::from_der(leaf.der()).ok()?;
    let (_, names) = parsed.tbs_certificate().get_extension::<SubjectAltName>().ok()??;
    names.to_der().ok()
}

fn prune(folder: &Folder) -> Result<(), FolderError> {
    let mut files = Vec::new();
    for name in folder.names()?.into_iter().filter(|name| name.ends_with(".pem")) {
        let changed = std::fs::metadata(folder.path_of(&name)).and_then(|metadata| metadata.modified()).ok();
        files.push((changed, name));
    }
    files.sort_unstable();
    let surplus = (files.len() + 1).saturating_sub(FILES_MAX);
    files.iter().take(surplus).try_for_each(|(_, name)| folder.remove(name))
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerCertificate(not_after {}, key redacted)", self.not_after)
    }
}
