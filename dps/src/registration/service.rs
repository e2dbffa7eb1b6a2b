//! A device's request from the top to the bottom: let in, load, match, attest, decide, record, answer.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use muster_identity::{RegistrationId, Status};
use muster_x509::Peer;
use tokio::time::timeout;

use super::{
    Answer, Ask, ConnectRefused, Job, OperationId, Presented, Record, Refusal, Transport,
    begin::{Beginning, begin},
    body,
    operations::{Claim, Entry},
    presented::shown,
    record::{Origin, State},
    show::assigning,
    sql::{self, Loaded},
    worker::JobSource,
};
use crate::{
    Dps, TrackingId,
    attestation::{Evidence, KnownBy, Verified, attest},
    enrollment::{EnrollmentKind, Etag, sql::UnreadableRow},
    protocol::status,
    trace::{Outcome, Steps, Trace},
};

/// A poll that comes while the hub is at work waits this long for the end instead of making the device ask again.
const POLL_HELD: Duration = Duration::from_millis(500);
/// Two of the same device at once are ordinary (a second connection, a resent request); more in a row are not.
const ATTEMPTS_MAX: usize = 4;

impl Dps {
    /// Whether a connection may stay open for requests. Credentials are judged per request, where there is room for a reason.
    pub fn greet(&self, presented: &Presented) -> Result<(), ConnectRefused> {
        let now = presented.peer.at;
        let tracking = TrackingId::random(&*self.entropy);
        let mut steps = Steps::new(now);
        match self.let_in(presented, now, &mut steps) {
            Ok(()) | Err(Refusal::Throttled(_)) => Ok(()), // a request is told when to come again, a CONNACK cannot
            Err(refusal) => {
                let answer = self.refuse(presented, tracking, &refusal, steps, now);
                Err(ConnectRefused { code: 5, tracking_id: answer.tracking_id })
            }
        }
    }

    /// Records why a connection was refused before it came to a request: an unreadable user name or token.
    pub fn refuse_connection(
        &self,
        peer: &Peer,
        transport: Transport,
        username: &str,
        why: &dyn fmt::Display,
    ) -> ConnectRefused {
        let tracking_id = TrackingId::random(&*self.entropy);
        let mut steps = Steps::new(peer.at);
        steps.refused("connect", why);
        let part = |at: usize| username.split('/').nth(at).unwrap_or_default();
        self.traces.put(Trace {
            tracking_id,
            id_scope: shown(part(0)),
            registration_id: shown(part(2)),
            transport,
            address: peer.address.to_string(),
            at: peer.at,
            outcome: Outcome::Refused,
            steps: steps.into_steps(),
        });
        ConnectRefused { code: 4, tracking_id }
    }

    pub async fn ask(&self, presented: &Presented, ask: Ask, now: Timestamp) -> Answer {
        let tracking = TrackingId::random(&*self.entropy);
        let mut steps = Steps::new(now);
        let outcome = match ask {
            // A registration always starts anew, so there is nothing that could be forced.
            Ask::Register { force: _, body } => {
                self.register(presented, &body, tracking, now, &mut steps).await
            }
            Ask::Status { operation_id } => {
                self.status(presented, &operation_id, tracking, now, &mut steps).await
            }
            Ask::Lookup { body } => self.lookup(presented, &body, tracking, now, &mut steps).await,
        };
        outcome.unwrap_or_else(|refusal| self.refuse(presented, tracking, &refusal, steps, now))
    }

    async fn register(
        &self,
        presented: &Presented,
        body: &[u8],
        tracking: TrackingId,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<Answer, Refusal> {
        self.let_in(presented, now, steps)?;
        let sent = body::read(body, &presented.registration_id)?;
        for _ in 0..ATTEMPTS_MAX {
            let (verified, loaded) = self.attested(presented, now, steps).await?;
            let bar = self.bar(&presented.registration_id);
            let (order, known_by) = match (verified.enrollment().status, bar) {
                (Status::Enabled, None) => {
                    let (id, enrollment) = (&presented.registration_id, verified.enrollment());
                    self.take_order(sent.csr.as_deref(), id, enrollment, now, steps).await?
                }
                (Status::Enabled | Status::Disabled, _) => (None, KnownBy::Proof),
            };
            // A place in the queue before anything is recorded: what is accepted is worked on.
            let place = self.jobs.try_reserve().map_err(|_| Refusal::Busy)?;
            let (version, previous) = match loaded.registration {
                Some(previous) => (previous.version + 1, Some(previous.record)),
                None => (1, None),
            };
            let beginning = Beginning {
                id: &presented.registration_id,
                operation: OperationId::random(&*self.entropy),
                etag: Etag::random(&*self.entropy),
                origin: Origin {
                    tracking,
                    transport: presented.transport,
                    address: presented.peer.address.to_string(),
                },
                bar,
                order,
                known_by,
                now,
            };
            let record = begin(beginning, &verified, previous, &self.linked, steps);
            let key = record.id.folded();
            let claim = self.operations.claim(&record.operation);
            if self
                .db
                .put(&sql::BEGIN, &key, sql::first_row(&record, version, sent.payload.as_deref()))
                .await?
            {
                steps.passed("record", format_args!("operation {} is on disk", record.operation));
                let answer = self.accepted(&record.operation, tracking);
                let begun = Begun { version, record, verified, tracking, claim };
                self.begun(presented, begun, steps, place);
                return Ok(answer);
            }
            steps.noted("record", "another registration of this device came first: deciding again");
        }
        Err(Refusal::Contended)
    }

    async fn status(
        &self,
        presented: &Presented,
        operation: &OperationId,
        tracking: TrackingId,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<Answer, Refusal> {
        self.let_in(presented, now, steps)?;
        let key = presented.registration_id.folded();
        if let Some(entry) = self.operations.find(&key, operation)
            && presented.is_the_same(&entry.verified, now)
        {
            let record = self.settled(&key, operation, entry).await;
            return Ok(self.polled(&record, operation, presented, tracking));
        }
        let (_, loaded) = self.attested(presented, now, steps).await?;
        let record = loaded.registration.map(|registration| registration.record);
        match record.filter(|record| record.answers(operation)) {
            Some(record) => Ok(self.polled(&record, operation, presented, tracking)),
            None => Err(Refusal::NoOperation(shown(&operation.0))),
        }
    }

    async fn lookup(
        &self,
        presented: &Presented,
        body: &[u8],
        tracking: TrackingId,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<Answer, Refusal> {
        self.let_in(presented, now, steps)?;
        body::read_lookup(body, &presented.registration_id)?;
        let (_, loaded) = self.attested(presented, now, steps).await?;
        let record = loaded.registration.ok_or(Refusal::NotRegistered)?.record;
        let body = record.for_device(&presented.api_version);
        Ok(Answer { status: 200, retry_after_s: None, body, tracking_id: tracking })
    }

    /// What needs no look at the tables: how fast this source asks, and whether it means this instance.
    fn let_in(&self, presented: &Presented, now: Timestamp, steps: &mut Steps) -> Result<(), Refusal> {
        self.by_source.admit(presented.peer.address.ip(), now.as_nanosecond()).map_err(Refusal::Throttled)?;
        if !presented.scope.eq_ignore_ascii_case(&self.settings.id_scope) {
            return Err(Refusal::Scope {
                found: shown(&presented.scope),
                ours: self.settings.id_scope.clone(),
                credential: presented.credential(),
            });
        }
        steps.passed("scope", format_args!("the id scope is `{}`", self.settings.id_scope));
        Ok(())
    }

    /// The device, proved; and what the tables know of it.
    async fn attested(
        &self,
        presented: &Presented,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<(Arc<Verified>, Loaded), Refusal> {
        let id = &presented.registration_id;
        let mut loaded = self.load(id).await?;
        let groups = self.groups(loaded.generation).await?;
        let unauthorized = |why| Refusal::Unauthorized { why, credential: presented.credential() };
        let chain = presented.chain().map_err(|malformed| {
            steps.refused("certificate", &malformed);
            unauthorized(malformed.into())
        })?;
        self.not_revoked(&presented.peer.chain, now, steps).map_err(unauthorized)?;
        let evidence = Evidence {
            scope: &self.settings.id_scope,
            id,
            token: presented.token.as_ref(),
            chain: &chain,
            now,
        };
        let individual = loaded.individual.take().map(Arc::new);
        let previous_group = loaded.registration.as_ref().and_then(|registration| {
            let enrollment = &registration.record.enrollment;
            (enrollment.kind == EnrollmentKind::Group).then(|| enrollment.id.as_str())
        });
        let verified =
            attest(evidence, individual.as_ref(), &groups, previous_group, steps).map_err(unauthorized)?;
        // Counted when the device has proved itself, so that a stranger cannot use up its share.
        self.by_identity.admit(id, now.as_nanosecond()).map_err(Refusal::Throttled)?;
        Ok((Arc::new(verified), loaded))
    }

    /// All that the tables know of it.
    pub(crate) async fn load(&self, id: &RegistrationId) -> Result<Loaded, UnreadableRow> {
        let rows = self.db.fetch(sql::LOAD, &[id.folded().into()]).await?;
        let row = rows.first().ok_or(muster_store::StoreError::Closed)?; // the generation is always there
        sql::loaded(row)
    }

    fn begun(
        &self,
        presented: &Presented,
        begun: Begun,
        steps: &mut Steps,
        place: tokio::sync::mpsc::Permit<'_, Job>,
    ) {
        let Begun { version, record, verified, tracking, claim } = begun;
        let outcome = match record.state {
            State::Assigning { .. } => Outcome::Pending,
            State::Assigned { .. } => Outcome::Assigned,
            State::Failed { .. } => Outcome::Failed,
            State::Disabled => Outcome::Disabled,
        };
        let trace = presented.trace(tracking, outcome, steps.take());
        self.operations.begun(version, record.clone(), verified);
        match outcome {
            Outcome::Pending => {
                self.traces.open(trace);
                place.send(Job { version, record, tracking, source: JobSource::Request { _claim: claim } });
            }
            Outcome::Assigned
            | Outcome::Failed
            | Outcome::Disabled
            | Outcome::Refused
            | Outcome::Superseded => self.traces.put(trace),
        }
    }

    /// Always 202 first: C# and IoT Edge insist on it (dps.md §2).
    fn accepted(&self, operation: &OperationId, tracking_id: TrackingId) -> Answer {
        Answer {
            status: 202,
            retry_after_s: Some(self.settings.retry_after_s),
            body: assigning(operation),
            tracking_id,
        }
    }

    fn polled(
        &self,
        record: &Record,
        operation: &OperationId,
        presented: &Presented,
        tracking_id: TrackingId,
    ) -> Answer {
        match record.state {
            State::Assigning { .. } => self.accepted(operation, tracking_id),
            State::Assigned { .. } | State::Failed { .. } | State::Disabled => Answer {
                status: 200,
                retry_after_s: None,
                body: record.for_operation(operation, &presented.api_version),
                tracking_id,
            },
        }
    }

    /// The record when it has come to its end, or as it is when that takes long.
    async fn settled(&self, key: &str, operation: &OperationId, entry: Entry) -> Arc<Record> {
        let notify = Arc::clone(&entry.changed);
        let changed = notify.notified();
        tokio::pin!(changed);
        changed.as_mut().enable(); // before looking again, so that no change slips through
        let latest = || self.operations.find(key, operation).map(|entry| entry.record);
        let record = latest().unwrap_or(entry.record);
        if record.in_flight().is_none() {
            return record;
        }
        match timeout(POLL_HELD, changed).await {
            Ok(()) => latest().unwrap_or(record),
            Err(_elapsed) => record,
        }
    }

    fn refuse(
        &self,
        presented: &Presented,
        tracking_id: TrackingId,
        refusal: &Refusal,
        mut steps: Steps,
        now: Timestamp,
    ) -> Answer {
        match refusal {
            Refusal::Unauthorized { .. } | Refusal::Csr(_) => {} // each wrote its own step
            Refusal::Scope { .. } => steps.refused("scope", refusal),
            Refusal::Body(_) => steps.refused("body", refusal),
            Refusal::NoOperation(_) | Refusal::NotRegistered => steps.refused("registration", refusal),
            Refusal::Throttled(_) | Refusal::Busy | Refusal::Contended => steps.refused("limit", refusal),
            Refusal::Read(_) | Refusal::Issued(_) | Refusal::Write(_) => {
                tracing::error!(%tracking_id, %refusal, "a device's request failed");
                steps.refused("store", refusal);
            }
        }
        self.traces.put(presented.trace(tracking_id, Outcome::Refused, steps.into_steps()));
        let told = status::refusal(refusal, self.settings.retry_after_s);
        Answer {
            status: told.status,
            retry_after_s: told.retry_after_s,
            body: told.body(tracking_id, now),
            tracking_id,
        }
    }
}

/// An operation that is on disk.
struct Begun {
    version: i64,
    record: Record,
    verified: Arc<Verified>,
    tracking: TrackingId,
    claim: Claim,
}
