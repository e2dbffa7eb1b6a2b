//! Certificates of others: known by what they say, without a key here. Pure.

use jiff::Timestamp;
use x509_cert::der::pem::{self, LineEnding};

use muster_x509::{Certificate, issued_by};

use crate::hierarchy::{Authority, AuthorityId, Renewal, State, Tree};

/// What tells two external authorities apart, in their ids.
const FINGERPRINT_CHARS: usize = 16;

/// A chain that ends below a root that was imported, with that root.
pub(super) fn with_known_root(tree: &Tree, mut chain: Vec<Certificate>) -> Vec<Certificate> {
    let Some(last) = chain.last() else { return chain };
    if !issued_by(last, last) {
        let known = tree.iter().filter(|known| known.key.is_none() && known.state == State::Active);
        let mut certificates = known.filter_map(|known| known.certificate.as_ref());
        let root = certificates.find(|root| issued_by(last, root) && issued_by(root, root)).cloned();
        chain.extend(root);
    }
    chain
}

/// The authorities above `chain[0]` that are not in the tree yet, and the id of the first one above it.
pub(super) fn externals(
    tree: &Tree,
    chain: &[Certificate],
    now: Timestamp,
) -> (Vec<Authority>, Option<AuthorityId>) {
    let (mut made, mut above) = (Vec::new(), None);
    for certificate in chain.iter().skip(1).rev() {
        if let Some(known) = tree.by_certificate(certificate) {
            above = Some(known.id.clone());
            continue;
        }
        let Some(id) = id_of(certificate) else { continue };
        made.push(external(id.clone(), above.take(), certificate, now));
        above = Some(id);
    }
    (made, above)
}

pub(super) fn external(
    id: AuthorityId,
    parent: Option<AuthorityId>,
    certificate: &Certificate,
    now: Timestamp,
) -> Authority {
    Authority {
        id,
        parent,
        state: State::Active,
        certificate: Some(certificate.clone()),
        key: None,
        generation: 1,
        crl_shards: 1,
        path_len: None,
        renewal: Renewal::ByHand,
        request: None,
        created: now,
    }
}

pub(super) fn request_pem(der: &[u8]) -> Result<String, pem::Error> {
    pem::encode_string("CERTIFICATE REQUEST", LineEnding::LF, der)
}

fn id_of(certificate: &Certificate) -> Option<AuthorityId> {
    let thumbprint = certificate.sha256().to_string().to_lowercase();
    AuthorityId::parse(&format!("external-{}", thumbprint.get(..FINGERPRINT_CHARS)?)).ok()
}
