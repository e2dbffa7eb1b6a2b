//! All groups and stored certificates, parsed: what every device that has no enrollment of its own is compared with.

use std::{collections::HashMap, fmt, sync::Arc};

use muster_x509::Certificate;

use super::{Attestation, Authorities, Certificates, Enrollment, Keys, Pin};
use crate::external_crl::{Crls, Rolls};

/// A consistent copy of the tables, by the generation they had. Replaced as a whole.
#[derive(Debug)]
pub(crate) struct Groups {
    pub(crate) generation: i64,
    /// By id, so that which group is asked first never depends on luck.
    all: Vec<Arc<Enrollment>>,
    /// By the subject that devices' certificates name as issuer.
    anchors: HashMap<Box<[u8]>, Vec<Anchor>>,
    stored: HashMap<String, Stored>,
    /// Names of stored certificates, by subject and sorted: the pool that completes chains.
    by_subject: HashMap<Box<[u8]>, Vec<String>>,
    /// Names of those that have revocation lists.
    with_lists: Vec<String>,
    pub(crate) rolls: Rolls,
}

/// A certificate that a group's devices come from.
#[derive(Debug, Clone)]
pub(crate) struct Anchor {
    pub(crate) certificate: Certificate,
    pub(crate) group: Arc<Enrollment>,
    pub(crate) origin: Origin,
    pub(crate) pin: Pin,
    /// An operator trusts what he embeds; what a group only refers to must be verified.
    pub(crate) standing: Standing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The operator embedded it in the group and so trusts it.
    Embedded(&'static str),
    /// `caReferences`: stored on the instance.
    Named(String),
}

/// A certificate stored on the instance.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) certificate: Certificate,
    pub(crate) standing: Standing,
    pub(crate) crls: Crls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Verified,
    /// Possession of its key was not shown: it may help to complete a chain, it anchors none (dps.md §8).
    Unverified,
    /// Stored to complete chains, and for nothing else.
    Intermediate,
}

impl Groups {
    /// Older than any generation.
    pub(crate) fn unread() -> Self {
        Self::new(-1, Vec::new(), Vec::new())
    }

    pub(crate) fn new(generation: i64, mut all: Vec<Arc<Enrollment>>, mut stored: Vec<Stored>) -> Self {
        all.sort_by_key(|group| group.id().folded());
        stored.sort_by_key(|stored| stored.name.to_ascii_lowercase());
        let mut by_subject: HashMap<Box<[u8]>, Vec<String>> = HashMap::new();
        for stored in &stored {
            by_subject.entry(stored.certificate.subject_der().into()).or_default().push(stored.name.clone());
        }
        let listed = stored.iter().filter(|stored| !stored.crls.feeds.is_empty());
        let mut groups = Self {
            generation,
            all: Vec::new(),
            anchors: HashMap::new(),
            by_subject,
            with_lists: listed.map(|stored| stored.name.clone()).collect(),
            rolls: Rolls::of(stored.iter()),
            stored: stored.into_iter().map(|stored| (stored.name.to_ascii_lowercase(), stored)).collect(),
        };
        for group in &all {
            for anchor in groups.anchors_of(group) {
                groups.anchors.entry(anchor.certificate.subject_der().into()).or_default().push(anchor);
            }
        }
        groups.all = all;
        groups
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Enrollment>> {
        self.all.iter()
    }

    /// Groups with keys; the one that took the device last time comes first.
    pub(crate) fn symmetric_first(
        &self,
        preferred: Option<&str>,
    ) -> impl Iterator<Item = (&Arc<Enrollment>, &Keys)> {
        let is_preferred = move |group: &Arc<Enrollment>| {
            preferred.is_some_and(|preferred| preferred.eq_ignore_ascii_case(group.id().as_str()))
        };
        let with_keys = |group| keys(group).map(|keys| (group, keys));
        let first = self.all.iter().filter(move |group| is_preferred(group));
        let rest = self.all.iter().filter(move |group| !is_preferred(group));
        first.chain(rest).filter_map(with_keys)
    }

    pub(crate) fn anchors_named(&self, subject_der: &[u8]) -> &[Anchor] {
        self.anchors.get(subject_der).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn stored(&self, name: &str) -> Option<&Stored> {
        self.stored.get(&name.to_ascii_lowercase())
    }

    /// Certificates of ours that could stand between a device's and its authority: devices often send no intermediates.
    pub(crate) fn known_as<'a>(&'a self, subject_der: &'a [u8]) -> impl Iterator<Item = &'a Certificate> {
        let anchors = self.anchors_named(subject_der).iter().map(|anchor| &anchor.certificate);
        anchors.chain(self.stored_as(subject_der).map(|stored| &stored.certificate))
    }

    /// Stored certificates with that subject.
    pub(crate) fn stored_as(&self, subject_der: &[u8]) -> impl Iterator<Item = &Stored> {
        let names = self.by_subject.get(subject_der).map_or(&[][..], Vec::as_slice);
        names.iter().filter_map(|name| self.stored(name))
    }

    /// Stored authorities that may anchor chains.
    pub(crate) fn verified(&self) -> impl Iterator<Item = &Stored> {
        self.stored.values().filter(|stored| stored.standing == Standing::Verified)
    }

    /// Stored certificates whose issuer publishes what it has revoked.
    pub(crate) fn with_lists(&self) -> impl Iterator<Item = &Stored> {
        self.with_lists.iter().filter_map(|name| self.stored(name))
    }

    /// Everything that chains of devices lead to or over, and what it is.
    pub(crate) fn trusted(&self) -> impl Iterator<Item = (String, &Certificate)> {
        let stored = self.stored.values();
        let stored =
            stored.map(|stored| (format!("stored certificate `{}`", stored.name), &stored.certificate));
        let embedded = self.anchors.values().flatten().filter_map(|anchor| match &anchor.origin {
            Origin::Embedded(_) => {
                Some((format!("{} of group `{}`", anchor.origin, anchor.group.id()), &anchor.certificate))
            }
            Origin::Named(_) => None,
        });
        stored.chain(embedded)
    }

    /// Which stored certificates a group or individual names that are not there.
    pub(crate) fn missing<'n>(&self, names: &'n Authorities) -> Option<&'n str> {
        let mut names = [&names.primary, &names.secondary].into_iter().flatten();
        names.find(|name| self.stored(name).is_none()).map(String::as_str)
    }

    /// Which stored certificates a group or individual names that can never anchor a chain.
    pub(crate) fn no_authority<'n>(&self, names: &'n Authorities) -> Option<&'n str> {
        let mut names = [&names.primary, &names.secondary].into_iter().flatten();
        let is_none =
            |name: &str| self.stored(name).is_some_and(|stored| stored.standing == Standing::Intermediate);
        names.find(|name| is_none(name)).map(String::as_str)
    }

    fn anchors_of(&self, group: &Arc<Enrollment>) -> Vec<Anchor> {
        let group = || Arc::clone(group);
        match &group().attestation {
            Attestation::SymmetricKey(_) => Vec::new(),
            Attestation::Certificates(Certificates { primary, secondary, pin }) => {
                let embedded = |certificate: &Option<Certificate>, which| {
                    certificate.clone().map(|certificate| Anchor {
                        certificate,
                        group: group(),
                        origin: Origin::Embedded(which),
                        pin: *pin,
                        standing: Standing::Verified,
                    })
                };
                embedded(primary, "primary").into_iter().chain(embedded(secondary, "secondary")).collect()
            }
            Attestation::Authorities(Authorities { primary, secondary, pin }) => {
                let named = |name: &String| {
                    let stored = self.stored(name)?;
                    Some(Anchor {
                        certificate: stored.certificate.clone(),
                        group: group(),
                        origin: Origin::Named(name.clone()),
                        pin: *pin,
                        standing: stored.standing,
                    })
                };
                [primary, secondary].into_iter().flatten().filter_map(named).collect()
            }
        }
    }
}

fn keys(group: &Arc<Enrollment>) -> Option<&Keys> {
    match &group.attestation {
        Attestation::SymmetricKey(keys) => Some(keys),
        Attestation::Certificates(_) | Attestation::Authorities(_) => None,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(which) => write!(f, "the {which} certificate"),
            Self::Named(name) => write!(f, "the stored certificate `{name}`"),
        }
    }
}
