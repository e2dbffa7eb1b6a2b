//! The chain by itself.

use jiff::Timestamp;

use crate::{
    audit::{Action, Broken, ChainHead, Chained, Decision, Entry, verify},
    caller::Caller,
    log::{Hash, sha256},
};

fn entries(count: u64) -> Vec<Chained> {
    let mut head = ChainHead::default();
    let entry =
        |n: u64| Entry::new(&Caller::process(), Action::SignIn, format!("operator-{n}"), Decision::Allowed);
    (0..count).map(|n| head.chain(&entry(n), None, Timestamp::UNIX_EPOCH)).collect()
}

#[test]
fn the_hash_is_over_the_bytes_that_the_description_says() {
    let mut head = ChainHead { entries: 6, hash: [9; 32] };
    let entry = Entry {
        actor: "a".into(),
        credential: "bc".into(),
        action: Action::SignIn,
        object: "ü".into(),
        decision: Decision::Refused,
        reason: String::new(),
        request_sha256: Some([1; 32]),
        certificate_sha256: None,
        count: 3,
    };
    let chained = head.chain(&entry, Some(5), Timestamp::from_microsecond(1_000_002).unwrap());
    let number = |n: u64| n.to_be_bytes();
    let text =
        |text: &'static str| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    let bytes = [
        b"muster audit entry 1\n".to_vec(),
        vec![9; 32],
        [number(7), number(1_000_002), number(3)].concat(),
        [text("a"), text("bc"), text("sign-in"), text("ü"), text("refused"), text("")].concat(),
        [&[1][..], &[1; 32], &[0], &[1], &number(5)].concat(),
    ];
    assert_eq!(chained.hash, sha256(&[&bytes.concat()]));
    assert_eq!(head, ChainHead { entries: 7, hash: chained.hash });
}

#[test]
fn a_chain_that_nobody_touched_is_whole() {
    let entries = entries(20);
    let head = verify(&entries).unwrap();
    assert_eq!(head, ChainHead { entries: 20, hash: entries[19].hash });
    assert_eq!(verify(&[]), Ok(ChainHead::default()));
}

#[test]
fn every_field_that_is_changed_is_seen_at_its_entry() {
    let changes: [fn(&mut Chained); 12] = [
        |entry| entry.at = Timestamp::from_microsecond(1).unwrap(),
        |entry| entry.actor.push('x'),
        |entry| entry.credential.clear(),
        |entry| entry.action.push('x'),
        |entry| entry.object.clear(),
        |entry| entry.decision = "refused".into(),
        |entry| entry.reason.push('x'),
        |entry| entry.count = 2,
        |entry| entry.request_sha256 = Some(Hash::default()),
        |entry| entry.certificate_sha256 = Some(Hash::default()),
        |entry| entry.log_index = Some(0),
        |entry| entry.previous = Hash::default(),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut entries = entries(20);
        change(&mut entries[11]);
        assert_eq!(verify(&entries), Err(Broken::Changed(12)), "change {at}");
    }
}

#[test]
fn text_that_moves_from_one_field_to_the_next_is_seen() {
    let mut entries = entries(3);
    let object = std::mem::take(&mut entries[1].object);
    entries[1].action.push_str(&object);
    assert_eq!(verify(&entries), Err(Broken::Changed(2)));
}

#[test]
fn entries_taken_out_put_in_or_exchanged_are_seen() {
    let mut without = entries(20);
    without.remove(11);
    assert_eq!(verify(&without), Err(Broken::Missing(12)));
    let mut twice = entries(20);
    twice.insert(11, twice[10].clone());
    assert_eq!(verify(&twice), Err(Broken::Missing(12)));
    let mut exchanged = entries(20);
    exchanged.swap(4, 5);
    assert_eq!(verify(&exchanged), Err(Broken::Missing(5)));
}

#[test]
fn an_entry_rewritten_with_its_hash_is_seen_at_the_next() {
    let mut entries = entries(20);
    let mut head = ChainHead { entries: 11, hash: entries[10].hash };
    let forged = Entry::new(&Caller::process(), Action::SignIn, "nobody", Decision::Allowed);
    entries[11] = head.chain(&forged, None, Timestamp::UNIX_EPOCH);
    assert_eq!(verify(&entries), Err(Broken::Unchained(13)));
}
