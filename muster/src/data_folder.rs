//! The data folder: one server at a time, secrets readable by their owner only, files replaced whole.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

const LOCK_FILE: &str = "muster.lock";
/// A process that was killed holds its files until the system has cleared it away, and its successor is there before that.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// A lock file is a line; more is not ours.
const LOCK_BYTES_MAX: u64 = 64 * 1024;

/// Held for as long as the server lives; the system lets go of it even after kill -9.
pub(crate) struct DataFolder {
    path: PathBuf,
    lock: File,
}

/// Who holds the folder, and where it listens: for clients on this machine when host names do not resolve.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) listen: Vec<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    #[error("cannot use the data folder `{}`: {source}", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "the data folder `{}` is in use by another muster (process {pid}); stop that one, or choose another folder with --data",
        path.display()
    )]
    InUse { path: PathBuf, pid: u32 },
}

impl DataFolder {
    pub(crate) fn open(path: &Path) -> Result<Self, DataFolderError> {
        let unusable = |source| DataFolderError::Unusable { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .map_err(unusable)?;
        let deadline = Instant::now() + LOCK_PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let pid = read_holder(&mut lock).map_or(0, |holder| holder.pid);
                    return Err(DataFolderError::InUse { path, pid });
                }
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
        }
        let mut folder = Self { path, lock };
        folder.announce(Vec::new()).map_err(unusable)?;
        Ok(folder)
    }

    /// Writes who holds the folder into the lock file.
    pub(crate) fn announce(&mut self, listen: Vec<IpAddr>) -> io::Result<()> {
        let text = serde_json::to_vec(&Holder { pid: std::process::id(), listen })?;
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(&text)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn event_logs(&self) -> PathBuf {
        self.path.join("events")
    }

    pub(crate) fn event_log(&self, hub: &str) -> PathBuf {
        self.event_logs().join(format!("{hub}.db"))
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.path.join("ca.pem")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.path.join("keys.json")
    }

    pub(crate) fn endpoints(&self) -> PathBuf {
        self.path.join(crate::endpoints::FILE)
    }
}

/// The server that runs on a folder, told by its lock file; `None` when none ever did.
pub(crate) fn holder(data: &Path) -> Option<Holder> {
    read_holder(&mut File::open(data.join(LOCK_FILE)).ok()?)
}

fn read_holder(lock: &mut File) -> Option<Holder> {
    let mut text = Vec::new();
    lock.take(LOCK_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Makes an empty file that only we may read, where there is none: databases take over its permissions.
pub(crate) fn reserve_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

/// Who may read a file.
#[derive(Clone, Copy)]
pub(crate) enum Readers {
    Owner,
    Everyone,
}

/// Replaces a file whole and durably: a reader, or a crash, sees the old text or the new one.
pub(crate) fn replace_file(path: &Path, text: &[u8], readers: Readers) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = folder.join(name);
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Everyone => 0o644,
    };
    // A leftover of a crash could have other permissions.
    match std::fs::remove_file(&new) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_has_one_server_and_the_second_is_told_which() {
        let temporary = tempfile::tempdir().unwrap();
        let data = temporary.path().join("new/folder");
        let first = DataFolder::open(&data).unwrap();
        let refused = DataFolder::open(&data).err().unwrap().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        DataFolder::open(&data).unwrap();
    }

    #[test]
    fn a_successor_waits_for_one_that_is_on_its_way_out() {
        let temporary = tempfile::tempdir().unwrap();
        let first = DataFolder::open(temporary.path()).unwrap();
        let leaving = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(first);
        });
        DataFolder::open(temporary.path()).unwrap();
        leaving.join().unwrap();
    }

    #[test]
    fn a_replaced_file_is_readable_by_its_owner_only() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("secret");
        std::fs::write(temporary.path().join("secret.new"), "left by a crash").unwrap();
        replace_file(&path, b"one", Readers::Owner).unwrap();
        replace_file(&path, b"two", Readers::Owner).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(temporary.path().read_dir().unwrap().count(), 1);
    }
}
