//! Who is on a list, asked of those who are let in already: by what is kept of their certificates, from memory. Pure.
//!
//! A list that is missing or out of date condemns nobody here: what that means was decided when they came.

use std::collections::HashMap;

use muster_x509::{Certificate, IssuerAndSerial, IssuerId, PATH_DEPTH_MAX, Revoked, VerifiedCrl};

use super::judge::{number, sortable};
use crate::enrollment::Stored;

/// What the lists of all stored certificates say, by issuer. Made anew with them.
#[derive(Debug, Default)]
pub(crate) struct Rolls {
    all: Vec<Roll>,
    by_issuer: HashMap<[u8; 16], Vec<usize>>,
}

/// A stored certificate and what it has revoked.
#[derive(Debug)]
struct Roll {
    name: String,
    issuer: IssuerId,
    /// As its own issuer knows it.
    own: Option<IssuerAndSerial>,
    /// Of two with one scope the newer one. Serial numbers are an issuer's own, whichever of its lists has them.
    lists: Vec<VerifiedCrl>,
    /// Why nothing leads over it any more.
    fallen: Option<String>,
}

impl Rolls {
    pub(crate) fn of<'s>(stored: impl Iterator<Item = &'s Stored>) -> Self {
        let mut rolls = Self { all: stored.map(Roll::of).collect(), by_issuer: HashMap::new() };
        if rolls.all.iter().all(|roll| roll.lists.is_empty()) {
            return Self::default();
        }
        for (at, roll) in rolls.all.iter().enumerate() {
            rolls.by_issuer.entry(roll.issuer.name()).or_default().push(at);
        }
        // From the top down, a step a round: no path is longer.
        for _ in 0..PATH_DEPTH_MAX {
            let fallen = rolls.all.iter().map(|roll| rolls.condemned(roll.own.as_ref()?)).collect::<Vec<_>>();
            rolls.all.iter_mut().zip(fallen).for_each(|(roll, fallen)| roll.fallen = fallen);
        }
        rolls
    }

    /// Why who showed these certificates is let in no longer. One that is listed is enough.
    pub(crate) fn listed(&self, shown: &[IssuerAndSerial]) -> Option<String> {
        shown.iter().find_map(|certificate| self.condemned(certificate))
    }

    /// Whether both say the same of everyone.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let lists = |rolls: &Self| {
            rolls.all.iter().map(|roll| (roll.name.clone(), roll.issuer, roll.editions())).collect::<Vec<_>>()
        };
        lists(self) == lists(other)
    }

    /// On a list of who issued it; or all who may have are on one themselves, so that no way up is left.
    fn condemned(&self, certificate: &IssuerAndSerial) -> Option<String> {
        let namesakes = self.by_issuer.get(&certificate.issuer().name())?;
        let namesakes = namesakes.iter().filter_map(|at| self.all.get(*at));
        let issuers = || namesakes.clone().filter(|roll| certificate.issuer().may_be(&roll.issuer));
        if let Some(listed) = issuers().find_map(|roll| roll.listed(certificate)) {
            return Some(listed);
        }
        let mut fallen = issuers().map(|roll| (roll, roll.fallen.as_ref()));
        let (roll, Some(first)) = fallen.next()? else { return None };
        let all = fallen.all(|(_, fallen)| fallen.is_some());
        all.then(|| format!("its issuer, the stored certificate `{}`, counts no more: {first}", roll.name))
    }
}

impl Roll {
    fn of(stored: &Stored) -> Self {
        let mut lists = Vec::<VerifiedCrl>::new();
        for list in stored.crls.feeds.iter().filter_map(|feed| feed.list.as_ref()) {
            match lists.iter_mut().find(|other| other.list().scope() == list.list().scope()) {
                Some(other) if sortable(other) < sortable(list) => *other = list.clone(),
                Some(_) => {}
                None => lists.push(list.clone()),
            }
        }
        Self {
            name: stored.name.clone(),
            issuer: IssuerId::of(&stored.certificate),
            own: is_by_another(&stored.certificate)
                .then(|| IssuerAndSerial::of(&stored.certificate))
                .flatten(),
            lists,
            fallen: None,
        }
    }

    fn listed(&self, certificate: &IssuerAndSerial) -> Option<String> {
        let found = |list: &VerifiedCrl| Some((list.revoked(certificate.serial())?, number(list)));
        let (Revoked { at, reason }, number) = self.lists.iter().find_map(found)?;
        let (serial, name) = (hex::encode_upper(certificate.serial()), &self.name);
        Some(format!(
            "certificate {serial} was revoked at {at} ({}), says list {number} of the stored certificate `{name}`: issue the device another certificate",
            reason.name()
        ))
    }

    fn editions(&self) -> Vec<(String, i64)> {
        let edition = |list: &VerifiedCrl| (sortable(list), list.list().this_update().as_microsecond());
        self.lists.iter().map(edition).collect()
    }
}

/// A root is on nobody's list but its own, which says nothing.
fn is_by_another(certificate: &Certificate) -> bool {
    certificate.issuer_der() != certificate.subject_der()
}
