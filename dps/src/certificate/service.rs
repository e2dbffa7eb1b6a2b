//! Stored certificates read, written, verified and deleted.

use std::collections::HashMap;

use jiff::Timestamp;
use muster_ca::{Caller, Decision, Entry};
use muster_store::WriteError as NotWritten;
use muster_x509::Thumbprint;
use serde_json::Value;

use super::{
    Expiring, Kind, NamedCertificate,
    definition::define,
    expiry,
    possession::{NotShown, may_be_shown, new_code, shows_possession},
    sql,
};
use crate::{
    Dps, audited,
    enrollment::{
        Attestation, Authorities, Etag, Invalid, Member, Precondition, Standing, Stored, Unfulfilled,
        decide_delete, decide_put, one_certificate, sql::UnreadableRow,
    },
    external_crl::FEEDS_MAX,
};

/// As many as Azure stores on an instance, four times over (dps.md §9.4): each stays parsed in memory.
const AUTHORITIES_MAX: usize = 100;
/// A factory has an intermediate for a line or a product. Each is at most [`muster_x509::CERTIFICATE_BYTES_MAX`] long and
/// stays parsed in memory, and is found by its name.
const INTERMEDIATES_MAX: usize = 500;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("there is no certificate `{name}`")]
    NotFound { name: String },
    #[error(transparent)]
    Store(#[from] UnreadableRow),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("header `If-Match` is missing: send the ETag of certificate `{name}`, or `*`")]
    Unconditional { name: String },
    #[error("{0}")]
    NotShown(#[from] NotShown),
    #[error("certificate `{name}` exists already, send `If-Match` with its ETag (or `*`) to change it")]
    Exists { name: String },
    #[error("there is no certificate `{name}`")]
    NotFound { name: String },
    #[error("certificate `{name}` has another ETag by now, read it again")]
    Changed { name: String },
    #[error("certificate `{name}` is what group `{group}` refers to, change the group first")]
    InUse { name: String, group: String },
    #[error("there are {max} certificates of kind `{}`, delete one first", kind.as_str())]
    Full { kind: Kind, max: usize },
    #[error(
        "there are more than {FEEDS_MAX} addresses of revocation lists, take one from another certificate first"
    )]
    TooManyFeeds,
    #[error(transparent)]
    Unreadable(#[from] UnreadableRow),
    #[error(transparent)]
    Store(#[from] NotWritten),
}

impl Dps {
    pub(crate) async fn certificates(&self) -> Result<Vec<NamedCertificate>, UnreadableRow> {
        let rows = self.db.fetch(sql::ALL, &[]).await?;
        let mut named = rows.iter().map(sql::named).collect::<Result<Vec<_>, _>>()?;
        self.with_feeds(&mut named).await?;
        Ok(named)
    }

    pub(crate) async fn certificate(&self, name: &str) -> Result<NamedCertificate, ReadError> {
        let found = self.find_certificate(name).await?;
        found.ok_or_else(|| ReadError::NotFound { name: name.to_owned() })
    }

    /// What the matching of chains needs of them.
    pub(crate) async fn stored(&self) -> Result<Vec<Stored>, UnreadableRow> {
        Ok(self.certificates().await?.into_iter().map(|named| named.stored).collect())
    }

    pub(crate) async fn put_certificate(
        &self,
        name: &str,
        body: &Value,
        precondition: &Precondition,
        by: &Caller,
        now: Timestamp,
    ) -> Result<NamedCertificate, WriteError> {
        let existing = self.find_certificate(name).await?;
        decide_put(existing.as_ref().map(|existing| &existing.etag), precondition)
            .map_err(|unfulfilled| unfulfilled_error(unfulfilled, name))?;
        let kept_name = existing.as_ref().map_or(name, |existing| &existing.stored.name).to_owned();
        let stored = define(kept_name, existing.as_ref().map(|existing| &existing.stored), body, now)?;
        self.check_room(existing.as_ref().map(|existing| &existing.stored), &stored).await?;
        let named = NamedCertificate {
            stored,
            etag: Etag::random(&*self.entropy),
            code: None,
            created: existing.as_ref().map_or(now, |existing| existing.created),
            updated: now,
        };
        let unit = match &existing {
            None => sql::insert(&named),
            Some(existing) => sql::replace(&named, existing),
        };
        let former = existing.as_ref().map(|existing| &existing.stored);
        self.write_certificate(name, unit, audited::of_upload(by, former, &named.stored), now).await?;
        Ok(self.find_certificate(name).await?.unwrap_or(named))
    }

    /// A code for the certificate as it is now; the one before is worth nothing from here on.
    pub(crate) async fn new_verification_code(
        &self,
        name: &str,
        precondition: &Precondition,
        by: &Caller,
        now: Timestamp,
    ) -> Result<NamedCertificate, WriteError> {
        let former = self.meant(name, precondition).await?;
        may_be_shown(&former, now)?;
        let code = new_code(&*self.entropy, now);
        let named = NamedCertificate {
            etag: Etag::random(&*self.entropy),
            code: Some(code.clone()),
            updated: now,
            ..former.clone()
        };
        let entry = audited::of_certificate(by, name, Decision::Allowed);
        let entry = entry.because("a verification code was asked for").of(former.stored.certificate.der());
        self.write_certificate(name, sql::set_code(&named, &code, &former.etag), entry, now).await?;
        Ok(named)
    }

    /// The body: `{"certificate": …}`, signed by the stored certificate's key, with the code as common name.
    pub(crate) async fn verify_certificate(
        &self,
        name: &str,
        body: &Value,
        precondition: &Precondition,
        by: &Caller,
        now: Timestamp,
    ) -> Result<NamedCertificate, WriteError> {
        let former = self.meant(name, precondition).await?;
        let text = Member::root(body).at("certificate");
        let proof = text
            .parsed(one_certificate)?
            .ok_or_else(|| text.wrong("is missing, give the verification certificate as PEM or base64"))?;
        shows_possession(&former, &proof, now)?;
        let Some(code) = &former.code else {
            return Err(NotShown::NoCode { name: former.stored.name }.into());
        };
        let mut named =
            NamedCertificate { etag: Etag::random(&*self.entropy), updated: now, ..former.clone() };
        named.stored.standing = Standing::Verified;
        named.code = None;
        let entry = audited::of_certificate(by, name, Decision::Allowed);
        let entry =
            entry.because("trusted: possession of its key was shown").of(former.stored.certificate.der());
        self.write_certificate(name, sql::verify(&named, code, &former.etag), entry, now).await?;
        Ok(named)
    }

    pub(crate) async fn delete_certificate(
        &self,
        name: &str,
        precondition: &Precondition,
        by: &Caller,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        let existing = self.find_certificate(name).await?;
        if *precondition == Precondition::Absent && existing.is_some() {
            return Err(WriteError::Unconditional { name: name.to_owned() });
        }
        decide_delete(existing.as_ref().map(|existing| &existing.etag), precondition)
            .map_err(|unfulfilled| unfulfilled_error(unfulfilled, name))?;
        let Some(NamedCertificate { stored, etag, .. }) = existing else { return Ok(()) };
        if let Some(group) = self.group_that_names(name) {
            return Err(WriteError::InUse { name: name.to_owned(), group });
        }
        let entry = audited::of_certificate(by, name, Decision::Allowed).because("deleted");
        let entry = entry.of(stored.certificate.der());
        self.write_certificate(name, sql::delete(name, &etag), entry, now).await
    }

    /// Has the lists of a certificate fetched at the next look, which is seconds away.
    pub(crate) async fn refresh_crls_of(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<NamedCertificate, WriteError> {
        let named = self.find_certificate(name).await?;
        let named = named.ok_or_else(|| WriteError::NotFound { name: name.to_owned() })?;
        self.make_crls_due(name, now).await?;
        Ok(named)
    }

    /// Says which authorities end soon, each once for every threshold that it passes.
    pub(crate) fn warn_of_expiry(&self, now: Timestamp) {
        let groups = self.known_groups();
        let mut said = self.expiring.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut ending: HashMap<Thumbprint, Expiring> = HashMap::new();
        for (what, certificate) in groups.trusted() {
            let Some(near) = expiry::expiring(certificate, now) else { continue };
            let thumbprint = certificate.sha256();
            if said.get(&thumbprint) != Some(&near)
                && !ending.contains_key(&thumbprint)
                && let Some(warning) = expiry::warning(certificate, now)
            {
                tracing::warn!(certificate = certificate.subject(), "{what} {warning}");
            }
            ending.insert(thumbprint, near);
        }
        *said = ending;
    }

    /// The certificate that a call is about, which must say which state of it it has seen.
    async fn meant(&self, name: &str, precondition: &Precondition) -> Result<NamedCertificate, WriteError> {
        if *precondition == Precondition::Absent {
            return Err(WriteError::Unconditional { name: name.to_owned() });
        }
        let found = self.find_certificate(name).await?;
        let found = found.ok_or_else(|| WriteError::NotFound { name: name.to_owned() })?;
        match precondition {
            Precondition::Matches(etag) if *etag != found.etag => {
                Err(WriteError::Changed { name: name.to_owned() })
            }
            Precondition::Matches(_) | Precondition::Any | Precondition::Absent => Ok(found),
        }
    }

    async fn check_room(&self, existing: Option<&Stored>, wanted: &Stored) -> Result<(), WriteError> {
        let name = &wanted.name;
        let kind = Kind::of(wanted.standing);
        if existing.map(|existing| Kind::of(existing.standing)) != Some(kind) {
            if kind == Kind::Intermediate
                && let Some(group) = self.group_that_names(name)
            {
                return Err(WriteError::InUse { name: name.clone(), group });
            }
            let (authorities, intermediates) = self.count_certificates().await?;
            let (count, max) = match kind {
                Kind::Authority => (authorities, AUTHORITIES_MAX),
                Kind::Intermediate => (intermediates, INTERMEDIATES_MAX),
            };
            if count >= max {
                return Err(WriteError::Full { kind, max });
            }
        }
        let feeds = wanted.crls.feeds.len();
        if feeds > 0 && self.feeds_elsewhere(name).await?.saturating_add(feeds) > FEEDS_MAX {
            return Err(WriteError::TooManyFeeds);
        }
        Ok(())
    }

    async fn count_certificates(&self) -> Result<(usize, usize), UnreadableRow> {
        let rows = self.db.fetch(sql::COUNT, &[]).await?;
        let Some(row) = rows.first() else { return Ok((0, 0)) };
        let (all, intermediates) = (row.int("n")?, row.int("intermediates")?);
        let count = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok((count(all - intermediates), count(intermediates)))
    }

    async fn write_certificate(
        &self,
        name: &str,
        unit: Vec<muster_store::Statement>,
        entry: Entry,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        match self.write_audited(unit, Some(entry), now).await {
            Ok(()) => {}
            Err(NotWritten::Unmet { .. }) => return Err(WriteError::Changed { name: name.to_owned() }),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = self.reload_groups().await {
            tracing::warn!(%error, "a certificate was changed but could not be read again yet");
        }
        Ok(())
    }

    async fn find_certificate(&self, name: &str) -> Result<Option<NamedCertificate>, UnreadableRow> {
        let rows = self.db.fetch(sql::ONE, &[name.to_ascii_lowercase().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut named = vec![sql::named(row)?];
        self.with_feeds(&mut named).await?;
        Ok(named.pop())
    }

    fn group_that_names(&self, name: &str) -> Option<String> {
        let names = |reference: &Option<String>| {
            reference.as_ref().is_some_and(|reference| reference.eq_ignore_ascii_case(name))
        };
        let groups = self.known_groups();
        let group = groups.iter().find(|group| match &group.attestation {
            Attestation::Authorities(Authorities { primary, secondary, .. }) => {
                names(primary) || names(secondary)
            }
            Attestation::SymmetricKey(_) | Attestation::Certificates(_) => false,
        });
        group.map(|group| group.id().to_string())
    }
}

fn unfulfilled_error(unfulfilled: Unfulfilled, name: &str) -> WriteError {
    let name = name.to_owned();
    match unfulfilled {
        Unfulfilled::Exists => WriteError::Exists { name },
        Unfulfilled::NotFound => WriteError::NotFound { name },
        Unfulfilled::Changed => WriteError::Changed { name },
    }
}
