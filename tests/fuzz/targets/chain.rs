//! Any certificates as anchor, leaf and what lies between, with any lists, under every set of rules.
//!
//! An anchor's own signature is never checked, so what is altered in it reaches the rules behind the path.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use muster_x509::{Certificate, Crl, Missing, Revocation, Rules, Usage, Validation, VerifiedCrl};

/// 2026-12-01: the seeds are valid then.
const NOW_S: i64 = 1_796_083_200;
const CERTIFICATES_MAX: usize = 20;

fuzz_target!(|bytes: &[u8]| {
    let Some((flags, mut rest)) = bytes.split_first() else { return };
    let (mut certificates, mut lists) = (Vec::new(), Vec::new());
    while let Some((element, after)) = element(rest) {
        rest = after;
        match Certificate::parse(element) {
            Ok(certificate) => certificates.push(certificate),
            Err(_) => lists.extend(Crl::parse(element)),
        }
        if certificates.len() > CERTIFICATES_MAX {
            return;
        }
    }
    let [anchor, chain @ ..] = certificates.as_slice() else { return };
    let presented = chain.len().min(usize::from(flags >> 4));
    let (presented, pool) = chain.split_at(presented);
    let lists: Vec<VerifiedCrl> = lists
        .iter()
        .flat_map(|list| certificates.iter().filter_map(|authority| list.signed_by(authority).ok()))
        .collect();
    let anchors = [anchor.clone()];
    let usage = match flags & 3 {
        0 => Usage::Server,
        1 => Usage::ServerNamed("device.example"),
        _ => Usage::Client,
    };
    let revocation = match flags & 4 {
        0 => Revocation::Unchecked,
        _ => Revocation::Lists { lists: &lists, missing: Missing::Good },
    };
    for rules in [Rules::Field, Rules::Rfc5280] {
        let validation = Validation {
            intermediates: pool,
            usage,
            revocation,
            rules,
            ..Validation::of_clients(&anchors, Timestamp::from_second(NOW_S).expect("it is an instant"))
        };
        match validation.path(presented) {
            Ok(path) => {
                assert!(path.first() == presented.first() && path.last() == Some(anchor));
                assert!(path.windows(2).all(|pair| muster_x509::issued_by(&pair[0], &pair[1])));
            }
            Err(error) => {
                let _ = error.to_string();
            }
        }
    }
});

/// The first DER element with a length of two octets, as certificates and lists have it, and what follows.
fn element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x30, 0x82, high, low, ..] = bytes else { return None };
    bytes.split_at_checked(4 + usize::from(u16::from_be_bytes([*high, *low])))
}
