//! The hash chain: how an entry is hashed with the one before it, and how a chain is verified. Pure.
//!
//! The hash of an entry is SHA-256 over, one after the other: the text `muster audit entry 1` and a newline; the hash
//! of the entry before it, 32 bytes, zeros for the first; sequence, time (microseconds since 1970), count, 8 bytes each;
//! actor, credential, action, object, decision, reason, each as its length in 4 bytes and its UTF-8; SHA-256 of the
//! request, SHA-256 of the certificate, log index, each as a byte 0 when there is none, else a byte 1 and its 32 or
//! 8 bytes. Numbers are big-endian. Entries count from 1.

use jiff::Timestamp;

use super::Entry;
use crate::log::{Hash, sha256};

/// What this is a hash of, and no other hash of ours.
const DOMAIN: &[u8] = b"muster audit entry 1\n";

/// An entry in its place, as it is stored: texts rather than enumerations, so that what is there can be verified
/// whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chained {
    pub sequence: u64,
    pub at: Timestamp,
    pub actor: String,
    pub credential: String,
    pub action: String,
    pub object: String,
    pub decision: String,
    pub reason: String,
    /// How many alike this entry stands for; see [`super::refusals`].
    pub count: u64,
    pub request_sha256: Option<Hash>,
    pub certificate_sha256: Option<Hash>,
    /// Where the certificate that it brought about is in the transparency log.
    pub log_index: Option<u64>,
    /// Hash of the entry before.
    pub previous: Hash,
    pub hash: Hash,
}

/// The end of a chain: how many entries, and the hash of the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChainHead {
    pub entries: u64,
    pub hash: Hash,
}

/// The first entry that does not stand where it should, as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("audit entry {0} is missing")]
    Missing(u64),
    #[error("audit entry {0} was changed after it was written")]
    Changed(u64),
    #[error("audit entry {0} does not follow the one before it, which was replaced")]
    Unchained(u64),
}

impl ChainHead {
    /// The next entry of the chain, which it becomes the head of.
    pub(crate) fn chain(&mut self, entry: &Entry, log_index: Option<u64>, now: Timestamp) -> Chained {
        let mut chained = Chained {
            sequence: self.entries + 1,
            at: now,
            actor: entry.actor.clone(),
            credential: entry.credential.clone(),
            action: entry.action.as_str().to_owned(),
            object: entry.object.clone(),
            decision: entry.decision.as_str().to_owned(),
            reason: entry.reason.clone(),
            count: entry.count,
            request_sha256: entry.request_sha256,
            certificate_sha256: entry.certificate_sha256,
            log_index,
            previous: self.hash,
            hash: Hash::default(),
        };
        chained.hash = chained.compute();
        *self = Self { entries: chained.sequence, hash: chained.hash };
        chained
    }

    /// Takes the entry for the next of the chain, if it is.
    pub fn follow(&mut self, entry: &Chained) -> Result<(), Broken> {
        let sequence = self.entries + 1;
        if entry.sequence != sequence {
            return Err(Broken::Missing(sequence));
        }
        if entry.compute() != entry.hash {
            return Err(Broken::Changed(sequence));
        }
        if entry.previous != self.hash {
            return Err(Broken::Unchained(sequence));
        }
        *self = Self { entries: sequence, hash: entry.hash };
        Ok(())
    }
}

/// Verifies a chain from its first entry on.
pub fn verify<'e>(entries: impl IntoIterator<Item = &'e Chained>) -> Result<ChainHead, Broken> {
    let mut head = ChainHead::default();
    for entry in entries {
        head.follow(entry)?;
    }
    Ok(head)
}

impl Chained {
    fn compute(&self) -> Hash {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(DOMAIN);
        bytes.extend_from_slice(&self.previous);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.at.as_microsecond().to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        for text in [&self.actor, &self.credential, &self.action, &self.object, &self.decision, &self.reason]
        {
            // Longer than that is no text that we wrote: it may be any other for the hash.
            bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        push_optional(&mut bytes, self.request_sha256.as_ref().map(Hash::as_slice));
        push_optional(&mut bytes, self.certificate_sha256.as_ref().map(Hash::as_slice));
        push_optional(&mut bytes, self.log_index.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        sha256(&[&bytes])
    }
}

fn push_optional(bytes: &mut Vec<u8>, value: Option<&[u8]>) {
    bytes.push(u8::from(value.is_some()));
    bytes.extend_from_slice(value.unwrap_or_default());
}
