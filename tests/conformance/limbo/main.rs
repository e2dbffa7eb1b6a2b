//! The chain validator against x509-limbo and BetterTLS: what it gets wrong stands in `mismatches.toml`, with the reason.

mod mismatches;
mod suite;

use std::{collections::BTreeMap, time::Duration};

use mismatches::{Figures, Mismatch, Under, Wrongly, difference, known};
use suite::Case;

/// A chain that takes longer to judge is a way to stop a server.
const CASE_MAX: Duration = Duration::from_secs(1);
const CORE_CASES: usize = 134;
const BETTER_TLS_CASES: usize = 9_572;
const ALL_CASES: usize = 9_780;
/// The best validator that was measured has one; rustls-webpki by itself has 23.
const CORE_WRONGLY_ACCEPTED_MAX: usize = 3;

#[test]
fn every_mismatch_is_known_and_none_is_dangerous() {
    let cases = suite::cases();
    assert_eq!(cases.iter().filter(|case| case.is_core()).count(), CORE_CASES);
    let mut found = BTreeMap::new();
    for under in Under::ALL {
        let figures = judge(&cases, under, &mut found);
        println!("{under:?}:");
        for (group, figures) in &figures {
            println!("  {group:<14} {figures}");
        }
        if under == Under::Rfc5280 {
            assert!(figures["core"].accepted <= CORE_WRONGLY_ACCEPTED_MAX, "{}", figures["core"]);
        }
    }
    let dangerous: Vec<_> = cases
        .iter()
        .filter(|case| is_dangerous_to_accept(case))
        .flat_map(|case| found.keys().filter(|mismatch| mismatch.id == case.id))
        .filter(|mismatch| mismatch.wrongly == Wrongly::Accepted)
        .collect();
    assert!(dangerous.is_empty(), "{dangerous:?}");
    let difference = difference(&known(), &found);
    assert!(difference.is_empty(), "mismatches.toml differs:\n  {}", difference.join("\n  "));
}

#[test]
fn every_better_tls_case_is_right() {
    let cases = suite::all_cases();
    assert_eq!(cases.len(), ALL_CASES);
    let cases: Vec<Case> = cases.into_iter().filter(Case::is_better_tls).collect();
    assert_eq!(cases.len(), BETTER_TLS_CASES);
    for under in Under::ALL {
        let mut found = BTreeMap::new();
        let figures = judge(&cases, under, &mut found);
        println!("{under:?}: {}", figures["all"]);
        assert!(found.is_empty(), "{found:?}");
    }
}

/// The groups are the namespaces, the core, and all. Whatever is wrong goes to `found`, with what was said.
fn judge<'a>(
    cases: &'a [Case],
    under: Under,
    found: &mut BTreeMap<Mismatch, String>,
) -> BTreeMap<&'a str, Figures> {
    let mut figures: BTreeMap<&str, Figures> = BTreeMap::new();
    for case in cases {
        let outcome = case.judge(under.rules());
        assert!(outcome.taken < CASE_MAX, "`{}` took {:?}", case.id, outcome.taken);
        let wrongly = Wrongly::judged(case, &outcome);
        for group in
            [Some("all"), case.is_core().then_some("core"), Some(case.namespace())].into_iter().flatten()
        {
            figures.entry(group).or_default().count(wrongly, outcome.taken);
        }
        if let Some(wrongly) = wrongly {
            let said = outcome.verdict.err().unwrap_or_default();
            found.insert(Mismatch { id: case.id.clone(), under, wrongly }, said);
        }
    }
    figures
}

/// To accept one of these wrongly is a hole, whatever the total is.
fn is_dangerous_to_accept(case: &Case) -> bool {
    let holes = ["pathological::", "pathlen::", "cve::", "rfc5280::eku::", "rfc5280::validity::"];
    ["high", "critical"].contains(&case.importance.as_str())
        || holes.iter().any(|hole| case.id.starts_with(hole))
}
