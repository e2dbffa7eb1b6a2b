//! Stored certificates read, written and deleted.

use jiff::Timestamp;
use muster_store::WriteError as NotWritten;
use serde_json::Value;

use super::{NamedCertificate, read, sql};
use crate::{
    Dps,
    enrollment::{
        Attestation, Authorities, Etag, Invalid, Precondition, Stored, Unfulfilled, decide_delete,
        decide_put, sql::UnreadableRow,
    },
};

/// As many as Azure stores on an instance, four times over (dps.md §9.4): each stays parsed in memory.
const CERTIFICATES_MAX: usize = 100;

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
    #[error("certificate `{name}` exists already, send `If-Match` with its ETag (or `*`) to change it")]
    Exists { name: String },
    #[error("there is no certificate `{name}`")]
    NotFound { name: String },
    #[error("certificate `{name}` has another ETag by now, read it again")]
    Changed { name: String },
    #[error("certificate `{name}` is what group `{group}` refers to, change the group first")]
    InUse { name: String, group: String },
    #[error("there are {CERTIFICATES_MAX} certificates, delete one first")]
    Full,
    #[error(transparent)]
    Unreadable(#[from] UnreadableRow),
    #[error(transparent)]
    Store(#[from] NotWritten),
}

impl Dps {
    pub(crate) async fn certificates(&self) -> Result<Vec<NamedCertificate>, UnreadableRow> {
        self.db.fetch(sql::ALL, &[]).await?.iter().map(sql::named).collect()
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
        now: Timestamp,
    ) -> Result<NamedCertificate, WriteError> {
        let (certificate, standing) = read(body)?;
        let existing = self.find_certificate(name).await?;
        decide_put(existing.as_ref().map(|existing| &existing.etag), precondition)
            .map_err(|unfulfilled| unfulfilled_error(unfulfilled, name))?;
        if existing.is_none() && self.certificates().await?.len() >= CERTIFICATES_MAX {
            return Err(WriteError::Full);
        }
        let kept_name = existing.as_ref().map_or(name, |existing| &existing.stored.name).to_owned();
        let named = NamedCertificate {
            stored: Stored { name: kept_name, certificate, standing },
            etag: Etag::random(&*self.entropy),
            created: existing.as_ref().map_or(now, |existing| existing.created),
            updated: now,
        };
        let unit = match &existing {
            None => sql::insert(&named),
            Some(existing) => sql::replace(&named, &existing.etag),
        };
        self.write_certificate(name, unit).await?;
        Ok(named)
    }

    pub(crate) async fn delete_certificate(
        &self,
        name: &str,
        precondition: &Precondition,
    ) -> Result<(), WriteError> {
        let existing = self.find_certificate(name).await?.map(|existing| existing.etag);
        decide_delete(existing.as_ref(), precondition)
            .map_err(|unfulfilled| unfulfilled_error(unfulfilled, name))?;
        let Some(etag) = existing else { return Ok(()) };
        if let Some(group) = self.group_that_names(name) {
            return Err(WriteError::InUse { name: name.to_owned(), group });
        }
        self.write_certificate(name, sql::delete(name, &etag)).await
    }

    async fn write_certificate(
        &self,
        name: &str,
        unit: Vec<muster_store::Statement>,
    ) -> Result<(), WriteError> {
        match self.db.write(unit).await {
            Ok(_) => {}
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
        rows.first().map(sql::named).transpose()
    }

    fn group_that_names(&self, name: &str) -> Option<String> {
        let names = |reference: &Option<String>| {
            reference.as_ref().is_some_and(|reference| reference.eq_ignore_ascii_case(name))
        };
        let groups = self.known_groups();
        let group = groups.iter().find(|group| match &group.attestation {
            Attestation::Authorities(Authorities { primary, secondary }) => {
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
