//! Keys on disk: PKCS#8 in PEM, readable by the owner alone.

use x509_cert::der::pem::{self, LineEnding};
use zeroize::Zeroizing;

use super::{KeyError, SigningKey};
use crate::folder::{Folder, Readers};

const LABEL: &str = "PRIVATE KEY";
const END: &str = "-----END PRIVATE KEY-----\n";

/// A listener's key: in the clear, because TLS needs it so.
pub(crate) struct ServerKey {
    pub(crate) key: SigningKey,
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
}

/// The key in a file, or none when there is no such file.
pub(crate) fn load(folder: &Folder, name: &str) -> Result<Option<SigningKey>, KeyError> {
    let Some(text) = folder.read(name, Readers::Owner)? else { return Ok(None) };
    let (_, key) = parse(folder, name, &text)?;
    Ok(Some(key))
}

/// A new key, in its file before anything is signed with it. The caller holds the folder's lock and knows that there is
/// no such file.
pub(crate) fn make(folder: &Folder, name: &str) -> Result<SigningKey, KeyError> {
    let key = SigningKey::generate()?;
    folder.write(name, Readers::Owner, &to_pem(&key.to_pkcs8()?)?)?;
    Ok(key)
}

impl ServerKey {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let key = SigningKey::generate()?;
        let pkcs8 = key.to_pkcs8()?;
        Ok(Self { key, pkcs8 })
    }

    /// Key and certificates in one file, so that they are a pair at every moment.
    pub(crate) fn seal(&self, folder: &Folder, name: &str, certificates_pem: &str) -> Result<(), KeyError> {
        let mut text = to_pem(&self.pkcs8)?;
        text.push_str(certificates_pem);
        Ok(folder.write(name, Readers::Owner, &text)?)
    }

    /// What [`Self::seal`] wrote: the key, and the certificates as PEM.
    pub(crate) fn load(folder: &Folder, name: &str) -> Result<Option<(Self, String)>, KeyError> {
        let Some(text) = folder.read(name, Readers::Owner)? else { return Ok(None) };
        let end = text.find(END).map_or(text.len(), |start| start + END.len());
        let (key, certificates) = text.split_at(end);
        let (pkcs8, key) = parse(folder, name, key)?;
        Ok(Some((Self { key, pkcs8 }, certificates.to_owned())))
    }
}

fn parse(folder: &Folder, name: &str, text: &str) -> Result<(Zeroizing<Vec<u8>>, SigningKey), KeyError> {
    let damaged = |reason| KeyError::Damaged { path: folder.path_of(name), reason };
    let (label, pkcs8) = pem::decode_vec(text.as_bytes()).map_err(|_| damaged("it is not PEM"))?;
    let pkcs8 = Zeroizing::new(pkcs8);
    if label != LABEL {
        return Err(damaged("it is not a `PRIVATE KEY`"));
    }
    let key = SigningKey::from_pkcs8(&pkcs8).ok_or_else(|| damaged("it is not a P-256 key in PKCS#8"))?;
    Ok((pkcs8, key))
}

fn to_pem(pkcs8: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    pem::encode_string(LABEL, LineEnding::LF, pkcs8).map(Zeroizing::new).map_err(|_| KeyError::Make)
}
