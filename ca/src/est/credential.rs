//! Passwords and tokens: made here, shown once, kept as a hash. Pure.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{EstChangeError, EstLabel, label::is_plain};
use crate::{
    Credential,
    caller::{Grant, Permit, Quota},
    log::sha256,
};

const USER_BYTES_MAX: usize = 40;
/// Nobody guesses it, so that a plain hash keeps it as well as a slow one.
pub(super) const SECRET_BYTES: usize = 32;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// User and password.
    #[default]
    Basic,
    /// A token that is good for one certificate: as a password with whatever user, or as `Authorization: Bearer`.
    OneTime,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEstCredential {
    /// Made with the defaults when it is not there.
    pub label: String,
    /// None makes one up.
    pub user: Option<String>,
    pub kind: CredentialKind,
    /// [`crate::NamePattern`]s: every name that is asked for fits one. None are all names.
    pub names: Vec<String>,
    /// How many certificates, in all. A token is good for one.
    pub count: Option<u64>,
    pub until: Option<Timestamp>,
}

/// As it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstCredential {
    pub user: String,
    pub label: String,
    pub kind: CredentialKind,
    pub names: Vec<String>,
    pub count: Option<u64>,
    pub until: Option<Timestamp>,
    pub created: Timestamp,
    pub(super) secret_sha256: [u8; 32],
}

/// With the secret, which nobody can tell again.
pub struct FreshCredential {
    pub credential: EstCredential,
    pub password: Zeroizing<String>,
}

impl NewEstCredential {
    /// `secret` is random.
    pub(super) fn make(
        self,
        user: String,
        secret: &[u8; SECRET_BYTES],
        now: Timestamp,
    ) -> Result<FreshCredential, EstChangeError> {
        if !is_plain(&user, USER_BYTES_MAX) {
            let fix = "use lower-case letters, digits, hyphens and dots, at most 40";
            return Err(EstChangeError::field("user", &user, fix));
        }
        let count = match (self.kind, self.count) {
            (_, Some(0)) => return Err(EstChangeError::field("count", "0", "give at least 1")),
            (CredentialKind::Basic, count) => count,
            (CredentialKind::OneTime, None | Some(1)) => None,
            (CredentialKind::OneTime, Some(more)) => {
                let fix = "a one-time token is good for one certificate";
                return Err(EstChangeError::field("count", &more.to_string(), fix));
            }
        };
        if let Some(until) = self.until
            && until <= now
        {
            return Err(EstChangeError::field("until", &until.to_string(), "give an instant to come"));
        }
        let password = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(secret));
        let credential = EstCredential {
            user,
            label: self.label,
            kind: self.kind,
            names: if self.names.is_empty() { vec!["*".to_owned()] } else { self.names },
            count,
            until: self.until,
            created: now,
            secret_sha256: sha256(&[password.as_bytes()]),
        };
        Ok(FreshCredential { credential, password })
    }
}

impl EstCredential {
    pub(super) fn is(&self, secret_sha256: &[u8; 32]) -> bool {
        verify_slices_are_equal(&self.secret_sha256, secret_sha256).is_ok()
    }

    /// As records name it.
    pub(super) fn credential(&self) -> Credential {
        let (label, user) = (self.label.clone(), self.user.clone());
        match self.kind {
            CredentialKind::Basic => Credential::EstUser { label, user },
            CredentialKind::OneTime => Credential::OneTimeToken { label, id: user },
        }
    }

    /// What it may ask for at its label.
    pub(super) fn permit(&self, label: &EstLabel) -> Result<Permit, EstChangeError> {
        let total = match self.kind {
            CredentialKind::Basic => self.count,
            CredentialKind::OneTime => Some(1),
        };
        let grant = Grant {
            // Another one by the same name later does not count what this one got.
            id: format!("est.{}.{:x}", self.user, self.created.as_microsecond()),
            to: self.credential().to_string(),
            authority: label.authority.clone(),
            profile: label.profile.clone(),
            names: self.names.clone(),
            quota: Quota { total, ..Quota::default() },
            rate: None,
            until: self.until,
        };
        Permit::read(grant).map_err(|error| EstChangeError::field(error.field, &error.value, error.fix))
    }
}

impl fmt::Debug for FreshCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshCredential").field("credential", &self.credential).finish_non_exhaustive()
    }
}
