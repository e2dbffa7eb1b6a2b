//! Proofs made from the tiles that they take.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use super::{Consistency, Proof, ProveError};
use crate::{
    Ca,
    log::{Hash, ReadError, merkle::sha256, sql, tiles::Plan},
};

impl Ca {
    /// The proof that the certificate at this index is in the log, against a checkpoint that covers it.
    pub async fn prove(&self, index: u64, now: Timestamp) -> Result<Proof, ProveError> {
        let missing = || ProveError::NoSuchCertificate(index);
        if index >= self.log_size().await? {
            return Err(missing());
        }
        let checkpoint = match self.latest_checkpoint(now).await? {
            Some(latest) if latest.size > index => latest,
            Some(_) | None => self.checkpoint(now).await?,
        };
        let plan = Plan::inclusion(index, checkpoint.size).ok_or_else(missing)?;
        let path = self.hashes(&plan).await?;
        let certificates = sql::certificates(&self.db, index, index + 1).await.map_err(ReadError::from)?;
        let der = certificates.first().and_then(|(_, base64)| STANDARD.decode(base64).ok());
        let certificate_sha256 = Some(sha256(&[&der.ok_or_else(missing)?]));
        Ok(Proof { certificate_sha256, index, path, note: checkpoint.note })
    }

    /// The same for a certificate that is known by the SHA-256 of its DER: authorities' own as well, whoever signed them.
    pub async fn prove_certificate(
        &self,
        certificate_sha256: &Hash,
        now: Timestamp,
    ) -> Result<Proof, ProveError> {
        let index = sql::index_of(&self.db, certificate_sha256).await.map_err(ReadError::from)?;
        let index = index.ok_or_else(|| ProveError::NotLogged { sha256: hex::encode(certificate_sha256) })?;
        self.prove(index, now).await
    }

    /// The proof that the log of one size is the beginning of the log of another.
    pub async fn prove_consistency(&self, old_size: u64, size: u64) -> Result<Consistency, ProveError> {
        if size > self.log_size().await? {
            return Err(ProveError::NoSuchSize(size));
        }
        let path = match old_size {
            0 => Vec::new(),
            _ => {
                let plan = Plan::consistency(old_size, size).ok_or(ProveError::NoSuchSize(old_size))?;
                self.hashes(&plan).await?
            }
        };
        Ok(Consistency { old_size, size, path })
    }

    /// How many certificates the log has, other nodes' too.
    async fn log_size(&self) -> Result<u64, ReadError> {
        Ok(sql::head(&self.db).await?.edge.size())
    }

    async fn hashes(&self, plan: &Plan) -> Result<Vec<[u8; 32]>, ReadError> {
        let tiles = sql::tiles(&self.db, &plan.tiles()).await?;
        Ok(plan.hashes(&tiles)?)
    }
}
