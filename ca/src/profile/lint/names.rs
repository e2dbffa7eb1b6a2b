//! Names and places in a certificate (RFC 5280 sections 4.2.1.6 and 4.2.1.13, RFC 5890 section 2.3.1). Pure.

use x509_cert::{
    ext::pkix::{
        AuthorityInfoAccessSyntax, CrlDistributionPoints, SubjectAltName,
        name::{DistributionPointName, GeneralName},
    },
    name::Name,
};

use super::{Finding, Tbs};

/// RFC 1035 section 2.3.4.
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

pub(super) fn check(tbs: &Tbs<'_>, subject: &Name) -> Result<(), Finding> {
    match (tbs.find("subjectAltName")?, subject.is_empty()) {
        (None, false) => {}
        (None | Some((false, _)), true) => return Err(Finding::Nameless),
        (Some((true, _)), false) => return Err(Finding::Critical("subjectAltName".to_owned())),
        (Some((_, SubjectAltName(names))), _) => {
            if names.is_empty() {
                return Err(Finding::Empty("subjectAltName"));
            }
            names.iter().try_for_each(check_name)?;
        }
    }
    if let Some((_, CrlDistributionPoints(points))) = tbs.find("cRLDistributionPoints")? {
        if points.is_empty() {
            return Err(Finding::Empty("cRLDistributionPoints"));
        }
        for point in &points {
            match &point.distribution_point {
                Some(DistributionPointName::FullName(names)) => names.iter().try_for_each(check_place)?,
                Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => {
                    return Err(Finding::Empty("cRLDistributionPoints"));
                }
            }
        }
    }
    if let Some((_, AuthorityInfoAccessSyntax(places))) = tbs.find("authorityInfoAccess")? {
        if places.is_empty() {
            return Err(Finding::Empty("authorityInfoAccess"));
        }
        places.iter().try_for_each(|place| check_place(&place.access_location))?;
    }
    Ok(())
}

pub(in crate::profile) fn check_name(name: &GeneralName) -> Result<(), Finding> {
    match name {
        GeneralName::DnsName(host) => check_host(host.as_str()),
        GeneralName::UniformResourceIdentifier(uri) => check_uri(uri.as_str()),
        GeneralName::Rfc822Name(address) => check_mailbox(address.as_str()),
        GeneralName::IpAddress(octets) if ![4, 16].contains(&octets.as_bytes().len()) => {
            let name = hex::encode(octets.as_bytes());
            Err(Finding::Name { name, why: "is no IP address: it has 4 or 16 octets" })
        }
        GeneralName::IpAddress(_)
        | GeneralName::OtherName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => Ok(()),
    }
}

/// Letters, digits and hyphens, at least two labels; the first one may be `*`. A bare id is no host name: whoever resolves
/// it finds another host in every network.
fn check_host(host: &str) -> Result<(), Finding> {
    let finding = |why| Err(Finding::Name { name: host.to_owned(), why });
    let labels: Vec<_> = host.strip_prefix("*.").unwrap_or(host).split('.').collect();
    if host.len() > HOST_BYTES_MAX {
        return finding("is longer than a host name may be");
    }
    if labels.iter().any(|label| !is_label(label)) {
        return finding("is no host name: use letters, digits and hyphens between dots");
    }
    if labels.len() < 2 {
        return finding("is a bare name: write its domain, too");
    }
    // An address in the wrong place, or what some take for one.
    if labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return finding("ends in a number, as an address does");
    }
    Ok(())
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 3986 section 3.1: absolute, of printable ASCII.
fn check_uri(uri: &str) -> Result<(), Finding> {
    let finding = |why| Err(Finding::Name { name: uri.to_owned(), why });
    let Some((scheme, rest)) = uri.split_once(':') else {
        return finding("is no absolute URI: it has no scheme");
    };
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if !named || rest.is_empty() || !rest.bytes().all(plain) {
        return finding("is no URI");
    }
    Ok(())
}

fn check_mailbox(address: &str) -> Result<(), Finding> {
    match address.split_once('@') {
        Some((local, host)) if !local.is_empty() && !host.contains('@') => check_host(host),
        Some(_) | None => Err(Finding::Name { name: address.to_owned(), why: "is no mailbox" }),
    }
}

fn check_place(place: &GeneralName) -> Result<(), Finding> {
    match place {
        // Plain: who checks a certificate must not need another one for it.
        GeneralName::UniformResourceIdentifier(url) if url.as_str().starts_with("http://") => {
            check_uri(url.as_str())
        }
        other => Err(Finding::Url(format!("{other:?}").chars().take(HOST_BYTES_MAX).collect())),
    }
}
