//! Lists that say too little, too much, or something else than RFC 5280 has words for.

use super::{
    SHARD,
    draft::{
        Draft, KEY_IDENTIFIER, NUMBER, POINT, REASON, entry, extension, key_identifier, number, point, time,
    },
};
use crate::{
    CRL_BYTES_MAX, Crl, CrlRefused, NotDer, Reason, ScopeKind,
    workshop::{Made, element, root},
};

fn refusal(draft: &Draft, authority: &Made) -> CrlRefused {
    Crl::parse(&draft.sign(authority)).unwrap_err()
}

#[test]
fn size_is_bounded() {
    let bytes = CRL_BYTES_MAX + 1;
    assert_eq!(Crl::parse(&vec![0x30; bytes]).unwrap_err(), CrlRefused::TooLarge { bytes });
    assert_eq!(Crl::parse(b"").unwrap_err(), CrlRefused::Empty);
    assert_eq!(Crl::parse(b"<html>").unwrap_err(), CrlRefused::NotBase64);
}

#[test]
fn ber_trailing_and_torn_lists_are_refused() {
    let authority = root("root");
    let sound = Draft::of(&authority).revoking(&[entry(&[5], &[])]).sign(&authority);
    assert!(Crl::parse(&sound).is_ok());
    assert_eq!(Crl::parse(&[&sound[..], &[0]].concat()).unwrap_err(), NotDer::Trailing.into());
    for cut in 1..sound.len() {
        assert!(Crl::parse(&sound[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn what_every_list_must_say_is_missed_by_name() {
    let of = root("root");
    let draft = || Draft::of(&of);
    let old = Draft { version: vec![], extensions: vec![], ..draft() };
    let cases: [(Draft, CrlRefused); 12] = [
        (old, CrlRefused::Version),
        (Draft { version: vec![2, 1, 0], ..draft() }, CrlRefused::Version),
        (Draft { algorithm: vec![0x30, 3, 6, 1, 0x2a], ..draft() }, CrlRefused::AlgorithmsDiffer),
        (Draft { issuer: vec![0x30, 0], ..draft() }, CrlRefused::EmptyIssuer),
        (Draft { dates: time("261120000000Z"), ..draft() }, CrlRefused::NoNextUpdate),
        (Draft { dates: time("2611200000Z"), ..draft() }, NotDer::Time.into()),
        (Draft { extensions: vec![key_identifier(&of)], ..draft() }, CrlRefused::NoNumber),
        (Draft { extensions: vec![number(&[7])], ..draft() }, CrlRefused::NoKeyIdentifier),
        (Draft { extensions: vec![], ..draft() }, CrlRefused::NoNumber),
        (
            Draft { extensions: vec![key_identifier(&of), extension(NUMBER, true, &[2, 1, 7])], ..draft() },
            CrlRefused::NumberCritical,
        ),
        (
            Draft { extensions: vec![key_identifier(&of), number(&[0xff])], ..draft() },
            CrlRefused::NumberUnsound,
        ),
        (
            Draft { extensions: vec![key_identifier(&of), number(&[1; 21])], ..draft() },
            CrlRefused::NumberUnsound,
        ),
    ];
    for (draft, refused) in cases {
        assert_eq!(refusal(&draft, &of), refused);
    }
    // An identifier by issuer and serial number is one; it is not compared.
    let other_means = extension(KEY_IDENTIFIER, false, &element(0x30, &[&element(0x82, &[&[1]])]));
    let draft = Draft { extensions: vec![other_means, number(&[1; 20])], ..draft() };
    assert!(Crl::parse(&draft.sign(&of)).unwrap().signed_by(&of.certificate).is_ok());
}

#[test]
fn what_is_not_understood_and_critical_stops_the_list() {
    let of = root("root");
    let with = |extension| refusal(&Draft::of(&of).with(extension), &of);
    // A delta list.
    let unknown = CrlRefused::UnknownCriticalExtension { oid: "2.5.29.27".to_owned() };
    assert_eq!(with(extension(&[0x55, 0x1d, 27], true, &[2, 1, 1])), unknown);
    assert!(Crl::parse(&Draft::of(&of).with(extension(&[0x2a, 3], false, &[])).sign(&of)).is_ok());
    assert_eq!(with(number(&[8])), CrlRefused::DuplicateExtension { oid: "2.5.29.20".to_owned() });
    let unreadable = CrlRefused::Extension { oid: "2.5.29.28".to_owned(), why: NotDer::Unexpected };
    assert_eq!(with(extension(POINT, true, &[5, 0])), unreadable);
    let entry_of =
        |extensions: &[Vec<u8>]| refusal(&Draft::of(&of).revoking(&[entry(&[1], extensions)]), &of);
    // certificateIssuer, with which one list speaks of several authorities' certificates.
    let issuer = extension(&[0x55, 0x1d, 29], true, &[0x30, 0]);
    assert_eq!(entry_of(&[issuer]), CrlRefused::EntryExtension { oid: "2.5.29.29".to_owned() });
    assert_eq!(entry_of(&[extension(REASON, false, &[10, 1, 7])]), CrlRefused::ReasonUnknown { code: 7 });
    assert_eq!(entry_of(&[extension(REASON, false, &[10, 1, 11])]), CrlRefused::ReasonUnknown { code: 11 });
    let unreadable = CrlRefused::Extension { oid: "2.5.29.21".to_owned(), why: NotDer::Unexpected };
    assert_eq!(entry_of(&[extension(REASON, false, &[2, 1, 1])]), unreadable);
}

#[test]
fn a_distribution_point_limits_the_list_or_stops_it() {
    let of = root("root");
    let with = |fields: &[Vec<u8>]| {
        let point = extension(POINT, true, &element(0x30, &[&fields.concat()]));
        Crl::parse(&Draft::of(&of).with(point).sign(&of)).map(|list| list.scope().clone())
    };
    let flag = |number: u8| element(0x80 | number, &[&[0xff]]);
    let none = with(&[]).unwrap();
    assert_eq!((none.kind, none.uris.is_empty()), (ScopeKind::All, true));
    assert_eq!(with(&[point(SHARD)]).unwrap().uris, [SHARD]);
    for (number, kind) in
        [(1, ScopeKind::EndEntities), (2, ScopeKind::Authorities), (5, ScopeKind::Attributes)]
    {
        assert_eq!(with(&[flag(number)]).unwrap().kind, kind);
        assert_eq!(with(&[element(0x80 | number, &[&[0]])]).unwrap().kind, ScopeKind::All);
    }
    assert_eq!(with(&[flag(1), flag(2)]), Err(CrlRefused::ScopeContradicts));
    assert_eq!(with(&[flag(4)]), Err(CrlRefused::Indirect));
    assert_eq!(with(&[element(0x83, &[&[1, 2]])]), Err(CrlRefused::SomeReasons));
    let directory = element(0xa0, &[&element(0xa0, &[&element(0xa4, &[&[0x30, 0]])])]);
    let relative = element(0xa0, &[&element(0xa1, &[])]);
    for point in [directory, relative] {
        assert_eq!(with(&[point]), Err(CrlRefused::ScopeWithoutUri));
    }
    let unreadable = |why| Err(CrlRefused::Extension { oid: "2.5.29.28".to_owned(), why });
    assert_eq!(with(&[element(0x86, &[])]), unreadable(NotDer::Unexpected));
    assert_eq!(with(&[element(0x81, &[&[1]])]), unreadable(NotDer::Boolean));
    let name = element(0x86, &[b"http://x"]);
    let many = element(0xa0, &[&element(0xa0, &[&name.repeat(17)])]);
    assert_eq!(with(&[many]), unreadable(NotDer::Unexpected));
}

#[test]
fn every_reason_has_its_number_and_name() {
    let of = root("root");
    for reason in Reason::ALL {
        let code = u8::try_from(reason.code()).unwrap();
        let draft = Draft::of(&of).revoking(&[entry(&[1], &[extension(REASON, false, &[10, 1, code])])]);
        let list = Crl::parse(&draft.sign(&of)).unwrap().signed_by(&of.certificate).unwrap();
        assert_eq!(list.revoked(&[1]).unwrap().reason, reason);
        assert_eq!(Reason::from_code(reason.code()), Some(reason));
        assert!(!reason.name().is_empty());
    }
}

#[test]
fn altered_lists_never_panic_and_never_pass() {
    let of = root("root");
    let sound = Draft::of(&of).revoking(&[entry(&[1], &[extension(REASON, false, &[10, 1, 1])])]).sign(&of);
    for at in 0..sound.len() {
        for value in [0, 1, 0x30, 0x7f, 0x80, 0xff] {
            let mut altered = sound.clone();
            altered[at] = value;
            let verified = Crl::parse(&altered).and_then(|list| list.signed_by(&of.certificate));
            assert!(verified.is_err() || altered == sound, "{at} {value:02x}");
        }
    }
}
