//! `credentialPolicyName`: by whom, and by which profile, devices of an enrollment get certificates (dps.md §6.1).

use std::str::FromStr;

use muster_ca::{AuthorityId, AuthorityIdError, Ca};

/// Longer than any that names something here, and short enough for every message.
const CHARACTERS_MAX: usize = 128;

/// What scripts that were written for Azure, whose policies have names of their own, can be given without a look here.
const DEFAULT: &str = "default";
const DEFAULT_PROFILE: &str = "device";

/// `AUTHORITY/PROFILE`, or a profile of the authority that issues by default, or `default`: its profile `device`; kept as it
/// was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CredentialPolicy {
    written: String,
    authority: AuthorityId,
    profile: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialPolicyError {
    #[error("has {0} characters, at most {CHARACTERS_MAX} are allowed")]
    TooLong(usize),
    #[error("`{0}` names no profile, write `PROFILE` or `AUTHORITY/PROFILE`")]
    NoProfile(String),
    #[error(transparent)]
    Authority(#[from] AuthorityIdError),
}

/// What a policy refers to is not there, or not for devices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("this server issues no certificates, leave it out")]
    NoAuthorities,
    #[error("there is no authority `{0}`, `muster ca tree` shows those that are")]
    Authority(AuthorityId),
    #[error("there is no profile `{0}`, `muster ca profile list` shows those that are")]
    Profile(String),
    /// Who writes enrollments must not come by an authority, or by certificates of servers.
    #[error("profile `{0}` is not for clients, name one for devices")]
    NotForClients(String),
}

impl CredentialPolicy {
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    pub(crate) fn authority(&self) -> &AuthorityId {
        &self.authority
    }

    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// Without a version.
    pub(crate) fn profile_name(&self) -> &str {
        self.profile.split_once('@').map_or(&self.profile, |(name, _)| name)
    }

    /// Whether a device could get a certificate by it, as things are now.
    pub(crate) fn check(&self, ca: Option<&Ca>) -> Result<(), Unusable> {
        let ca = ca.ok_or(Unusable::NoAuthorities)?;
        if ca.authority(&self.authority).is_none() {
            return Err(Unusable::Authority(self.authority.clone()));
        }
        match ca.profile(&self.profile) {
            None => Err(Unusable::Profile(self.profile.clone())),
            Some(profile) if !profile.is_for_clients() => Err(Unusable::NotForClients(self.profile.clone())),
            Some(_) => Ok(()),
        }
    }
}

impl FromStr for CredentialPolicy {
    type Err = CredentialPolicyError;

    fn from_str(written: &str) -> Result<Self, CredentialPolicyError> {
        let characters = written.chars().count();
        if characters > CHARACTERS_MAX {
            return Err(CredentialPolicyError::TooLong(characters));
        }
        let (authority, profile) = match written.split_once('/') {
            Some((authority, profile)) => (AuthorityId::parse(authority)?, profile),
            None if written == DEFAULT => (AuthorityId::issuing(), DEFAULT_PROFILE),
            None => (AuthorityId::issuing(), written),
        };
        if profile.is_empty() || profile.contains('/') {
            return Err(CredentialPolicyError::NoProfile(written.to_owned()));
        }
        Ok(Self { written: written.to_owned(), authority, profile: profile.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_profile_with_or_without_its_authority() {
        let policy: CredentialPolicy = "device".parse().unwrap();
        assert_eq!((policy.authority().as_str(), policy.profile()), ("issuing", "device"));
        let policy: CredentialPolicy = "default".parse().unwrap();
        assert_eq!(
            (policy.as_str(), policy.authority().as_str(), policy.profile()),
            ("default", "issuing", "device")
        );
        let policy: CredentialPolicy = "line-4/device@2".parse().unwrap();
        assert_eq!((policy.authority().as_str(), policy.profile()), ("line-4", "device@2"));
        assert_eq!(policy.as_str(), "line-4/device@2");
    }

    #[test]
    fn what_names_nothing_is_refused_with_what_to_write() {
        for (written, said) in [
            ("issuing/", "`issuing/` names no profile, write `PROFILE` or `AUTHORITY/PROFILE`"),
            ("a/b/c", "`a/b/c` names no profile, write `PROFILE` or `AUTHORITY/PROFILE`"),
            (&"x".repeat(129), "has 129 characters, at most 128 are allowed"),
        ] {
            assert_eq!(written.parse::<CredentialPolicy>().unwrap_err().to_string(), said);
        }
        assert!(matches!(
            "Über/device".parse::<CredentialPolicy>(),
            Err(CredentialPolicyError::Authority(_))
        ));
    }
}
