//! How long certificates last.

use jiff::{SignedDuration, Timestamp};

use crate::profile::{
    LifeRule, PastIssuer, Refused,
    life::{End, Life, Period, parse_duration},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn rule(life: Life) -> LifeRule {
    LifeRule { life, backdate: SignedDuration::from_mins(5), past_issuer: PastIssuer::Truncate }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn issuer() -> Period {
    Period { begin: at("2026-01-01T00:00:00Z"), end: End::At(at("2027-12-31T23:59:59Z")) }
}

#[test]
fn durations_are_a_number_and_a_unit() {
    for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("5m", 300), ("30s", 30), ("0d", 0)] {
        assert_eq!(parse_duration(text), Some(SignedDuration::from_secs(seconds)));
    }
    for text in [
        "",
        "d",
        "90",
        "-1d",
        "+1d",
        "1.5h",
        "1 d",
        "1w",
        "99999999999999999999d",
        "9223372036854775807d",
        "é",
    ] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn a_life_begins_a_little_before_now_and_counts_its_last_second() {
    let period = Period::of(&rule(Life::For(DAY)), None, issuer(), at("2026-11-20T12:00:00.9Z")).unwrap();
    assert_eq!(period.begin, at("2026-11-20T11:55:00Z"));
    assert_eq!(period.end, End::At(at("2026-11-21T11:54:59Z")));
    let young = Period::of(&rule(Life::For(DAY)), None, issuer(), at("2026-01-01T00:01:00Z")).unwrap();
    assert_eq!(young.begin, at("2026-01-01T00:00:00Z"));
    assert_eq!(young.end, End::At(at("2026-01-01T23:59:59Z")));
}

#[test]
fn no_end_is_an_end_that_only_an_authority_without_one_gives_whole() {
    let now = at("2026-11-20T12:00:00Z");
    let endless = Period { end: End::Never, ..issuer() };
    assert_eq!(Period::of(&rule(Life::Endless), None, endless, now).unwrap().end, End::Never);
    assert_eq!(Period::of(&rule(Life::Endless), None, issuer(), now).unwrap().end, issuer().end);
    let strict = LifeRule { past_issuer: PastIssuer::Refuse, ..rule(Life::Endless) };
    assert!(matches!(Period::of(&strict, None, issuer(), now), Err(Refused::PastIssuer { .. })));
    assert_eq!(Period::of(&strict, None, endless, now).unwrap().end, End::Never);
    let until = at("2027-01-01T00:00:00Z");
    assert_eq!(Period::of(&strict, Some(until), issuer(), now).unwrap().end, End::At(until));
}

#[test]
fn no_end_is_written_as_rfc_5280_has_it() {
    let period = Period { begin: at("2049-12-31T23:59:59Z"), end: End::Never };
    let der = period.to_validity();
    assert_eq!(&der[2..], [b"\x17\x0d491231235959Z".as_slice(), b"\x18\x0f99991231235959Z"].concat());
}
