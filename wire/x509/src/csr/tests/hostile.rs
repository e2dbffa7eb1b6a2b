//! Requests that somebody made to do harm, or that broken software makes: each refused, each with its own reason.

use rcgen::KeyPair;

use super::{
    EVERYTHING, PLAIN, der,
    draft::{CHALLENGE_PASSWORD, COMMON_NAME, Draft, EXTENSION_REQUEST, attribute, extension, name},
};
use crate::{
    CHALLENGE_BYTES_MAX, CSR_BYTES_MAX, Csr, CsrRefused, NAMES_MAX, NotDer, UnfitKey, workshop::element,
};

const ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const PURPOSES: &[u8] = &[0x55, 0x1d, 37];

fn refusal(sent: &[u8]) -> CsrRefused {
    Csr::parse(sent).unwrap_err()
}

fn of_names(names: &[Vec<u8>]) -> CsrRefused {
    refusal(&Draft::asking(&[extension(ALT_NAME, &element(0x30, &[&names.concat()]))]).sign())
}

fn of_value(oid: &[u8], value: &[u8]) -> CsrRefused {
    refusal(&Draft::asking(&[extension(oid, value)]).sign())
}

#[test]
fn the_draft_itself_is_sound() {
    assert!(Csr::parse(&Draft::new().sign()).is_ok());
    let absent = Draft { attributes: vec![], ..Draft::new() };
    assert!(Csr::parse(&absent.sign()).is_ok());
}

#[test]
fn size_is_bounded_in_every_form() {
    let large = Draft::named(name(&[attribute(COMMON_NAME, 0x0c, &vec![b'x'; CSR_BYTES_MAX])])).sign();
    let bytes = large.len();
    assert_eq!(refusal(&large), CsrRefused::TooLarge { bytes });
    use base64::{Engine, engine::general_purpose::STANDARD};
    assert_eq!(refusal(STANDARD.encode(&large).as_bytes()), CsrRefused::TooLarge { bytes });
    let huge = vec![b'A'; 1_000_000];
    assert_eq!(refusal(&huge), CsrRefused::TooLarge { bytes: huge.len() });
    assert_eq!(refusal(&[0x30; 1_000_000]), CsrRefused::TooLarge { bytes: 1_000_000 });
}

#[test]
fn ber_trailing_bytes_and_torn_requests_are_refused() {
    let sound = der(PLAIN);
    assert_eq!(refusal(&[&sound[..], &[0]].concat()), NotDer::Trailing.into());
    assert_eq!(refusal(&sound[..sound.len() - 1]), NotDer::Cut.into());
    // The outer length once in the indefinite form, once longer than needed.
    let (_, contents) = sound.split_at(3);
    assert_eq!(refusal(&[&[0x30, 0x80], contents, &[0, 0]].concat()), NotDer::IndefiniteLength.into());
    let length = u8::try_from(contents.len()).unwrap();
    assert_eq!(refusal(&[&[0x30, 0x82, 0, length], contents].concat()), NotDer::LongLength.into());
    for cut in 0..sound.len() {
        assert!(Csr::parse(&sound[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn nesting_is_bounded() {
    let mut deep = vec![5, 0];
    for _ in 0..3_000 {
        deep = element(0x30, &[&deep]);
    }
    assert_eq!(
        refusal(&Draft { attributes: element(0xa0, &[&deep]), ..Draft::new() }.sign()),
        NotDer::TooDeep.into()
    );
}

#[test]
fn other_versions_are_refused() {
    let other = Draft { version: vec![2, 1, 1], ..Draft::new() };
    assert_eq!(refusal(&other.sign()), CsrRefused::Version { version: 1 });
}

#[test]
fn a_request_must_be_signed_by_its_own_key() {
    // Every octet counts: the last one is part of the signature, the one in the middle of the name or key.
    for (at, flip) in [(der(PLAIN).len() - 1, 1), (20, 1)] {
        let mut altered = der(PLAIN);
        altered[at] ^= flip;
        assert!(Csr::parse(&altered).is_err(), "{at}");
    }
    let spki = rcgen::PublicKeyData::subject_public_key_info(&KeyPair::generate().unwrap());
    assert_eq!(refusal(&Draft { spki, ..Draft::new() }.sign()), CsrRefused::Signature);
    // An algorithm of another kind of key: Ed25519 with P-256.
    let algorithm = element(0x30, &[&element(6, &[&[0x2b, 0x65, 0x70]])]);
    assert_eq!(
        refusal(&Draft { algorithm, ..Draft::new() }.sign()),
        CsrRefused::SignatureAlgorithm { oid: "1.3.101.112".to_owned() }
    );
}

#[test]
fn hashes_that_can_be_forged_are_refused_by_name() {
    assert_eq!(
        refusal(include_bytes!("sha1.pem")).to_string(),
        "certification request is signed with `SHA-1 with ECDSA`, a hash that can be forged: sign with SHA-256 or better"
    );
    assert_eq!(refusal(include_bytes!("md5.pem")), CsrRefused::WeakHash { algorithm: "MD5 with RSA" });
}

#[test]
fn unfit_keys_are_refused_before_the_signature_is_looked_at() {
    let unsigned = |pem: &[u8]| {
        let mut der = der(std::str::from_utf8(pem).unwrap());
        let last = der.len() - 1;
        der[last] ^= 1;
        refusal(&der)
    };
    assert_eq!(unsigned(include_bytes!("rsa1024.pem")), UnfitKey::RsaBits { bits: 1024 }.into());
    assert_eq!(
        unsigned(include_bytes!("p192.pem")),
        UnfitKey::Curve { oid: "1.2.840.10045.3.1.1".to_owned() }.into()
    );
    assert_eq!(unsigned(include_bytes!("explicit.pem")), UnfitKey::ExplicitCurve.into());
    assert_eq!(
        unsigned(include_bytes!("explicit.pem")).to_string(),
        "certification request: public key describes its own curve (explicit parameters), which can hide a broken one: use a named curve, P-256 or P-384"
    );
}

#[test]
fn a_subject_is_bounded_and_made_of_visible_text() {
    let many = |count: usize| Draft::named(name(&vec![attribute(COMMON_NAME, 0x0c, b"x"); count])).sign();
    assert!(Csr::parse(&many(NAMES_MAX)).is_ok());
    assert_eq!(refusal(&many(NAMES_MAX + 1)), CsrRefused::SubjectTooLong);
    let of = |tag, value: &[u8]| refusal(&Draft::named(name(&[attribute(COMMON_NAME, tag, value)])).sign());
    let control = CsrRefused::ControlInSubject { oid: "2.5.4.3".to_owned() };
    // UTF-8, printable, IA5, Teletex and BMP strings with a NUL; a line feed; C1 controls.
    for (tag, value) in [
        (0x0c, &b"admin\0.evil"[..]),
        (0x13, b"admin\0"),
        (0x16, b"\0"),
        (0x14, b"a\0"),
        (0x1e, b"\0a\0\0"),
        (0x0c, b"a\nb"),
        (0x0c, "a\u{85}b".as_bytes()),
    ] {
        assert_eq!(of(tag, value), control, "{value:02x?}");
    }
    let not_text = CsrRefused::SubjectNotText { oid: "2.5.4.3".to_owned() };
    for (tag, value) in [(0x02, &[1][..]), (0x1e, b"odd"), (0x1e, &[0xd8, 0]), (0x13, &[0xff])] {
        assert_eq!(of(tag, value), not_text, "{value:02x?}");
    }
    assert_eq!(of(0x0c, &[0xff]), NotDer::Utf8.into());
    let unsorted = [attribute(COMMON_NAME, 0x0c, b"b"), attribute(COMMON_NAME, 0x0c, b"a")].concat();
    assert_eq!(
        refusal(&Draft::named(element(0x30, &[&element(0x31, &[&unsorted])])).sign()),
        NotDer::SetOrder.into()
    );
    assert_eq!(
        refusal(&Draft::named(element(0x30, &[&element(0x31, &[])])).sign()),
        NotDer::Unexpected.into()
    );
}

#[test]
fn alternative_names_are_bounded_and_spelled_in_ascii() {
    let dns = |name: &[u8]| element(0x82, &[name]);
    assert_eq!(of_names(&vec![dns(b"x"); NAMES_MAX + 1]), CsrRefused::TooManyNames);
    for name in
        [dns(b"admin\0.example"), element(0x81, &[b"a\0@example"]), element(0x86, &[b"urn:\n"]), dns(b"\x7f")]
    {
        assert_eq!(of_names(&[name]), CsrRefused::ControlInAltName);
    }
    for name in [dns("gerät".as_bytes()), dns(&[0xff])] {
        assert_eq!(of_names(&[name]), CsrRefused::AltNameNotAscii);
    }
    for bytes in [0, 3, 5, 8, 15, 17, 32] {
        assert_eq!(of_names(&[element(0x87, &[&vec![1; bytes]])]), CsrRefused::IpAddress { bytes });
    }
    let unreadable = |why| CsrRefused::Extension { oid: "2.5.29.17".to_owned(), why };
    assert_eq!(of_names(&[]), unreadable(NotDer::Cut));
    assert_eq!(of_names(&[element(0x8b, &[])]), unreadable(NotDer::Unexpected));
    assert_eq!(of_names(&[element(0x88, &[&[0x80]])]), unreadable(NotDer::ObjectIdentifier));
}

#[test]
fn extensions_are_asked_for_once_and_can_be_read() {
    let twice = Draft::asking(&[extension(&[0x2a, 3], &[]), extension(&[0x2a, 3], &[])]);
    assert_eq!(refusal(&twice.sign()), CsrRefused::DuplicateExtension { oid: "1.2.3".to_owned() });
    let many: Vec<_> = (0..=NAMES_MAX).map(|at| extension(&[0x2a, u8::try_from(at).unwrap()], &[])).collect();
    assert_eq!(refusal(&Draft::asking(&many).sign()), CsrRefused::TooManyExtensions);
    for (oid, text, value, why) in [
        (KEY_USAGE, "2.5.29.15", &[3, 2, 0, 0x80][..], None),
        (KEY_USAGE, "2.5.29.15", &[3, 1, 0], Some(NotDer::BitString)),
        (KEY_USAGE, "2.5.29.15", &[3, 4, 0, 1, 1, 1], Some(NotDer::BitString)),
        (KEY_USAGE, "2.5.29.15", &[3, 2, 7, 0xff], Some(NotDer::BitString)),
        (CONSTRAINTS, "2.5.29.19", &[0x30, 3, 1, 1, 1], Some(NotDer::Boolean)),
        (CONSTRAINTS, "2.5.29.19", &[0x30, 3, 2, 1, 0xff], Some(NotDer::Integer)),
        (CONSTRAINTS, "2.5.29.19", &[0x30, 7, 2, 5, 1, 1, 1, 1, 1], Some(NotDer::Integer)),
        (CONSTRAINTS, "2.5.29.19", &[0x30, 0x80, 0, 0], Some(NotDer::IndefiniteLength)),
        (CONSTRAINTS, "2.5.29.19", &[0x30, 0, 5, 0], Some(NotDer::Trailing)),
        (PURPOSES, "2.5.29.37", &[0x30, 0], Some(NotDer::Cut)),
        (PURPOSES, "2.5.29.37", &[0x30, 2, 5, 0], Some(NotDer::Unexpected)),
    ] {
        match why {
            Some(why) => {
                assert_eq!(of_value(oid, value), CsrRefused::Extension { oid: text.to_owned(), why })
            }
            None => assert!(Csr::parse(&Draft::asking(&[extension(oid, value)]).sign()).is_ok()),
        }
    }
}

#[test]
fn attributes_are_sent_once_and_can_be_read() {
    let set = |oid: &[u8], values: &[&[u8]]| element(0x30, &[&element(6, &[oid]), &element(0x31, values)]);
    let empty: &[u8] = &[0x30, 0];
    for (oid, text, value) in [
        (EXTENSION_REQUEST, "1.2.840.113549.1.9.14", empty),
        (CHALLENGE_PASSWORD, "1.2.840.113549.1.9.7", &[0x0c, 1, b'x']),
        (&[0x2a, 3], "1.2.3", &[5, 0]),
    ] {
        let twice = [set(oid, &[value]), set(oid, &[value])];
        assert_eq!(
            refusal(&Draft::with(&twice).sign()),
            CsrRefused::DuplicateAttribute { oid: text.to_owned() }
        );
    }
    let of = |attribute: Vec<u8>| refusal(&Draft::with(&[attribute]).sign());
    let unreadable = |oid: &str, why| CsrRefused::Attribute { oid: oid.to_owned(), why };
    // Two sets of extensions, of which a reader may see either.
    assert_eq!(
        of(set(EXTENSION_REQUEST, &[empty, empty])),
        unreadable("1.2.840.113549.1.9.14", NotDer::Trailing)
    );
    assert_eq!(of(set(EXTENSION_REQUEST, &[])), unreadable("1.2.840.113549.1.9.14", NotDer::Cut));
    assert_eq!(
        of(set(CHALLENGE_PASSWORD, &[&[2, 1, 0]])),
        unreadable("1.2.840.113549.1.9.7", NotDer::Unexpected)
    );
    let long = element(0x0c, &[&vec![b'x'; CHALLENGE_BYTES_MAX + 1]]);
    assert_eq!(of(set(CHALLENGE_PASSWORD, &[&long])), CsrRefused::ChallengeTooLong);
    let many: Vec<_> = (0..=NAMES_MAX).map(|at| set(&[0x2a, u8::try_from(at).unwrap()], &[])).collect();
    assert_eq!(refusal(&Draft::with(&many).sign()), CsrRefused::TooManyAttributes);
}

#[test]
fn altered_requests_never_panic_and_never_pass() {
    let sound = der(EVERYTHING);
    for at in 0..sound.len() {
        for value in [0, 1, 0x30, 0x7f, 0x80, 0xff] {
            let mut altered = sound.clone();
            altered[at] = value;
            // Nothing in a request is outside the signature but the signature, of which there is one form only.
            assert!(Csr::parse(&altered).is_err() || altered == sound, "{at} {value:02x}");
        }
    }
}
