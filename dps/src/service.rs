//! The handle: opened once, extended by every concept.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use jiff::{SignedDuration, Timestamp};
use muster_ca::Ca;
use muster_identity::Entropy;
use muster_store::Db;
use muster_x509::Thumbprint;
use tokio::sync::{Mutex, Notify, mpsc, watch};

use crate::{
    Link, Settings,
    allocation::Linked,
    certificate::Expiring,
    enrollment::{Groups, sql::UnreadableRow},
    registration::{ASSIGNMENTS_WAITING_MAX, Job, Operations},
    throttle::Throttle,
    trace::Traces,
};

/// How often old traces are looked for.
const TICK: SignedDuration = SignedDuration::from_secs(60);

/// The service. Cheap to share, safe to ask from any number of tasks.
pub struct Dps {
    pub(crate) settings: Settings,
    pub(crate) links: Vec<Link>,
    /// What the rules see of the links.
    pub(crate) linked: Vec<Linked>,
    pub(crate) db: Db,
    /// None where nothing is issued to devices.
    pub(crate) ca: Option<Arc<Ca>>,
    pub(crate) entropy: Entropy,
    pub(crate) groups: RwLock<Arc<Groups>>,
    pub(crate) reloading: Mutex<()>,
    /// Told after revocation lists became others.
    pub(crate) lists_changed: watch::Sender<()>,
    pub(crate) operations: Arc<Operations>,
    pub(crate) traces: Traces,
    pub(crate) jobs: mpsc::Sender<Job>,
    /// The other end of `jobs`, until the worker takes it.
    pub(crate) waiting: Mutex<Option<mpsc::Receiver<Job>>>,
    /// A device is to be reminded.
    pub(crate) reminders: Notify,
    pub(crate) by_source: Throttle,
    pub(crate) by_identity: Throttle,
    /// Authorities whose end is near, as far as it was said.
    pub(crate) expiring: std::sync::Mutex<HashMap<Thumbprint, Expiring>>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("field `retry_after_s` is 0, devices would poll without a pause: give 1 or more")]
    NoPause,
    #[error("the tables of the provisioning service cannot be read: {0}")]
    Unreadable(String),
}

impl Dps {
    /// Opens the service on its tables. Nothing moves before [`Dps::run`].
    pub async fn open(
        settings: Settings,
        links: Vec<Link>,
        db: Db,
        ca: Option<Arc<Ca>>,
        entropy: Entropy,
    ) -> Result<Arc<Self>, OpenError> {
        if settings.retry_after_s == 0 {
            return Err(OpenError::NoPause);
        }
        let (jobs, waiting) = mpsc::channel(ASSIGNMENTS_WAITING_MAX);
        let mut seed = [0; 8];
        entropy(&mut seed);
        let (seed, limits) = (u64::from_le_bytes(seed), &settings.limits);
        let dps = Self {
            linked: links.iter().map(Linked::from).collect(),
            by_source: Throttle::new(limits.source_per_s, limits.source_burst, seed),
            by_identity: Throttle::new(limits.identity_per_s, limits.identity_burst, seed),
            settings,
            links,
            db,
            ca,
            entropy,
            groups: RwLock::new(Arc::new(Groups::unread())),
            reloading: Mutex::new(()),
            lists_changed: watch::Sender::new(()),
            operations: Arc::default(),
            traces: Traces::default(),
            jobs,
            waiting: Mutex::new(Some(waiting)),
            reminders: Notify::new(),
            expiring: std::sync::Mutex::default(),
        };
        dps.reload_groups().await.map_err(|error: UnreadableRow| OpenError::Unreadable(error.to_string()))?;
        Ok(Arc::new(dps))
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Traces that were not kept because too many waited to be written.
    pub fn traces_dropped(&self) -> u64 {
        self.traces.dropped()
    }

    /// Takes in what other nodes on this database changed of groups, stored certificates and revocation lists. A process that
    /// has its database to itself need not ask.
    pub async fn hear_nodes(&self) -> Result<(), OpenError> {
        let heard = self.reload_groups().await;
        heard.map(drop).map_err(|error| OpenError::Unreadable(error.to_string()))
    }

    /// What time alone brings: old traces go, authorities end. Answers when it wants to be called again.
    pub async fn tick(&self, now: Timestamp) -> Option<Timestamp> {
        if let Err(error) = self.forget_traces(now).await {
            tracing::warn!(%error, "old traces could not be deleted");
        }
        self.warn_of_expiry(now);
        now.saturating_add(TICK).ok()
    }
}
