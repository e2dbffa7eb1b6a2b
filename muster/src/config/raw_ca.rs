//! The table `[ca]` as written: where certificates point, and where the secrets of the authority come from.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use muster_ca::{BaseUrl, PassphraseSource, PinSource, Pkcs11};

use super::raw::Source;
use super::{CaConfig, ConfigError};

/// PKCS#11 pads labels to this length (v2.40, CK_TOKEN_INFO).
const TOKEN_LABEL_BYTES_MAX: usize = 32;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCa {
    base_url: Option<Spanned<String>>,
    passphrase_file: Option<Spanned<PathBuf>>,
    passphrase_env: Option<Spanned<String>>,
    pkcs11: Option<RawPkcs11>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPkcs11 {
    module: Spanned<PathBuf>,
    token: Spanned<String>,
    pin_file: Option<Spanned<PathBuf>>,
    pin_env: Option<Spanned<String>>,
}

impl Source<'_> {
    pub(super) fn ca(&self, raw: RawCa) -> Result<CaConfig, ConfigError> {
        let base_url = raw.base_url.map(|url| {
            BaseUrl::parse(url.get_ref()).map_err(|error| self.refuse(&url, "ca.base_url", error))
        });
        let passphrase = match (raw.passphrase_file, raw.passphrase_env) {
            (None, None) => PassphraseSource::Automatic,
            (Some(file), None) => PassphraseSource::File(self.path(file, "ca.passphrase_file")?),
            (None, Some(name)) => PassphraseSource::Environment(self.variable(name, "ca.passphrase_env")?),
            (Some(_), Some(name)) => {
                let problem = "`passphrase_file` is there already; keep one of the two";
                return Err(self.refuse(&name, "ca.passphrase_env", problem));
            }
        };
        let pkcs11 = raw.pkcs11.map(|raw| self.pkcs11(raw)).transpose()?;
        Ok(CaConfig { base_url: base_url.transpose()?, passphrase, pkcs11 })
    }

    fn pkcs11(&self, raw: RawPkcs11) -> Result<Pkcs11, ConfigError> {
        let module = self.path(raw.module, "ca.pkcs11.module")?;
        if !(1..=TOKEN_LABEL_BYTES_MAX).contains(&raw.token.get_ref().len()) {
            let problem =
                "write the token's label, 1 to 32 bytes (`pkcs11-tool --list-token-slots` shows it)";
            return Err(self.refuse(&raw.token, "ca.pkcs11.token", problem));
        }
        let pin = match (raw.pin_file, raw.pin_env) {
            (Some(file), None) => PinSource::File(self.path(file, "ca.pkcs11.pin_file")?),
            (None, Some(name)) => PinSource::Environment(self.variable(name, "ca.pkcs11.pin_env")?),
            (None, None) => {
                let problem = "the token's PIN is missing; add `pin_file = …` or `pin_env = …`";
                return Err(self.refuse(&raw.token, "ca.pkcs11", problem));
            }
            (Some(_), Some(name)) => {
                let problem = "`pin_file` is there already; keep one of the two";
                return Err(self.refuse(&name, "ca.pkcs11.pin_env", problem));
            }
        };
        Ok(Pkcs11::new(module, raw.token.into_inner(), pin))
    }

    fn path(&self, raw: Spanned<PathBuf>, key: &str) -> Result<PathBuf, ConfigError> {
        match raw.get_ref().as_os_str().is_empty() {
            true => Err(self.refuse(&raw, key, "is empty; write the path of a file")),
            false => Ok(raw.into_inner()),
        }
    }

    /// The name is taken, never the value: this file is read by more than those who may know it.
    fn variable(&self, raw: Spanned<String>, key: &str) -> Result<String, ConfigError> {
        let name = raw.get_ref();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(plain) {
            let problem =
                "is not the name of an environment variable; write one such as \"MUSTER_CA_SECRET\"";
            return Err(self.refuse(&raw, key, problem));
        }
        Ok(raw.into_inner())
    }
}
