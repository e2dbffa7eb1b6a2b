//! What a new or renewed authority is to be: decided before a key is made or used. Pure.

use jiff::{SignedDuration, Timestamp};

use muster_x509::Certificate;

use crate::{
    BaseUrl,
    hierarchy::{
        AUTHORITIES_MAX, Authority, AuthorityError, AuthorityId, BuildError, CRL_SHARDS, CRL_SHARDS_MAX,
        NewAuthority, State, Tree,
        key_identifier::subject_key_identifier,
        shape::{LIFE_MAX, Places, Shape, Validity, renewal_is_due},
        subject,
    },
    keys::KeyRef,
};

const HOURS_A_DAY: i64 = 24;

/// An authority that signs another one, with what that takes.
pub(in crate::hierarchy) struct Parent<'a> {
    pub(in crate::hierarchy) authority: &'a Authority,
    pub(in crate::hierarchy) certificate: &'a Certificate,
    pub(in crate::hierarchy) key: &'a KeyRef,
}

/// Whether such an authority may be made at all.
pub(in crate::hierarchy) fn check(new: &NewAuthority, tree: &Tree) -> Result<(), AuthorityError> {
    if tree.find(&new.id).is_some() {
        return Err(AuthorityError::Exists(new.id.clone()));
    }
    if tree.len() >= AUTHORITIES_MAX {
        return Err(AuthorityError::TooMany(tree.len()));
    }
    subject::check(new)?;
    if let Some(life) = new.life
        && (life < SignedDuration::from_hours(HOURS_A_DAY) || life > LIFE_MAX)
    {
        let (given_days, max_days) = (life.as_hours() / HOURS_A_DAY, LIFE_MAX.as_hours() / HOURS_A_DAY);
        return Err(AuthorityError::Life { given_days, max_days });
    }
    match new.crl_shards {
        Some(given) if !(1..=CRL_SHARDS_MAX).contains(&given) => {
            Err(AuthorityError::Shards { given, max: CRL_SHARDS_MAX })
        }
        _ => Ok(()),
    }
}

/// As asked for, active, without its certificate.
pub(in crate::hierarchy) fn authority(
    new: &NewAuthority,
    parent: Option<AuthorityId>,
    key: KeyRef,
    now: Timestamp,
) -> Authority {
    Authority {
        id: new.id.clone(),
        parent,
        state: State::Active,
        certificate: None,
        key: Some(key),
        generation: 1,
        crl_shards: new.crl_shards.unwrap_or(CRL_SHARDS),
        path_len: None,
        renewal: new.renewal,
        request: None,
        created: now,
    }
}

impl<'a> Parent<'a> {
    /// The authority of that id, if it may sign another one now.
    pub(in crate::hierarchy) fn find(
        tree: &'a Tree,
        id: &AuthorityId,
        now: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let authority = tree.find(id).ok_or_else(|| AuthorityError::NotFound(id.clone()))?;
        if !authority.state.issues() {
            return Err(AuthorityError::NotActive { id: id.clone(), state: authority.state });
        }
        let (Some(key), Some(certificate)) = (authority.issuing_key(), &authority.certificate) else {
            return Err(AuthorityError::KeyElsewhere(id.clone()));
        };
        let not_after = certificate.not_after();
        if not_after <= now {
            return Err(AuthorityError::Expired { id: id.clone(), not_after, now });
        }
        Ok(Self { authority, certificate, key })
    }

    /// How deep an authority below this one may reach, when asked for so much.
    pub(in crate::hierarchy) fn path_len(&self, asked: Option<u8>) -> Result<u8, AuthorityError> {
        let asked = asked.unwrap_or(0);
        match self.authority.path_len {
            Some(allowed) if asked >= allowed => {
                let allowed = allowed.checked_sub(1).map_or("none".to_owned(), |most| most.to_string());
                let parent = self.authority.id.clone();
                Err(AuthorityError::PathLen { asked, parent, allowed })
            }
            _ => Ok(asked),
        }
    }

    pub(in crate::hierarchy) fn validity(&self) -> Validity {
        validity(self.certificate)
    }

    /// The certificate of one with this name below it; `serial` says which of the CRLs would have it.
    pub(in crate::hierarchy) fn shape(
        &self,
        subject: x509_cert::name::Name,
        path_len: u8,
        base_url: Option<&BaseUrl>,
        serial: &[u8],
    ) -> Result<Shape, AuthorityError> {
        let id = &self.authority.id;
        let issuer_key = subject_key_identifier(self.certificate)
            .ok_or_else(|| BuildError::Build(format!("authority `{id}` has no key identifier")))?;
        let places = base_url.map(|base| Places {
            crl: base.crl(id, self.authority.shard_of(serial)),
            issuer: base.issuer(id),
        });
        let issuer = subject::subject_of(self.certificate)?;
        Ok(Shape::Intermediate { subject, issuer, issuer_key, path_len, places })
    }
}

pub(in crate::hierarchy) fn validity(certificate: &Certificate) -> Validity {
    Validity { not_before: certificate.not_before(), not_after: certificate.not_after() }
}

/// What its parent would give it, when it should sign it anew.
pub(in crate::hierarchy) fn renewal(
    authority: &Authority,
    parent: &Parent<'_>,
    now: Timestamp,
) -> Option<Validity> {
    let current = validity(authority.certificate.as_ref()?);
    let renewed = Validity::of(current.life(), now, Some(parent.validity()));
    renewal_is_due(current, renewed, now).then_some(renewed)
}
