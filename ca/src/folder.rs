//! The folder that the authorities live in: every file in it is whole or absent, whenever the process died.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tracing::warn;
use zeroize::Zeroizing;

/// A key and a short chain take 3 KiB; what is larger was not written here.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Of a file being written. A leftover is one that a dead process did not finish.
const UNFINISHED: &str = ".unfinished";
const LOCK: &str = "lock";

#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// One process at a time makes or replaces files; the operating system releases the lock of a dead one.
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read: dropping it unlocks")] File);

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(
        "cannot {action} `{path}` ({source}): make it accessible to the user who runs this, on a disk with room"
    )]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "`{path}` is larger than {FILE_BYTES_MAX} bytes, so it was not written here: restore it from a backup"
    )]
    TooLarge { path: PathBuf },
    #[error("`{path}` is not text: restore it from a backup")]
    NotText { path: PathBuf },
}

impl Folder {
    pub(crate) fn open(path: PathBuf) -> Result<Self, FolderError> {
        let folder = Self { path };
        if !folder.path.is_dir() {
            let made = DirBuilder::new().recursive(true).mode(0o755).create(&folder.path);
            made.map_err(|source| folder.failed("create", None, source))?;
            // The parent holds the entry: without this, a power failure may take the folder back.
            if let Some(parent) = folder.path.parent() {
                sync(parent).map_err(|source| folder.failed("write", None, source))?;
            }
        }
        Ok(folder)
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Waits until no other process is writing here, and clears what a dead one left.
    pub(crate) fn lock(&self) -> Result<Lock, FolderError> {
        let failed = |source| self.failed("lock", Some(LOCK), source);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(self.path_of(LOCK)).map_err(failed)?;
        file.lock().map_err(failed)?;
        for name in self.names()?.iter().filter(|name| name.ends_with(UNFINISHED)) {
            self.remove(name)?;
        }
        Ok(Lock(file))
    }

    /// The text of a file, or none when there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, FolderError> {
        let failed = |source| self.failed("read", Some(name), source);
        let path = self.path_of(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if metadata.len() > FILE_BYTES_MAX {
            return Err(FolderError::TooLarge { path });
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            warn!(path = %path.display(), "others can read this file with a key (mode {mode:o}): chmod 600 it");
        }
        // Room for all at once, so that no copy of a key is left behind by a growing buffer.
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(FILE_BYTES_MAX).unwrap_or(0) + 1));
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
            Err(_) => Err(FolderError::NotText { path }),
        }
    }

    /// Writes a file whole and durable, for its owner alone, in place of an older one if there is one.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let unfinished = format!("{name}{UNFINISHED}");
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create_new(true).mode(0o600).open(self.path_of(&unfinished))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(self.path_of(&unfinished), self.path_of(name))?;
            sync(&self.path)
        })();
        written.map_err(|source| self.failed("write", Some(name), source))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path_of(name).exists()
    }

    /// In place of the one with that name, if there is one; durable.
    pub(crate) fn rename(&self, name: &str, to: &str) -> Result<(), FolderError> {
        let renamed = fs::rename(self.path_of(name), self.path_of(to)).and_then(|()| sync(&self.path));
        renamed.map_err(|source| self.failed("rename", Some(name), source))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), FolderError> {
        fs::remove_file(self.path_of(name)).map_err(|source| self.failed("remove", Some(name), source))
    }

    pub(crate) fn names(&self) -> Result<Vec<String>, FolderError> {
        let failed = |source| self.failed("list", None, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        Ok(names)
    }

    fn failed(&self, action: &'static str, name: Option<&str>, source: io::Error) -> FolderError {
        let path = name.map_or_else(|| self.path.clone(), |name| self.path_of(name));
        FolderError::Io { action, path, source }
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()
}
