//! Revoked leaves and authorities, lists that are missing, too old, of another shard or of another issuer.

use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, Issuer, KeyIdMethod,
    KeyPair, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::{
    Certificate, ChainError, Crl, Missing, Place, Revocation, Validation, VerifiedCrl,
    workshop::{Made, leaf_params, now, root},
};

struct Wanted<'a> {
    revoked: &'a [&'a Certificate],
    number: u64,
    until_day: u8,
    shard: Option<&'a str>,
}

const PLAIN: Wanted<'_> = Wanted { revoked: &[], number: 1, until_day: 30, shard: None };

fn list(authority: &Made, wanted: Wanted<'_>) -> VerifiedCrl {
    let revoked_certs = wanted.revoked.iter().map(|certificate| RevokedCertParams {
        serial_number: SerialNumber::from_slice(certificate.serial()),
        revocation_time: date_time_ymd(2026, 11, 5),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 11, 1),
        next_update: date_time_ymd(2026, 11, wanted.until_day),
        crl_number: SerialNumber::from(wanted.number),
        issuing_distribution_point: wanted.shard.map(|uri| CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec![uri.to_owned()] },
            scope: None,
        }),
        revoked_certs: revoked_certs.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let issuer = Issuer::from_params(authority.params(), authority.key());
    Crl::parse(params.signed_by(&issuer).unwrap().der()).unwrap().signed_by(&authority.certificate).unwrap()
}

fn judge(
    chain: &[&Certificate],
    anchor: &Made,
    lists: &[VerifiedCrl],
    missing: Missing,
) -> Result<(), ChainError> {
    let anchors = [anchor.certificate.clone()];
    let revocation = Revocation::Lists { lists, missing };
    let presented: Vec<Certificate> = chain.iter().map(|certificate| (*certificate).clone()).collect();
    Validation { revocation, ..Validation::of_clients(&anchors, now()) }.path(&presented).map(|_| ())
}

#[test]
fn whoever_is_on_a_list_is_refused_at_any_depth() {
    let top = root("root");
    let line = top.authority("line");
    let (good, bad) = (line.leaf("good"), line.leaf("bad"));
    let below = list(&line, Wanted { revoked: &[&bad], ..PLAIN });
    let lists = [list(&top, PLAIN), below.clone()];
    assert_eq!(judge(&[&good, &line.certificate], &top, &lists, Missing::Refused), Ok(()));
    let error = judge(&[&bad, &line.certificate], &top, &lists, Missing::Refused).unwrap_err();
    assert_eq!(
        error.to_string(),
        "leaf `CN=bad` was revoked at 2026-11-05T00:00:00Z (keyCompromise): issue another"
    );
    let lists = [list(&top, Wanted { revoked: &[&line.certificate], ..PLAIN }), below];
    let error = judge(&[&good, &line.certificate], &top, &lists, Missing::Refused).unwrap_err();
    assert!(matches!(error, ChainError::Revoked { place: Place::Intermediate { depth: 1 }, .. }), "{error}");
}

#[test]
fn a_missing_list_counts_as_the_caller_says() {
    let top = root("root");
    let line = top.authority("line");
    let leaf = line.leaf("device");
    let lists = [list(&line, PLAIN)];
    assert_eq!(judge(&[&leaf, &line.certificate], &top, &lists, Missing::Good), Ok(()));
    let error = judge(&[&leaf, &line.certificate], &top, &lists, Missing::Refused).unwrap_err();
    assert_eq!(
        error.to_string(),
        "intermediate at depth 1 `CN=line` may be revoked: there is no revocation list of `CN=root` for it; configure where that is published"
    );
}

#[test]
fn a_list_that_is_too_old_or_too_new_refuses_even_where_none_is_needed() {
    let top = root("root");
    let leaf = top.leaf("device");
    let old = [list(&top, Wanted { until_day: 19, ..PLAIN })];
    let error = judge(&[&leaf], &top, &old, Missing::Good).unwrap_err();
    assert_eq!(
        error.to_string(),
        "revocation list of `CN=root` says nothing since 2026-11-19T00:00:00Z, now is 2026-11-20T12:00:00Z: publish the next one, or correct the clock"
    );
    let anchors = [top.certificate.clone()];
    let lists = [list(&top, PLAIN)];
    let early = Validation {
        revocation: Revocation::Lists { lists: &lists, missing: Missing::Good },
        ..Validation::of_clients(&anchors, "2026-10-31T23:59:59Z".parse().unwrap())
    };
    assert!(matches!(early.path(&[leaf]), Err(ChainError::ListNotYetValid { .. })));
}

#[test]
fn of_two_lists_the_higher_number_counts() {
    let top = root("root");
    let leaf = top.leaf("device");
    let held = |number| list(&top, Wanted { revoked: &[&leaf], number, ..PLAIN });
    let free = |number| list(&top, Wanted { number, ..PLAIN });
    for lists in [[held(1), free(2)], [free(2), held(1)], [held(255), free(256)]] {
        assert_eq!(judge(&[&leaf], &top, &lists, Missing::Refused), Ok(()));
    }
    for lists in [[free(1), held(2)], [held(2), free(1)], [held(256), free(255)]] {
        assert!(judge(&[&leaf], &top, &lists, Missing::Refused).is_err());
    }
}

#[test]
fn the_shard_decides_and_the_same_number_of_another_issuer_does_not() {
    let top = root("root");
    let mut params = leaf_params("device");
    params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec!["http://ca/1.crl".to_owned()] }];
    params.serial_number = Some(SerialNumber::from(77));
    let leaf = top.issue(params.clone(), KeyPair::generate().unwrap()).certificate;
    let shard = |uri| list(&top, Wanted { revoked: &[&leaf], shard: Some(uri), ..PLAIN });
    assert!(judge(&[&leaf], &top, &[shard("http://ca/1.crl")], Missing::Good).is_err());
    assert_eq!(judge(&[&leaf], &top, &[shard("http://ca/2.crl")], Missing::Good), Ok(()));
    let error = judge(&[&leaf], &top, &[shard("http://ca/2.crl")], Missing::Refused);
    assert!(matches!(error, Err(ChainError::NoList { .. })));
    let other = root("other");
    let twin = other.issue(params, KeyPair::generate().unwrap()).certificate;
    assert_eq!(twin.serial(), leaf.serial());
    let lists = [list(&other, Wanted { revoked: &[&twin], ..PLAIN }), list(&top, PLAIN)];
    assert_eq!(judge(&[&leaf], &top, &lists, Missing::Refused), Ok(()));
}
