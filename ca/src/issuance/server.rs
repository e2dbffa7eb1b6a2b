//! The certificate of a TLS listener: kept on disk, used again while it lasts.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};
use x509_cert::{
    builder::{self, profile::BuilderProfile},
    certificate::TbsCertificate,
    der::{Decode, Encode, flagset::FlagSet, oid::db::rfc5280::ID_KP_SERVER_AUTH},
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
            SubjectKeyIdentifier,
        },
    },
    name::Name,
    spki::SubjectPublicKeyInfoRef,
};
use zeroize::Zeroizing;

use muster_x509::{Certificate, issued_by, read_certificates, to_pem};

use super::{IssueError, NameError, ServerNames};
use crate::{
    Entropy,
    folder::{Folder, FolderError},
    hierarchy::{
        BuildError, certify,
        key_identifier::{key_identifier, subject_key_identifier},
        shape::Validity,
        subject::subject_of,
    },
    keys::{KeyError, Keys, ListenerKey, PublicKey, SignError},
};

/// Sets of names come and go with configurations; the oldest files beyond this are removed.
const FILES_MAX: usize = 32;
/// Some clients refuse server certificates of more than 398 days.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// Time for a restart, which is when a server's certificate is renewed.
const RENEW_BELOW: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A TLS server's certificate with its key, which the listener needs in the clear.
pub struct ServerCertificate {
    /// DER, leaf first, then its authorities; without the root, which clients have.
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
    Build(#[from] BuildError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("authority `issuing` issues nothing now, so the server has no certificate: make it active again")]
    NoIssuer,
    #[error(
        "issuing authority `{subject}` expired at {not_after}, now is {now}: start again, which renews it, or correct the clock"
    )]
    IssuerExpired { subject: String, not_after: Timestamp, now: Timestamp },
}

/// What a new certificate is made of, but for the signature.
pub(crate) struct New {
    pub(crate) key: ListenerKey,
    pub(crate) tbs: Vec<u8>,
}

/// What the certificate says (RFC 5280 section 4.2).
struct Shape {
    subject: Name,
    issuer: Name,
    issuer_key: AuthorityKeyIdentifier,
    names: SubjectAltName,
}

pub(crate) fn prepare(
    names: &ServerNames,
    issuer: &Certificate,
    issuer_key: &PublicKey,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<New, ServerCertificateError> {
    let issuer_validity = Validity { not_before: issuer.not_before(), not_after: issuer.not_after() };
    if issuer_validity.not_after <= now {
        let (subject, not_after) = (issuer.subject().to_owned(), issuer_validity.not_after);
        return Err(ServerCertificateError::IssuerExpired { subject, not_after, now });
    }
    let shape = Shape {
        subject: names.subject()?,
        issuer: subject_of(issuer)?,
        issuer_key: AuthorityKeyIdentifier {
            key_identifier: subject_key_identifier(issuer),
            ..Default::default()
        },
        names: names.alternative_names()?,
    };
    let key = ListenerKey::generate()?;
    let validity = Validity::of(LIFE, now, Some(issuer_validity));
    let serial = certify::fresh_serial(entropy);
    let tbs = certify::certificate(shape, key.key.public(), issuer_key, serial, validity)?;
    Ok(New { key, tbs })
}

/// Key and certificates in one file, so that they are a pair at every moment.
pub(crate) fn keep(
    folder: &Folder,
    keys: &Keys,
    names: &ServerNames,
    key: ListenerKey,
    leaf: &Certificate,
    issuers: &[Certificate],
) -> Result<ServerCertificate, ServerCertificateError> {
    let name = names.file_name();
    let mut text = keys.seal_listener(&key, &name)?;
    text.push_str(&to_pem(leaf.der()));
    prune(folder)?;
    folder.write(&name, &text)?;
    info!(subject = leaf.subject(), serial = leaf.serial_hex(), not_after = %leaf.not_after(), "server certificate issued");
    Ok(ServerCertificate::new(key, leaf, issuers))
}

/// What is on disk, if it is whole, ours, for these names, and lasts. A server's key is nobody's identity: when its file
/// is damaged, a new one does.
pub(crate) fn kept(
    folder: &Folder,
    keys: &Keys,
    names: &ServerNames,
    issuers: &[Certificate],
    now: Timestamp,
) -> Result<Option<ServerCertificate>, ServerCertificateError> {
    let name = names.file_name();
    let path = folder.path_of(&name);
    let text = match folder.read(&name) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(None),
        Err(error @ FolderError::Io { .. }) => return Err(error.into()),
        Err(error) => {
            warn!(%error, "server certificate is issued anew");
            return Ok(None);
        }
    };
    let (sealed, certificate) = text.split_at(text.find("-----BEGIN").unwrap_or(text.len()));
    let key = keys.unseal_listener(&name, sealed);
    let leaf = read_certificates(certificate).ok().and_then(|leaf| leaf.into_iter().next());
    let (Some(key), Some(leaf), Some(issuer)) = (key, leaf, issuers.first()) else {
        warn!(path = %path.display(), "file of a server's certificate is damaged: it is issued anew");
        return Ok(None);
    };
    let fits = leaf.spki_der() == key.key.public().spki_der()
        && issued_by(&leaf, issuer)
        && names_of(&leaf) == names.alternative_names()?.to_der().ok()
        && leaf.not_before() <= now
        && leaf.not_after().duration_since(now) > RENEW_BELOW;
    Ok(fits.then(|| ServerCertificate::new(key, &leaf, issuers)))
}

impl ServerCertificate {
    fn new(key: ListenerKey, leaf: &Certificate, issuers: &[Certificate]) -> Self {
        let intermediates = issuers.split_last().map_or(&[][..], |(_, intermediates)| intermediates);
        let chain = std::iter::once(leaf).chain(intermediates);
        Self {
            chain: chain.map(|certificate| certificate.der().to_vec()).collect(),
            key_pkcs8: key.pkcs8,
            not_after: leaf.not_after(),
        }
    }
}

impl BuilderProfile for Shape {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let constraints = BasicConstraints { ca: false, path_len_constraint: None };
        Ok(vec![
            // Critical also in a leaf (pki profile), where the builder's default is not.
            (true, &constraints).to_extension(subject, &[])?,
            KeyUsage(FlagSet::from(KeyUsages::DigitalSignature)).to_extension(subject, &[])?,
            SubjectKeyIdentifier(key_identifier(&key)?).to_extension(subject, &[])?,
            ExtendedKeyUsage(vec![ID_KP_SERVER_AUTH]).to_extension(subject, &[])?,
            self.issuer_key.to_extension(subject, &[])?,
            self.names.to_extension(subject, &[])?,
        ])
    }
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
