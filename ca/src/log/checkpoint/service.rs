//! Checkpoints signed and kept; the log's name and key, made once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

use muster_store::WriteError;

use super::{Checkpoint, SignCheckpointError, Unsigned};
use crate::{
    Ca,
    audit::{Action, Decision, Entry},
    caller::Caller,
    keys::{KeyKind, KeyName, KeyPlace, KeyRef},
    log::{
        Head,
        merkle::sha256,
        note::VerifierKey,
        sql::{self, StoredKey},
    },
};

/// What is not signed yet is what somebody with the database can still forge without a trace: a minute of it, for half
/// a million rows a year at most.
const CHECKPOINT_EVERY: SignedDuration = SignedDuration::from_secs(60);
const KEY_NAME: &str = "log";
/// What a log is called without an address of its own.
const NAMELESS: &str = "muster";

/// The log's key, once it is known, and the last checkpoint.
#[derive(Default)]
pub(crate) struct Signer {
    key: OnceCell<LogKey>,
    latest: Mutex<Option<Checkpoint>>,
}

struct LogKey {
    reference: KeyRef,
    verifier: VerifierKey,
}

impl Signer {
    fn latest(&self) -> MutexGuard<'_, Option<Checkpoint>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ca {
    /// The public key of the log under its name: what proofs and exports are verified with, elsewhere.
    pub async fn log_key(&self, now: Timestamp) -> Result<VerifierKey, SignCheckpointError> {
        Ok(self.signing_key(now).await?.verifier.clone())
    }

    /// The newest checkpoint; a new one when the logs grew since.
    pub async fn checkpoint(&self, now: Timestamp) -> Result<Checkpoint, SignCheckpointError> {
        let latest = self.latest_checkpoint(now).await?;
        let head = sql::head(&self.db).await?; // after the key was made, which is an entry, too
        match latest {
            Some(latest) if latest.chain.entries >= head.chain.entries => Ok(latest),
            Some(_) | None => self.sign_checkpoint(&head, now).await,
        }
    }

    /// The newest checkpoint that there is.
    pub async fn latest_checkpoint(&self, now: Timestamp) -> Result<Option<Checkpoint>, SignCheckpointError> {
        if let Some(latest) = self.log.signer.latest().clone() {
            return Ok(Some(latest));
        }
        let key = self.signing_key(now).await?;
        let stored = sql::latest_checkpoint(&self.db).await.map_err(crate::log::ReadError::from)?;
        // One that is not this key's proves nothing: a new one is signed, and verifying the log will name it.
        let read = |stored: sql::StoredCheckpoint| {
            Checkpoint::verify(stored.note, stored.audit_note, stored.signed, &key.verifier).ok()
        };
        let latest = stored.and_then(read);
        self.log.signer.latest().clone_from(&latest);
        Ok(latest)
    }

    /// Signs a checkpoint when one is due; tells when to ask again.
    pub(crate) async fn tick_checkpoint(&self, now: Timestamp) -> Result<Timestamp, SignCheckpointError> {
        let latest = self.latest_checkpoint(now).await?;
        let head = sql::head(&self.db).await?;
        let due = match &latest {
            Some(latest) if latest.chain.entries >= head.chain.entries => now + CHECKPOINT_EVERY,
            // Signed in the future: the clock was set back, and waits for nobody.
            Some(latest) if latest.signed <= now => latest.signed + CHECKPOINT_EVERY,
            Some(_) | None => now,
        };
        if now < due {
            return Ok(due.min(now + CHECKPOINT_EVERY));
        }
        self.sign_checkpoint(&head, now).await?;
        Ok(now + CHECKPOINT_EVERY)
    }

    /// Signs a head that was read from the database: a crash cannot take back what was signed, and other nodes' is in it.
    async fn sign_checkpoint(&self, head: &Head, now: Timestamp) -> Result<Checkpoint, SignCheckpointError> {
        let LogKey { reference, verifier } = self.signing_key(now).await?;
        let unsigned = Unsigned::new(head, verifier);
        let signature = self.keys.sign(reference, unsigned.text.as_bytes()).await?;
        let audit_signature = self.keys.sign(reference, unsigned.audit_text.as_bytes()).await?;
        let checkpoint = unsigned
            .signed(verifier, [&signature.bytes, &audit_signature.bytes], now)
            .ok_or(SignCheckpointError::OtherKey)?;
        self.db.write(vec![sql::insert_checkpoint(&checkpoint)]).await?;
        let mut latest = self.log.signer.latest();
        if latest.as_ref().is_none_or(|latest| latest.chain.entries < checkpoint.chain.entries) {
            *latest = Some(checkpoint.clone());
        }
        Ok(checkpoint)
    }

    async fn signing_key(&self, now: Timestamp) -> Result<&LogKey, SignCheckpointError> {
        self.log.signer.key.get_or_try_init(|| self.open_signing_key(now)).await
    }

    /// The key that was written at the first start; made and written if this is it.
    async fn open_signing_key(&self, now: Timestamp) -> Result<LogKey, SignCheckpointError> {
        let stored = match sql::key(&self.db).await.map_err(crate::log::ReadError::from)? {
            Some(stored) => stored,
            None => self.make_signing_key(now).await?,
        };
        let reference = KeyRef::parse(&stored.key)?;
        let name = KeyName::parse(KEY_NAME)?;
        // Held again after a start: finding it loads it.
        let found = self.keys.find(name, KeyPlace::File).await?.filter(|found| *found == reference);
        let public = self.ed25519_of(&found.ok_or(SignCheckpointError::OtherKey)?)?;
        if STANDARD.encode(public) != stored.public {
            return Err(SignCheckpointError::OtherKey);
        }
        let verifier = VerifierKey::new(&stored.origin, public).ok_or(SignCheckpointError::OtherKey)?;
        Ok(LogKey { reference, verifier })
    }

    async fn make_signing_key(&self, now: Timestamp) -> Result<StoredKey, SignCheckpointError> {
        let reference =
            self.keys.provide(KeyKind::Ed25519, KeyName::parse(KEY_NAME)?, KeyPlace::File).await?;
        let public = self.ed25519_of(&reference)?;
        // As C2SP advises: where the log would be found, and so unique; the key's hash, for those without an address.
        let place = self.settings.base_url.as_ref().and_then(|url| url.as_str().strip_prefix("http://"));
        let [a, b, c, d, ..] = sha256(&[&public]);
        let origin = format!("{}/log/{}", place.unwrap_or(NAMELESS), hex::encode([a, b, c, d]));
        let key = StoredKey { origin, key: reference.to_string(), public: STANDARD.encode(public) };
        let entry = Entry::new(&Caller::process(), Action::LogKeyCreate, &key.origin, Decision::Allowed);
        match self.record(entry, None, vec![sql::insert_key(&key)], now).await {
            Ok(_) => Ok(key),
            // Another node was first; its key is this one, or there is no use in going on.
            Err(WriteError::Unmet { .. }) => {
                let stored = sql::key(&self.db).await.map_err(crate::log::ReadError::from)?;
                stored.ok_or(SignCheckpointError::OtherKey)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn ed25519_of(&self, key: &KeyRef) -> Result<[u8; 32], SignCheckpointError> {
        let public = self.keys.public(key)?;
        // RFC 8410 section 4: the key is what the BIT STRING ends with.
        let raw = public.spki_der().last_chunk().copied();
        raw.filter(|_| public.kind() == KeyKind::Ed25519).ok_or(SignCheckpointError::OtherKey)
    }
}
