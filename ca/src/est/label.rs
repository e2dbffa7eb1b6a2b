//! Labels: a path segment that stands for an authority and a profile. Pure.

use serde::{Deserialize, Serialize};

use super::{EstChangeError, EstTrust, PopLink, trust::Trust};
use crate::{
    caller::{Grant, Permit, Quota, Rate, idevids},
    hierarchy::AuthorityId,
    profile::is_name,
};

const NAME_BYTES_MAX: usize = 40;
/// What stands at that place in a path without a label (RFC 7030 section 3.2.2).
const OPERATIONS: [&str; 6] =
    ["cacerts", "simpleenroll", "simplereenroll", "fullcmc", "serverkeygen", "csrattrs"];

/// A device that was born with a certificate asks for its first one once, and again when it was reset.
const DEVICE_RATE: Rate = Rate { per_minute: 1, burst: 10 };

/// What a label gives, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EstLabel {
    /// Lower-case letters, digits, hyphens and dots, at most 40; not the name of an operation.
    #[serde(default)]
    pub name: String,
    #[serde(default = "issuing")]
    pub authority: String,
    /// A profile's name, without its version.
    #[serde(default = "device")]
    pub profile: String,
    /// None: as the client reads it, as far as it tells ([`EstLabel::form_for`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Base64Form>,
    #[serde(default)]
    pub approval: Approval,
    /// Whether private keys are made here for devices that cannot make good ones, and sent to them.
    #[serde(default)]
    pub server_keygen: bool,
    /// Whose certificates devices may have been born with to get their first one here. None: nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<EstTrust>,
    #[serde(default)]
    pub pop_link: PopLink,
}

/// How the answer to cacerts is written: there is no form that all clients read. Answers to a request are written as the
/// request was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base64Form {
    /// Lines of 64: libest, openssl.
    Wrapped,
    /// strongSwan.
    SingleLine,
}

/// Whether somebody looks at a request before it gets a certificate. Renewals are not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    #[default]
    Automatic,
    Manual,
}

fn issuing() -> String {
    AuthorityId::issuing().to_string()
}

fn device() -> String {
    "device".to_owned()
}

impl EstLabel {
    /// As a label is when nobody says anything about it.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            authority: issuing(),
            profile: device(),
            base64: None,
            approval: Approval::default(),
            server_keygen: false,
            trust: None,
            pop_link: PopLink::default(),
        }
    }

    /// Whether the texts are what they should be; that there is such an authority and profile is asked at every request.
    pub(super) fn check(&self) -> Result<(), EstChangeError> {
        let refused = |field, value: &str, fix| Err(EstChangeError::field(field, value, fix));
        if !is_plain(&self.name, NAME_BYTES_MAX) {
            let fix = "use lower-case letters, digits, hyphens and dots, at most 40";
            return refused("name", &self.name, fix);
        }
        if OPERATIONS.contains(&self.name.as_str()) {
            return refused("name", &self.name, "choose one that is not an operation of EST");
        }
        if AuthorityId::parse(&self.authority).is_err() {
            return refused("authority", &self.authority, "name an authority");
        }
        if !is_name(&self.profile) {
            return refused("profile", &self.profile, "name a profile, without its version");
        }
        self.trusted().map(|_| ())
    }

    /// Whom it trusts, and what those may ask for: what the profile puts into a certificate beside the name, which is not
    /// theirs to choose.
    pub(super) fn trusted(&self) -> Result<Option<(Trust, Permit)>, EstChangeError> {
        let Some(trust) = &self.trust else { return Ok(None) };
        let grant = Grant {
            id: format!("est.label.{}", self.name),
            to: format!("{}/*", idevids(&self.name)),
            authority: self.authority.clone(),
            profile: self.profile.clone(),
            names: vec!["*".to_owned()],
            quota: Quota::default(),
            rate: Some(DEVICE_RATE),
            until: None,
        };
        let permit = Permit::read(grant)
            .map_err(|error| EstChangeError::field(error.field, &error.value, error.fix))?;
        Ok(Some((trust.read()?, permit)))
    }

    /// As records tell of a change.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("{} of {}", self.profile, self.authority);
        if let Ok(Some((trust, _))) = self.trusted() {
            text.push_str("; trusts ");
            text.push_str(&trust.to_string());
        }
        if self.pop_link == PopLink::Required {
            text.push_str("; requests are linked to their connections");
        }
        text
    }

    /// For a client that sent no form of its own to go by. The one that reads a single line only, strongSwan, is the one that
    /// has no name.
    pub(super) fn form_for(&self, user_agent: bool) -> Base64Form {
        self.base64.unwrap_or(if user_agent { Base64Form::Wrapped } else { Base64Form::SingleLine })
    }

    /// None when the text in the database is none, which nobody wrote here.
    pub(super) fn authority_id(&self) -> Option<AuthorityId> {
        AuthorityId::parse(&self.authority).ok()
    }
}

/// Letters, digits, hyphens and dots, beginning with a letter or digit.
pub(super) fn is_plain(text: &str, bytes_max: usize) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=bytes_max).contains(&text.len())
        && text.bytes().all(|byte| alphanumeric(byte) || b"-.".contains(&byte))
        && text.bytes().next().is_some_and(alphanumeric)
}
