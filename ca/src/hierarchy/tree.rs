//! All authorities as they are now, in memory: looked at by every request, replaced when one changes.

use std::{collections::BTreeMap, sync::Arc};

use muster_x509::Certificate;

use super::{Authority, AuthorityId};

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

impl Tree {
    pub fn find(&self, id: &AuthorityId) -> Option<&Arc<Authority>> {
        self.authorities.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Authority>> {
        self.authorities.values()
    }

    /// The authority's certificate, its parent's, and so on to the root.
    pub fn chain(&self, id: &AuthorityId) -> Vec<Certificate> {
        let mut chain = Vec::new();
        let mut next = self.find(id);
        while let Some(authority) = next {
            if chain.len() >= muster_x509::PATH_DEPTH_MAX {
                break;
            }
            chain.extend(authority.certificate.clone());
            next = authority.parent.as_ref().and_then(|parent| self.find(parent));
        }
        chain
    }

    /// The roots, each with what is below it.
    pub fn nodes(&self) -> Vec<Node> {
        self.below(None)
    }

    fn below(&self, parent: Option<&AuthorityId>) -> Vec<Node> {
        let children = self.iter().filter(|authority| authority.parent.as_ref() == parent);
        children
            .map(|authority| Node { authority: authority.clone(), children: self.below(Some(&authority.id)) })
            .collect()
    }

    pub(crate) fn with(&self, authority: Authority) -> Self {
        let mut authorities = self.authorities.clone();
        authorities.insert(authority.id.clone(), Arc::new(authority));
        Self { authorities }
    }
}
