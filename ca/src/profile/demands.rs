//! What a certification request for this profile must have, for those who ask before they ask. Pure.

use x509_cert::der::{Encode, asn1::ObjectIdentifier};

use super::{KeyFamily, Kind, Profile, attribute};
use crate::issuance::SubjectFacts;

/// An attribute of the subject.
pub(crate) enum Demand {
    /// The request says what.
    Asked(ObjectIdentifier),
    /// It is always the same: a RelativeDistinguishedName, DER.
    Fixed(Vec<u8>),
}

impl Profile {
    /// The subject of a request, as far as the profile wants one.
    pub(crate) fn demands(&self) -> Vec<Demand> {
        let demand = |line: &attribute::AttributeTemplate| match line.asks() {
            Some(oid) => Some(Demand::Asked(oid)),
            None => {
                let subject =
                    attribute::subject(std::slice::from_ref(line), &SubjectFacts::default()).ok()?;
                let name = <x509_cert::name::Name as x509_cert::der::Decode>::from_der(&subject).ok()?;
                name.as_ref().iter().next()?.to_der().ok().map(Demand::Fixed)
            }
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
