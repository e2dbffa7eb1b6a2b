//! Fields of a certificate (RFC 5280 section 4.1). Pure.

use jiff::SignedDuration;
use x509_cert::{
    certificate::Version,
    der::{
        Decode,
        asn1::{AnyRef, ObjectIdentifier},
        oid::db::rfc4519,
    },
    name::Name,
    time::Time,
};

use muster_x509::Csr;

use super::{Finding, Tbs};
use crate::profile::{
    Issuer, Profile,
    life::{BACKDATE_MAX, End, Life},
};

const SERIAL_OCTETS: std::ops::RangeInclusive<usize> = 8..=20;
/// Two units or components are usual; two common names name nobody.
const REPEATABLE: [ObjectIdentifier; 2] = [rfc4519::ORGANIZATIONAL_UNIT_NAME, rfc4519::DOMAIN_COMPONENT];

pub(super) fn check(
    tbs: &Tbs<'_>,
    subject: &Name,
    profile: &Profile,
    csr: &Csr,
    issuer: &Issuer,
) -> Result<(), Finding> {
    let is = |part: AnyRef<'_>, der: &[u8]| AnyRef::from_der(der) == Ok(part);
    if tbs.version != Version::V3 {
        return Err(Finding::Version);
    }
    check_serial(tbs.serial_number.as_bytes())?;
    if !is(tbs.signature, &issuer.algorithm_der) {
        return Err(Finding::Algorithm);
    }
    if !is(tbs.issuer, issuer.certificate.subject_der()) {
        return Err(Finding::Issuer);
    }
    check_period(tbs, profile, issuer)?;
    if !is(tbs.subject_public_key_info, csr.spki_der()) {
        return Err(Finding::OtherKey);
    }
    if is(tbs.subject, issuer.certificate.subject_der()) {
        return Err(Finding::SubjectOfIssuer);
    }
    let mut seen = Vec::new();
    for attribute in subject.iter() {
        if !REPEATABLE.contains(&attribute.oid) && seen.contains(&attribute.oid) {
            return Err(Finding::AttributeTwice(attribute.oid.to_string()));
        }
        seen.push(attribute.oid);
    }
    Ok(())
}

fn check_serial(octets: &[u8]) -> Result<(), Finding> {
    let positive = octets.first().is_some_and(|first| (1..=0x7f).contains(first));
    if positive && SERIAL_OCTETS.contains(&octets.len()) { Ok(()) } else { Err(Finding::Serial) }
}

fn check_period(tbs: &Tbs<'_>, profile: &Profile, issuer: &Issuer) -> Result<(), Finding> {
    let (begin, end) = (seconds(tbs.validity.not_before), seconds(tbs.validity.not_after));
    if end < begin {
        return Err(Finding::Backwards);
    }
    let issuers = issuer.period();
    let endless = seconds(Time::INFINITY);
    let issuers_end = match issuers.end {
        End::Never => endless,
        End::At(at) => at.as_second(),
    };
    if begin < issuers.begin.as_second() || end > issuers_end {
        return Err(Finding::OutsideIssuer);
    }
    match profile.life.life {
        // RFC 5280 section 4.1.2.5 counts the last second in.
        Life::For(life) if end - begin + 1 > life.as_secs() => Err(Finding::TooLong),
        Life::For(_) | Life::Endless if profile.life.backdate > BACKDATE_MAX => Err(Finding::Backdated),
        Life::For(_) | Life::Endless => Ok(()),
    }
}

fn seconds(time: Time) -> i64 {
    SignedDuration::try_from(time.to_unix_duration()).map_or(i64::MAX, |since_epoch| since_epoch.as_secs())
}
