//! What the authorities promise, on every engine.

mod bring;
mod create;
mod life;
mod start;
mod watch;

use std::{path::Path, sync::Arc};

use jiff::Timestamp;

use muster_store::Db;
use muster_test_engines::{Place, for_each_place};
use muster_x509::Certificate;

use super::{Authority, AuthorityId, OpenError};
use crate::{Ca, workshop};

/// A data folder and a database that outlive the authority.
struct Site<'a> {
    dir: tempfile::TempDir,
    place: &'a Place,
}

/// An authority that is running there.
struct Running {
    ca: Arc<Ca>,
    db: Db,
}

async fn for_each_site(test: impl AsyncFn(&Site<'_>)) {
    for_each_place(async |place| test(&Site { dir: tempfile::tempdir().unwrap(), place }).await).await;
}

impl Site<'_> {
    async fn try_open(&self, at: Timestamp) -> Result<Running, OpenError> {
        let db = self.place.open().await;
        match workshop::open(self.dir.path(), &db, at).await {
            Ok(ca) => Ok(Running { ca, db }),
            Err(error) => {
                db.close().await;
                Err(error)
            }
        }
    }

    async fn open(&self, at: Timestamp) -> Running {
        self.try_open(at).await.unwrap()
    }

    async fn refusal(&self, at: Timestamp) -> String {
        match self.try_open(at).await {
            Ok(_) => panic!("it opened"),
            Err(error) => error.to_string(),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }
}

impl Running {
    async fn close(self) {
        drop(self.ca);
        self.db.close().await;
    }

    fn certificate(&self, id: &str) -> Certificate {
        self.authority(id).certificate.clone().unwrap()
    }

    fn authority(&self, id: &str) -> Arc<Authority> {
        self.ca.authority(&id_of(id)).unwrap()
    }
}

fn id_of(text: &str) -> AuthorityId {
    AuthorityId::parse(text).unwrap()
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
