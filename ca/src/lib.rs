//! The certificate authority: its hierarchy, what it issues and takes back, and the proof of both.
//!
//! It knows nothing of devices and hubs: a certificate has a holder, whose name is opaque here.

pub mod api;
mod audit;
mod caller;
mod crl;
mod est;
mod folder;
mod hierarchy;
mod identification;
mod issuance;
mod keys;
mod log;
mod nodes;
mod ocsp;
mod profile;
mod public;
mod revocation;
mod service;
mod settings;
mod tlv;
#[cfg(test)]
mod workshop;

use std::sync::Arc;

pub use audit::{
    Action, AuditExport, Broken, ChainHead, Chained, Decision, Entry, ExportError, Found, LineError,
    Verified, VerifyError, VerifyExportError, Wrong, find_in_export, verify as verify_entries, verify_export,
};
pub use caller::{Caller, Credential, Grant, GrantChangeError, GrantError, NotGranted, Quota, Rate};
pub use crl::{CrlFacts, PublishError};
pub use est::{
    Approval, Base64Form, CredentialKind, DEFAULT_LABEL, EstChangeError, EstCredential, EstLabel, EstRequest,
    EstRequestError, EstTrust, FreshCredential, NewEstCredential, PopLink, Verdict, router as est_router,
};
pub use folder::FolderError;
pub use hierarchy::{
    Authority, AuthorityError, AuthorityId, AuthorityIdError, AuthorityNameError, BuildError, ExpiryWarning,
    NewAuthority, NoSuchTransition, Node, OpenError, Renewal, Retirement, State, Transition, Tree, Unfit,
    Urgency,
};
pub use identification::{Identified, Unidentified};
pub use issuance::{
    CertificateReadError, Filter, Freshness, Hardware, Holder, IssueError, Issued, NameError, News, Page,
    Recipient, RenewError, RenewRequest, Request, ServerCertificate, ServerCertificateError, Stage, Stored,
    SubjectFacts, renew_after,
};
pub use keys::{
    KeyError, KeyKind, KeyName, KeyPlace, KeyRef, KeyRefError, PassphraseChange, PassphraseChangeError,
    PassphraseError, PassphraseGiven, SignError, TokenError, UnknownKeyKind, passphrase_opens,
};
pub use log::{
    Checkpoint, CheckpointError, Consistency, Damaged, Hash, Inclusion, Log, NoteError, Proof, ProofError,
    ProveError, Proven, ReadError as LogReadError, Record, Recorded, SignCheckpointError, VerifierKey,
    VerifierKeyError, verify_proof,
};
pub use nodes::NodesError;
pub use ocsp::ResponderReadError;
pub use profile::{
    Asked, EndOfLife, Finding, GENERATION, HOLDER, Identity, Issuer, NamePattern, PRIVATE_ARC, Prepared,
    Profile, ProfileChangeError, ProfileError, ProfileId, Refused, Wanted, prepare,
};
pub use public::public_router;
pub use revocation::{
    ReadmitError, Reason, Revocation, RevocationReadError, RevokeError, Revoked, UnknownReason, What,
};
pub use service::Ca;
pub use settings::{BaseUrl, BaseUrlError, PassphraseSource, PinSource, Pkcs11, Settings};

/// Fills a slice with unpredictable bytes. Private keys do not depend on it: AWS-LC draws them itself.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;
