//! What is known to be revoked, and those who hear of it.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::broadcast;

use super::{
    Revocation, Revoked, What,
    memory::{Cut, Memory},
};

/// Who is slower than this many revocations asks again about everyone: nothing is lost, only told at once.
const EVENTS_MAX: usize = 1024;

/// All revocations, exact, for answers without the disk.
pub(crate) struct Revocations {
    memory: RwLock<Memory>,
    events: broadcast::Sender<Revoked>,
}

/// What is recorded, to be remembered.
#[derive(Clone, Copy)]
pub(super) enum Fact {
    Revoked(Revocation),
    /// The how many-th cut of a holder.
    Cut(usize, Cut),
}

impl Fact {
    fn revocation(self) -> Revocation {
        match self {
            Self::Revoked(revocation) => revocation,
            Self::Cut(_, cut) => cut.mark.into(),
        }
    }
}

impl Revocations {
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory: RwLock::new(memory), events: broadcast::channel(EVENTS_MAX).0 }
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Revoked> {
        self.events.subscribe()
    }

    pub(super) fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put_bar(&self, what: &What, bar: Option<Revocation>) {
        if let (What::Holder(name), Some(bar)) = (what, bar) {
            self.memory.write().unwrap_or_else(PoisonError::into_inner).put_bar(name, bar);
        }
    }

    /// The bar of a holder as the database has it, when memory had `seen` before that was read: what was lifted is forgotten,
    /// but not what was put up here meanwhile. Tells whether there is one that was not.
    pub(super) fn hear_bar(&self, holder: &str, seen: Option<Revocation>, bar: Option<Revocation>) -> bool {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match bar {
            Some(bar) => memory.put_bar(holder, bar),
            None if memory.bar(holder) == seen => memory.remove_bar(holder),
            None => {}
        }
        memory.bar(holder).is_some() && seen.is_none()
    }

    pub(super) fn forget_bar(&self, holder: &str) {
        self.memory.write().unwrap_or_else(PoisonError::into_inner).remove_bar(holder);
    }

    /// Remembers it, then tells it if it is news: whoever hears of it and asks is told the same.
    pub(super) fn learn(&self, what: &What, fact: Fact) -> Revocation {
        self.hear(what, fact);
        fact.revocation()
    }

    /// The same, and answers whether it is news.
    pub(super) fn hear(&self, what: &What, fact: Fact) -> bool {
        let revocation = fact.revocation();
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        let is_news = match (what, fact) {
            (What::Serial { authority, serial }, Fact::Revoked(_)) => {
                memory.put_serial(authority, *serial, revocation)
            }
            (What::Holder(name), Fact::Cut(number, cut)) => memory.put_cut(name, number, cut),
            (What::Authority(id), Fact::Revoked(_)) => memory.put_authority(id, revocation),
            (What::Serial { .. } | What::Authority(_), Fact::Cut(..))
            | (What::Holder(_), Fact::Revoked(_)) => false,
        };
        drop(memory);
        if is_news {
            self.tell(what, revocation);
        }
        is_news
    }

    pub(super) fn tell(&self, what: &What, revocation: Revocation) {
        // Nobody may be listening.
        let _ = self.events.send(Revoked { what: what.clone(), revocation });
    }
}
