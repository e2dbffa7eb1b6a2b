//! The demo's data folder: its own and gone in the end, or the user's and kept.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// In the folder, so that the same server can be started again.
const CONFIGURATION_FILE: &str = "muster.toml";

pub(super) struct Folder {
    path: PathBuf,
    fate: Fate,
}

enum Fate {
    Removed,
    Kept,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("cannot make the folder `{}`: {source}", path.display())]
    Make { path: PathBuf, source: io::Error },
    #[error("the folder `{}` has been used; a demo starts from nothing, name another with --data", path.display())]
    Used { path: PathBuf },
}

impl Folder {
    pub(super) fn make(told: Option<&Path>, keep: bool) -> Result<Folder, FolderError> {
        let path = match told {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("muster-demo-{:016x}", super::random())),
        };
        if path.join(crate::endpoints::FILE).exists() {
            return Err(FolderError::Used { path });
        }
        // The CA's keys will be in it.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|source| FolderError::Make { path: path.clone(), source })?;
        let fate = if keep || told.is_some() { Fate::Kept } else { Fate::Removed };
        Ok(Folder { path, fate })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write_configuration(&self, text: &str) -> Result<(), FolderError> {
        let path = self.path.join(CONFIGURATION_FILE);
        std::fs::write(&path, text).map_err(|source| FolderError::Make { path, source })
    }

    pub(super) fn how_to_continue(&self) -> Option<String> {
        let (folder, file) = (self.path.display(), self.path.join(CONFIGURATION_FILE));
        match self.fate {
            Fate::Removed => None,
            Fate::Kept => Some(format!(
                "The data is kept in {folder}. To go on with it:\n  muster serve --data {folder} --config {}",
                file.display()
            )),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Fate::Removed = self.fate {
            // Nothing in it is needed; what cannot be removed, the system's own cleaning will.
            let _left = std::fs::remove_dir_all(&self.path);
        }
    }
}
