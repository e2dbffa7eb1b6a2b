//! The handle, opened and kept going.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use muster_store::Db;
use muster_x509::to_pem;

use crate::{
    Caller, Entropy, Settings,
    audit::Audit,
    crl::Crls,
    est::Est,
    folder::Folder,
    hierarchy::{AuthorityId, Hierarchy, OpenError},
    identification::Identification,
    issuance::{Issuance, ServerCertificate, ServerCertificateError, ServerNames, Signing, server},
    keys::Keys,
    log::Log,
    nodes::Heard,
    ocsp::{Ocsp, Responders},
    revocation::Revocations,
};

/// The certificate authority of one data folder. Its parts extend it, each in its own `service.rs`.
pub struct Ca {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) entropy: Entropy,
    pub(crate) keys: Keys,
    pub(crate) est: Est,
    pub(crate) hierarchy: Hierarchy,
    pub(crate) identification: Identification,
    pub(crate) issuance: Issuance,
    pub(crate) revocations: Revocations,
    pub(crate) crls: Crls,
    pub(crate) ocsp: Ocsp,
    pub(crate) responders: Responders,
    pub(crate) audit: Audit,
    pub(crate) log: Log,
    pub(crate) heard: Heard,
    servers: Folder,
}

impl Ca {
    /// Opens the authorities; makes a root and an issuing one at the first start.
    pub async fn open(
        settings: Settings,
        db: Db,
        entropy: Entropy,
        now: Timestamp,
    ) -> Result<Arc<Self>, OpenError> {
        let keys = Keys::open(&settings, entropy.clone()).await?;
        let folder = Folder::open(settings.dir.join("ca"))?;
        let servers = Folder::open(folder.path_of("servers"))?;
        // Nobody else makes the first authorities meanwhile.
        let lock = spawn_blocking(move || folder.lock()).await.map_err(|_| OpenError::Interrupted)??;
        // Before anything is read: what comes after is heard.
        let heard = Heard::open(&db).await?;
        let issuance = Issuance::open(&db, now).await?;
        let ca = Self {
            est: Est::open(&db, &issuance.grants).await?,
            keys,
            hierarchy: Hierarchy::default(),
            identification: Identification::default(),
            issuance,
            revocations: Revocations::open(&db).await?,
            crls: Crls::default(),
            ocsp: Ocsp::default(),
            responders: Responders::open(&db).await?,
            audit: Audit::open(&db).await?,
            log: Log::open(&db).await?,
            heard,
            settings,
            db,
            entropy,
            servers,
        };
        Box::pin(ca.start_hierarchy(now)).await?;
        drop(lock);
        let ca = Arc::new(ca);
        ca.start_crls(now);
        Ok(ca)
    }

    /// What time alone brings about; tells when it wants to be called again.
    pub async fn tick(&self, now: Timestamp) -> Option<Timestamp> {
        let next = [
            self.tick_hierarchy(now).await,
            self.tick_crls(now).await,
            self.tick_responders(now).await,
            self.tick_log(now).await,
        ];
        next.into_iter().flatten().min()
    }

    /// What clients are to trust.
    pub fn root_pem(&self) -> String {
        self.chain(&AuthorityId::issuing()).last().map(|root| to_pem(root.der())).unwrap_or_default()
    }

    /// The issuing authority, then the root: the whole way, for tools that want it in one file.
    pub fn bundle_pem(&self) -> String {
        self.chain(&AuthorityId::issuing()).iter().map(|certificate| to_pem(certificate.der())).collect()
    }

    /// The certificate for a listener with these host names and IP addresses, kept in `dir/ca/servers` and used again
    /// while more than 30 days are left.
    pub async fn server_certificate(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<ServerCertificate, ServerCertificateError> {
        let names = ServerNames::parse(names)?;
        let chain = self.chain(&AuthorityId::issuing());
        let issuing = self.authority(&AuthorityId::issuing()).ok_or(ServerCertificateError::NoIssuer)?;
        let (Some(key), Some(issuer)) = (issuing.issuing_key(), &issuing.certificate) else {
            return Err(ServerCertificateError::NoIssuer);
        };
        let servers = self.servers.clone();
        let _lock =
            spawn_blocking(move || servers.lock()).await.map_err(|_| ServerCertificateError::NoIssuer)??;
        if let Some(kept) = server::kept(&self.servers, &self.keys, &names, &chain, now)? {
            return Ok(kept);
        }
        let new = server::prepare(&names, issuer, &self.keys.public(key)?, &self.entropy, now)?;
        let signing = Signing { authority: &issuing, key, profile: "listener" };
        let leaf = self.sign_recorded(&signing, new.tbs, &Caller::process(), now).await?;
        server::keep(&self.servers, &self.keys, &names, new.key, &leaf, &chain)
    }
}
