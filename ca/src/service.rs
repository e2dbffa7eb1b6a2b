//! The handle, opened and kept going.

use std::sync::{Arc, RwLock};

use jiff::Timestamp;

use muster_store::Db;
use muster_x509::to_pem;

use crate::{
    Entropy, Settings,
    audit::Audit,
    crl::Crls,
    est::Est,
    external::Externals,
    folder::Folder,
    hierarchy::{Authority, AuthorityId, Hierarchy, OpenError, State, Tree},
    issuance::{Issuance, ServerCertificate, ServerCertificateError, ServerNames},
    keys::{KeyName, KeyRef, Keys},
    log::Log,
    ocsp::Responders,
    revocation::Revocations,
};

/// The certificate authority of one data folder. Its parts extend it, each in its own `service.rs`.
pub struct Ca {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) entropy: Entropy,
    pub(crate) keys: Keys,
    pub(crate) tree: RwLock<Arc<Tree>>,
    pub(crate) issuance: Issuance,
    pub(crate) revocations: Revocations,
    pub(crate) crls: Crls,
    pub(crate) responders: Responders,
    pub(crate) est: Est,
    pub(crate) externals: Externals,
    pub(crate) audit: Audit,
    pub(crate) log: Log,
    hierarchy: Hierarchy,
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
        let path = settings.dir.join("ca");
        let folder = Folder::open(path.clone())?;
        let hierarchy = Hierarchy::open(&folder, &entropy, now)?;
        let again = Hierarchy::open(&folder, &entropy, now)?;
        let servers = Folder::open(path.join("servers"))?;
        let mut tree = Tree::default();
        let mut keys = Vec::new();
        for (id, parent, pair) in [
            (AuthorityId::root(), None, again.root),
            (AuthorityId::issuing(), Some(AuthorityId::root()), again.issuing),
        ] {
            let name = KeyName::parse(id.as_str())?;
            tree = tree.with(Authority {
                key: Some(KeyRef::parse(&format!("file:{name}"))?),
                id,
                parent,
                state: State::Active,
                certificate: Some(pair.certificate().clone()),
                generation: 1,
                crl_shards: 1,
                created: pair.certificate().not_before(),
            });
            keys.push((name, pair.into_key()));
        }
        Ok(Arc::new(Self {
            keys: Keys::holding(keys),
            tree: RwLock::new(Arc::new(tree)),
            issuance: Issuance::open(&db).await?,
            revocations: Revocations::open(&db).await?,
            crls: Crls::open(&db).await?,
            responders: Responders::open(&db).await?,
            est: Est::open(&db).await?,
            externals: Externals::open(&db).await?,
            audit: Audit::open(&db).await?,
            log: Log::open(&db).await?,
            settings,
            db,
            entropy,
            hierarchy,
            servers,
        }))
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What time alone brings about; tells when it wants to be called again.
    pub async fn tick(&self, now: Timestamp) -> Option<Timestamp> {
        [
            self.tick_hierarchy(now).await,
            self.tick_crl(now).await,
            self.tick_ocsp(now).await,
            self.tick_est(now).await,
            self.tick_external(now).await,
            self.tick_log(now).await,
        ]
        .into_iter()
        .flatten()
        .min()
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
        ServerCertificate::open(&self.servers, &self.hierarchy.issuing, &names, &self.entropy, now)
    }
}
