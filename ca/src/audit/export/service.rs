//! Both logs read page after page, to be written to a file or verified here.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use muster_store::Db;

use super::{
    ExportError, Line, Verified, Verifier, VerifyError, Wrong,
    line::{Base64, Hex},
};
use crate::{
    Ca,
    audit::{Chained, service::PAGE_MAX, sql as audit_sql},
    log::{
        Checkpoint, ReadError, VerifierKey,
        edge::Edge,
        sql,
        tiles::{TILE_WIDTH, TileId, Tiles},
    },
};

/// An export under way, up to the checkpoint that was the newest when it began.
pub struct AuditExport {
    db: Db,
    key: VerifierKey,
    end: Checkpoint,
    /// The entry and the certificate that come next.
    entry: u64,
    certificate: u64,
    at: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    Entries,
    End,
    Over,
}

impl Ca {
    /// Begins an export of both logs; it ends where a checkpoint is signed now.
    pub async fn audit_export(&self, now: Timestamp) -> Result<AuditExport, ExportError> {
        let key = self.log_key(now).await?;
        let end = self.checkpoint(now).await?;
        let db = self.db.clone();
        Ok(AuditExport { db, key, end, entry: 1, certificate: 0, at: Place::Key })
    }

    /// Verifies both logs from their beginning, as an export would be, and the tiles that proofs are made from.
    /// `progress` is told how many entries of how many are done.
    pub async fn audit_verify(
        &self,
        now: Timestamp,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Verified, VerifyError> {
        let mut export = self.audit_export(now).await?;
        let mut verifier = Verifier::new(Some(export.key.clone()));
        while let Some(lines) = export.lines().await? {
            for line in lines {
                verifier.follow(line)?;
            }
            for full in verifier.take_full() {
                let stored = sql::tiles(&self.db, &[full.id]).await.map_err(ExportError::from)?;
                if stored.hashes(full.id) != full.hashes {
                    return Err(Wrong::from(crate::log::Damaged(full.id)).into());
                }
            }
            progress(verifier.entries(), export.end.chain.entries);
        }
        self.verify_edge(verifier.edge()).await?;
        self.verify_ends().await?;
        Ok(verifier.finish()?)
    }

    async fn verify_edge(&self, edge: &Edge) -> Result<(), VerifyError> {
        let stored = sql::tiles(&self.db, &Edge::tiles(edge.size())).await.map_err(ExportError::from)?;
        let differs = edge.partial().find(|(id, hashes)| !stored.hashes(*id).starts_with(hashes));
        match differs {
            Some((id, _)) => Err(Wrong::from(crate::log::Damaged(id)).into()),
            None => Ok(()),
        }
    }

    /// Nothing was put after the end, nor taken from it. Others append meanwhile, so the head is read twice.
    async fn verify_ends(&self) -> Result<(), VerifyError> {
        let before = sql::head(&self.db).await.map_err(ExportError::from)?;
        let (entries, certificates) = sql::ends(&self.db).await.map_err(ExportError::from)?;
        let after = sql::head(&self.db).await.map_err(ExportError::from)?;
        let expected = after.chain.entries;
        if !(before.chain.entries..=expected).contains(&entries) {
            return Err(Wrong::Entries { found: entries, expected }.into());
        }
        let expected = after.edge.size();
        if !(before.edge.size()..=expected).contains(&certificates) {
            return Err(Wrong::Certificates { found: certificates, expected }.into());
        }
        Ok(())
    }
}

impl AuditExport {
    /// The next part of the file; none when it is complete.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        let Some(lines) = self.lines().await? else { return Ok(None) };
        let mut text = Vec::new();
        for line in &lines {
            line.write(&mut text);
        }
        Ok(Some(text))
    }

    async fn lines(&mut self) -> Result<Option<Vec<Line>>, ExportError> {
        let end = &self.end;
        match self.at {
            Place::Key => {
                self.at = Place::Entries;
                Ok(Some(vec![Line::Log { key: self.key.to_string() }]))
            }
            Place::Entries => {
                let page = audit_sql::page(&self.db, self.entry, end.chain.entries, PAGE_MAX).await?;
                let last = page.last().map_or(end.chain.entries, |entry| entry.sequence);
                let lines = self.page(page, last).await?;
                self.entry = last + 1;
                if last >= self.end.chain.entries {
                    self.at = Place::End;
                }
                Ok(Some(lines))
            }
            Place::End => {
                self.at = Place::Over;
                Ok(Some(vec![Line::End { entries: end.chain.entries, certificates: end.size }]))
            }
            Place::Over => Ok(None),
        }
    }

    /// The entries of a page, each certificate after its entry, each checkpoint after the last entry that it covers.
    async fn page(&mut self, page: Vec<Chained>, last: u64) -> Result<Vec<Line>, ExportError> {
        let count = page.iter().filter(|entry| entry.log_index.is_some()).count();
        let mut certificates = self.certificates(count).await?;
        let signed = sql::checkpoints(&self.db, self.entry, last).await?;
        let mut signed = signed.into_iter().peekable();
        let mut lines = Vec::with_capacity(page.len() + count);
        for entry in page {
            let (sequence, index) = (entry.sequence, entry.log_index);
            lines.push(Line::entry(entry));
            lines.extend(index.and_then(|index| certificates.remove(&index)));
            while let Some(stored) = signed.next_if(|stored| stored.entries <= sequence) {
                lines.push(Line::Checkpoint {
                    entries: stored.entries,
                    signed: stored.signed,
                    note: stored.note,
                    audit_note: stored.audit_note,
                });
            }
        }
        Ok(lines)
    }

    /// The next certificates, with what the tree has for each. What cannot be read is left out or empty, and is found when
    /// the export is verified: an export is to show what is there.
    async fn certificates(&mut self, count: usize) -> Result<HashMap<u64, Line>, ExportError> {
        let width = TILE_WIDTH as u64;
        let (from, to) = (self.certificate, self.certificate + count as u64);
        self.certificate = to;
        let ids = (from / width..to.div_ceil(width)).map(|index| TileId { level: 0, index });
        let tiles = match sql::tiles(&self.db, &ids.collect::<Vec<_>>()).await {
            Err(ReadError::Damaged(_)) => Tiles::default(),
            tiles => tiles?,
        };
        let leaf = |index: u64| {
            let at = usize::try_from(index % width).unwrap_or_default();
            tiles.hashes(TileId { level: 0, index: index / width }).get(at).copied().unwrap_or_default()
        };
        let stored = sql::certificates(&self.db, from, to).await?.into_iter();
        let line = |(index, base64): (u64, String)| {
            let certificate = Base64(STANDARD.decode(base64).unwrap_or_default());
            (index, Line::Certificate { index, leaf: Hex(leaf(index)), certificate })
        };
        Ok(stored.map(line).collect())
    }
}
