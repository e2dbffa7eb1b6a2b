//! The use cases of the service API's `/registrations` (dps.md §7.2).

use muster_identity::RegistrationId;
use muster_store::{Statement, Value as Arg, WriteError as NotWritten};

use super::{ReadError, RemoveError};
use crate::{
    Dps,
    enrollment::{EnrollmentKind, Page, Precondition, sql::UnreadableRow},
    registration::{
        record::{EnrollmentName, Record},
        sql,
    },
};

impl Dps {
    pub(crate) async fn registration(&self, id: &RegistrationId) -> Result<Record, ReadError> {
        let found = self.find_registration(id).await?;
        found.map(|found| found.record).ok_or_else(|| ReadError::NotFound { id: id.clone() })
    }

    /// The record only: the device's identity at its hub stays (dps.md §9.3, deprovisioning).
    pub(crate) async fn delete_registration(
        &self,
        id: &RegistrationId,
        precondition: &Precondition,
    ) -> Result<(), RemoveError> {
        let found = self.find_registration(id).await?;
        let found = found.ok_or_else(|| RemoveError::NotFound { id: id.clone() })?;
        let changed = || RemoveError::Changed { id: id.clone() };
        if let Precondition::Matches(wanted) = precondition {
            // Clients send the store's ETag, or what they were shown: base64 of it with its quotes.
            let (stored, shown) = (found.record.etag.as_str(), found.record.etag_shown());
            if wanted.as_str() != stored && wanted.as_str() != shown {
                return Err(changed());
            }
        }
        let args: [Arg; 2] = [id.folded().into(), found.version.into()];
        match self.db.write(vec![Statement::new(sql::DELETE, args).exactly(1)]).await {
            Ok(_) => {
                self.operations.forget(&id.folded());
                Ok(())
            }
            Err(NotWritten::Unmet { .. }) => Err(changed()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn registrations_of_group(
        &self,
        group: &RegistrationId,
        after: &str,
        max: usize,
    ) -> Result<Page, UnreadableRow> {
        let name = EnrollmentName { kind: EnrollmentKind::Group, id: group.clone() };
        let limit = i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
        let args = [name.column().into(), after.into(), limit.into()];
        let rows = self.db.fetch(sql::OF_ENROLLMENT, &args).await?;
        let mut page = Page { items: Vec::with_capacity(rows.len()), next: None };
        for row in rows.iter().take(max) {
            page.items.push(Record::stored(row.text("document")?)?.for_service());
        }
        if rows.len() > max
            && let Some(last) = rows.get(max - 1)
        {
            page.next = Some(last.text("id")?.to_owned());
        }
        Ok(page)
    }

    async fn find_registration(&self, id: &RegistrationId) -> Result<Option<sql::Versioned>, UnreadableRow> {
        let rows = self.db.fetch(sql::ONE, &[id.folded().into()]).await?;
        rows.first().map(sql::versioned).transpose()
    }
}
