//! Subject alternative names: `DNS:{dns_names}`, `IP:{ip_addresses?}`, `URI:urn:example:{serial_number}`,
//! `email:{contact}`, `HW:{hardware}`. Pure.

use std::net::IpAddr;

use x509_cert::{
    der::asn1::{Ia5String, ObjectIdentifier, OctetString},
    ext::pkix::name::{GeneralName, HardwareModuleName, OtherName},
};

use muster_x509::NAMES_MAX;

use super::{
    Finding, Refused,
    attribute::shown,
    lint,
    template::{Missing, Template},
};
use crate::{
    hierarchy::BuildError,
    issuance::{Hardware, SubjectFacts},
};

/// No serial number of hardware is longer; the whole name stands in every handshake.
const HARDWARE_SERIAL_BYTES_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameTemplate {
    form: Form,
    template: Template,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Dns,
    Ip,
    Uri,
    Email,
    Hardware,
}

impl NameTemplate {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (form, template) = line.split_once(':')?;
        let form = match form {
            "DNS" => Form::Dns,
            "IP" => Form::Ip,
            "URI" => Form::Uri,
            "email" => Form::Email,
            "HW" => Form::Hardware,
            _ => return None,
        };
        let template = Template::parse(template)?;
        let fits = form != Form::Hardware || template.is_fact("hardware").is_some();
        fits.then_some(Self { form, template })
    }

    pub(super) fn names(&self, fact: &str) -> bool {
        self.template.names(fact)
    }

    pub(super) fn lists(&self) -> usize {
        self.template.lists()
    }

    fn fill(&self, facts: &SubjectFacts) -> Result<Vec<GeneralName>, Refused> {
        if self.form == Form::Hardware {
            return match (&facts.hardware, self.template.is_fact("hardware")) {
                (Some(hardware), _) => Ok(vec![hardware_name(hardware)?]),
                (None, Some(true)) => Err(Refused::Missing { fact: "hardware".to_owned() }),
                (None, _) => Ok(Vec::new()),
            };
        }
        let values = self.template.fill(facts).map_err(|Missing(fact)| Refused::Missing { fact })?;
        values.iter().map(|value| self.form.name(value).and_then(sound)).collect()
    }
}

impl Form {
    fn name(self, value: &str) -> Result<GeneralName, Refused> {
        let refused = |why| Refused::Name { name: shown(value), why };
        let ascii = || Ia5String::new(value).map_err(|_| refused("is not ASCII"));
        match self {
            // Case is no difference, and some that compare do not know it.
            Self::Dns => {
                let lower = value.to_ascii_lowercase();
                Ok(GeneralName::DnsName(Ia5String::new(&lower).map_err(|_| refused("is not ASCII"))?))
            }
            Self::Uri => Ok(GeneralName::UniformResourceIdentifier(ascii()?)),
            Self::Email => Ok(GeneralName::Rfc822Name(ascii()?)),
            Self::Ip => {
                let address: IpAddr = value.parse().map_err(|_| refused("is no IP address"))?;
                Ok(GeneralName::from(address))
            }
            Self::Hardware => Err(refused("is no hardware module")),
        }
    }
}

/// As the linter will say, but to whoever asked for the name.
fn sound(name: GeneralName) -> Result<GeneralName, Refused> {
    match lint::check_name(&name) {
        Ok(()) => Ok(name),
        Err(Finding::Name { name, why }) => Err(Refused::Name { name: shown(&name), why }),
        Err(finding) => Err(Refused::Lint(finding)),
    }
}

/// All names of a certificate, in the order of the profile; each once.
pub(super) fn names(templates: &[NameTemplate], facts: &SubjectFacts) -> Result<Vec<GeneralName>, Refused> {
    let mut names: Vec<GeneralName> = Vec::new();
    for template in templates {
        for name in template.fill(facts)? {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.len() > NAMES_MAX {
        return Err(Refused::TooManyNames { given: names.len() });
    }
    Ok(names)
}

fn hardware_name(hardware: &Hardware) -> Result<GeneralName, Refused> {
    let hw_type = ObjectIdentifier::new(&hardware.kind)
        .map_err(|_| Refused::HardwareKind { kind: shown(&hardware.kind) })?;
    if !(1..=HARDWARE_SERIAL_BYTES_MAX).contains(&hardware.serial.len()) {
        return Err(Refused::HardwareSerial { bytes: hardware.serial.len() });
    }
    let hw_serial_num = OctetString::new(hardware.serial.as_slice()).map_err(BuildError::from)?;
    let name =
        OtherName::try_from(&HardwareModuleName { hw_type, hw_serial_num }).map_err(BuildError::from)?;
    Ok(GeneralName::OtherName(name))
}
