//! Which authority a request means, by the hashes of its name and key. Pure.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use muster_x509::{CertId, Certificate, OcspHash};

use crate::hierarchy::{AuthorityId, Tree};

/// As one tree of authorities has them.
#[derive(Default)]
pub(super) struct Issuers {
    tree: Arc<Tree>,
    by_name: HashMap<Hashes, AuthorityId>,
}

/// Of the name, and of the key.
type Hashes = (OcspHash, Vec<u8>, Vec<u8>);

impl Issuers {
    pub(super) fn of(tree: Arc<Tree>) -> Self {
        let mut by_name = HashMap::new();
        for authority in tree.iter() {
            let Some(certificate) = &authority.certificate else { continue };
            let Some(key) = key_bits(certificate) else { continue };
            for hash in OcspHash::ALL {
                let of = |bytes: &[u8]| digest(algorithm(hash), bytes).as_ref().to_vec();
                by_name.insert((hash, of(certificate.subject_der()), of(&key)), authority.id.clone());
            }
        }
        Self { tree, by_name }
    }

    pub(super) fn is_of(&self, tree: &Arc<Tree>) -> bool {
        Arc::ptr_eq(&self.tree, tree)
    }

    pub(super) fn find(&self, named: &CertId) -> Option<&AuthorityId> {
        self.by_name.get(&(named.hash?, named.name_hash.clone(), named.key_hash.clone()))
    }
}

/// RFC 6960 section 4.2.1: KeyHash.
pub(super) fn responder_hash(certificate: &Certificate) -> Vec<u8> {
    let key = key_bits(certificate).unwrap_or_default();
    digest(&SHA1_FOR_LEGACY_USE_ONLY, &key).as_ref().to_vec()
}

fn key_bits(certificate: &Certificate) -> Option<Vec<u8>> {
    let key = SubjectPublicKeyInfoRef::try_from(certificate.spki_der()).ok()?;
    Some(key.subject_public_key.raw_bytes().to_vec())
}

fn algorithm(hash: OcspHash) -> &'static Algorithm {
    match hash {
        OcspHash::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        OcspHash::Sha256 => &SHA256,
        OcspHash::Sha384 => &SHA384,
    }
}
