//! Why a CRL was not made anew.

use muster_store::{StoreError, WriteError};

use crate::{
    hierarchy::{AuthorityId, BuildError},
    keys::SignError,
};

/// The one before stands, until it ends.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("what is revoked cannot be read: {0}")]
    Read(#[from] StoreError),
    #[error("CRL {shard} of authority `{authority}` is damaged in the database: restore it from a backup")]
    Damaged { authority: String, shard: i64 },
    #[error("certificate `{serial}` is damaged in the database: restore it from a backup")]
    DamagedCertificate { serial: String },
    #[error("place where CRLs are fetched is not recorded: {source}")]
    Place { source: WriteError },
    #[error("CRLs of authority `{authority}` cannot be built: {source}")]
    Build { authority: AuthorityId, source: BuildError },
    #[error("CRLs of authority `{authority}` are not signed: {source}")]
    Sign { authority: AuthorityId, source: SignError },
    #[error("CRLs of authority `{authority}` are not recorded: {source}")]
    Record { authority: AuthorityId, source: WriteError },
}
