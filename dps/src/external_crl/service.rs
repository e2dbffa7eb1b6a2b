//! Lists fetched when they are due, recorded, and read back into memory.

use std::collections::HashMap;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use muster_store::WriteError as NotWritten;
use muster_x509::{Certificate, Crl, CrlRefused, IssuerAndSerial, VerifiedCrl};
use tokio::sync::watch;

use super::{
    CrlUrl, Crls, Feed, Fetch, FetchFailed, Fetched, Validators,
    judge::{number, sortable},
    schedule, sql,
};
use crate::{
    Dps,
    certificate::NamedCertificate,
    enrollment::{Stored, sql::UnreadableRow},
};

/// How often what is due is looked for: an address that was set just now is asked this soon.
const LOOK: SignedDuration = SignedDuration::from_secs(1);
/// Fetched side by side, so that one that hangs holds up few others; each may be 16 MiB in memory.
const FETCHED_AT_ONCE: i64 = 4;

/// Why what came from an address is not kept.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("{0}")]
    Fetch(#[from] FetchFailed),
    #[error("{0}")]
    Refused(#[from] CrlRefused),
    #[error(
        "list {found} came, which is older than {known} that is known already: find out why an old list is published"
    )]
    Older { found: String, known: String },
    #[error("the list could not be read to its end")]
    Stopped,
    #[error("the server says that a list is unchanged that never came from it")]
    NeverCame,
}

impl Dps {
    /// Fetches the lists that are due. Answers when it wants to be called again. One caller at a time.
    pub async fn refresh_crls(&self, fetch: &Fetch, now: Timestamp) -> Option<Timestamp> {
        if let Err(error) = self.refresh_due(fetch, now).await {
            tracing::warn!(%error, "revocation lists that are due could not be looked for");
        }
        now.saturating_add(LOOK).ok()
    }

    /// Why whoever showed these certificates is let in no longer, by the lists as they are now. From memory.
    pub fn listed(&self, shown: &[IssuerAndSerial]) -> Option<String> {
        self.known_groups().rolls.listed(shown)
    }

    /// Tells when [`Dps::listed`] answers otherwise than before.
    pub fn lists(&self) -> watch::Receiver<()> {
        self.lists_changed.subscribe()
    }

    async fn refresh_due(&self, fetch: &Fetch, now: Timestamp) -> Result<(), UnreadableRow> {
        let args = [now.as_microsecond().into(), FETCHED_AT_ONCE.into()];
        let rows = self.db.fetch(sql::DUE, &args).await?;
        let due = rows.iter().map(sql::due).collect::<Result<Vec<_>, _>>()?;
        if due.is_empty() {
            return Ok(());
        }
        let stored = self.stored().await?;
        let refreshed = due.iter().map(|due| async {
            let owner = stored.iter().find(|stored| stored.name.eq_ignore_ascii_case(&due.certificate));
            if let Some(owner) = owner {
                self.refresh(due, owner, fetch, now).await;
                // In force at once, whatever the others are waiting for.
                if let Err(error) = self.reload_groups().await {
                    tracing::warn!(%error, "a revocation list was fetched but could not be read again yet");
                }
            }
        });
        join_all(refreshed).await;
        Ok(())
    }

    async fn refresh(&self, due: &sql::Due, owner: &Stored, fetch: &Fetch, now: Timestamp) {
        let known = owner.crls.feeds.iter().find(|feed| feed.url == due.url);
        let known = known.and_then(|feed| feed.list.as_ref());
        // Without the list, nothing that came with it is worth asking by.
        let asked = known.map_or_else(Validators::default, |_| due.validators.clone());
        let outcome = match (fetch(due.url.clone(), asked.clone()).await, known) {
            (Ok(Fetched::List { bytes, validators }), _) => {
                let list = read(bytes, &owner.certificate).await.and_then(|list| not_older(list, known));
                list.map(|list| (list, validators))
            }
            (Ok(Fetched::Unchanged), Some(known)) => Ok((known.clone(), asked)),
            (Ok(Fetched::Unchanged), None) => Err(NotKept::NeverCame),
            (Err(failed), _) => Err(failed.into()),
        };
        let unit = match &outcome {
            Ok((list, validators)) if known.is_some_and(|known| known.list().der() == list.list().der()) => {
                sql::same(due, validators, now, schedule::after_success(list.list(), now))
            }
            Ok((list, validators)) => {
                tracing::info!(certificate = owner.name, url = %due.url, entries = list.list().len(), "a revocation list was fetched");
                let next = schedule::after_success(list.list(), now);
                sql::keep(due, &owner.certificate, list.list(), (&sortable(list), validators), now, next)
            }
            Err(why) => {
                tracing::warn!(certificate = owner.name, url = %due.url, %why, "a revocation list could not be fetched");
                let failures = due.failures.saturating_add(1);
                sql::failed(due, failures, &why.to_string(), now, schedule::after_failure(failures, now))
            }
        };
        match self.db.write(unit).await {
            Ok(_) => {}
            Err(NotWritten::Unmet { .. }) => {
                tracing::info!(certificate = owner.name, url = %due.url, "a fetched revocation list was overtaken by a newer one, or by another certificate");
            }
            Err(error) => tracing::error!(%error, "a revocation list could not be recorded"),
        }
    }

    /// To each stored certificate its lists. Those known already are not read again: they may be large.
    pub(crate) async fn with_feeds(&self, named: &mut [NamedCertificate]) -> Result<(), UnreadableRow> {
        let rows = self.db.fetch(sql::ALL, &[]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut by_id: HashMap<String, &mut Stored> = named
            .iter_mut()
            .map(|named| (named.stored.name.to_ascii_lowercase(), &mut named.stored))
            .collect();
        let known = self.known_groups();
        for row in &rows {
            let Some(owner) = by_id.get_mut(row.text("certificate")?) else { continue };
            let mut feed = sql::feed(row)?;
            if let Some(number) = row.opt_text("number")? {
                let known = known.stored(&owner.name).filter(|known| known.certificate == owner.certificate);
                let this_update_us = row.int("this_update_us")?;
                let same = |list: &VerifiedCrl| {
                    sortable(list) == number && list.list().this_update().as_microsecond() == this_update_us
                };
                feed.list = match known.and_then(|known| known_list(&known.crls, &feed.url, same)) {
                    Some(list) => Some(list),
                    None => self.kept_list(row.text("certificate")?, &feed, &owner.certificate).await?,
                };
            }
            owner.crls.feeds.push(feed);
        }
        Ok(())
    }

    async fn kept_list(
        &self,
        id: &str,
        feed: &Feed,
        authority: &Certificate,
    ) -> Result<Option<VerifiedCrl>, UnreadableRow> {
        let rows = self.db.fetch(sql::LIST, &[id.into(), feed.url.as_str().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let Some(der) = row.opt_blob("der")? else { return Ok(None) };
        match read(der.to_vec(), authority).await {
            Ok(list) => Ok(Some(list)),
            Err(error) => {
                tracing::error!(certificate = id, url = %feed.url, %error, "a kept revocation list does not count");
                Ok(None)
            }
        }
    }

    /// Asks all addresses of a certificate at the next look.
    pub(crate) async fn make_crls_due(&self, name: &str, now: Timestamp) -> Result<(), NotWritten> {
        self.db.write(vec![sql::due_now(&name.to_ascii_lowercase(), now)]).await.map(drop)
    }

    /// How many addresses other certificates than this one have.
    pub(crate) async fn feeds_elsewhere(&self, name: &str) -> Result<usize, UnreadableRow> {
        let rows = self.db.fetch(sql::COUNT, &[name.to_ascii_lowercase().into()]).await?;
        let count = rows.first().map_or(Ok(0), |row| row.int("n"))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

/// Megabytes of ASN.1 take a while: on a thread that may be busy.
async fn read(bytes: Vec<u8>, authority: &Certificate) -> Result<VerifiedCrl, NotKept> {
    let authority = authority.clone();
    let reading = tokio::task::spawn_blocking(move || Crl::parse(&bytes)?.signed_by(&authority));
    Ok(reading.await.map_err(|_| NotKept::Stopped)??)
}

fn not_older(list: VerifiedCrl, known: Option<&VerifiedCrl>) -> Result<VerifiedCrl, NotKept> {
    let age = |list: &VerifiedCrl| (sortable(list), list.list().this_update());
    match known {
        Some(known) if age(&list) < age(known) => {
            Err(NotKept::Older { found: number(&list), known: number(known) })
        }
        Some(_) | None => Ok(list),
    }
}

fn known_list(known: &Crls, url: &CrlUrl, same: impl Fn(&VerifiedCrl) -> bool) -> Option<VerifiedCrl> {
    let feed = known.feeds.iter().find(|feed| feed.url == *url)?;
    feed.list.clone().filter(same)
}
