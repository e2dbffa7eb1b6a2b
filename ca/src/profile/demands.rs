//! What a certification request for this profile must have, for those who ask before they ask. Pure.

use x509_cert::{
    der::{Decode, Encode, asn1::ObjectIdentifier},
    name::Name,
};

use super::{KeyFamily, Kind, Profile, attribute};
use crate::issuance::SubjectFacts;

/// An attribute of the subject.
pub(crate) enum Demand {
    /// The request says what.
    Asked(ObjectIdentifier),
    /// It is always the same, or is known already: a RelativeDistinguishedName, DER.
    Fixed(Vec<u8>),
}

impl Profile {
    /// The subject of a request, as far as the profile wants one, from somebody of whom this is known.
    pub(crate) fn demands(&self, known: &SubjectFacts) -> Vec<Demand> {
        let fixed = |line: &attribute::AttributeTemplate, facts: &SubjectFacts| {
            let subject = attribute::subject(std::slice::from_ref(line), facts).ok()?;
            let name = Name::from_der(&subject).ok()?;
            name.as_ref().iter().next()?.to_der().ok().map(Demand::Fixed)
        };
        let demand = |line: &attribute::AttributeTemplate| match line.asks() {
            Some(oid) => Some(fixed(line, known).unwrap_or(Demand::Asked(oid))),
            None => fixed(line, &SubjectFacts::default()),
        };
        self.subject.iter().filter_map(demand).collect()
    }

    /// Whether a request must name somebody as subject alternative name.
    pub(crate) fn demands_names(&self) -> bool {
        self.names_required
    }

    /// The kind of key, when there is no choice.
    pub(crate) fn demands_key(&self) -> Option<KeyFamily> {
        match self.key.kinds.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    pub(crate) fn is_of_authorities(&self) -> bool {
        match self.kind {
            Kind::EndEntity => false,
            Kind::Authority { .. } => true,
        }
    }
}
