//! What the authority is told at its start.

use std::path::{Path, PathBuf};

use crate::hierarchy::AuthorityId;

/// An URL stands in every certificate: each byte of it is paid for at every handshake.
const BASE_URL_BYTES_MAX: usize = 200;
/// One thread keeps a token busy while another one waits for its answer.
const PKCS11_SESSIONS: usize = 2;

#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder; the authority keeps its own in `ca` below it.
    pub dir: PathBuf,
    /// Where CRLs, issuers and OCSP answers are fetched; certificates name no such place without it.
    pub base_url: Option<BaseUrl>,
    pub passphrase: PassphraseSource,
    pub pkcs11: Option<Pkcs11>,
}

/// Where the passphrase of the sealed keys comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseSource {
    /// The systemd credential `muster-ca-passphrase` when there is one; else `ca/passphrase` in the data folder, which
    /// the first start fills with a random one. That is for trying out: who copies the folder has the keys.
    Automatic,
    File(PathBuf),
    /// The name of an environment variable.
    Environment(String),
}

/// A PKCS#11 token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs11 {
    /// The vendor's library.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    pub pin: PinSource,
    /// Signing threads, each with a session of its own.
    pub sessions: usize,
}

/// Where a token's PIN comes from; never the command line, which every user of the machine can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinSource {
    File(PathBuf),
    /// The name of an environment variable.
    Environment(String),
}

/// `http://host[:port][/path]`, without a slash at the end. Plain HTTP: who checks a certificate must not need another
/// one for it (RFC 5280 section 4.2.1.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "base URL `{url}` is not usable in certificates: write `http://`, a host, perhaps a port and a path, at most {BASE_URL_BYTES_MAX} characters"
)]
pub struct BaseUrlError {
    pub url: String,
}

impl Settings {
    /// As without any configuration.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), base_url: None, passphrase: PassphraseSource::Automatic, pkcs11: None }
    }
}

impl Pkcs11 {
    pub fn new(module: PathBuf, token: String, pin: PinSource) -> Self {
        Self { module, token, pin, sessions: PKCS11_SESSIONS }
    }
}

impl BaseUrl {
    pub fn parse(url: &str) -> Result<Self, BaseUrlError> {
        let trimmed = url.trim_end_matches('/');
        let host = trimmed.strip_prefix("http://").unwrap_or_default();
        let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:/[]~".contains(&byte));
        if host.is_empty() || host.starts_with('/') || !plain || trimmed.len() > BASE_URL_BYTES_MAX {
            return Err(BaseUrlError { url: url.chars().take(BASE_URL_BYTES_MAX).collect() });
        }
        Ok(Self(trimmed.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The CRL of one shard: what a certificate's CRL distribution point says, and the CRL's own too.
    pub fn crl(&self, authority: &AuthorityId, shard: u16) -> String {
        format!("{}/crl/{authority}/{shard}.crl", self.0)
    }

    /// The certificate of an authority (DER): caIssuers in what it signed.
    pub fn issuer(&self, authority: &AuthorityId) -> String {
        format!("{}/issuer/{authority}.cer", self.0)
    }

    /// One responder for all authorities: a request names the issuer.
    pub fn ocsp(&self) -> String {
        format!("{}/ocsp", self.0)
    }
}
