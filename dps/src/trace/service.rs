//! Traces written behind the devices' backs, read by operators, and forgotten in time.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use muster_store::{Statement, StoreError};
use tokio::time::sleep;

use super::{Trace, TrackingId, sql};
use crate::Dps;

/// Written together: few enough to leave room in the writer's queue for registrations.
const WRITTEN_AT_ONCE: usize = 64;
/// A pause after a write that failed; what arrives meanwhile waits, or is dropped when too much waits.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
/// Deleted in one transaction; the rest in the next, so that no registration waits for long.
const DELETED_AT_ONCE: u32 = 1000;
const DELETIONS_A_TICK: usize = 20;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("there is no trace `{0}`, it may be too old")]
    NotFound(TrackingId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Dps {
    /// Never ends by itself.
    pub(crate) async fn write_traces(&self) {
        loop {
            if !self.write_some_traces().await {
                self.traces.arrived().notified().await;
            }
        }
    }

    /// What is left at the end.
    pub(crate) async fn flush_traces(&self) {
        let waiting = self.traces.oldest(usize::MAX).len();
        for _ in 0..=waiting / WRITTEN_AT_ONCE {
            self.write_some_traces().await;
        }
    }

    pub(crate) async fn trace(&self, id: TrackingId) -> Result<Trace, ReadError> {
        if let Some(trace) = self.traces.find(id) {
            return Ok(trace);
        }
        let rows = self.db.fetch(sql::ONE, &[id.to_string().into()]).await?;
        let document = rows.first().map(|row| row.text("document")).transpose()?;
        let trace = document.and_then(|document| serde_json::from_str(document).ok());
        trace.ok_or(ReadError::NotFound(id))
    }

    /// Latest first, of one device or of all.
    pub(crate) async fn latest_traces(
        &self,
        registration_id: Option<&str>,
        top: usize,
    ) -> Result<Vec<Trace>, StoreError> {
        let limit = i64::try_from(top).unwrap_or(i64::MAX).into();
        let mut traces = self.traces.latest(registration_id, top);
        let rows = match registration_id {
            Some(id) => self.db.fetch(sql::LATEST_OF, &[id.to_ascii_lowercase().into(), limit]).await?,
            None => self.db.fetch(sql::LATEST, &[limit]).await?,
        };
        for row in &rows {
            let Ok(trace) = serde_json::from_str::<Trace>(row.text("document")?) else { continue };
            if !traces.iter().any(|known| known.tracking_id == trace.tracking_id) {
                traces.push(trace);
            }
        }
        traces.sort_by_key(|trace| std::cmp::Reverse(trace.at));
        traces.truncate(top);
        Ok(traces)
    }

    /// Those beyond the limits go, oldest first; some each time.
    pub(crate) async fn forget_traces(&self, now: Timestamp) -> Result<(), muster_store::WriteError> {
        let limits = &self.settings.limits;
        let oldest = now.saturating_sub(SignedDuration::from_secs(limits.trace_age_s));
        let oldest = oldest.unwrap_or(Timestamp::MIN).as_microsecond();
        let kept = i64::try_from(limits.traces_max).unwrap_or(i64::MAX);
        for (sql, bound) in [(sql::DELETE_OLDER, oldest), (sql::DELETE_BEYOND, kept)] {
            for _ in 0..DELETIONS_A_TICK {
                let args = [bound.into(), DELETED_AT_ONCE.into()];
                let changed = self.db.write(vec![Statement::new(sql, args)]).await?;
                if changed.first().is_none_or(|changed| *changed < u64::from(DELETED_AT_ONCE)) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// False when nothing waited.
    async fn write_some_traces(&self) -> bool {
        let some = self.traces.oldest(WRITTEN_AT_ONCE);
        if some.is_empty() {
            return false;
        }
        let keys: Vec<_> = some.iter().map(|trace| trace.tracking_id.to_string()).collect();
        let writes =
            some.iter().zip(&keys).map(|(trace, key)| self.db.put(&sql::INSERT, key, sql::row(trace)));
        let failed = join_all(writes).await.into_iter().find_map(Result::err);
        self.traces.written(some.len());
        if let Some(error) = failed {
            tracing::warn!(%error, "traces could not be written");
            sleep(PAUSE).await;
        }
        true
    }
}
