//! Fields of a certificate (RFC 5280 section 4.1). Pure.

use jiff::SignedDuration;
use x509_cert::{
    certificate::{TbsCertificate, Version},
    der::Encode,
    time::Time,
};

use muster_x509::Csr;

use super::Finding;
use crate::profile::{
    Issuer, Profile,
    life::{BACKDATE_MAX, End, Life},
};

const SERIAL_OCTETS: std::ops::RangeInclusive<usize> = 8..=20;

pub(super) fn check(
    tbs: &TbsCertificate,
    profile: &Profile,
    csr: &Csr,
    issuer: &Issuer,
) -> Result<(), Finding> {
    let encoded = |value: Result<Vec<u8>, x509_cert::der::Error>| {
        value.map_err(|error| Finding::Unreadable(error.to_string()))
    };
    if tbs.version() != Version::V3 {
        return Err(Finding::Version);
    }
    check_serial(tbs.serial_number().as_bytes())?;
    if encoded(tbs.signature().to_der())? != issuer.algorithm_der {
        return Err(Finding::Algorithm);
    }
    if encoded(tbs.issuer().to_der())? != issuer.certificate.subject_der() {
        return Err(Finding::Issuer);
    }
    check_period(tbs, profile, issuer)?;
    if encoded(tbs.subject_public_key_info().to_der())? != csr.spki_der() {
        return Err(Finding::OtherKey);
    }
    let subject = tbs.subject();
    if encoded(subject.to_der())? == issuer.certificate.subject_der() {
        return Err(Finding::SubjectOfIssuer);
    }
    // Two units or components are usual; two common names name nobody.
    let mut seen = Vec::new();
    for attribute in subject.iter() {
        let repeatable = ["2.5.4.11", "0.9.2342.19200300.100.1.25"].contains(&&*attribute.oid.to_string());
        if !repeatable && seen.contains(&attribute.oid) {
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

fn check_period(tbs: &TbsCertificate, profile: &Profile, issuer: &Issuer) -> Result<(), Finding> {
    let (begin, end) = (seconds(tbs.validity().not_before), seconds(tbs.validity().not_after));
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
