//! Whether a certificate on a path was revoked, by the lists at hand: pure.

use jiff::Timestamp;
use muster_x509::{Certificate, VerifiedCrl, issued_by};

use super::{Check, Feed};
use crate::{
    enrollment::{Groups, Stored},
    trace::Steps,
};

/// Why a certificate that leads to an authority is refused all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Condemned {
    #[error("{0}")]
    Revoked(Box<Listed>),
    #[error(
        "`{subject}` may be revoked, for the stored certificate `{authority}` requires a revocation list and {problem}: see why with `muster certificate show {authority}`, or set its check to `bestEffort`"
    )]
    NoList { subject: String, authority: String, problem: String },
}

/// What a list says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{subject}` (serial {serial}) was revoked at {at} ({reason}), says list {number} of the stored certificate `{authority}`: issue the device another certificate"
)]
pub(crate) struct Listed {
    pub(crate) subject: String,
    pub(crate) serial: String,
    pub(crate) at: Timestamp,
    pub(crate) reason: &'static str,
    pub(crate) number: String,
    pub(crate) authority: String,
}

/// `path`: leaf to anchor. Every certificate but the anchor is looked up in the lists of who issued it.
pub(crate) fn unlisted_path(
    path: &[Certificate],
    groups: &Groups,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<(), Condemned> {
    for (certificate, issuer) in path.iter().zip(path.iter().skip(1)) {
        let authorities = groups.with_lists().filter(|stored| {
            stored.certificate.subject_der() == issuer.subject_der()
                && stored.certificate.spki_der() == issuer.spki_der()
        });
        for authority in authorities {
            unlisted(certificate, authority, now, steps)?;
        }
    }
    Ok(())
}

/// A leaf that was enrolled itself, so that no path was looked for.
pub(crate) fn unlisted_leaf(
    leaf: &Certificate,
    groups: &Groups,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<(), Condemned> {
    for authority in groups.with_lists().filter(|stored| issued_by(leaf, &stored.certificate)) {
        unlisted(leaf, authority, now, steps)?;
    }
    Ok(())
}

fn unlisted(
    certificate: &Certificate,
    authority: &Stored,
    now: Timestamp,
    steps: &mut Steps,
) -> Result<(), Condemned> {
    let lists = newest(certificate, authority);
    for list in &lists {
        if let Some(revoked) = list.revoked(certificate.serial()) {
            return Err(Condemned::Revoked(Box::new(Listed {
                subject: certificate.subject().to_owned(),
                serial: certificate.serial_hex().to_owned(),
                at: revoked.at,
                reason: revoked.reason.name(),
                number: number(list),
                authority: authority.name.clone(),
            })));
        }
    }
    let (subject, name) = (certificate.subject(), &authority.name);
    match (problem(&lists, authority, now), authority.crls.check) {
        (None, _) => {
            let numbers: Vec<_> = lists.iter().map(|list| number(list)).collect();
            let numbers = numbers.join(", ");
            steps.passed("revocation", format_args!("`{subject}` is not on list {numbers} of `{name}`"));
            Ok(())
        }
        (Some(problem), Check::BestEffort) => {
            let went_on = if lists.is_empty() { "let pass" } else { "not on the last one known" };
            steps.noted("revocation", format_args!("`{subject}`, issued by `{name}`: {problem}; {went_on}"));
            Ok(())
        }
        (Some(problem), Check::Require) => {
            Err(Condemned::NoList { subject: subject.to_owned(), authority: name.clone(), problem })
        }
    }
}

/// The lists that are for this certificate; of two with one scope the newer one.
fn newest<'a>(certificate: &Certificate, authority: &'a Stored) -> Vec<&'a VerifiedCrl> {
    let mut newest: Vec<&VerifiedCrl> = Vec::new();
    let lists = authority.crls.feeds.iter().filter_map(|feed| feed.list.as_ref());
    for list in lists.filter(|list| list.covers(certificate, &authority.certificate)) {
        match newest.iter_mut().find(|other| other.list().scope() == list.list().scope()) {
            Some(other) if sortable(other) < sortable(list) => *other = list,
            Some(_) => {}
            None => newest.push(list),
        }
    }
    newest
}

/// What keeps the lists from counting at this instant.
fn problem(lists: &[&VerifiedCrl], authority: &Stored, now: Timestamp) -> Option<String> {
    if lists.is_empty() {
        let why = authority.crls.feeds.iter().find_map(|Feed { problem, .. }| problem.as_deref());
        return Some(match why {
            Some(why) => format!("there is none for it ({why})"),
            None => "there is none for it".to_owned(),
        });
    }
    // Dates of lists are whole seconds, and both of them still count.
    lists.iter().map(|list| list.list()).find_map(|list| {
        if now.as_second() > list.next_update().as_second() {
            Some(format!("the next one was due at {}", list.next_update()))
        } else if now.as_second() < list.this_update().as_second() {
            Some(format!("it is of the future, {}", list.this_update()))
        } else {
            None
        }
    })
}

/// A list's number as text that sorts like the number: 20 octets at most (RFC 5280 section 5.2.3).
pub(super) fn sortable(list: &VerifiedCrl) -> String {
    format!("{:0>40}", hex::encode(list.list().number()))
}

/// As people write it when it is small, which most are.
pub(super) fn number(list: &VerifiedCrl) -> String {
    let octets = list.list().number();
    match <[u8; 8]>::try_from([&[0; 8][octets.len().min(8)..], octets].concat()) {
        Ok(octets) => u64::from_be_bytes(octets).to_string(),
        Err(_) => hex::encode_upper(octets),
    }
}
