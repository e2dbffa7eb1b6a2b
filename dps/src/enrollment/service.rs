//! Enrollments read, written, listed, and kept in memory as far as every device needs them.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use jiff::Timestamp;
use muster_ca::Caller;
use muster_identity::{HostName, RegistrationId};
use muster_store::{StoreError, WriteError as NotWritten};
use serde_json::Value;

use super::{
    Attestation, Definition, Enrollment, EnrollmentKind, Etag, Filter, Groups, Invalid, Known, Precondition,
    Unfulfilled, Write, decide_delete, decide_put, define, not_expired, says_without_certificate, sql,
    sql::UnreadableRow, unsettled, without_keys,
};
use crate::{Dps, audited::of_policy, registration::Record};

/// Each device without an enrollment of its own is compared with every group's keys: some 5 µs a group.
pub(crate) const GROUPS_MAX: usize = 1000;
/// Azure takes 10 in a call; here so many that a factory's day fits into a few.
pub(crate) const BULK_ITEMS_MAX: usize = 1000;
/// Enough at once for one commit to carry them, few enough to leave room in the writer's queue for devices.
const BULK_AT_ONCE: usize = 64;
/// Rows a query with a condition looks at before it answers with what it has and where to go on.
const SCANNED_MAX: usize = 10_000;
const SCANNED_AT_ONCE: usize = 500;
/// Another writer came between reading and writing; with three in a row somebody else should have a turn.
const ATTEMPTS_MAX: usize = 3;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("there is no {kind} `{id}`")]
    NotFound { kind: EnrollmentKind, id: RegistrationId },
    #[error(transparent)]
    Store(#[from] UnreadableRow),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("{kind} `{id}` exists already, send `If-Match` with its ETag (or `*`) to change it")]
    Exists { kind: EnrollmentKind, id: RegistrationId },
    #[error("there is no {kind} `{id}`")]
    NotFound { kind: EnrollmentKind, id: RegistrationId },
    #[error("{kind} `{id}` has another ETag by now, read it again")]
    Changed { kind: EnrollmentKind, id: RegistrationId },
    #[error("there are {GROUPS_MAX} enrollment groups, delete one first")]
    Full,
    #[error(transparent)]
    Unreadable(#[from] UnreadableRow),
    #[error(transparent)]
    Store(#[from] NotWritten),
}

/// One page of a query, already as JSON.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    /// The id to go on after; `None` on the last page.
    pub(crate) next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BulkMode {
    Create,
    Update,
    UpdateIfMatchEtag,
    Delete,
}

/// Why one item of a bulk call was not done; the others are.
#[derive(Debug)]
pub(crate) struct BulkError {
    /// As far as it could be read.
    pub(crate) id: String,
    pub(crate) error: WriteError,
}

impl Dps {
    pub(crate) async fn enrollment(
        &self,
        kind: EnrollmentKind,
        id: &RegistrationId,
    ) -> Result<Enrollment, ReadError> {
        let found = self.find_enrollment(kind, id).await?;
        found.ok_or_else(|| ReadError::NotFound { kind, id: id.clone() })
    }

    pub(crate) async fn put_enrollment(
        &self,
        kind: EnrollmentKind,
        id: RegistrationId,
        body: &Value,
        precondition: &Precondition,
        by: &Caller,
        now: Timestamp,
    ) -> Result<Enrollment, WriteError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let existing = self.find_enrollment(kind, &id).await?;
            let write = decide_put(existing.as_ref().map(|existing| &existing.etag), precondition)
                .map_err(|unfulfilled| unfulfilled.error(kind, &id))?;
            let known = Known::Request {
                existing: existing.as_ref().map(|existing| &existing.attestation),
                entropy: &self.entropy,
            };
            let mut definition = define(kind, id.clone(), body, known)?;
            if let Some(existing) = &existing
                && definition.credential_policy.is_some()
                && !says_without_certificate(body)
            {
                definition.without_certificate = existing.without_certificate;
            }
            self.check_surroundings(&definition, write)?;
            if kind == EnrollmentKind::Group {
                let former = existing.as_ref().map(|existing| &existing.attestation);
                not_expired(&definition.attestation, former, now)?;
            }
            let etag = Etag::random(&*self.entropy);
            let created = existing.as_ref().map_or(now, |existing| existing.created);
            let enrollment = definition.stamped(etag, created, now);
            let unit = match &existing {
                None => sql::insert(&enrollment),
                Some(existing) => sql::replace(&enrollment, &existing.etag),
            };
            let former = existing.as_ref().and_then(|existing| existing.credential_policy.as_ref());
            let entry = of_policy(by, kind, id.as_str(), former, enrollment.credential_policy.as_ref());
            match self.write_audited(unit, entry, now).await {
                Ok(()) => {
                    self.after_change(kind).await;
                    return Ok(enrollment);
                }
                Err(NotWritten::Unmet { .. }) if attempt < ATTEMPTS_MAX => {}
                Err(NotWritten::Unmet { .. }) => return Err(WriteError::Changed { kind, id }),
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) async fn delete_enrollment(
        &self,
        kind: EnrollmentKind,
        id: &RegistrationId,
        precondition: &Precondition,
        by: &Caller,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let existing = self.find_enrollment(kind, id).await?;
            decide_delete(existing.as_ref().map(|existing| &existing.etag), precondition)
                .map_err(|unfulfilled| unfulfilled.error(kind, id))?;
            let Some(Enrollment { etag, credential_policy, .. }) = existing else { return Ok(()) };
            let entry = of_policy(by, kind, id.as_str(), credential_policy.as_ref(), None);
            match self.write_audited(sql::delete(kind, id, &etag), entry, now).await {
                Ok(()) => {
                    self.after_change(kind).await;
                    return Ok(());
                }
                Err(NotWritten::Unmet { .. }) if attempt < ATTEMPTS_MAX => {}
                Err(NotWritten::Unmet { .. }) => {
                    return Err(WriteError::Changed { kind, id: id.clone() });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) async fn enrollments(
        &self,
        kind: EnrollmentKind,
        filter: &Filter,
        after: &str,
        max: usize,
    ) -> Result<Page, UnreadableRow> {
        let mut page = Page { items: Vec::new(), next: None };
        let (mut after, mut scanned) = (after.to_owned(), 0);
        loop {
            let wanted = if filter.takes_all() { max } else { SCANNED_AT_ONCE };
            let limit = i64::try_from(wanted).unwrap_or(i64::MAX).saturating_add(1);
            let rows =
                self.db.fetch(sql::PAGE, &[kind.as_str().into(), (&after).into(), limit.into()]).await?;
            for (at, row) in rows.iter().take(wanted).enumerate() {
                let registration = row.opt_text("registration")?.map(Record::stored).transpose()?;
                let registration = registration.as_ref().map(Record::for_service);
                let json = without_keys(&sql::enrollment(kind, row)?, registration);
                if filter.takes(&json) {
                    page.items.push(json);
                }
                after = row.text("id")?.to_owned();
                scanned += 1;
                let is_last = at + 1 == rows.len();
                if !is_last && (page.items.len() == max || scanned == SCANNED_MAX) {
                    page.next = Some(after);
                    return Ok(page);
                }
            }
            if rows.len() <= wanted {
                return Ok(page);
            }
        }
    }

    /// Each item for itself: one that fails does not stop the others (dps.md §7.2).
    pub(crate) async fn bulk(
        &self,
        kind: EnrollmentKind,
        mode: BulkMode,
        items: &[Value],
        by: &Caller,
        now: Timestamp,
    ) -> Vec<BulkError> {
        let mut errors = Vec::new();
        for some in items.chunks(BULK_AT_ONCE) {
            let mut done: Vec<BoxFuture<'_, _>> = Vec::with_capacity(some.len());
            for item in some {
                done.push(Box::pin(self.bulk_item(kind, mode, item, by, now)));
            }
            errors.extend(join_all(done).await.into_iter().filter_map(Result::err));
        }
        errors
    }

    async fn bulk_item(
        &self,
        kind: EnrollmentKind,
        mode: BulkMode,
        item: &Value,
        by: &Caller,
        now: Timestamp,
    ) -> Result<(), BulkError> {
        let id = unsettled(kind, item);
        let shown = id.as_ref().map(ToString::to_string).unwrap_or_default();
        let done = async {
            let id = id?;
            let precondition = bulk_precondition(mode, item)?;
            match mode {
                BulkMode::Delete => self.delete_enrollment(kind, &id, &precondition, by, now).await,
                BulkMode::Update if self.find_enrollment(kind, &id).await?.is_none() => {
                    Err(WriteError::NotFound { kind, id })
                }
                BulkMode::Create | BulkMode::Update | BulkMode::UpdateIfMatchEtag => {
                    self.put_enrollment(kind, id, item, &precondition, by, now).await.map(drop)
                }
            }
        };
        done.await.map_err(|error| BulkError { id: shown, error })
    }

    /// The groups as they are in this generation of the tables.
    pub(crate) async fn groups(&self, generation: i64) -> Result<Arc<Groups>, UnreadableRow> {
        let known = self.known_groups();
        if known.generation == generation {
            return Ok(known);
        }
        self.reload_groups().await
    }

    pub(crate) fn known_groups(&self) -> Arc<Groups> {
        self.groups.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The generation is read first: what changes meanwhile makes this copy look old, never new.
    pub(crate) async fn reload_groups(&self) -> Result<Arc<Groups>, UnreadableRow> {
        let _one_at_a_time = self.reloading.lock().await;
        let rows = self.db.fetch(sql::GENERATION, &[]).await?;
        let generation = rows.first().map_or(Ok(0), |row| row.int("n"))?;
        let known = self.known_groups();
        if known.generation == generation {
            return Ok(known); // whoever held the lock before has done it
        }
        let rows = self.db.fetch(sql::GROUPS, &[]).await?;
        let groups = rows.iter().map(|row| sql::enrollment(EnrollmentKind::Group, row).map(Arc::new));
        let groups = Groups::new(generation, groups.collect::<Result<_, _>>()?, self.stored().await?);
        let groups = Arc::new(groups);
        *self.groups.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::clone(&groups);
        if !groups.rolls.same(&known.rolls) {
            self.lists_changed.send_replace(());
        }
        Ok(groups)
    }

    async fn find_enrollment(
        &self,
        kind: EnrollmentKind,
        id: &RegistrationId,
    ) -> Result<Option<Enrollment>, UnreadableRow> {
        let rows = self.db.fetch(sql::ONE, &[kind.as_str().into(), id.folded().into()]).await?;
        rows.first().map(|row| sql::enrollment(kind, row)).transpose()
    }

    /// What an enrollment refers to must be there: hubs, stored certificates, an authority; and there must be room.
    fn check_surroundings(&self, definition: &Definition, write: Write) -> Result<(), WriteError> {
        let linked = |host: &HostName| self.links.iter().any(|link| link.hub.host() == host);
        if let Some(host) = definition.allocation.named_hubs().find(|host| !linked(host)) {
            let hosts: Vec<_> = self.links.iter().map(|link| format!("`{}`", link.hub.host())).collect();
            let problem = format!("`{host}` is not linked, use {}", hosts.join(", "));
            return Err(Invalid { field: "iotHubs".to_owned(), problem }.into());
        }
        if let Some(policy) = &definition.credential_policy {
            policy.check(self.ca.as_deref()).map_err(|unusable| Invalid {
                field: "credentialPolicyName".to_owned(),
                problem: unusable.to_string(),
            })?;
        }
        let groups = self.known_groups();
        if let Attestation::Authorities(names) = &definition.attestation
            && let Some(name) = groups.missing(names)
        {
            let problem = format!("there is no certificate `{name}`, store it first");
            return Err(Invalid { field: "attestation.x509.caReferences".to_owned(), problem }.into());
        }
        if let Attestation::Authorities(names) = &definition.attestation
            && let Some(name) = groups.no_authority(names)
        {
            let problem = format!(
                "certificate `{name}` is an intermediate, which anchors nothing: refer to the authority above it, or store it as `authority`"
            );
            return Err(Invalid { field: "attestation.x509.caReferences".to_owned(), problem }.into());
        }
        let is_group = definition.subject.kind() == EnrollmentKind::Group;
        if is_group && write == Write::Create && groups.iter().count() >= GROUPS_MAX {
            return Err(WriteError::Full);
        }
        Ok(())
    }

    /// The write is done; if the copy cannot be renewed now, the next registration will.
    async fn after_change(&self, kind: EnrollmentKind) {
        if kind == EnrollmentKind::Group
            && let Err(error) = self.reload_groups().await
        {
            tracing::warn!(%error, "enrollment groups were changed but could not be read again yet");
        }
    }
}

impl Unfulfilled {
    fn error(self, kind: EnrollmentKind, id: &RegistrationId) -> WriteError {
        let id = id.clone();
        match self {
            Self::Exists => WriteError::Exists { kind, id },
            Self::NotFound => WriteError::NotFound { kind, id },
            Self::Changed => WriteError::Changed { kind, id },
        }
    }
}

fn bulk_precondition(mode: BulkMode, item: &Value) -> Result<Precondition, Invalid> {
    match mode {
        BulkMode::Create => Ok(Precondition::Absent),
        BulkMode::Update | BulkMode::Delete => Ok(Precondition::Any),
        BulkMode::UpdateIfMatchEtag => {
            let etag = item.get("etag").and_then(Value::as_str);
            match Precondition::parse(etag) {
                Ok(Precondition::Matches(etag)) => Ok(Precondition::Matches(etag)),
                Ok(Precondition::Absent | Precondition::Any) | Err(_) => Err(Invalid {
                    field: "etag".to_owned(),
                    problem: "`updateIfMatchETag` wants the ETag of what is replaced".to_owned(),
                }),
            }
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}
