//! What is asked for, judged: facts within limits, names within the profile's scope, and a certification request that
//! does not ask for what nobody may have. Pure.

use x509_cert::{attr::AttributeTypeAndValue, der::Decode, name::Name};

use muster_x509::{AltName, BasicConstraints, Csr, KeyUse, NAMES_MAX, PublicKey};

use super::{
    KeyFamily, Kind, Profile, Refused, Surplus,
    attribute::{COMMON_NAME, ORGANIZATION_NAME, ORGANIZATIONAL_UNIT_NAME, SERIAL_NUMBER, shown, text_of},
    template::is_fact_name,
};
use crate::issuance::SubjectFacts;

/// Longer than any attribute or name may be.
const FACT_BYTES_MAX: usize = 512;

const ANY_PURPOSE: &str = "2.5.29.37.0";
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
/// RFC 5280: only authorities have these.
const OF_AUTHORITIES: [(&str, &str); 4] = [
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.33", "policyMappings"),
    ("2.5.29.36", "policyConstraints"),
    ("2.5.29.54", "inhibitAnyPolicy"),
];
/// They stand in many requests and change nothing: what a certificate says there does not come from its request.
const HARMLESS: [&str; 4] = ["2.5.29.14", "2.5.29.15", "2.5.29.19", "2.5.29.37"];
const SUBJECT_ALT_NAME: &str = "2.5.29.17";

/// Facts that may be put into a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    facts: SubjectFacts,
    remarks: Vec<String>,
}

impl Asked {
    pub fn facts(&self) -> &SubjectFacts {
        &self.facts
    }

    /// What of the request is left out.
    pub(crate) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Every name that would stand in the certificate because somebody asked for it.
    pub(crate) fn names(&self) -> Vec<String> {
        let facts = &self.facts;
        let hardware = facts.hardware.iter().map(|hardware| hex::encode(&hardware.serial));
        let single = [&facts.common_name, &facts.serial_number].into_iter().flatten().cloned();
        let lists = facts.dns_names.iter().chain(&facts.uris).chain(facts.more.values()).cloned();
        single
            .chain(lists)
            .chain(facts.ip_addresses.iter().map(ToString::to_string))
            .chain(hardware)
            .collect()
    }
}

impl Profile {
    /// Judges the request by this profile; looks at nothing that costs a signature.
    pub fn ask(&self, csr: &Csr, given: &SubjectFacts, caller: &str) -> Result<Asked, Refused> {
        self.check_key(csr.public_key())?;
        let mut facts = given.clone();
        for fact in &self.csr.take {
            take(fact, csr, &mut facts);
        }
        check_facts(&facts)?;
        let mut remarks = self.check_csr(csr, Some(&facts))?;
        let unused = given.given().into_iter().filter(|fact| !self.uses(fact));
        remarks.extend(unused.map(|fact| format!("left out: fact `{fact}`, which the profile does not use")));
        if let (Some(asked), Some(given)) = (csr.common_name(), &facts.common_name)
            && asked != given
        {
            return Err(Refused::OtherCommonName { asked: shown(asked), given: given.clone() });
        }
        remarks.truncate(NAMES_MAX);
        let asked = Asked { facts, remarks };
        match asked.names().into_iter().find(|name| !self.scope_has(name, caller)) {
            Some(name) => Err(Refused::OutOfScope { name: shown(&name) }),
            None => Ok(asked),
        }
    }

    pub(super) fn check_key(&self, key: PublicKey) -> Result<(), Refused> {
        let (family, kind) = match key {
            PublicKey::P256 => (KeyFamily::P256, "p256"),
            PublicKey::P384 => (KeyFamily::P384, "p384"),
            PublicKey::P521 => (KeyFamily::P521, "p521"),
            PublicKey::Ed25519 => (KeyFamily::Ed25519, "ed25519"),
            PublicKey::Rsa { .. } => (KeyFamily::Rsa, "rsa"),
        };
        if self.key.kinds.contains(&family) {
            return Ok(());
        }
        let allowed: Vec<_> = self.key.kinds.iter().map(ToString::to_string).collect();
        Err(Refused::KeyKind { kind, allowed: allowed.join(", ") })
    }

    fn uses(&self, fact: &str) -> bool {
        self.subject.iter().any(|line| line.names(fact)) || self.names.iter().any(|line| line.names(fact))
    }

    fn scope_has(&self, name: &str, caller: &str) -> bool {
        self.scope.is_empty() || self.scope.iter().any(|pattern| pattern.fits(name, caller))
    }

    /// Refuses what would be an attack if it were given, and remarks on the rest that is not given. Without facts, names
    /// are judged elsewhere.
    pub(crate) fn check_csr(&self, csr: &Csr, facts: Option<&SubjectFacts>) -> Result<Vec<String>, Refused> {
        let requested = csr.requested();
        if self.kind == Kind::EndEntity {
            if let Some(BasicConstraints::Authority { .. }) = requested.basic_constraints {
                return Err(Refused::AsksForAuthority);
            }
            for (usage, name) in [(KeyUse::KeyCertSign, "keyCertSign"), (KeyUse::CrlSign, "cRLSign")] {
                if requested.key_usage.is_some_and(|asked| asked.contains(usage)) {
                    return Err(Refused::AsksForUsage { usage: name });
                }
            }
        }
        for (oid, extension) in OF_AUTHORITIES {
            if requested.extension(oid).is_some() {
                return Err(Refused::AsksForExtension { extension });
            }
        }
        let mut surplus = Vec::new();
        for purpose in &requested.extended_key_usage {
            if self.usage.extended.iter().any(|given| given.to_string() == *purpose) {
                continue;
            }
            if [ANY_PURPOSE, OCSP_SIGNING, TIME_STAMPING].contains(&purpose.as_str()) {
                return Err(Refused::AsksForPurpose { purpose: purpose.clone() });
            }
            surplus.push(format!("purpose {purpose}"));
        }
        surplus.extend(facts.into_iter().flat_map(|facts| self.left_out_of_subject(csr, facts)));
        let names = requested.alt_names.iter();
        let names = names.filter(|name| facts.is_some_and(|facts| !is_given(name, facts)));
        surplus.extend(names.map(|name| format!("name {}", title(name))));
        let others = requested.extensions.iter().map(|extension| extension.oid.as_str());
        let others = others.filter(|oid| !HARMLESS.contains(oid) && *oid != SUBJECT_ALT_NAME);
        surplus.extend(others.map(|oid| format!("extension {oid}")));
        match (self.csr.surplus, surplus.first()) {
            (Surplus::Refuse, Some(what)) => Err(Refused::AsksForMore { what: what.clone() }),
            (Surplus::Refuse | Surplus::Remark, _) => {
                Ok(surplus.into_iter().map(|what| format!("left out: {what}")).collect())
            }
        }
    }
}

impl Profile {
    fn left_out_of_subject(&self, csr: &Csr, facts: &SubjectFacts) -> Vec<String> {
        let Ok(subject) = Name::from_der(csr.subject_der()) else { return Vec::new() };
        let given = |asked: &AttributeTypeAndValue| self.subject.iter().any(|line| line.gives(asked, facts));
        let left_out = subject.iter().filter(|asked| !given(asked));
        left_out.map(|asked| format!("subject attribute {}", shown(&asked.to_string()))).collect()
    }
}

fn check_facts(facts: &SubjectFacts) -> Result<(), Refused> {
    let single = [
        ("common_name", &facts.common_name),
        ("serial_number", &facts.serial_number),
        ("organization", &facts.organization),
        ("organizational_unit", &facts.organizational_unit),
    ];
    let single = single.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let lists = [("dns_names", &facts.dns_names), ("uris", &facts.uris)];
    for given in [facts.dns_names.len(), facts.uris.len(), facts.ip_addresses.len(), facts.more.len()] {
        if given > NAMES_MAX {
            return Err(Refused::TooManyFacts { given });
        }
    }
    let listed = lists.into_iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let more = facts.more.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in single.chain(listed).chain(more) {
        let fits = (1..=FACT_BYTES_MAX).contains(&value.len()) && !value.chars().any(char::is_control);
        if !fits || !is_fact_name(name) {
            return Err(Refused::Fact { fact: shown(name), bytes: value.len(), max: FACT_BYTES_MAX });
        }
    }
    Ok(())
}

/// Facts that a profile may take from a request; unknown ones are refused when the profile is read.
pub(super) const TAKEABLE: [&str; 7] = [
    "common_name",
    "serial_number",
    "organization",
    "organizational_unit",
    "dns_names",
    "ip_addresses",
    "uris",
];

/// What a request says of who it is for, where nobody else does: all but the organization, which is not a device's to say.
pub(crate) fn facts_asked(csr: &Csr) -> SubjectFacts {
    let mut facts = SubjectFacts::default();
    for fact in ["common_name", "serial_number", "dns_names", "ip_addresses", "uris"] {
        take(fact, csr, &mut facts);
    }
    facts
}

/// Nothing that is known from elsewhere is taken.
fn take(fact: &str, csr: &Csr, facts: &mut SubjectFacts) {
    let attribute = |oid| text_of(&Name::from_der(csr.subject_der()).ok()?, oid);
    let names = &csr.requested().alt_names;
    match fact {
        "common_name" => facts.common_name = facts.common_name.take().or_else(|| attribute(COMMON_NAME)),
        "serial_number" => {
            facts.serial_number = facts.serial_number.take().or_else(|| attribute(SERIAL_NUMBER))
        }
        "organization" => {
            facts.organization = facts.organization.take().or_else(|| attribute(ORGANIZATION_NAME))
        }
        "organizational_unit" => {
            facts.organizational_unit =
                facts.organizational_unit.take().or_else(|| attribute(ORGANIZATIONAL_UNIT_NAME));
        }
        "dns_names" if facts.dns_names.is_empty() => {
            let dns = |name: &AltName| if let AltName::Dns(dns) = name { Some(dns.clone()) } else { None };
            facts.dns_names = names.iter().filter_map(dns).collect();
        }
        "uris" if facts.uris.is_empty() => {
            let uri = |name: &AltName| if let AltName::Uri(uri) = name { Some(uri.clone()) } else { None };
            facts.uris = names.iter().filter_map(uri).collect();
        }
        "ip_addresses" if facts.ip_addresses.is_empty() => {
            let ip = |name: &AltName| if let AltName::Ip(address) = name { Some(*address) } else { None };
            facts.ip_addresses = names.iter().filter_map(ip).collect();
        }
        _ => {}
    }
}

fn is_given(name: &AltName, facts: &SubjectFacts) -> bool {
    match name {
        AltName::Dns(dns) => facts.dns_names.iter().any(|given| given.eq_ignore_ascii_case(dns)),
        AltName::Uri(uri) => facts.uris.contains(uri),
        AltName::Ip(address) => facts.ip_addresses.contains(address),
        AltName::Email(_) | AltName::Directory { .. } | AltName::RegisteredId(_) | AltName::Other { .. } => {
            false
        }
    }
}

fn title(name: &AltName) -> String {
    match name {
        AltName::Dns(dns) => format!("DNS:{}", shown(dns)),
        AltName::Email(email) => format!("email:{}", shown(email)),
        AltName::Uri(uri) => format!("URI:{}", shown(uri)),
        AltName::Ip(address) => format!("IP:{address}"),
        AltName::Directory { .. } => "a distinguished name".to_owned(),
        AltName::RegisteredId(oid) => format!("RID:{oid}"),
        AltName::Other { .. } => "an otherName".to_owned(),
    }
}
