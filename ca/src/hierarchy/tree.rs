//! All authorities as they are now, in memory: looked at by every request, replaced when one changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use muster_x509::{Certificate, PATH_DEPTH_MAX};

use super::{Authority, AuthorityId, Urgency};

/// A snapshot; later changes make another one.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    authorities: BTreeMap<AuthorityId, Arc<Authority>>,
}

/// An authority with those below it, as `muster ca tree` draws them.
#[derive(Debug, Clone)]
pub struct Node {
    pub authority: Arc<Authority>,
    pub children: Vec<Node>,
}

/// The current tree, and who may change it.
#[derive(Default)]
pub(crate) struct Hierarchy {
    tree: RwLock<Arc<Tree>>,
    /// Held from looking at the tree to having changed it.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// What was last said of each authority's end, so that it is said once.
    pub(super) warned: Mutex<BTreeMap<AuthorityId, Urgency>>,
}

impl Hierarchy {
    pub(crate) fn tree(&self) -> Arc<Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn put(&self, authorities: impl IntoIterator<Item = Authority>) {
        let mut tree = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Tree::clone(&tree);
        next.authorities.extend(authorities.into_iter().map(|it| (it.id.clone(), Arc::new(it))));
        *tree = Arc::new(next);
    }
}

impl Tree {
    pub fn find(&self, id: &AuthorityId) -> Option<&Arc<Authority>> {
        self.authorities.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Authority>> {
        self.authorities.values()
    }

    pub fn len(&self) -> usize {
        self.authorities.len()
    }

    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty()
    }

    pub fn by_certificate(&self, certificate: &Certificate) -> Option<&Arc<Authority>> {
        self.iter().find(|authority| authority.certificate.as_ref() == Some(certificate))
    }

    /// The authority's certificate, its parent's, and so on to the root.
    pub fn chain(&self, id: &AuthorityId) -> Vec<Certificate> {
        let mut chain = Vec::new();
        let mut next = self.find(id);
        while let Some(authority) = next {
            if chain.len() > PATH_DEPTH_MAX {
                break;
            }
            chain.extend(authority.certificate.clone());
            next = authority.parent.as_ref().and_then(|parent| self.find(parent));
        }
        chain
    }

    /// The roots, each with what is below it; also those that wait for a certificate.
    pub fn nodes(&self) -> Vec<Node> {
        self.below(None, 0)
    }

    fn below(&self, parent: Option<&AuthorityId>, depth: usize) -> Vec<Node> {
        if depth > PATH_DEPTH_MAX {
            return Vec::new();
        }
        let children = self.iter().filter(|authority| authority.parent.as_ref() == parent);
        let node = |authority: &Arc<Authority>| Node {
            authority: authority.clone(),
            children: self.below(Some(&authority.id), depth + 1),
        };
        children.map(node).collect()
    }
}
