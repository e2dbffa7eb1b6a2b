//! All groups and stored certificates, parsed: what every device that has no enrollment of its own is compared with.

use std::{collections::HashMap, fmt, sync::Arc};

use muster_x509::Certificate;

use super::{Attestation, Authorities, Certificates, Enrollment, Keys};

/// A consistent copy of the tables, by the generation they had. Replaced as a whole.
#[derive(Debug)]
pub(crate) struct Groups {
    pub(crate) generation: i64,
    /// By id, so that which group is asked first never depends on luck.
    all: Vec<Arc<Enrollment>>,
    /// By the subject that devices' certificates name as issuer.
    anchors: HashMap<Box<[u8]>, Vec<Anchor>>,
    authorities: HashMap<String, Stored>,
}

/// A certificate that a group's devices come from.
#[derive(Debug, Clone)]
pub(crate) struct Anchor {
    pub(crate) certificate: Certificate,
    pub(crate) group: Arc<Enrollment>,
    pub(crate) origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The operator embedded it in the group and so trusts it.
    Embedded(&'static str),
    /// `caReferences`: stored on the instance, and verified.
    Named(String),
}

/// A certificate stored on the instance.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) certificate: Certificate,
    pub(crate) standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Verified,
    /// Possession of its key was not shown: it may help to complete a chain, it anchors none (dps.md §8).
    Unverified,
}

impl Groups {
    /// Older than any generation.
    pub(crate) fn unread() -> Self {
        Self::new(-1, Vec::new(), Vec::new())
    }

    pub(crate) fn new(generation: i64, mut all: Vec<Arc<Enrollment>>, stored: Vec<Stored>) -> Self {
        all.sort_by_key(|group| group.id().folded());
        let authorities: HashMap<_, _> =
            stored.into_iter().map(|stored| (stored.name.to_ascii_lowercase(), stored)).collect();
        let mut groups = Self { generation, all: Vec::new(), anchors: HashMap::new(), authorities };
        for group in &all {
            for (certificate, origin) in groups.authorities_of(group) {
                let anchor = Anchor { group: Arc::clone(group), origin, certificate };
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

    /// A stored certificate that may anchor a chain.
    pub(crate) fn authority(&self, name: &str) -> Option<&Certificate> {
        self.stored(name)
            .filter(|stored| stored.standing == Standing::Verified)
            .map(|stored| &stored.certificate)
    }

    pub(crate) fn stored(&self, name: &str) -> Option<&Stored> {
        self.authorities.get(&name.to_ascii_lowercase())
    }

    /// Certificates of ours that could stand between a device's and its authority: devices often send no intermediates.
    pub(crate) fn known_as<'a>(&'a self, subject_der: &'a [u8]) -> impl Iterator<Item = &'a Certificate> {
        let anchors = self.anchors_named(subject_der).iter().map(|anchor| &anchor.certificate);
        let stored = self.authorities.values().map(|stored| &stored.certificate);
        anchors.chain(stored.filter(move |certificate| certificate.subject_der() == subject_der))
    }

    /// Which stored certificates a group or individual names that are not there.
    pub(crate) fn missing<'n>(&self, names: &'n Authorities) -> Option<&'n str> {
        let mut names = [&names.primary, &names.secondary].into_iter().flatten();
        names.find(|name| self.stored(name).is_none()).map(String::as_str)
    }

    fn authorities_of(&self, group: &Enrollment) -> Vec<(Certificate, Origin)> {
        match &group.attestation {
            Attestation::SymmetricKey(_) => Vec::new(),
            Attestation::Certificates(Certificates { primary, secondary }) => {
                let embedded = |certificate: &Option<Certificate>, which| {
                    certificate.clone().map(|certificate| (certificate, Origin::Embedded(which)))
                };
                embedded(primary, "primary").into_iter().chain(embedded(secondary, "secondary")).collect()
            }
            Attestation::Authorities(Authorities { primary, secondary }) => {
                let named = |name: &String| {
                    let certificate = self.authority(name)?.clone();
                    Some((certificate, Origin::Named(name.clone())))
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
