//! The handle: opening a hub, and what is done from time to time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Relaxed},
};

use jiff::{SignedDuration, Timestamp};
use muster_events::Log;
use muster_identity::Entropy;
use muster_store::Db;

use crate::{
    limits::CA_CERTIFICATES_MAX,
    registry::{ReadError, sql},
    session::{AuthMethods, Directory},
    settings::Settings,
    telemetry::Quota,
    twin::Twins,
};

/// Retention is a matter of days; looking once a minute keeps the log within a minute of it.
const TICK_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// A persistent session nobody came back to. The docs name no lifetime; a month outlasts repairs and holidays.
const SESSION_AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

pub struct Hub {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) log: Log,
    pub(crate) entropy: Entropy,
    pub(crate) sessions: Directory,
    pub(crate) twins: Twins,
    pub(crate) auth_methods: AuthMethods,
    pub(crate) connects: Quota,
    pub(crate) sends: Quota,
    pub(crate) twin_reads: Quota,
    pub(crate) twin_updates: Quota,
    /// For the limit only: counted here, corrected at every tick by what the registry has.
    pub(crate) devices: AtomicI64,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{count} CA certificates, at most {max}")]
    CaCertificates { count: usize, max: usize },
    #[error("registry could not be read: {0}")]
    Registry(#[from] ReadError),
}

impl Hub {
    pub async fn open(
        settings: Settings,
        db: Db,
        log: Log,
        entropy: Entropy,
    ) -> Result<Arc<Self>, OpenError> {
        let (count, max) = (settings.ca_certificates.len(), CA_CERTIFICATES_MAX);
        if count > max {
            return Err(OpenError::CaCertificates { count, max });
        }
        let limits = &settings.limits;
        let hub = Self {
            connects: Quota::new("connects", limits.connects),
            sends: Quota::new("sends", limits.sends),
            twin_reads: Quota::new("twin_reads", limits.twin_reads),
            twin_updates: Quota::new("twin_updates", limits.twin_updates),
            settings,
            db,
            log,
            entropy,
            sessions: Directory::new(),
            twins: Twins::new(),
            auth_methods: AuthMethods::new(),
            devices: AtomicI64::new(0),
        };
        hub.count_devices().await?;
        Ok(Arc::new(hub))
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Live sessions.
    pub fn connected(&self) -> usize {
        self.sessions.connected()
    }

    /// Retention of the log, expiry of sessions. Returns when it wants to be called again.
    pub async fn tick(&self, now: Timestamp) -> Option<Timestamp> {
        let hub = &self.settings.name;
        match self.log.trim(&self.settings.retention, now).await {
            Ok(trimmed) if trimmed.events > 0 => {
                tracing::info!(%hub, events = trimmed.events, bytes = trimmed.bytes, "old events removed");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%hub, %error, "old events could not be removed"),
        }
        let expired = sql::expire_sessions(hub.as_str(), now - SESSION_AGE_MAX);
        if let Err(error) = self.db.write(vec![expired]).await {
            tracing::warn!(%hub, %error, "old sessions could not be removed");
        }
        if let Err(error) = self.count_devices().await {
            tracing::warn!(%hub, %error, "devices could not be counted");
        }
        now.checked_add(TICK_EVERY).ok()
    }

    async fn count_devices(&self) -> Result<(), ReadError> {
        let counts = self.device_counts().await?;
        self.devices.store(i64::try_from(counts.total).unwrap_or(i64::MAX), Relaxed);
        Ok(())
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }

    /// By which an answer and what is known of it find each other (hub-device.md §11.1).
    pub(crate) fn tracking_id(&self, now: Timestamp) -> String {
        let id = hex::encode_upper(self.random::<16>());
        format!("{id}-G:0-TimeStamp:{}", now.strftime("%m/%d/%Y %H:%M:%S"))
    }
}
