//! What is being issued right now, so that two requests for one thing do not both happen.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

/// Things under way, by name. There are as many as there are requests at a time, which are bounded where they come in.
#[derive(Debug)]
pub(crate) struct InFlight<K: Eq + Hash>(Arc<Mutex<HashMap<K, watch::Receiver<()>>>>);

/// While it lives, the thing is under way.
#[derive(Debug)]
pub(crate) struct UnderWay<K: Eq + Hash> {
    all: Arc<Mutex<HashMap<K, watch::Receiver<()>>>>,
    name: K,
    _ends: watch::Sender<()>,
}

/// Ends when the thing does.
#[derive(Debug)]
pub(crate) struct Other(watch::Receiver<()>);

impl<K: Eq + Hash + Clone> InFlight<K> {
    /// Begins, unless another one has and is not done.
    pub(crate) fn begin(&self, name: K) -> Result<UnderWay<K>, Other> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = all.get(&name) {
            return Err(Other(other.clone()));
        }
        let (ends, receiver) = watch::channel(());
        all.insert(name.clone(), receiver);
        Ok(UnderWay { all: Arc::clone(&self.0), name, _ends: ends })
    }
}

impl Other {
    pub(crate) fn into_end(self) -> watch::Receiver<()> {
        self.0
    }
}

impl<K: Eq + Hash> Default for InFlight<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash> Drop for UnderWay<K> {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
