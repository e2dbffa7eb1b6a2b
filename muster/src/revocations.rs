//! A revocation that bites: whoever is connected by what was revoked is cut off, in every hub of this process. By our own
//! authority, or by the list of another one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use muster_ca::{Ca, Revocation, Revoked, What};
use muster_dps::Dps;
use muster_hub::{Hub, Shown};
use muster_identity::{DeviceId, HostName};

use crate::barred::Barred;
use crate::listen::{condemned, now};

/// A look at every session is shared by the revocations of so long; the first one is not kept waiting.
const PAUSE: Duration = Duration::from_millis(100);
/// Where a holder's devices are could not be read: soon again.
const RETRY: Duration = Duration::from_millis(200);
/// Holders looked up in one go: what is told meanwhile is to be heard before too much of it waits.
const HOLDERS_AT_ONCE: usize = 128;

pub(crate) struct Cutter {
    ca: Arc<Ca>,
    dps: Arc<Dps>,
    hubs: Vec<Arc<Hub>>,
    barred: Arc<Barred>,
    heard: Receiver<Revoked>,
    /// Lists of others.
    lists: watch::Receiver<()>,
}

/// What is not done yet.
struct Pending {
    /// Certificates are to be judged, at that time.
    judge_at: Option<Instant>,
    judged: Instant,
    /// Whatever they are let in by, their devices go. In memory as long as the authority itself keeps them there.
    holders: BTreeSet<String>,
    holders_at: Instant,
}

impl Cutter {
    /// Listens from now on: to be made before the first device connects.
    pub(crate) fn new(ca: &Arc<Ca>, dps: &Arc<Dps>, hubs: &[Arc<Hub>], barred: &Arc<Barred>) -> Self {
        let (ca, dps, barred) = (ca.clone(), dps.clone(), barred.clone());
        let (heard, lists) = (ca.revocations(), dps.lists());
        Self { ca, dps, hubs: hubs.to_vec(), barred, heard, lists }
    }

    /// Until the server stops.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut pending = Pending::new();
        // Of those who were barred before this start, too, it is to be known which devices they are.
        pending.holders.extend(self.ca.barred_holders());
        loop {
            let due = pending.due();
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                heard = self.heard.recv() => match heard {
                    Ok(revoked) => pending.take(revoked),
                    Err(RecvError::Lagged(missed)) => self.missed(missed, &mut pending),
                    Err(RecvError::Closed) => return,
                },
                Ok(()) = self.lists.changed() => pending.judge_soon(),
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            self.drain(&mut pending);
            if pending.is_time_to_judge() {
                self.judge();
            }
            self.cut_holders(&mut pending).await;
        }
    }

    /// All that is there already: one look at the sessions serves them all.
    fn drain(&mut self, pending: &mut Pending) {
        loop {
            match self.heard.try_recv() {
                Ok(revoked) => pending.take(revoked),
                Err(TryRecvError::Lagged(missed)) => self.missed(missed, pending),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Certificates are judged anew one and all; of holders, whoever is barred may be one that was missed.
    fn missed(&self, missed: u64, pending: &mut Pending) {
        tracing::warn!(missed, "more revocations at once than are told one by one: everyone is judged again");
        pending.judge_soon();
        pending.holders.extend(self.ca.barred_holders());
    }

    fn judge(&self) {
        let judge = |shown: Shown<'_>| condemned(&self.ca, &self.dps, shown);
        let cut: usize = self.hubs.iter().map(|hub| hub.cut(&judge, now())).sum();
        if cut > 0 {
            tracing::info!(cut, "connections by revoked certificates were cut");
        }
    }

    /// Those whose devices cannot be found now stay for later.
    async fn cut_holders(&self, pending: &mut Pending) {
        for _ in 0..HOLDERS_AT_ONCE {
            if Instant::now() < pending.holders_at {
                return;
            }
            let Some(holder) = pending.holders.pop_first() else { return };
            let Some(bar) = self.ca.barred(&holder) else { continue };
            match self.dps.devices_of(&holder).await {
                Ok(places) => self.cut_devices(&holder, &places, bar),
                Err(error) => {
                    tracing::warn!(%error, "where a revoked device is cannot be read; it is tried again");
                    pending.holders.insert(holder);
                    pending.holders_at = Instant::now() + RETRY;
                }
            }
        }
    }

    fn cut_devices(&self, holder: &str, places: &[(HostName, DeviceId)], bar: Revocation) {
        // Before the sessions are looked at: who comes in meanwhile looks here after that.
        self.barred.put(holder, places);
        let why = format!("`{holder}` was revoked at {} ({})", bar.at, bar.reason);
        for (host, device) in places {
            let hub = self.hubs.iter().find(|hub| hub.settings().host == *host);
            if hub.is_some_and(|hub| hub.cut_device(device, why.clone(), now())) {
                tracing::info!(%device, %host, "the connection of a revoked device was cut");
            }
        }
    }
}

impl Pending {
    fn new() -> Self {
        let now = Instant::now();
        Self { judge_at: None, judged: now - PAUSE, holders: BTreeSet::new(), holders_at: now }
    }

    fn take(&mut self, revoked: Revoked) {
        self.judge_soon();
        match revoked.what {
            What::Holder(name) => drop(self.holders.insert(name)),
            What::Serial { .. } | What::Authority(_) => {}
        }
    }

    fn judge_soon(&mut self) {
        self.judge_at.get_or_insert(self.judged + PAUSE);
    }

    fn is_time_to_judge(&mut self) -> bool {
        let now = Instant::now();
        let is_time = self.judge_at.is_some_and(|at| at <= now);
        if is_time {
            (self.judge_at, self.judged) = (None, now);
        }
        is_time
    }

    /// When there is something to do, if nothing more is heard.
    fn due(&self) -> Option<Instant> {
        let holders = (!self.holders.is_empty()).then_some(self.holders_at);
        [self.judge_at, holders].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use muster_ca::{AuthorityId, Caller, Reason, Request, Settings, SubjectFacts};
    use muster_store::Db;
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn the_first_revocation_is_judged_at_once_and_those_that_follow_share_a_look() {
        let mut pending = Pending::new();
        assert_eq!((pending.due(), pending.is_time_to_judge()), (None, false));
        pending.judge_soon();
        assert!(pending.is_time_to_judge());
        pending.judge_soon();
        assert!(!pending.is_time_to_judge(), "too soon after the last");
        assert_eq!(pending.due(), Some(pending.judged + PAUSE));
        tokio::time::sleep(PAUSE).await;
        assert!(pending.is_time_to_judge() && pending.due().is_none());
    }

    /// An authority with a holder that is barred, and provisioning without hubs.
    async fn cutter(folder: &std::path::Path, heard: Receiver<Revoked>) -> Cutter {
        let (db, entropy) = (Db::open_memory().await.unwrap(), crate::entropy::system());
        let now = Timestamp::now();
        let ca = Ca::open(Settings::new(folder), db.clone(), entropy.clone(), now).await.unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let csr = params.serialize_request(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let request = Request {
            authority: AuthorityId::issuing(),
            profile: "device".to_owned(),
            csr: muster_x509::Csr::parse(csr.der()).unwrap(),
            subject: SubjectFacts { common_name: Some("pump-1".to_owned()), ..SubjectFacts::default() },
            caller: Caller::process(),
            idempotency_key: None,
            holder: Some(ca.holder("pump-1")),
            not_after: None,
        };
        ca.issue(request, now).await.unwrap();
        let what = What::Holder("pump-1".to_owned());
        ca.revoke(what, Reason::KeyCompromise, &Caller::process(), now).await.unwrap();
        let settings = muster_dps::Settings::new("0ne1", HostName::parse("dps.test").unwrap(), Vec::new());
        let dps = Dps::open(settings, Vec::new(), db, Some(ca.clone()), entropy).await.unwrap();
        let barred = Arc::new(Barred::new(ca.clone()));
        let lists = dps.lists();
        Cutter { ca, dps, hubs: Vec::new(), barred, heard, lists }
    }

    #[tokio::test]
    async fn who_missed_revocations_judges_everyone_and_looks_for_all_who_are_barred() {
        let folder = tempfile::tempdir().unwrap();
        let (events, heard) = broadcast::channel(2);
        let mut cutter = cutter(folder.path(), heard).await;
        let revocation = Revocation { reason: Reason::Superseded, at: Timestamp::now() };
        for serial in 0..5_u128 {
            let what = What::Serial { authority: AuthorityId::issuing(), serial: serial.to_be_bytes() };
            events.send(Revoked { what, revocation }).unwrap();
        }
        let mut pending = Pending::new();
        cutter.drain(&mut pending);
        assert!(pending.judge_at.is_some());
        assert_eq!(pending.holders, BTreeSet::from(["pump-1".to_owned()]));
        cutter.cut_holders(&mut pending).await;
        assert!(pending.holders.is_empty(), "it never registered");
    }
}
