//! Use cases of twins: read, report, edit. A change is decided on a copy and written only if the twin is still the one copied.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use muster_identity::DeviceId;
use muster_store::{Rows, WriteError};
use serde_json::{Map, Value};

use super::{
    Edit, Twin, TwinRefusal, device_view,
    edit::{Notice, Report, precondition},
    sql,
};
use crate::{
    recent::Recent,
    registry::{AdmitError, IfMatch, sql::key},
    service::Hub,
    telemetry::Verdict,
};

/// Copies of twins kept to decide the next change on, as stored text.
const CACHE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What a cached twin costs besides its text.
const CACHED_TWIN_BYTES: usize = 400;
/// Changes of one twin take turns in this process, so that devices hear of them in order. Devices share turns by hash.
const TURNS: usize = 1024;
/// Another node may be faster; not this often, unless something is wrong.
const ATTEMPTS_MAX: usize = 8;

pub(crate) struct Twins {
    /// Never the truth: every write is conditional, and no refusal is decided on a copy alone.
    copies: Mutex<Recent<DeviceId, Arc<Twin>>>,
    turns: Box<[tokio::sync::Mutex<()>]>,
    hasher: RandomState,
}

impl Twins {
    pub(crate) fn new() -> Self {
        Self {
            copies: Mutex::new(Recent::new(CACHE_BYTES_MAX)),
            turns: (0..TURNS).map(|_| tokio::sync::Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    pub(crate) fn forget(&self, device: &DeviceId) {
        self.copies().remove(device);
    }

    fn copy(&self, device: &DeviceId) -> Option<Arc<Twin>> {
        self.copies().find(device).cloned()
    }

    fn keep(&self, device: &DeviceId, twin: Arc<Twin>) {
        let weight = CACHED_TWIN_BYTES + twin.text_bytes();
        self.copies().write(device.clone(), twin, weight);
    }

    fn copies(&self) -> MutexGuard<'_, Recent<DeviceId, Arc<Twin>>> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self, device: &DeviceId) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns[self.hasher.hash_one(device) as usize % TURNS].lock().await
    }
}

/// A change, decided: what to write, and whom to tell.
struct Change {
    twin: Twin,
    notice: Option<Notice>,
}

impl Hub {
    /// What a device reads.
    pub(crate) async fn device_twin(&self, device: &DeviceId, now: Timestamp) -> Result<Bytes, TwinRefusal> {
        let twin = self.read_twin(device, now).await?;
        Ok(device_view(&twin).into())
    }

    pub(crate) async fn read_twin(&self, device: &DeviceId, now: Timestamp) -> Result<Twin, TwinRefusal> {
        if self.twin_reads.take(1, now) == Verdict::Exceeded {
            return Err(TwinRefusal::Throttled { quota: self.twin_reads.name });
        }
        self.load_twin(device).await
    }

    /// Merges reported properties; the new `$version`.
    pub(crate) async fn report(
        &self,
        device: &DeviceId,
        generation: &str,
        report: &Report,
        now: Timestamp,
    ) -> Result<u64, TwinRefusal> {
        let row = |was, twin: &Twin| sql::report_row(self.settings.name.as_str(), device, was, twin);
        let twin = self
            .change_twin(device, &sql::REPORT, now, row, |twin| {
                if &*twin.generation != generation {
                    return Err(TwinRefusal::NotFound); // the device that connected was deleted, this is its successor
                }
                report.apply(twin, now).map(|twin| Some(Change { twin, notice: None }))
            })
            .await?;
        Ok(twin.reported.version)
    }

    /// Changes tags and desired properties, and tells the device when it listens.
    pub(crate) async fn edit_twin(
        &self,
        device: &DeviceId,
        edit: &Edit,
        if_match: &IfMatch,
        now: Timestamp,
    ) -> Result<Arc<Twin>, TwinRefusal> {
        self.edit_when(device, edit, now, |twin| precondition(if_match, twin).map(|()| true)).await
    }

    /// Desired properties that provisioning has to tell: told once, and again only when they are others. Also well when the
    /// device is not there.
    pub async fn tell(
        &self,
        device: &DeviceId,
        desired: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), AdmitError> {
        if desired.is_empty() {
            return Ok(());
        }
        let told = async {
            if self.load_twin(device).await?.says(desired)? {
                return Ok(());
            }
            // Somebody else may say the same just now.
            let is_news = |twin: &Twin| twin.says(desired).map(|says| !says);
            self.edit_when(device, &Edit::merging(desired), now, is_news).await.map(drop)
        };
        match told.await {
            Ok(()) | Err(TwinRefusal::NotFound) => Ok(()),
            // No reason to keep a device out: the twin is full.
            Err(refusal @ (TwinRefusal::Invalid(_) | TwinRefusal::TooLarge { .. })) => {
                tracing::warn!(hub = %self.settings.name, %device, %refusal, "a twin does not say what it should");
                Ok(())
            }
            Err(refusal) => Err(AdmitError::Store(refusal.to_string())),
        }
    }

    async fn edit_when(
        &self,
        device: &DeviceId,
        edit: &Edit,
        now: Timestamp,
        wanted: impl Fn(&Twin) -> Result<bool, TwinRefusal>,
    ) -> Result<Arc<Twin>, TwinRefusal> {
        let row = |was, twin: &Twin| sql::edit_row(self.settings.name.as_str(), device, was, twin);
        self.change_twin(device, &sql::EDIT, now, row, |twin| {
            if !wanted(twin)? {
                return Ok(None);
            }
            let edited = edit.apply(twin, now)?;
            Ok(Some(Change { twin: edited.twin, notice: edited.notice }))
        })
        .await
    }

    /// Unless there is nothing to change.
    async fn change_twin(
        &self,
        device: &DeviceId,
        rows: &'static Rows,
        now: Timestamp,
        row: impl Fn(u64, &Twin) -> Value,
        decide: impl Fn(&Twin) -> Result<Option<Change>, TwinRefusal>,
    ) -> Result<Arc<Twin>, TwinRefusal> {
        if self.twin_updates.take(1, now) == Verdict::Exceeded {
            return Err(TwinRefusal::Throttled { quota: self.twin_updates.name });
        }
        let key = key(self.settings.name.as_str(), device);
        let _turn = self.twins.turn(device).await;
        for _ in 0..ATTEMPTS_MAX {
            let copy = self.twins.copy(device);
            let is_copy = copy.is_some();
            let twin = match copy {
                Some(twin) => twin,
                None => Arc::new(self.load_twin(device).await?),
            };
            self.twins.forget(device); // until the write is known to have happened
            let change = match decide(&twin) {
                Ok(Some(change)) => change,
                Ok(None) | Err(_) if is_copy => continue,
                nothing => {
                    self.twins.keep(device, Arc::clone(&twin));
                    return nothing.map(|_| twin);
                }
            };
            if self.db.put(rows, &key, row(twin.version, &change.twin)).await.map_err(unavailable)? {
                let changed = Arc::new(change.twin);
                self.twins.keep(device, Arc::clone(&changed));
                if let Some(notice) = change.notice {
                    self.sessions.notify(device, notice, now);
                }
                return Ok(changed);
            }
        }
        Err(TwinRefusal::Contended)
    }

    pub(crate) async fn load_twin(&self, device: &DeviceId) -> Result<Twin, TwinRefusal> {
        let unavailable = |error: muster_store::StoreError| TwinRefusal::Unavailable(error.to_string());
        let args = [self.settings.name.as_str().into(), device.as_str().into()];
        let rows = self.db.fetch(sql::FIND, &args).await.map_err(unavailable)?;
        sql::twin(rows.first().ok_or(TwinRefusal::NotFound)?).map_err(unavailable)
    }
}

fn unavailable(error: WriteError) -> TwinRefusal {
    TwinRefusal::Unavailable(error.to_string())
}
