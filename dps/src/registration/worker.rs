//! The loop that turns recorded intents into admissions, and picks up what was left unfinished.

use std::{future::Future, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    operations::{Claim, Turn},
    record::{Failure, Origin, Plan, Record, State},
    sql,
};
use crate::{
    Dps, HubError, TrackingId,
    enrollment::{Etag, sql::UnreadableRow},
    issuing::{Certified, Chain, Order, Recipient},
    linked_hub::Obstacle,
    trace::{Outcome, Steps, Trace},
};

/// Accepted and not yet begun: ten seconds of work for a fast hub. More are refused with 429 and come again.
pub(crate) const ASSIGNMENTS_WAITING_MAX: usize = 8192;
/// Enough for the hub's commits to be shared by many, few enough that a slow hub holds no more.
const ASSIGNMENTS_AT_ONCE: usize = 256;
/// Pauses before a hub that was away is asked again; after the last the registration has failed, and the device starts another.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4)];
/// How often, and from what age, unfinished registrations are looked for: older than any that is being worked on.
const SWEEP: Duration = Duration::from_secs(60);
const UNFINISHED_AFTER: SignedDuration = SignedDuration::from_secs(60);
const SWEPT_AT_ONCE: i64 = 256;
/// At the end, work that goes on is given this long; what is left is resumed at the next start.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// Stands inside a registration's state: the device tries again (dps.md §2.1).
const NOT_READ: u32 = 500_001;

/// A recorded operation with something left to do.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) version: i64,
    pub(crate) record: Record,
    pub(crate) tracking: TrackingId,
    pub(crate) source: JobSource,
}

#[derive(Debug)]
pub(crate) enum JobSource {
    /// Recorded just now by this process.
    Request { _claim: Claim },
    /// Found in the table; by the time its turn comes, it may have been done.
    Sweep,
}

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl Dps {
    /// Runs until `shutdown`: first what a previous run left unfinished, then what comes. Call it once.
    pub async fn run(
        self: &Arc<Self>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let clock: Clock = Arc::new(clock);
        let Some(jobs) = self.waiting.lock().await.take() else {
            tracing::error!("the assignment worker runs already");
            return;
        };
        let mut at_work = JoinSet::new();
        tokio::select! {
            () = shutdown => {}
            () = self.assign_all(jobs, &mut at_work, &clock) => {}
            () = self.sweep(&clock) => {}
            () = self.write_traces() => {}
        }
        let drained = timeout(DRAIN_MAX, async { while at_work.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::info!(left = at_work.len(), "registrations are left for the next start");
        }
        self.flush_traces().await;
    }

    async fn assign_all(
        self: &Arc<Self>,
        mut jobs: mpsc::Receiver<Job>,
        at_work: &mut JoinSet<()>,
        clock: &Clock,
    ) {
        loop {
            tokio::select! {
                Some(job) = jobs.recv(), if at_work.len() < ASSIGNMENTS_AT_ONCE => {
                    let (dps, clock) = (Arc::clone(self), Arc::clone(clock));
                    at_work.spawn(async move { dps.take_turn(job, &clock).await });
                }
                Some(ended) = at_work.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "an assignment ended badly and will be resumed");
                    }
                }
                else => return,
            }
        }
    }

    /// Jobs of one device one after the other, the latest last.
    async fn take_turn(&self, job: Job, clock: &Clock) {
        let key = job.record.id.folded();
        let mut next = match self.operations.turn(job) {
            Turn::Now(job) => Some(job),
            Turn::Later { displaced: None } => None,
            Turn::Later { displaced: Some(job) } | Turn::Superseded(job) => {
                self.traces.end(job.tracking, Outcome::Superseded);
                None
            }
        };
        while let Some(job) = next {
            Box::pin(self.work(job, clock)).await;
            next = self.operations.done(&key);
        }
    }

    async fn work(&self, job: Job, clock: &Clock) {
        let job = match &job.source {
            JobSource::Request { .. } => job,
            JobSource::Sweep => match self.still_pending(job).await {
                Ok(Some(job)) => {
                    self.reopen_trace(&job.record, clock());
                    job
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "an unfinished registration could not be read, and will be again");
                    return;
                }
            },
        };
        match &job.record.state {
            State::Assigning { .. } => self.assign(job, clock).await,
            State::Assigned { .. } => self.leave(job, clock).await,
            State::Failed { .. } | State::Disabled => {}
        }
    }

    /// Act, then record; each may have been done before.
    async fn assign(&self, job: Job, clock: &Clock) {
        let Job { version, record, tracking, source } = job;
        let Some(plan) = record.in_flight() else { return };
        let outcome = self.carry_out(plan, &record, tracking, clock).await;
        let now = clock();
        let etag = Etag::random(&*self.entropy);
        let (record, ended) = match outcome {
            Ok(issued) => (record.arrived(issued, etag, now), Outcome::Assigned),
            Err(failure) => (record.failed(failure, etag, now), Outcome::Failed),
        };
        let mut steps = Steps::new(now);
        match self.db.put(&sql::END, &record.id.folded(), sql::row(&record, version)).await {
            Ok(true) => {
                self.operations.ended(&record);
                steps.passed("record", "the outcome is on disk");
                self.traces.add(tracking, steps.into_steps());
                self.traces.end(tracking, ended);
                if record.is_pending() {
                    self.leave(Job { version, record, tracking, source }, clock).await;
                }
            }
            Ok(false) => {
                steps.noted("record", "a later registration of this device goes on in its place");
                self.traces.add(tracking, steps.into_steps());
                self.traces.end(tracking, Outcome::Superseded);
            }
            Err(error) => {
                // The intent still stands in the table, and the sweep takes it up again.
                tracing::error!(id = %record.id, %error, "an assignment could not be recorded");
                steps.refused("record", &error);
                self.traces.add(tracking, steps.into_steps());
            }
        }
    }

    /// The certificate first: a device that its hub lets in has what it needs for that.
    async fn carry_out(
        &self,
        plan: &Plan,
        record: &Record,
        tracking: TrackingId,
        clock: &Clock,
    ) -> Result<Chain, Failure> {
        let certified = match &plan.certificate {
            None => None,
            Some(order) => Some(self.issue_with_patience(order, plan, record, tracking, clock).await?),
        };
        let desired = certified.as_ref().map(|certified| certified.desired.clone()).unwrap_or_default();
        self.act_with_patience(plan, &desired, tracking, clock).await?;
        if plan.may_have_certificates() {
            let told = certified.as_ref().map(|certified| certified.serial);
            // Before the outcome: what is not looked for now is looked for when all of this is done again.
            let looked = self.remind_of_others(&record.id, told, clock()).await;
            looked.map_err(|error| Failure { code: NOT_READ, message: error.to_string() })?;
        }
        Ok(certified.map(|certified| certified.chain).unwrap_or_default())
    }

    async fn issue_with_patience(
        &self,
        order: &Order,
        plan: &Plan,
        record: &Record,
        tracking: TrackingId,
        clock: &Clock,
    ) -> Result<Certified, Failure> {
        let address = match &record.state {
            State::Assigning { origin, .. } => origin.address.as_str(),
            State::Assigned { .. } | State::Failed { .. } | State::Disabled => "",
        };
        let recipient =
            Recipient { id: &record.id, device: &plan.to.device, operation: &record.operation, address };
        let mut pauses = PAUSES.iter();
        loop {
            let now = clock();
            let mut steps = Steps::new(now);
            let issued = self.issue(order, recipient, now, &mut steps).await;
            self.traces.add(tracking, steps.into_steps());
            match (issued, pauses.next()) {
                (Ok(certified), _) => return Ok(certified),
                (Err(error), Some(pause)) if error.may_pass() => {
                    tracing::warn!(id = %record.id, %error, "a certificate could not be issued yet");
                    sleep(*pause).await;
                }
                (Err(error), _) => {
                    return Err(Failure { code: error.code(), message: error.to_string() });
                }
            }
        }
    }

    async fn act_with_patience(
        &self,
        plan: &Plan,
        desired: &Map<String, Value>,
        tracking: TrackingId,
        clock: &Clock,
    ) -> Result<(), Failure> {
        let mut pauses = PAUSES.iter();
        loop {
            let now = clock();
            let mut steps = Steps::new(now);
            let hub = &plan.to.hub;
            let error = match self.act(plan, desired, now, &mut steps).await {
                Ok(()) => {
                    steps.passed("admit", format_args!("{hub} has the device `{}`", plan.to.device));
                    self.traces.add(tracking, steps.into_steps());
                    return Ok(());
                }
                Err(error) => error,
            };
            steps.failed("admit", format_args!("{hub}: {error}"), error.fix());
            self.traces.add(tracking, steps.into_steps());
            match (&error, pauses.next()) {
                (Obstacle::Hub(HubError::Unavailable(_)), Some(pause)) => sleep(*pause).await,
                _ => {
                    tracing::warn!(%hub, %error, "a hub did not take a device");
                    return Err(Failure { code: error.code(), message: format!("{hub}: {error}") });
                }
            }
        }
    }

    /// Leaving the places the device moved away from; what does not work now, the sweep tries again.
    async fn leave(&self, job: Job, clock: &Clock) {
        let Job { version, record, .. } = job;
        let mut left = Vec::new();
        for place in &record.strays {
            match self.remove(place).await {
                Ok(()) => left.push(place.clone()),
                Err(error) => {
                    tracing::warn!(hub = %place.hub, device = %place.device, %error, "a moved device is still here");
                }
            }
        }
        if left.is_empty() {
            return;
        }
        let updated = clock();
        let record = Record { updated: record.updated.max(updated), ..record.left(&left) };
        if let Err(error) = self.db.put(&sql::END, &record.id.folded(), sql::row(&record, version)).await {
            tracing::warn!(id = %record.id, %error, "the end of a move could not be recorded");
        }
    }

    /// Registrations that were accepted and are not being worked on: after a crash, or when a hub was away for long.
    async fn sweep(&self, clock: &Clock) {
        let mut due = interval(SWEEP);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unfinished_since = clock(); // at the start nothing is being worked on
        loop {
            due.tick().await;
            if let Err(error) = self.resume(unfinished_since).await {
                tracing::warn!(%error, "unfinished registrations could not be looked for");
            }
            unfinished_since = clock().saturating_sub(UNFINISHED_AFTER).unwrap_or(Timestamp::MIN);
        }
    }

    async fn resume(&self, unfinished_since: Timestamp) -> Result<(), UnreadableRow> {
        let mut after = String::new();
        loop {
            let args = [(&after).into(), unfinished_since.as_microsecond().into(), SWEPT_AT_ONCE.into()];
            let rows = self.db.fetch(sql::PENDING, &args).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.text("id")?.to_owned();
            for row in &rows {
                let sql::Versioned { version, record } = sql::versioned(row)?;
                if self.operations.is_seen_to(&record.id.folded(), &record.operation) {
                    continue;
                }
                let tracking = match &record.state {
                    State::Assigning { origin, .. } => origin.tracking,
                    State::Assigned { .. } | State::Failed { .. } | State::Disabled => {
                        TrackingId::random(&*self.entropy) // nobody was told one for what is left to do
                    }
                };
                if self.jobs.send(Job { version, record, tracking, source: JobSource::Sweep }).await.is_err()
                {
                    return Ok(()); // shutting down
                }
            }
        }
    }

    async fn still_pending(&self, job: Job) -> Result<Option<Job>, UnreadableRow> {
        let rows = self.db.fetch(sql::ONE, &[job.record.id.folded().into()]).await?;
        let found = rows.first().map(sql::versioned).transpose()?;
        let found =
            found.filter(|found| found.record.is_pending() && found.record.operation == job.record.operation);
        Ok(found.map(|sql::Versioned { version, record }| Job { version, record, ..job }))
    }

    /// The trace goes on under the tracking id that the device was told; its earlier steps may be lost with the crash.
    fn reopen_trace(&self, record: &Record, now: Timestamp) {
        let State::Assigning { origin: Origin { tracking, transport, address }, .. } = &record.state else {
            return;
        };
        let mut steps = Steps::new(now);
        steps.noted("resume", format_args!("operation {} was found unfinished", record.operation));
        self.traces.open(Trace {
            tracking_id: *tracking,
            id_scope: self.settings.id_scope.clone(),
            registration_id: record.id.to_string(),
            transport: *transport,
            address: address.clone(),
            at: record.updated,
            outcome: Outcome::Pending,
            steps: steps.into_steps(),
        });
    }
}
