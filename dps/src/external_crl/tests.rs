//! What lists say of a path, and what addresses are taken.

use muster_x509::{Certificate, Crl, IssuerAndSerial};

use super::*;
use crate::{
    enrollment::{Groups, Standing, Stored},
    tests::{
        authority,
        factory::{Authority, bent_leaf},
        leaf, now, root,
    },
    trace::Steps,
};

fn stored(of: &Authority, check: Check, lists: &[Vec<u8>]) -> Stored {
    let feeds = lists.iter().map(|der| Feed {
        url: CrlUrl::parse("http://pki.example.test/list.crl").unwrap(),
        list: Some(Crl::parse(der).unwrap().signed_by(&of.certificate).unwrap()),
        fetched: Some(now()),
        tried: Some(now()),
        due: now(),
        problem: None,
    });
    Stored {
        name: "plant".to_owned(),
        certificate: of.certificate.clone(),
        standing: Standing::Intermediate,
        crls: Crls { check, feeds: feeds.collect() },
    }
}

#[test]
fn addresses_are_of_http_and_name_nobody() {
    for good in ["http://pki.example.test/a.crl", "https://pki.example.test:8443/a?b=c", "http://[::1]:1/x"] {
        assert_eq!(CrlUrl::parse(good).unwrap().as_str(), good);
    }
    for bad in
        ["", "/a.crl", "pki.example.test", "file:///etc/passwd", "ftp://h/x", "ldap://h/x", "http:///x"]
    {
        assert!(CrlUrl::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(CrlUrl::parse("http://me:secret@h/x"), Err(UrlError::UserInfo));
    assert_eq!(CrlUrl::parse(&format!("http://h/{}", "x".repeat(1000))), Err(UrlError::TooLong));
}

#[test]
fn what_is_on_the_newest_list_is_refused_whatever_its_age() {
    let line = authority("line", &root("top"));
    let (bad, good) = (leaf("bad", &line), leaf("good", &line));
    let path = |leaf: &muster_x509::Certificate| [leaf.clone(), line.certificate.clone()];
    let judged = |leaf: &muster_x509::Certificate, check, lists: &[Vec<u8>]| {
        let groups = Groups::new(0, Vec::new(), vec![stored(&line, check, lists)]);
        unlisted_path(&path(leaf), &groups, now(), &mut Steps::new(now()))
    };
    let (current, stale) = ((2026, 12, 1), (2026, 11, 2));
    let older = line.crl(1, &[], current);
    let newer = line.crl(2, &[&bad], current);
    for check in [Check::BestEffort, Check::Require] {
        assert_eq!(judged(&good, check, std::slice::from_ref(&newer)), Ok(()));
        let why = judged(&bad, check, &[newer.clone(), older.clone()]);
        assert!(
            matches!(&why, Err(Condemned::Revoked(listed)) if listed.reason == "keyCompromise"),
            "{why:?}"
        );
        assert!(matches!(judged(&bad, check, &[line.crl(2, &[&bad], stale)]), Err(Condemned::Revoked(_))));
    }
    // Released again: the newer list counts.
    assert_eq!(judged(&bad, Check::Require, &[newer, line.crl(3, &[], current)]), Ok(()));
}

#[test]
fn a_list_that_is_missing_or_out_of_date_means_what_the_operator_chose() {
    let line = authority("line", &root("top"));
    let device = leaf("d1", &line);
    let judged = |check, lists: &[Vec<u8>]| {
        let mut stored = stored(&line, check, lists);
        if lists.is_empty() {
            let url = CrlUrl::parse("http://pki.example.test/list.crl").unwrap();
            stored.crls = Crls::set(check, [url], now());
        }
        let groups = Groups::new(0, Vec::new(), vec![stored]);
        let mut steps = Steps::new(now());
        let path = [device.clone(), line.certificate.clone()];
        (unlisted_path(&path, &groups, now(), &mut steps), steps.into_steps())
    };
    let stale = line.crl(1, &[], (2026, 11, 2));
    for lists in [&[][..], std::slice::from_ref(&stale)] {
        let (outcome, steps) = judged(Check::BestEffort, lists);
        assert_eq!((outcome, steps.len()), (Ok(()), 1), "{steps:?}");
        assert!(matches!(judged(Check::Require, lists).0, Err(Condemned::NoList { .. })));
    }
    // A list of another key, or none configured at all, is nobody's business.
    let other = root("line");
    let groups = Groups::new(
        0,
        Vec::new(),
        vec![stored(&other, Check::Require, &[other.crl(1, &[&device], (2026, 12, 1))])],
    );
    assert_eq!(unlisted_path(&[device, line.certificate], &groups, now(), &mut Steps::new(now())), Ok(()));
}

/// What the lists say of a chain of which only issuers and numbers are left.
fn rolled(stored: &[Stored], chain: &[&Certificate]) -> Option<String> {
    let shown: Vec<_> = chain.iter().map(|it| IssuerAndSerial::of(it).unwrap()).collect();
    Rolls::of(stored.iter()).listed(&shown)
}

const CURRENT: (i32, u8, u8) = (2026, 12, 1);
const STALE: (i32, u8, u8) = (2026, 11, 2);

#[test]
fn who_is_let_in_is_condemned_by_the_newest_list_and_by_nothing_that_is_missing() {
    let line = authority("line", &root("top"));
    let (bad, good) = (leaf("bad", &line), leaf("good", &line));
    let by =
        |check, lists: &[Vec<u8>], device: &Certificate| rolled(&[stored(&line, check, lists)], &[device]);
    for list in [line.crl(2, &[&bad], CURRENT), line.crl(2, &[&bad], STALE)] {
        let said = by(Check::BestEffort, &[line.crl(1, &[], CURRENT), list.clone()], &bad).unwrap();
        assert!(said.contains("(keyCompromise), says list 2 of the stored certificate `plant`"), "{said}");
        assert!(said.contains(&bad.serial_hex().trim_start_matches("00").to_uppercase()), "{said}");
        assert_eq!(by(Check::Require, &[list], &good), None);
    }
    let released = [line.crl(2, &[&bad], CURRENT), line.crl(3, &[], CURRENT)];
    assert_eq!(by(Check::Require, &released, &bad), None);
    assert_eq!(by(Check::Require, &[], &bad), None, "a list that never came cuts nobody");
}

#[test]
fn a_namesake_condemns_only_who_does_not_say_which_key_signed_it() {
    let (line, namesake) = (authority("line", &root("top")), authority("line", &root("top")));
    let says = |says: bool| {
        bent_leaf("d1", &line, move |params| params.use_authority_key_identifier_extension = says)
    };
    for (device, is_listed) in [(says(true), false), (says(false), true)] {
        let theirs = stored(&namesake, Check::BestEffort, &[namesake.crl(1, &[&device], CURRENT)]);
        assert_eq!(rolled(&[theirs], &[&device]).is_some(), is_listed);
    }
}

#[test]
fn an_intermediate_that_is_listed_takes_its_devices_along_unless_another_way_up_is_left() {
    let (top, other) = (root("top"), root("other"));
    let line = authority("line", &top);
    let device = leaf("d1", &line);
    let of = |name: &str, it: &Authority, lists: &[Vec<u8>]| Stored {
        name: name.to_owned(),
        ..stored(it, Check::BestEffort, lists)
    };
    let condemning = of("top", &top, &[top.crl(4, &[&line.certificate], CURRENT)]);
    // Sent along, or known here.
    assert!(rolled(std::slice::from_ref(&condemning), &[&device, &line.certificate]).is_some());
    assert_eq!(rolled(std::slice::from_ref(&condemning), &[&device]), None);
    let known = of("line", &line, &[]);
    let said = rolled(&[condemning.clone(), known.clone()], &[&device]).unwrap();
    assert!(said.starts_with("its issuer, the stored certificate `line`, counts no more: "), "{said}");
    let crossed = Stored { certificate: line.crossed_by(&other), ..of("crossed", &line, &[]) };
    assert_eq!(rolled(&[condemning, known, crossed], &[&device]), None);
}

#[test]
fn lists_are_fetched_every_hour_and_failures_less_and_less_often() {
    let line = root("line");
    let in_minutes = |at: jiff::Timestamp| at.duration_since(now()).as_mins();
    let long = Crl::parse(&line.crl(1, &[], (2027, 1, 1))).unwrap();
    assert_eq!(in_minutes(schedule::after_success(&long, now())), 60);
    let ended = Crl::parse(&line.crl(1, &[], (2026, 11, 2))).unwrap();
    assert_eq!(in_minutes(schedule::after_success(&ended, now())), 1);
    let pauses = [1, 2, 3, 6, 7, 1000].map(|failures| in_minutes(schedule::after_failure(failures, now())));
    assert_eq!(pauses, [1, 2, 4, 32, 60, 60]);
}
