//! CRLs looked after: read at the start, made anew, published.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use axum::body::Bytes;
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use muster_store::WriteError;

use super::{
    ALARM_AFTER, CrlFacts, PublishError, REFRESH_AFTER,
    list::{Draft, Edition, Frame},
    listed::{Listed, Place},
    marks::{Marked, Marks},
    publishes,
    scope::scope,
    sql, worker,
};
use crate::{
    BaseUrl, Ca,
    hierarchy::{Authority, AuthorityId, BuildError},
    keys::Signature,
    public::Tag,
    revocation::What,
};

/// What failed is tried again.
const RETRY_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// Shards that are recorded in one statement.
const SHARDS_AT_ONCE: usize = 128;
/// Revocations of which the certificates are looked up at the same time.
const READ_AT_ONCE: usize = 32;
/// How often in a row another node takes the number that this one wants: each time it made a list.
const CONFLICTS_MAX: usize = 3;

/// All CRLs, and what they are made of.
#[derive(Default)]
pub(crate) struct Crls {
    /// By authority, then by shard.
    published: RwLock<HashMap<AuthorityId, Vec<Option<Arc<Published>>>>>,
    marks: Mutex<Marks>,
    /// Without it nothing is published any more.
    wake: Mutex<Option<mpsc::Sender<()>>>,
    maker: tokio::sync::Mutex<Maker>,
    /// What failed is not tried again before.
    failed_until: Mutex<Option<Timestamp>>,
}

/// What the one who makes CRLs works with.
#[derive(Default)]
pub(super) struct Maker {
    /// None until all was read.
    pub(super) listed: Option<Listed>,
    /// The highest number that anything may have been signed with.
    pub(super) numbers: HashMap<Place, u64>,
    pub(super) dirty: BTreeSet<Place>,
    /// Where CRLs are fetched, and where they were before.
    pub(super) places: Vec<BaseUrl>,
}

/// A CRL that everybody may have.
pub(crate) struct Published {
    pub(crate) der: Bytes,
    pub(crate) tag: Tag,
    pub(crate) next_update: Timestamp,
    edition: Edition,
    entries: usize,
}

impl Published {
    pub(super) fn new(draft: &Draft, edition: Edition, signature: &Signature) -> Self {
        let der = Bytes::from(signature.wrap(&draft.tbs));
        let tag = Tag::new(&der, edition.this_update);
        Self { der, tag, next_update: edition.next_update(), edition, entries: draft.entries }
    }
}

impl Crls {
    /// Something is revoked; a certificate, perhaps, of which the end is known.
    pub(crate) fn mark(&self, what: &What, end: Option<Timestamp>, now: Timestamp) {
        // Whoever is not there publishes nothing.
        if self.wake().is_some() {
            self.marks().put((what.clone(), end), now);
            self.wake_up();
        }
    }

    /// An authority is new, or another than before: what it signs next may be checked at once.
    pub(crate) fn look(&self, now: Timestamp) {
        if self.wake().is_some() {
            self.marks().tell(now);
            self.wake_up();
        }
    }

    /// From here on nothing is published; what is under way is finished.
    pub(crate) async fn close(&self) {
        self.wake().take();
        drop(self.maker.lock().await);
    }

    fn wake_up(&self) {
        if let Some(wake) = &*self.wake() {
            // Who is woken already will see it.
            let _ = wake.try_send(());
        }
    }

    fn get(&self, authority: &AuthorityId, shard: u16) -> Option<Arc<Published>> {
        self.published().get(authority)?.get(usize::from(shard))?.clone()
    }

    pub(super) fn put(&self, authority: &Authority, shard: u16, crl: Published) {
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        let shards = published.entry(authority.id.clone()).or_default();
        let wanted = usize::from(authority.crl_shards.max(1));
        if shards.len() < wanted {
            shards.resize(wanted, None);
        }
        if let Some(place) = shards.get_mut(usize::from(shard)) {
            // Nobody is ever handed an older one than somebody had.
            if place.as_ref().is_none_or(|known| known.edition.number < crl.edition.number) {
                *place = Some(Arc::new(crl));
            }
        }
    }

    fn published(&self) -> RwLockReadGuard<'_, HashMap<AuthorityId, Vec<Option<Arc<Published>>>>> {
        self.published.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) -> MutexGuard<'_, Option<mpsc::Sender<()>>> {
        self.wake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ca {
    /// The CRLs as they are published now.
    pub fn crls(&self) -> Vec<CrlFacts> {
        let mut facts = Vec::new();
        for authority in self.tree().iter() {
            for shard in 0..authority.crl_shards.max(1) {
                let Some(crl) = self.crls.get(&authority.id, shard) else { continue };
                facts.push(CrlFacts {
                    authority: authority.id.clone(),
                    shard,
                    number: crl.edition.number,
                    this_update: crl.edition.this_update,
                    next_update: crl.edition.next_update(),
                    bytes: crl.der.len(),
                    entries: crl.entries,
                });
            }
        }
        facts
    }

    pub(crate) fn crl(&self, authority: &AuthorityId, shard: u16) -> Option<Arc<Published>> {
        self.crls.get(authority, shard)
    }

    /// Publishes from now on; the first ones in a moment.
    pub(crate) fn start_crls(self: &Arc<Self>, now: Timestamp) {
        if self.settings.base_url.is_none() {
            return;
        }
        let (wake, woken) = mpsc::channel(1);
        *self.crls.wake() = Some(wake);
        // Owned by the authority: it ends with it, or when it is closed.
        tokio::spawn(worker::run(Arc::downgrade(self), woken));
        self.crls.marks().tell(now);
        self.crls.wake_up();
    }

    /// What is revoked since the last time.
    pub(super) async fn publish_marked(&self) {
        let now = self.crls.marks().now();
        if let Some(now) = now
            && let Err(error) = self.publish_crls(now).await
        {
            tracing::warn!(%error, "CRLs are not made anew: tried again within a minute");
        }
    }

    /// Makes anew what is due; tells when there is more to do.
    pub(crate) async fn tick_crls(&self, now: Timestamp) -> Option<Timestamp> {
        let failed_until = || self.crls.failed_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = failed_until().filter(|until| now < *until) {
            return Some(until);
        }
        let published = self.publish_crls(now).await;
        let retry = published.is_err().then(|| now.saturating_add(RETRY_AFTER).unwrap_or(now));
        *failed_until() = retry;
        if let Err(error) = published {
            tracing::warn!(%error, "CRLs are not made anew: tried again in a minute");
            self.alarm(now);
            return retry;
        }
        let published = self.crls.published();
        let updates = published.values().flatten().flatten().map(|crl| crl.edition.this_update);
        updates.min()?.checked_add(REFRESH_AFTER).ok()
    }

    fn alarm(&self, now: Timestamp) {
        for crl in self.crls() {
            if now.duration_since(crl.this_update) >= ALARM_AFTER {
                let CrlFacts { authority, shard, next_update, .. } = crl;
                tracing::error!(%authority, shard, %next_update, "CRL is about to lapse, and there is no newer one");
            }
        }
    }

    /// Makes anew what has changed and what is old.
    pub(super) async fn publish_crls(&self, now: Timestamp) -> Result<(), PublishError> {
        let Some(base) = &self.settings.base_url else { return Ok(()) };
        let mut maker = self.crls.maker.lock().await;
        if self.crls.wake().is_none() {
            return Ok(());
        }
        let looked = self.look_after_marks(&mut maker, base, now).await;
        if let Err(error) = looked {
            self.crls.marks().everything();
            return Err(error);
        }
        let tree = self.tree();
        let mut outcome = Ok(());
        for authority in tree.iter().filter(|authority| publishes(authority)) {
            let mut places = self.due(authority, now);
            places.extend(maker.dirty.iter().filter(|place| place.authority == authority.id).cloned());
            for some in places.into_iter().collect::<Vec<_>>().chunks(SHARDS_AT_ONCE) {
                let made = self.make_with_others(&mut maker, authority, some, now).await;
                if let Err(error) = made {
                    maker.dirty.extend(some.iter().cloned());
                    // Somebody else may have taken the number.
                    if let PublishError::Record { .. } = error {
                        self.crls.marks().everything();
                    }
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    /// Lists of which there is none, or an old one, or one of a clock that was put back since.
    fn due(&self, authority: &Authority, now: Timestamp) -> BTreeSet<Place> {
        let published = self.crls.published();
        let shards = published.get(&authority.id).map(Vec::as_slice).unwrap_or_default();
        let is_due = |shard: &u16| {
            let crl = shards.get(usize::from(*shard)).and_then(Option::as_ref);
            crl.is_none_or(|crl| {
                let age = now.duration_since(crl.edition.this_update);
                age >= REFRESH_AFTER || age < -RETRY_AFTER
            })
        };
        let place = |shard| Place { authority: authority.id.clone(), shard };
        (0..authority.crl_shards.max(1)).filter(is_due).map(place).collect()
    }

    /// Whose number is taken looks at what another node signed with it: as a rule that says the same, and serves both.
    async fn make_with_others(
        &self,
        maker: &mut Maker,
        authority: &Authority,
        places: &[Place],
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let mut left = places.to_vec();
        for _ in 0..CONFLICTS_MAX {
            match self.make(maker, authority, &left, now).await {
                Err(PublishError::Record { source: WriteError::Unmet { .. }, .. }) => {
                    left = self.adopt(maker, authority, left).await?;
                }
                done => return done,
            }
            if left.is_empty() {
                return Ok(());
            }
        }
        self.make(maker, authority, &left, now).await
    }

    /// Numbers on record, signatures, signatures on record, published: in this order.
    async fn make(
        &self,
        maker: &mut Maker,
        authority: &Authority,
        places: &[Place],
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let failed = |source| PublishError::Record { authority: authority.id.clone(), source };
        let frame = self.frame(authority)?;
        let Some(key) = &authority.key else { return Ok(()) };
        let numbers = places.iter().map(|place| maker.numbers.get(place).copied().unwrap_or(0) + 1);
        let numbers = numbers.collect::<Vec<_>>();
        sql::number(&self.db, places.iter().zip(numbers.iter().copied())).await.map_err(failed)?;
        let (mut rows, mut made) = (Vec::new(), Vec::new());
        for (place, number) in places.iter().zip(numbers) {
            maker.numbers.insert(place.clone(), number);
            let edition = Edition { number, this_update: now };
            let Some(listed) = &mut maker.listed else { return Ok(()) };
            // Others have their turn between two lists, which may be long.
            tokio::task::yield_now().await;
            listed.forget_ended(place, now);
            let scope = scope(authority, place.shard, &maker.places);
            let draft = frame.draft(edition, listed.entries(place, now), scope.as_deref());
            let signed = self.keys.sign(key, &draft.tbs).await;
            let signature =
                signed.map_err(|source| PublishError::Sign { authority: authority.id.clone(), source })?;
            made.push(Published::new(&draft, edition, &signature));
            rows.push(sql::Signed { edition, sha256: draft.sha256, signature: signature.bytes });
        }
        sql::sign(&self.db, places.iter().zip(rows)).await.map_err(failed)?;
        for (place, crl) in places.iter().zip(made) {
            self.crls.put(authority, place.shard, crl);
            maker.dirty.remove(place);
        }
        Ok(())
    }

    pub(super) fn frame(&self, authority: &Authority) -> Result<Frame, PublishError> {
        let id = || authority.id.clone();
        let missing = || BuildError::Build("there is no certificate, or no key".to_owned());
        let built = |source| PublishError::Build { authority: id(), source };
        let (Some(key), Some(certificate)) = (&authority.key, &authority.certificate) else {
            return Err(built(missing()));
        };
        let public = self.keys.public(key);
        let public = public.map_err(|source| PublishError::Sign { authority: id(), source })?;
        Frame::new(certificate, public.signature_algorithm_der()).map_err(built)
    }

    async fn look_after_marks(
        &self,
        maker: &mut Maker,
        base: &BaseUrl,
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let marked = self.crls.marks().take();
        match (&mut maker.listed, marked) {
            (Some(listed), Marked::These(revoked)) => {
                for some in revoked.chunks(READ_AT_ONCE) {
                    let touched =
                        try_join_all(some.iter().map(|(what, end)| self.touched(what, *end))).await?;
                    for (touched, revocation) in touched.into_iter().flatten() {
                        maker.dirty.extend(self.list(listed, touched, revocation));
                    }
                }
                Ok(())
            }
            (None, _) | (_, Marked::Everything) => self.read_everything(maker, base, now).await,
        }
    }
}
