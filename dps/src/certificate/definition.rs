//! The body of a PUT: a certificate, what it is for, and where its revocation lists are published.

use jiff::Timestamp;
use muster_x509::{Certificate, fit_to_anchor};
use serde_json::Value;

use crate::{
    enrollment::{Invalid, Member, Standing, Stored, one_certificate},
    external_crl::{Check, CrlUrl, Crls, URLS_MAX},
};

/// What a stored certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Enrollments may refer to it, when it is verified.
    Authority,
    /// It completes chains.
    Intermediate,
}

impl Kind {
    pub(crate) fn of(standing: Standing) -> Self {
        match standing {
            Standing::Verified | Standing::Unverified => Self::Authority,
            Standing::Intermediate => Self::Intermediate,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Intermediate => "intermediate",
        }
    }
}

/// `{"certificate": …, "isVerified": true, "kind": …, "crlUrls": […], "crlCheck": …}`, or the same inside `properties` as ARM
/// has it. What is left out stays as it is; the revocation lists that are known come along by their addresses.
pub(crate) fn define(
    name: String,
    existing: Option<&Stored>,
    body: &Value,
    now: Timestamp,
) -> Result<Stored, Invalid> {
    let root = Member::root(body);
    let properties = root.at("properties");
    let members = if properties.is_given() { properties } else { root };
    let certificate = certificate(&members.at("certificate"), existing, now)?;
    let kind = kind(&members.at("kind"), existing)?;
    let verified = members.at("isVerified");
    let standing = match (kind, verified.truth()?) {
        (Kind::Intermediate, Some(true)) => {
            return Err(verified.wrong(
                "cannot be true for an intermediate, which anchors nothing: leave it out, or store it as `authority`",
            ));
        }
        (Kind::Intermediate, Some(false) | None) => Standing::Intermediate,
        (Kind::Authority, Some(true)) => Standing::Verified,
        (Kind::Authority, Some(false)) => Standing::Unverified,
        // Possession was shown of a key, and this is the same one.
        (Kind::Authority, None) => match existing {
            Some(existing)
                if existing.standing == Standing::Verified && is_of_same_key(existing, &certificate) =>
            {
                Standing::Verified
            }
            Some(_) | None => Standing::Unverified,
        },
    };
    Ok(Stored { name, certificate, standing, crls: crls(&members, existing, now)? })
}

pub(crate) fn is_of_same_key(existing: &Stored, certificate: &Certificate) -> bool {
    existing.certificate.spki_der() == certificate.spki_der()
        && existing.certificate.subject_der() == certificate.subject_der()
}

/// What could never anchor or complete a chain is refused now, rather than at every device. One that is not valid yet is the
/// next one.
fn certificate(text: &Member<'_>, existing: Option<&Stored>, now: Timestamp) -> Result<Certificate, Invalid> {
    let existing = existing.map(|existing| &existing.certificate);
    let Some(certificate) = text.parsed(one_certificate)? else {
        return existing
            .cloned()
            .ok_or_else(|| text.wrong("is missing, give a certificate as PEM or as base64 of its DER"));
    };
    if existing == Some(&certificate) {
        return Ok(certificate);
    }
    if !certificate.is_ca() {
        return Err(text.wrong("is not a CA certificate, so no device certificate can come from it"));
    }
    if now > certificate.not_after() {
        return Err(text.wrong(format!("expired at {}, give its successor", certificate.not_after())));
    }
    fit_to_anchor(&certificate).map_err(|unfit| text.wrong(unfit))?;
    Ok(certificate)
}

fn kind(member: &Member<'_>, existing: Option<&Stored>) -> Result<Kind, Invalid> {
    match member.filled_text()? {
        None => Ok(existing.map_or(Kind::Authority, |existing| Kind::of(existing.standing))),
        Some(text) if text.eq_ignore_ascii_case(Kind::Authority.as_str()) => Ok(Kind::Authority),
        Some(text) if text.eq_ignore_ascii_case(Kind::Intermediate.as_str()) => Ok(Kind::Intermediate),
        Some(text) => Err(member.wrong(format!("`{text}` is unknown, use `authority` or `intermediate`"))),
    }
}

fn crls(members: &Member<'_>, existing: Option<&Stored>, now: Timestamp) -> Result<Crls, Invalid> {
    let member = members.at("crlUrls");
    let known = existing.map(|existing| &existing.crls);
    let check = members.at("crlCheck").parsed(Check::parse)?;
    let check = check.or(known.map(|known| known.check)).unwrap_or_default();
    let Some(listed) = member.list()? else {
        let feeds = known.map(|known| known.feeds.clone()).unwrap_or_default();
        return Ok(Crls { check, feeds });
    };
    if listed.len() > URLS_MAX {
        return Err(member.wrong(format!("names {} addresses, at most {URLS_MAX} are allowed", listed.len())));
    }
    let mut urls = listed
        .iter()
        .map(|value| {
            let text = value.as_str().ok_or_else(|| member.wrong("write the addresses as strings"))?;
            CrlUrl::parse(text).map_err(|error| member.wrong(error))
        })
        .collect::<Result<Vec<_>, _>>()?;
    urls.sort();
    urls.dedup();
    Ok(Crls::set(check, urls, now))
}
