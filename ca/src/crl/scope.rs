//! For which certificates a CRL is (issuingDistributionPoint, RFC 5280 section 5.2.5). Pure.

use crate::{BaseUrl, hierarchy::Authority, tlv};

/// The value of the extension; none for a list of all that the authority issues. `places` are where it is, and where it was
/// when certificates were issued that name them.
pub(super) fn scope(authority: &Authority, shard: u16, places: &[BaseUrl]) -> Option<Vec<u8>> {
    const FULL_NAME: u8 = tlv::context(0);
    const URI: u8 = tlv::context_primitive(6);
    const ONLY_USERS: u8 = tlv::context_primitive(1);
    // Who has no room below issues to no authorities.
    let only_users = authority.parent.is_some() && authority.path_len == Some(0);
    if authority.crl_shards <= 1 && !only_users {
        // Whole, so that it is also for a root itself, which names no place.
        return None;
    }
    let uri = |base: &BaseUrl| tlv::element(URI, &[base.crl(&authority.id, shard).as_bytes()]);
    let uris = places.iter().flat_map(uri).collect::<Vec<_>>();
    let place = tlv::element(tlv::context(0), &[&tlv::element(FULL_NAME, &[&uris])]);
    let users = if only_users { tlv::element(ONLY_USERS, &[&[0xff]]) } else { Vec::new() };
    Some(tlv::element(tlv::SEQUENCE, &[&place, &users]))
}
