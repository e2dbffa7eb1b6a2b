//! The loop that follows the authority's log. What it has not done yet is in the database: how far it came, and who is to be
//! reminded.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use muster_ca::{Ca, Recipient};
use muster_identity::HostName;
use muster_store::WriteError;
use tokio::time::sleep;

use super::{NotFollowed, NotReminded, device_id, pause_after, sql};
use crate::Dps;

/// What is issued in so long is looked at in one go; the first is not kept waiting.
const PAUSE: Duration = Duration::from_millis(50);
/// Without being told: another node may have ended before it did its part.
const IDLE: Duration = Duration::from_secs(60);
/// The database does not answer: soon again.
const RETRY: Duration = Duration::from_secs(1);
/// Read at once, and written at once when they are done.
const REMINDED_AT_ONCE: i64 = 256;
/// Enough for the hub's commits to be shared by many.
const HUB_CALLS_AT_ONCE: usize = 64;
/// A hub that was away is left alone so long, so that its devices hold up nobody else's.
const AWAY: SignedDuration = SignedDuration::from_secs(10);

/// Hubs that were away, and until when they are taken to be: as many as are linked.
#[derive(Debug, Default)]
pub(super) struct Away(Mutex<HashMap<HostName, Timestamp>>);

/// What a round left.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    More,
    /// Nothing, until this instant.
    Until(Option<Timestamp>),
}

impl Dps {
    /// Follows what the authority issues until `shutdown`, from where the last run ended. Nothing of it holds up issuing.
    pub async fn follow_certificates(
        &self,
        clock: impl Fn() -> Timestamp + Send + Sync,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        match &self.ca {
            None => shutdown.await,
            Some(ca) => tokio::select! {
                () = shutdown => {}
                () = self.follow(ca, &clock) => {}
            },
        }
    }

    async fn follow(&self, ca: &Ca, clock: &(impl Fn() -> Timestamp + Send + Sync)) {
        let mut issued = ca.issued();
        let away = Away::default();
        loop {
            issued.mark_unchanged();
            let pause = match self.round(ca, &away, clock()).await {
                Ok(Rest::More) => continue,
                Ok(Rest::Until(at)) => at.map_or(IDLE, |at| {
                    Duration::try_from(at.duration_since(clock())).unwrap_or_default().min(IDLE)
                }),
                Err(error) => {
                    tracing::warn!(%error, "what was issued cannot be followed now, and will be");
                    sleep(RETRY).await;
                    continue;
                }
            };
            sleep(PAUSE).await;
            tokio::select! {
                told = issued.changed() => if told.is_err() { return }, // it is closed
                () = self.reminders.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Some of the news, and some of those who are due; so neither waits for all of the other.
    async fn round(&self, ca: &Ca, away: &Away, now: Timestamp) -> Result<Rest, NotFollowed> {
        let has_more_news = self.read_on(ca, now).await?;
        let has_more_due = self.remind_due(ca, away, now).await?;
        match has_more_news || has_more_due {
            true => Ok(Rest::More),
            false => Ok(Rest::Until(sql::next_due(&self.db).await?)),
        }
    }

    /// The next part of the log: who in it is a device is due, in one commit with the place where the next part begins.
    async fn read_on(&self, ca: &Ca, now: Timestamp) -> Result<bool, NotFollowed> {
        let from = sql::place(&self.db).await?;
        let news = ca.news(from).await?;
        if news.next == from {
            return Ok(false);
        }
        let holders: HashSet<_> = news.recipients.iter().map(|it| it.holder.as_str()).collect();
        let named = |it: &Recipient| device_id(&it.holder, it.common_name.as_deref());
        let named: Vec<_> = news.recipients.iter().filter_map(named).collect();
        let at_hubs = self.certified(&named).await?;
        let at_hubs: HashSet<_> =
            at_hubs.iter().map(|place| place.device.as_str().to_ascii_lowercase()).collect();
        let mark = self.mark();
        let mut unit = vec![sql::move_place(from, news.next)];
        unit.extend(sql::remind(holders, &mark, now));
        unit.extend(sql::remind_all(at_hubs.iter().map(String::as_str), &mark, now));
        match self.db.write(unit).await {
            Ok(_) => Ok(true),
            Err(WriteError::Unmet { .. }) => Ok(true), // another node read the same
            Err(error) => Err(error.into()),
        }
    }

    async fn remind_due(&self, ca: &Ca, away: &Away, now: Timestamp) -> Result<bool, NotFollowed> {
        let due = sql::due(&self.db, now, REMINDED_AT_ONCE).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let (mut reminded, mut left, mut why) = (Vec::new(), Vec::new(), None);
        let mut outcomes = stream::iter(due)
            .map(|due| async move { (self.remind(ca, &due.id, away, now).await, due) })
            .buffer_unordered(HUB_CALLS_AT_ONCE);
        while let Some((outcome, due)) = outcomes.next().await {
            match outcome {
                Ok(()) => reminded.push(due),
                Err(error) => {
                    let at = now.saturating_add(pause_after(due.failures)).unwrap_or(Timestamp::MAX);
                    left.push((due, at));
                    why = why.filter(|why| !matches!(why, NotReminded::Away)).or(Some(error));
                }
            }
        }
        if let Some(why) = why {
            tracing::warn!(devices = left.len(), %why, "twins do not say yet when to renew, they are told later");
        }
        self.db.write([sql::done(&reminded), sql::later(&left)].into_iter().flatten().collect()).await?;
        Ok(true)
    }
}

impl Away {
    pub(super) fn has(&self, hub: &HostName, now: Timestamp) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hub).is_some_and(|until| now < *until)
    }

    pub(super) fn put(&self, hub: &HostName, now: Timestamp) {
        let until = now.saturating_add(AWAY).unwrap_or(Timestamp::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(hub.clone(), until);
    }
}
