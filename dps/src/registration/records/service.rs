//! The use cases of the service API's `/registrations` (dps.md §7.2).

use muster_identity::{DeviceId, HostName, RegistrationId};
use muster_store::{Statement, Value as Arg, WriteError as NotWritten};

use super::{ReadError, RemoveError, WhereaboutsError};
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

    /// Every identity at a hub that the holder of a certificate has, or may have while it moves: none when it never registered.
    pub async fn devices_of(&self, holder: &str) -> Result<Vec<(HostName, DeviceId)>, WhereaboutsError> {
        let Ok(id) = RegistrationId::parse(holder) else { return Ok(Vec::new()) };
        let Some(found) = self.find_registration(&id).await? else { return Ok(Vec::new()) };
        let record = &found.record;
        let on_the_way = record.in_flight().into_iter().flat_map(|plan| plan.leaves.iter().chain([&plan.to]));
        let mut places: Vec<_> = Vec::new();
        for place in record.home.iter().chain(&record.strays).chain(on_the_way) {
            let place = (place.hub.clone(), place.device.clone());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(places)
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
