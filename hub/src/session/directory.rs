//! Who is connected, and what is remembered of those who were. In memory: after a restart nobody is.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
};

use jiff::Timestamp;
use muster_identity::DeviceId;
use muster_mqtt::QoS;
use tokio::sync::mpsc;

use super::{
    Disconnect, Granted, Refused, Shown, ToDevice,
    credential::still_holds,
    live::{Session, Shared},
};
use crate::{
    limits::MAILBOX_MAX,
    recent::Recent,
    registry::{Device, instant},
    telemetry::Bucket,
    twin::{Liveness, Notice},
};

/// Connections come and go on every core at once; a power of two.
const SHARDS: usize = 64;
/// Refusals kept for the operator. Whoever is refused may be anybody, so these are few and the oldest go.
const REFUSALS_MAX: usize = 1024;

pub(crate) struct Directory {
    shards: Box<[Shard]>,
    hasher: RandomState,
    connected: AtomicUsize,
    serials: AtomicU64,
    refusals: Mutex<Recent<DeviceId, Past<Refused>>>,
}

struct Shard {
    /// As many as devices that ever got in and still exist: no more than the registry has.
    known: Mutex<HashMap<DeviceId, Presence>>,
    /// Counts changes of the registry, see `Directory::changes`.
    changes: AtomicU64,
}

#[derive(Default)]
struct Presence {
    live: Option<Live>,
    changed: Option<Timestamp>,
    last_activity: Option<Timestamp>,
    /// Kept across connections, or reconnecting would fill it.
    sends: Bucket,
    ended: Option<Past<Disconnect>>,
}

struct Live {
    serial: u64,
    shared: Arc<Shared>,
    /// The only sender: dropping it ends the mailbox.
    mailbox: mpsc::Sender<Box<ToDevice>>,
}

/// Something that happened to a device.
#[derive(Clone, Debug)]
pub(crate) struct Past<T> {
    pub what: T,
    pub at: Timestamp,
}

/// What a new session gets from the directory.
pub(crate) struct Entered {
    pub serial: u64,
    pub mailbox: mpsc::Receiver<Box<ToDevice>>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        let shard = || Shard { known: Mutex::new(HashMap::new()), changes: AtomicU64::new(0) };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::new(),
            connected: AtomicUsize::new(0),
            serials: AtomicU64::new(0),
            refusals: Mutex::new(Recent::new(REFUSALS_MAX)),
        }
    }

    pub(crate) fn connected(&self) -> usize {
        self.connected.load(Relaxed)
    }

    /// Counts registry changes near this device. Whoever reads the registry and then enters a session compares before and
    /// after; whoever changes the registry counts after the commit and then looks for sessions. So one of them sees the other.
    pub(crate) fn changes(&self, device: &DeviceId) -> u64 {
        self.shard(device).changes.load(SeqCst)
    }

    /// Makes this the device's session; one that was there is cut (§1.5).
    pub(crate) fn enter(&self, device: &DeviceId, shared: &Arc<Shared>, now: Timestamp) -> Entered {
        let (sender, mailbox) = mpsc::channel(MAILBOX_MAX);
        let serial = self.serials.fetch_add(1, Relaxed);
        let mut known = self.known(device);
        let presence = known.entry(device.clone()).or_default();
        if presence.live.is_some() {
            presence.end(Disconnect::TakenOver, now);
        } else {
            self.connected.fetch_add(1, Relaxed);
        }
        shared.set_sends(presence.sends);
        presence.live = Some(Live { serial, shared: Arc::clone(shared), mailbox: sender });
        presence.changed = Some(now);
        Entered { serial, mailbox }
    }

    /// The connection of this session is gone. Nothing happens when another has taken its place.
    pub(crate) fn leave(&self, session: &Session, why: Disconnect, now: Timestamp) {
        let mut known = self.known(&session.device);
        let Some(presence) = known.get_mut(&session.device) else { return };
        if presence.live.as_ref().is_some_and(|live| live.serial == session.serial) {
            presence.end(why, now);
            self.connected.fetch_sub(1, Relaxed);
        }
    }

    /// The registry has changed this device: its session stays only if it would be let in again.
    pub(crate) fn recheck(&self, device: &Device, now: Timestamp) {
        self.count_change(&device.id);
        self.end_unless(&device.id, now, |live| match live.shared.generation == device.generation {
            true => still_holds(&live.shared.proof, device),
            false => Err(Disconnect::Deleted),
        });
    }

    /// The device is gone from the registry.
    pub(crate) fn forget(&self, device: &DeviceId, now: Timestamp) {
        self.count_change(device);
        self.end_unless(device, now, |_| Err(Disconnect::Deleted));
        self.known(device).remove(device);
    }

    /// Every session is looked at, one shard after the other: devices elsewhere connect meanwhile.
    pub(crate) fn cut(&self, judge: &dyn Fn(Shown<'_>) -> Option<String>, now: Timestamp) -> usize {
        let mut cut = 0;
        for shard in &self.shards {
            let mut known = shard.known.lock().unwrap_or_else(PoisonError::into_inner);
            for presence in known.values_mut() {
                let shown = presence.live.as_ref().and_then(|live| live.shared.shown());
                if let Some(why) = shown.and_then(judge) {
                    presence.end(Disconnect::Revoked(why), now);
                    cut += 1;
                }
            }
        }
        self.connected.fetch_sub(cut, Relaxed);
        cut
    }

    pub(crate) fn cut_device(&self, device: &DeviceId, why: String, now: Timestamp) -> bool {
        self.end_unless(device, now, |_| Err(Disconnect::Cut(why)))
    }

    /// Marks a change whose result the caller has not read.
    pub(crate) fn count_change(&self, device: &DeviceId) {
        self.shard(device).changes.fetch_add(1, SeqCst);
    }

    pub(crate) fn is_connected(&self, device: &DeviceId) -> bool {
        self.known(device).get(device).is_some_and(|presence| presence.live.is_some())
    }

    /// Tells the device of a desired change if it listens. One that does not read is cut: it fetches its twin when it returns.
    pub(crate) fn notify(&self, device: &DeviceId, notice: Notice, now: Timestamp) {
        self.end_unless(device, now, |live| {
            let Some(granted) = live.shared.desired() else { return Ok(()) };
            let qos = match granted {
                Granted::AtMostOnce => QoS::AtMostOnce,
                Granted::AtLeastOnce => QoS::AtLeastOnce,
            };
            let message = ToDevice::Desired { version: notice.version, qos, body: notice.body.into() };
            live.mailbox.try_send(Box::new(message)).map_err(|_| Disconnect::TooSlow { max: MAILBOX_MAX })
        });
    }

    pub(crate) fn liveness(&self, device: &DeviceId) -> Liveness {
        let known = self.known(device);
        let presence = known.get(device);
        let live = presence.and_then(|presence| presence.live.as_ref());
        let last = presence.and_then(|presence| presence.last_activity);
        Liveness {
            connection_state: if live.is_some() { "Connected" } else { "Disconnected" },
            changed: instant(presence.and_then(|presence| presence.changed)),
            last_activity: instant(live.map_or(last, |live| live.shared.activity())),
        }
    }

    /// What the connected device says it runs.
    pub(crate) fn product(&self, device: &DeviceId) -> Option<String> {
        let known = self.known(device);
        let live = known.get(device)?.live.as_ref()?;
        live.shared.product.as_deref().map(str::to_owned)
    }

    pub(crate) fn last_disconnect(&self, device: &DeviceId) -> Option<Past<Disconnect>> {
        self.known(device).get(device).and_then(|presence| presence.ended.clone())
    }

    pub(crate) fn last_refusal(&self, device: &DeviceId) -> Option<Past<Refused>> {
        self.refusals().find(device).cloned()
    }

    pub(crate) fn refused(&self, device: &DeviceId, why: Refused, now: Timestamp) {
        self.refusals().write(device.clone(), Past { what: why, at: now }, 1);
    }

    /// Whether it had a session that ended.
    fn end_unless(
        &self,
        device: &DeviceId,
        now: Timestamp,
        stays: impl FnOnce(&Live) -> Result<(), Disconnect>,
    ) -> bool {
        let mut known = self.known(device);
        let Some(presence) = known.get_mut(device) else { return false };
        let Some(Err(why)) = presence.live.as_ref().map(stays) else { return false };
        presence.end(why, now);
        self.connected.fetch_sub(1, Relaxed);
        true
    }

    fn refusals(&self) -> MutexGuard<'_, Recent<DeviceId, Past<Refused>>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, device: &DeviceId) -> MutexGuard<'_, HashMap<DeviceId, Presence>> {
        self.shard(device).known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, device: &DeviceId) -> &Shard {
        &self.shards[self.hasher.hash_one(device) as usize % SHARDS]
    }
}

impl Presence {
    fn end(&mut self, why: Disconnect, now: Timestamp) {
        if let Some(live) = self.live.take() {
            self.last_activity = live.shared.activity();
            self.sends = live.shared.sends();
            live.shared.cut(why.clone());
        }
        self.changed = Some(now);
        self.ended = Some(Past { what: why, at: now });
    }
}
