//! The limit on open files: every connection is one, and many systems start programs with 1,024.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit as far as this user may. Without success there is less room, and `accept` says so.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
}
