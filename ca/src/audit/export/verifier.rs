//! Both logs verified, line after line, here or elsewhere. Pure.

use std::io::{BufRead, Read as _};

use super::{LINE_BYTES_MAX, Line, LineError, VerifyExportError, Wrong};
use crate::{
    audit::{Action, Broken, ChainHead, Chained, Decision},
    log::{
        Checkpoint, Hash, VerifierKey,
        edge::{Changed, Edge},
        leaf_hash, sha256,
        tiles::TILE_WIDTH,
    },
};

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The key that signed it. Who did not name the key in advance has to know it for the log's own.
    pub key: VerifierKey,
    pub entries: u64,
    pub certificates: u64,
    pub checkpoints: u64,
    /// The last checkpoint: what to compare with what is known elsewhere.
    pub last: Checkpoint,
}

/// Where the log has a certificate, and the entry that brought it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub index: u64,
    pub entry: Chained,
}

/// Verifies an export: the chain is whole, every issued certificate is in the log, every checkpoint is signed and fits
/// both, and so the others. `key` is the log's, known from elsewhere; without it the export's own is believed.
pub fn verify_export(reader: impl BufRead, key: Option<&VerifierKey>) -> Result<Verified, VerifyExportError> {
    read(reader, key, |_| {})
}

/// Verifies an export, and finds a certificate in it: in a whole log that is proof that it was issued here.
pub fn find_in_export(
    reader: impl BufRead,
    key: Option<&VerifierKey>,
    certificate_der: &[u8],
) -> Result<(Verified, Option<Found>), VerifyExportError> {
    let (mut entry, mut found) = (None, None);
    let verified = read(reader, key, |line| match line {
        Line::Entry(issued) if issued.log_index.is_some() => entry = Some(issued.clone()),
        Line::Certificate { index, certificate, .. } if certificate.0 == certificate_der => {
            let entry = entry.take().map(|entry| Chained::from(*entry));
            found = found.take().or(entry.map(|entry| Found { index: *index, entry }));
        }
        Line::Log { .. }
        | Line::Entry(_)
        | Line::Certificate { .. }
        | Line::Checkpoint { .. }
        | Line::End { .. } => {}
    })?;
    Ok((verified, found))
}

fn read(
    mut reader: impl BufRead,
    key: Option<&VerifierKey>,
    mut look: impl FnMut(&Line),
) -> Result<Verified, VerifyExportError> {
    let mut verifier = Verifier::new(key.cloned());
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if reader.by_ref().take(limit).read_until(b'\n', &mut text)? == 0 {
            break;
        }
        let unusable = |why| VerifyExportError::Line { line: number, why };
        if text.len() > LINE_BYTES_MAX {
            return Err(unusable(LineError::Long));
        }
        let line = Line::parse(&text).map_err(unusable)?;
        look(&line);
        verifier.follow(line).map_err(|why| VerifyExportError::Wrong { line: number, why })?;
        verifier.take_full(); // an export has no tiles to compare them with
    }
    let lines = verifier.lines;
    verifier.finish().map_err(|why| VerifyExportError::Wrong { line: lines, why })
}

/// What is verified so far.
#[derive(Debug, Default)]
pub(crate) struct Verifier {
    expected: Option<VerifierKey>,
    key: Option<VerifierKey>,
    chain: ChainHead,
    edge: Edge,
    /// Leaves that are verified, but not in the edge yet: it takes them by the tile.
    leaves: Vec<Hash>,
    /// The entry that names the next certificate, which must follow it.
    awaited: Option<Awaited>,
    last: Option<Checkpoint>,
    checkpoints: u64,
    lines: u64,
    ended: bool,
    /// Tiles above the leaves that are complete, until they are asked for.
    full: Vec<Changed>,
}

#[derive(Debug, Clone, Copy)]
struct Awaited {
    sequence: u64,
    index: u64,
    sha256: Option<Hash>,
}

impl Verifier {
    pub(crate) fn new(expected: Option<VerifierKey>) -> Self {
        Self { expected, ..Self::default() }
    }

    pub(crate) fn follow(&mut self, line: Line) -> Result<(), Wrong> {
        self.lines += 1;
        if self.ended {
            return Err(Wrong::AfterEnd);
        }
        if let (Some(Awaited { sequence, index, .. }), false) =
            (self.awaited, matches!(line, Line::Certificate { .. }))
        {
            return Err(Wrong::CertificateMissing { sequence, index });
        }
        match line {
            Line::Log { key } => self.log(&key),
            Line::Entry(entry) => self.entry(&(*entry).into()),
            Line::Certificate { index, leaf, certificate } => self.certificate(index, leaf.0, &certificate.0),
            Line::Checkpoint { entries, signed, note, audit_note } => {
                let key = self.key.as_ref().ok_or(Wrong::KeyMissing)?;
                let checkpoint = Checkpoint::verify(note, audit_note, signed, key)
                    .map_err(|why| Wrong::Checkpoint { entries, why })?;
                self.checkpoint(checkpoint, entries)
            }
            Line::End { entries, certificates } => self.end(entries, certificates),
        }
    }

    /// Everything was there.
    pub(crate) fn finish(self) -> Result<Verified, Wrong> {
        let (true, Some(key), Some(last)) = (self.ended, self.key, self.last) else {
            return Err(Wrong::CutOff);
        };
        Ok(Verified {
            key,
            entries: self.chain.entries,
            certificates: self.edge.size(),
            checkpoints: self.checkpoints,
            last,
        })
    }

    pub(crate) fn take_full(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.full)
    }

    pub(crate) fn entries(&self) -> u64 {
        self.chain.entries
    }

    /// Of the tree so far, up to the last checkpoint at least.
    pub(crate) fn edge(&self) -> &Edge {
        &self.edge
    }

    fn log(&mut self, text: &str) -> Result<(), Wrong> {
        let wrong = |expected: Option<&VerifierKey>| Wrong::Key {
            found: text.to_owned(),
            expected: expected.map_or_else(|| "name+id+key".to_owned(), VerifierKey::to_string),
        };
        let key = VerifierKey::parse(text).map_err(|_| wrong(None))?;
        let known = self.key.as_ref().or(self.expected.as_ref());
        if known.is_some_and(|known| *known != key) {
            return Err(wrong(known));
        }
        self.key = Some(key);
        Ok(())
    }

    fn entry(&mut self, entry: &Chained) -> Result<(), Wrong> {
        if self.key.is_none() {
            return Err(Wrong::KeyMissing);
        }
        self.chain.follow(entry)?;
        let sequence = entry.sequence;
        match entry.log_index {
            Some(index) if index == self.size() => {
                self.awaited = Some(Awaited { sequence, index, sha256: entry.certificate_sha256 });
                Ok(())
            }
            Some(found) => Err(Wrong::CertificateOutOfOrder { sequence, expected: self.size(), found }),
            None if says_issued(entry) => Err(Wrong::IssuedUnlogged(sequence)),
            None => Ok(()),
        }
    }

    fn certificate(&mut self, index: u64, leaf: Hash, der: &[u8]) -> Result<(), Wrong> {
        let Some(awaited) = self.awaited.take() else { return Err(Wrong::CertificateUnaccounted(index)) };
        let sequence = awaited.sequence;
        if index != awaited.index {
            return Err(Wrong::CertificateMissing { sequence, index: awaited.index });
        }
        if awaited.sha256 != Some(sha256(&[der])) {
            return Err(Wrong::CertificateReplaced { index, sequence });
        }
        if leaf != leaf_hash(der) {
            return Err(Wrong::Leaf(index));
        }
        self.leaves.push(leaf);
        if self.leaves.len() >= TILE_WIDTH {
            self.plant();
        }
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint, entries: u64) -> Result<(), Wrong> {
        if entries != checkpoint.chain.entries || entries != self.chain.entries {
            return Err(Wrong::CheckpointMisplaced(entries));
        }
        if checkpoint.chain != self.chain {
            return Err(Wrong::Chain(entries));
        }
        self.plant();
        if checkpoint.size != self.edge.size() || checkpoint.root != self.edge.root() {
            return Err(Wrong::Root { entries, size: self.edge.size() });
        }
        self.checkpoints += 1;
        self.last = Some(checkpoint);
        Ok(())
    }

    fn end(&mut self, entries: u64, certificates: u64) -> Result<(), Wrong> {
        self.plant();
        let signed = self.last.as_ref().map_or(0, |last| last.chain.entries);
        if entries > self.chain.entries {
            return Err(Broken::Missing(self.chain.entries + 1).into());
        }
        if certificates > self.edge.size() {
            return Err(Wrong::CertificateUnaccounted(self.edge.size()));
        }
        if (entries, certificates) != (self.chain.entries, self.edge.size()) {
            return Err(Wrong::AfterEnd);
        }
        // What nobody signed anybody could have written.
        if signed != entries {
            return Err(Wrong::EndUnsigned { signed, entries });
        }
        self.ended = true;
        Ok(())
    }

    fn size(&self) -> u64 {
        self.edge.size() + self.leaves.len() as u64
    }

    fn plant(&mut self) {
        let leaves = std::mem::take(&mut self.leaves);
        let changed = self.edge.append(&leaves).into_iter();
        self.full.extend(changed.filter(|tile| tile.id.level > 0 && tile.hashes.len() == TILE_WIDTH));
    }
}

fn says_issued(entry: &Chained) -> bool {
    let issuing = [Action::CertificateIssue, Action::CertificateRenew];
    entry.decision == Decision::Allowed.as_str()
        && issuing.iter().any(|action| entry.action == action.as_str())
}
