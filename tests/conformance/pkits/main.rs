//! The chain validator against NIST's PKITS: what it answers otherwise stands in `mismatches.toml`, with the reason.
//!
//! Sections 4.1 to 4.7, 4.13 and 4.14: signatures, dates, names, revocation, authorities, key usage, name constraints and
//! distribution points. The others are about certificate policies, which decide nothing here, and delta CRLs, which are not
//! used. Each certificate is presented alone: the path is found among all of PKITS' authorities, with all of its CRLs.

#![expect(clippy::expect_used, reason = "a test without its vectors is no test")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use muster_x509::{Certificate, Crl, Missing, Revocation, Rules, Validation, VerifiedCrl, read_certificates};
use serde::Deserialize;

const CASES: usize = 149;
/// Within the life of all that is not expired on purpose.
const NOW: &str = "2026-11-20T00:00:00Z";

#[derive(Deserialize)]
struct Vectors {
    anchor: String,
    authorities: BTreeMap<String, String>,
    lists: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    name: String,
    valid: bool,
    certificate: String,
}

/// A case's number, and how it went wrong.
type Mismatch = (String, Wrongly);

#[derive(Deserialize)]
struct File {
    because: Vec<Because>,
}

/// Several cases often have one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Because {
    why: String,
    wrongly: Wrongly,
    cases: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wrongly {
    Accepted,
    Refused,
}

/// What one certificate is judged with.
struct Judge {
    anchor: Certificate,
    authorities: Vec<Certificate>,
    lists: Vec<VerifiedCrl>,
    now: Timestamp,
}

#[test]
fn every_mismatch_is_known_and_has_its_reason() {
    let vectors = vectors();
    assert_eq!(vectors.cases.len(), CASES);
    let judge = Judge::with(&vectors);
    let known = known();
    for rules in [Rules::Field, Rules::Rfc5280] {
        let found = judge.mismatches(&vectors.cases, rules);
        let accepted = found.keys().filter(|(_, wrongly)| *wrongly == Wrongly::Accepted).count();
        println!(
            "{rules:?}: {} cases, {} right, {accepted} wrongly accepted, {} wrongly refused",
            CASES,
            CASES - found.len(),
            found.len() - accepted
        );
        assert_eq!(accepted, 0, "{found:?}");
        let new = found.iter().filter(|(mismatch, _)| !known.contains(mismatch));
        let new = new.map(|(mismatch, said)| format!("new: {mismatch:?}: {said}"));
        let gone = known.iter().filter(|mismatch| !found.contains_key(mismatch));
        let gone = gone.map(|mismatch| format!("right now, take it out: {mismatch:?}"));
        let difference: Vec<String> = new.chain(gone).collect();
        assert!(difference.is_empty(), "mismatches.toml differs:\n  {}", difference.join("\n  "));
    }
}

fn vectors() -> Vectors {
    let mut json = Vec::new();
    let packed = &include_bytes!("vectors.json.xz")[..];
    let mut reader = lzma_rust2::XzReader::new(packed, false);
    std::io::Read::read_to_end(&mut reader, &mut json).expect("the vectors are xz");
    serde_json::from_slice(&json).expect("the vectors are as described here")
}

fn known() -> BTreeSet<Mismatch> {
    let file: File = toml::from_str(include_str!("mismatches.toml")).expect("the file is as described in it");
    let mut known = BTreeSet::new();
    for because in file.because {
        assert!(because.why.len() > 20, "`{}` is no reason", because.why);
        for id in because.cases {
            assert!(known.insert((id.clone(), because.wrongly)), "`{id}` stands twice in mismatches.toml");
        }
    }
    known
}

/// A certificate that cannot be read is one that nobody could configure or present.
fn certificate(base64: &str) -> Option<Certificate> {
    read_certificates(base64).ok()?.into_iter().next()
}

impl Judge {
    fn with(vectors: &Vectors) -> Self {
        let anchor = certificate(&vectors.anchor).expect("the anchor is sound");
        let authorities: Vec<_> = vectors.authorities.values().filter_map(|it| certificate(it)).collect();
        // A list that is not what it should be is as if it were not there.
        let verified = |text: &String| {
            let list = Crl::parse(text.as_bytes()).ok()?;
            let named = |it: &&Certificate| it.subject_der() == list.issuer_der();
            let signers = authorities.iter().chain([&anchor]).filter(named);
            signers.filter_map(|signer| list.signed_by(signer).ok()).next()
        };
        let lists = vectors.lists.values().filter_map(verified).collect();
        Self { anchor, lists, authorities, now: NOW.parse().expect("it is a time") }
    }

    fn mismatches(&self, cases: &[Case], rules: Rules) -> BTreeMap<Mismatch, String> {
        let mut found = BTreeMap::new();
        for case in cases {
            let (wrongly, said) = match (case.valid, self.verdict(case, rules)) {
                (true, Ok(())) | (false, Err(_)) => continue,
                (true, Err(why)) => (Wrongly::Refused, why),
                (false, Ok(())) => (Wrongly::Accepted, case.name.clone()),
            };
            found.insert((case.id.clone(), wrongly), said);
        }
        found
    }

    fn verdict(&self, case: &Case, rules: Rules) -> Result<(), String> {
        let leaf = read_certificates(&case.certificate).map_err(|error| error.to_string())?;
        let anchors = std::slice::from_ref(&self.anchor);
        let validation = Validation {
            intermediates: &self.authorities,
            revocation: Revocation::Lists { lists: &self.lists, missing: Missing::Refused },
            rules,
            ..Validation::of_clients(anchors, self.now)
        };
        validation.path(&leaf).map(|_| ()).map_err(|error| error.to_string())
    }
}
