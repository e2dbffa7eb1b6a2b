//! Possession shown, and everything that only looks like it.

use jiff::SignedDuration;

use super::{
    possession::{NotShown, new_code, shows_possession},
    *,
};
use crate::{
    external_crl::Crls,
    tests::{
        authority, entropy,
        factory::{Authority, bent_leaf, bent_root},
        leaf, now, root,
    },
};

fn uploaded(of: &Authority, code: Option<VerificationCode>) -> NamedCertificate {
    NamedCertificate {
        stored: Stored {
            name: "plant".to_owned(),
            certificate: of.certificate.clone(),
            standing: Standing::Unverified,
            crls: Crls::default(),
        },
        etag: Etag::stored("1"),
        code,
        created: now(),
        updated: now(),
    }
}

#[test]
fn only_the_uploaded_key_shows_possession_and_only_by_the_code() {
    let (top, namesake) = (root("top"), root("top"));
    let below = authority("below", &top);
    let code = new_code(&*entropy(), now());
    let named = uploaded(&top, Some(code.clone()));
    let shown = |proof: &Certificate| shows_possession(&named, proof, now());
    assert_eq!(shown(&leaf(&code.text, &top)), Ok(()));
    assert!(matches!(shown(&leaf("something", &top)), Err(NotShown::CommonName { .. })));
    assert!(matches!(shown(&leaf(&code.text.to_lowercase(), &top)), Err(NotShown::CommonName { .. })));
    assert!(matches!(shown(&leaf(&code.text, &below)), Err(NotShown::Issuer { .. })));
    assert!(matches!(shown(&leaf(&code.text, &namesake)), Err(NotShown::Signature { .. })));
    let expired = bent_leaf(&code.text, &top, |params| params.not_after = rcgen::date_time_ymd(2026, 2, 2));
    assert!(matches!(shown(&expired), Err(NotShown::Dates { .. })));

    let without = uploaded(&top, None);
    let proof = leaf(&code.text, &top);
    assert!(matches!(shows_possession(&without, &proof, now()), Err(NotShown::NoCode { .. })));
    let late = now() + CODE_LIFE + SignedDuration::from_secs(1);
    assert!(matches!(shows_possession(&named, &proof, late), Err(NotShown::CodeExpired { .. })));
}

#[test]
fn an_authority_that_could_anchor_nothing_is_not_worth_a_proof() {
    let code = new_code(&*entropy(), now());
    let judged =
        |of: &Authority| shows_possession(&uploaded(of, Some(code.clone())), &leaf(&code.text, of), now());
    let expired = bent_root("top", |params| params.not_after = rcgen::date_time_ymd(2026, 2, 2));
    assert!(matches!(judged(&expired), Err(NotShown::AuthorityExpired { .. })));
    let cannot_sign = bent_root("top", |params| params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign]);
    assert!(matches!(judged(&cannot_sign), Err(NotShown::Unfit(_))));
}

#[test]
fn every_code_is_known_as_one_and_fits_into_a_common_name() {
    let code = new_code(&*entropy(), now());
    assert!(is_verification_code(&code.text) && is_verification_code(&code.text.to_lowercase()));
    assert!(code.text.len() <= 64);
    assert!(!is_verification_code("muster-verification-rig-7") && !is_verification_code("ä"));
}

#[test]
fn the_nearer_the_end_the_other_the_warning() {
    let top = root("top"); // until 2027-01-01
    let near = |text: &str| expiry::expiring(&top.certificate, text.parse().unwrap());
    assert_eq!(near("2026-06-01T00:00:00Z"), None);
    assert_eq!(near("2026-11-20T12:00:00Z"), Some(Expiring::Within { days: 90 }));
    assert_eq!(near("2026-12-30T00:00:00Z"), Some(Expiring::Within { days: 7 }));
    assert_eq!(near("2026-12-31T12:00:00Z"), Some(Expiring::Within { days: 1 }));
    assert_eq!(near("2027-01-02T00:00:00Z"), Some(Expiring::Expired));
    let warning = expiry::warning(&top.certificate, now()).unwrap();
    assert!(warning.contains("in 41 days"), "{warning}");
}
