//! Device certificates of manufacturers (IDevID, IEEE 802.1AR) that open a label for a device's first certificate: whose
//! they must be, and what a device is called by what its certificate says. Pure.

mod service;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use x509_cert::{der::Decode, name::Name};

use muster_x509::{Certificate, ChainError, Csr, Validation, fit_to_anchor, read_certificates};

use super::EstChangeError;
use crate::{
    SubjectFacts,
    profile::{NamePattern, Template, common_name, facts_asked, serial_number},
};

/// One for every product line of a few manufacturers; each costs every stranger's handshake a look.
const ANCHORS_MAX: usize = 16;
const NAMES_MAX: usize = 64;
const PEM: &str = "give certificates of authorities as PEM";

/// As a label has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EstTrust {
    /// PEM: the authorities that sign the certificates devices are born with, or those above them.
    pub anchors: String,
    /// What a device is called: a text with `{serial_number}` or `{common_name}`, as they stand in the subject of the
    /// certificate that it was born with. Manufacturers that number alike need texts, so labels, of their own.
    #[serde(default = "by_serial_number")]
    pub name: String,
    /// [`NamePattern`]s: what it is called fits one. None are all names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// The same, read.
#[derive(Debug)]
pub(super) struct Trust {
    anchors: Vec<Certificate>,
    name: Template,
    names: Vec<NamePattern>,
}

/// Why a device that was born with a certificate of a trusted authority is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Nameless {
    #[error(
        "client certificate `{subject}` has no {fact} that names a device: issue it with one, or let the label name devices in another way"
    )]
    Missing { subject: String, fact: String },
    #[error("serial number `{asked}` is not that of the client certificate: ask for the same, or for none")]
    OtherSerialNumber { asked: String },
    #[error("device `{name}` is outside of what this label gives certificates to: ask its operator")]
    OutOfScope { name: String },
}

fn by_serial_number() -> String {
    "{serial_number}".to_owned()
}

impl EstTrust {
    pub(super) fn read(&self) -> Result<Trust, EstChangeError> {
        let anchors = read_certificates(&self.anchors)
            .map_err(|error| EstChangeError::anchor("PEM", error.to_string(), PEM))?;
        if anchors.len() > ANCHORS_MAX {
            let why = format!("there are {}", anchors.len());
            return Err(EstChangeError::anchor("PEM", why, "give at most 16"));
        }
        for anchor in &anchors {
            fit_to_anchor(anchor).map_err(|error| {
                EstChangeError::anchor(anchor.subject(), error.to_string(), "give an authority of devices")
            })?;
        }
        let name = name(&self.name).ok_or_else(|| {
            let fix = "write `{serial_number}` or `{common_name}`, and plain text beside it";
            EstChangeError::field("trust.name", &self.name, fix)
        })?;
        if self.names.len() > NAMES_MAX {
            let given = self.names.len().to_string();
            return Err(EstChangeError::field("trust.names", &given, "give at most 64 patterns"));
        }
        let pattern = |text: &String| {
            let fix = "write a name, with `*` for any run of characters";
            NamePattern::parse(text).ok_or_else(|| EstChangeError::field("trust.names", text, fix))
        };
        let names = self.names.iter().map(pattern).collect::<Result<_, _>>()?;
        Ok(Trust { anchors, name, names })
    }
}

/// By thumbprint, as records tell.
impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let anchors: Vec<_> = self.anchors.iter().map(|anchor| anchor.sha256().to_string()).collect();
        f.write_str(&anchors.join(", "))
    }
}

/// A text that says something else of each certificate, and always something.
fn name(text: &str) -> Option<Template> {
    let template = Template::parse(text)?;
    let said = || Some("x".to_owned());
    let both = SubjectFacts { common_name: said(), serial_number: said(), ..SubjectFacts::default() };
    let names_one = template.fill(&both).is_ok_and(|lines| lines.len() == 1);
    (names_one && template.fill(&SubjectFacts::default()).is_err()).then_some(template)
}

impl Trust {
    /// When it is set: an authority that is over lets nobody in. One that ends later is told of by every refusal.
    pub(super) fn check_dates(&self, now: Timestamp) -> Result<(), EstChangeError> {
        match self.anchors.iter().find(|anchor| anchor.not_after() < now) {
            Some(over) => {
                let why = format!("it expired at {}", over.not_after());
                Err(EstChangeError::anchor(over.subject(), why, "give one that is valid"))
            }
            None => Ok(()),
        }
    }

    /// The chain as it was presented, leaf first.
    pub(super) fn judge(&self, presented: &[Certificate], now: Timestamp) -> Result<(), ChainError> {
        Validation::of_clients(&self.anchors, now).path(presented).map(|_| ())
    }

    /// What the device is called, and its serial number, which is all that the certificate says of it.
    pub(super) fn facts(&self, born_with: &Certificate) -> Result<SubjectFacts, Nameless> {
        let subject = Name::from_der(born_with.subject_der()).ok();
        let said = SubjectFacts {
            common_name: subject.as_ref().and_then(common_name),
            serial_number: subject.as_ref().and_then(serial_number),
            ..SubjectFacts::default()
        };
        let missing =
            |fact| Nameless::Missing { subject: born_with.subject().to_owned(), fact: format!("`{fact}`") };
        let lines = self.name.fill(&said).map_err(|error| missing(error.0))?;
        // A line without an optional fact is none.
        let name = lines.into_iter().next().ok_or_else(|| missing("name".to_owned()))?;
        if !self.names.is_empty() && !self.names.iter().any(|pattern| pattern.fits(&name, &name)) {
            return Err(Nameless::OutOfScope { name });
        }
        Ok(SubjectFacts { common_name: Some(name), ..said })
    }
}

/// What of it stands in the certificate: the serial number only where the request asks for it, so that the same request can
/// renew what it got.
pub(super) fn asked(mut born: SubjectFacts, csr: &Csr) -> Result<SubjectFacts, Nameless> {
    match facts_asked(csr).serial_number {
        None => born.serial_number = None,
        Some(asked) if born.serial_number.as_ref() == Some(&asked) => {}
        Some(asked) => return Err(Nameless::OtherSerialNumber { asked }),
    }
    Ok(born)
}
