//! What is known of each authority, looked at once for as long as no authority changes. Pure.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;

use muster_x509::{Certificate, Validation, issued_by};
use x509_cert::{
    der::{asn1::OctetString, oid::AssociatedOid},
    ext::pkix::NameConstraints,
};

use crate::{
    hierarchy::{Authority, AuthorityId, State, Tree, key_identifier::subject_key_identifier},
    profile::value_of,
};

/// The authorities as they were when somebody last asked.
#[derive(Default)]
pub(crate) struct Identification {
    issuers: RwLock<Arc<Issuers>>,
}

/// All authorities that have a certificate, by the name that stands in what they sign.
#[derive(Default)]
pub(super) struct Issuers {
    of: Arc<Tree>,
    by_name: HashMap<Vec<u8>, Vec<Issuer>>,
}

pub(super) struct Issuer {
    pub(super) id: AuthorityId,
    pub(super) state: State,
    pub(super) key_identifier: Option<OctetString>,
    /// Its certificate, its parent's, and so on to the root.
    way: Vec<Certificate>,
    anchoring: Anchoring,
}

/// How much of the way is looked at for every leaf.
enum Anchoring {
    /// The authority alone: the rest was verified once, and its dates are known.
    Nearest { from: Timestamp, until: Timestamp },
    /// All of it, because an authority above limits the names of leaves.
    Root,
    /// None of it leads to a root.
    Nowhere(String),
}

impl Identification {
    pub(super) fn issuers(&self, tree: Arc<Tree>) -> Arc<Issuers> {
        let known = self.issuers.read().unwrap_or_else(PoisonError::into_inner).clone();
        if Arc::ptr_eq(&known.of, &tree) {
            return known;
        }
        let fresh = Arc::new(Issuers::of(tree));
        *self.issuers.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        fresh
    }
}

impl Issuers {
    fn of(tree: Arc<Tree>) -> Self {
        let mut by_name = HashMap::<Vec<u8>, Vec<Issuer>>::new();
        for authority in tree.iter() {
            if let Some(certificate) = &authority.certificate {
                let issuer = Issuer::of(authority, certificate, &tree);
                by_name.entry(certificate.subject_der().to_vec()).or_default().push(issuer);
            }
        }
        Self { of: tree, by_name }
    }

    pub(super) fn named(&self, name_der: &[u8]) -> &[Issuer] {
        self.by_name.get(name_der).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Issuer {
    fn of(authority: &Authority, certificate: &Certificate, tree: &Tree) -> Self {
        let way = tree.chain(&authority.id);
        Self {
            id: authority.id.clone(),
            state: authority.state,
            key_identifier: subject_key_identifier(certificate),
            anchoring: Anchoring::of(&way),
            way,
        }
    }

    /// The whole way from the leaf to the root at that time. One signature, nearly always.
    pub(super) fn judge(&self, leaf: &Certificate, now: Timestamp) -> Result<(), String> {
        let outside =
            |from: &Timestamp, until: &Timestamp| now < *from || now.as_second() > until.as_second();
        let (anchor, below) = match &self.anchoring {
            Anchoring::Nowhere(why) => return Err(why.clone()),
            Anchoring::Nearest { from, until } if outside(from, until) => {
                return Err(format!(
                    "authority `{}`, or one above it, is valid from {from} to {until}",
                    self.id
                ));
            }
            Anchoring::Nearest { .. } => (self.way.first(), &[][..]),
            Anchoring::Root => (self.way.last(), self.way.as_slice()),
        };
        let anchor = anchor.ok_or("its authority has no certificate")?;
        let validation =
            Validation { intermediates: below, ..Validation::of_clients(std::slice::from_ref(anchor), now) };
        validation.path(std::slice::from_ref(leaf)).map(|_| ()).map_err(|error| error.to_string())
    }
}

impl Anchoring {
    fn of(way: &[Certificate]) -> Self {
        let (Some(first), Some(root)) = (way.first(), way.last()) else {
            return Self::Nowhere("its authority has no certificate".to_owned());
        };
        if root.subject_der() != root.issuer_der() {
            return Self::Nowhere(format!(
                "`{}` is not a root, and its own authority is not here",
                root.subject()
            ));
        }
        for (child, parent) in way.iter().zip(way.iter().skip(1)) {
            if !issued_by(child, parent) {
                return Self::Nowhere(format!(
                    "`{}` is not issued by `{}`",
                    child.subject(),
                    parent.subject()
                ));
            }
        }
        let limits_names = |it: &Certificate| !matches!(value_of(it, NameConstraints::OID), Ok(None));
        if way.iter().skip(1).any(limits_names) {
            return Self::Root;
        }
        let from = way.iter().map(Certificate::not_before).max().unwrap_or_else(|| first.not_before());
        let until = way.iter().map(Certificate::not_after).min().unwrap_or_else(|| first.not_after());
        Self::Nearest { from, until }
    }
}
