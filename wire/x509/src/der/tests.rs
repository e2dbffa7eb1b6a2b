//! What is DER, and each way of not being it.

use super::{DEPTH_MAX, GENERALIZED_TIME, NotDer, SEQUENCE, UTC_TIME, check, dotted, only, time};

#[test]
fn what_is_der_passes_and_each_way_of_not_being_der_is_told_apart() {
    for sound in [&[0x30, 0][..], &[1, 1, 0xff], &[2, 1, 0], &[2, 2, 0, 0x80], &[3, 2, 1, 0xfe], &[5, 0]] {
        assert_eq!(check(sound), Ok(()), "{sound:02x?}");
    }
    let sorted = [0x31, 6, 2, 1, 1, 2, 1, 2];
    assert_eq!(check(&sorted), Ok(()));
    for (bytes, flaw) in [
        (&[][..], NotDer::Cut),
        (&[0x30, 2, 5], NotDer::Cut),
        (&[0x1f, 1, 0], NotDer::LongTag),
        (&[0x30, 0x80, 0, 0], NotDer::IndefiniteLength),
        (&[0x30, 0x81, 0], NotDer::LongLength),
        (&[0x30, 0x82, 0, 0], NotDer::LongLength),
        (&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1], NotDer::Cut),
        (&[0x30, 0, 0], NotDer::Trailing),
        (&[0x24, 0], NotDer::Form),
        (&[0x10, 0], NotDer::Form),
        (&[1, 1, 1], NotDer::Boolean),
        (&[2, 0], NotDer::Integer),
        (&[2, 2, 0, 1], NotDer::Integer),
        (&[2, 2, 0xff, 0x80], NotDer::Integer),
        (&[3, 0], NotDer::BitString),
        (&[3, 1, 1], NotDer::BitString),
        (&[3, 2, 1, 1], NotDer::BitString),
        (&[3, 2, 8, 0], NotDer::BitString),
        (&[5, 1, 0], NotDer::Null),
        (&[6, 0], NotDer::ObjectIdentifier),
        (&[6, 2, 0x80, 1], NotDer::ObjectIdentifier),
        (&[6, 1, 0x81], NotDer::ObjectIdentifier),
        (&[0x0c, 1, 0xff], NotDer::Utf8),
        (&[0x31, 6, 2, 1, 2, 2, 1, 1], NotDer::SetOrder),
    ] {
        assert_eq!(check(bytes), Err(flaw), "{bytes:02x?}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| {
        let mut der = vec![];
        for _ in 0..levels {
            der = [vec![0x30, u8::try_from(der.len()).unwrap()], der].concat();
        }
        check(&der)
    };
    assert_eq!(nested(DEPTH_MAX), Ok(()));
    assert_eq!(nested(DEPTH_MAX + 1), Err(NotDer::TooDeep));
}

#[test]
fn dates_are_read_as_rfc_5280_writes_them_and_in_no_other_way() {
    let read = |tag, text: &str| {
        let der = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        time(&only(&der, tag).unwrap()).map(|at| at.to_string())
    };
    for (tag, text, at) in [
        (UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
        (UTC_TIME, "500101000000Z", "1950-01-01T00:00:00Z"),
        (GENERALIZED_TIME, "20500101000000Z", "2050-01-01T00:00:00Z"),
        (GENERALIZED_TIME, "99991231235959Z", "9999-12-30T22:00:00.999999999Z"),
    ] {
        assert_eq!(read(tag, text).as_deref(), Ok(at));
    }
    for (tag, text) in [
        (UTC_TIME, "4912312359Z"),
        (UTC_TIME, "491231235959+0000"),
        (UTC_TIME, "491331235959Z"),
        (UTC_TIME, "20491231235959Z"),
        (GENERALIZED_TIME, "20500101000000.5Z"),
        (GENERALIZED_TIME, "20500101000000"),
        (GENERALIZED_TIME, "20500229000000Z"),
        (GENERALIZED_TIME, "2050010100000-Z"),
        (GENERALIZED_TIME, ""),
        (SEQUENCE, "20500101000000Z"),
    ] {
        assert_eq!(read(tag, text), Err(NotDer::Time), "{text}");
    }
}

#[test]
fn object_identifiers_are_written_with_dots() {
    assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]).unwrap(), "1.2.840.113549");
    assert_eq!(dotted(&[0x55, 0x1d, 0x0f]).unwrap(), "2.5.29.15");
    assert_eq!(dotted(&[0x88, 0x37, 1]).unwrap(), "2.999.1");
    assert_eq!(dotted(&[0]).unwrap(), "0.0");
    assert_eq!(dotted(&[]), Err(NotDer::ObjectIdentifier));
    let uuid = [&[0x69][..], &[0x83], &[0xff; 17], &[0x7f]].concat();
    assert_eq!(dotted(&uuid).unwrap(), format!("2.25.{}", u128::MAX));
    assert_eq!(dotted(&[&[0x69][..], &[0x84], &[0xff; 17], &[0x7f]].concat()), Err(NotDer::ObjectIdentifier));
}
