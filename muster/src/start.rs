//! The steps of a start: each makes one part, and says in one line why it cannot.

use std::fs::DirBuilder;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;

use muster_ca::{BaseUrl, Ca, Caller, Credential, ExpiryWarning, Grant, Quota, Urgency};
use muster_dps::{Dps, Link, LinkedHub};
use muster_events::Log;
use muster_hub::Hub;
use muster_identity::{AccessPolicy, CA_OWNER, Entropy};
use muster_store::Db;

use crate::certificates::{CertificateError, Renewal, dialled, names};
use crate::config::{Config, Database, Place, Ports};
use crate::data_folder::{DataFolder, DataFolderError, Readers, replace_file, reserve_file};
use crate::endpoints::{CaEndpoint, DpsEndpoint, Endpoints, HubEndpoint};
use crate::keys::{Keys, KeysError};
use crate::linked_hub::{InProcess, Remote, RemoteError};
use crate::listen::{BindError, Certificates, TlsError, now};
use crate::renewing::renewer;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the certificate authority does not open: {0}")]
    Ca(#[from] muster_ca::OpenError),
    #[error("the owner's grant at the certificate authority cannot be made: {0}")]
    Grant(#[from] muster_ca::GrantChangeError),
    #[error("`dps.host` is of no use in certificates, set `ca.base_url`: {0}")]
    BaseUrl(#[from] muster_ca::BaseUrlError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the database does not open: {0}")]
    Database(#[from] muster_store::StoreError),
    #[error("the event log of hub `{hub}` does not open: {source}")]
    Log { hub: String, source: muster_events::OpenError },
    #[error("hub `{hub}` does not open: {source}")]
    Hub { hub: String, source: muster_hub::OpenError },
    #[error("hub `{hub}` cannot be linked: {source}")]
    Link { hub: String, source: RemoteError },
    #[error("the provisioning service does not open: {0}")]
    Dps(#[from] muster_dps::OpenError),
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

pub(crate) async fn certificates(
    config: &Config,
    folder: &DataFolder,
    db: &Db,
    ports: Ports,
    entropy: &Entropy,
) -> Result<Renewal, StartError> {
    let mut settings = muster_ca::Settings::new(folder.path());
    settings.base_url = Some(base_url(config, ports)?);
    settings.passphrase = config.ca.passphrase.clone();
    settings.pkcs11 = config.ca.pkcs11.clone();
    let ca = Ca::open(settings, db.clone(), entropy.clone(), now()).await?;
    grant_owner(&ca).await?;
    let path = folder.ca_file();
    replace_file(&path, ca.root_pem().as_bytes(), Readers::Everyone)
        .map_err(|source| StartError::Write { path, source })?;
    let renewal = Renewal { ca, names: names(config), certificates: Arc::new(Certificates::default()) };
    renewal.renew(now()).await?;
    Ok(renewal)
}

/// While nobody may have certificates, the owner may: who made the server is not to be turned away by it. An ordinary grant,
/// on record, for an operator to narrow or to remove once there are others.
async fn grant_owner(ca: &Ca) -> Result<(), StartError> {
    if !ca.grants().is_empty() {
        return Ok(());
    }
    let grant = Grant {
        id: "owner".to_owned(),
        to: Credential::AccessPolicy(CA_OWNER.to_owned()).to_string(),
        authority: "*".to_owned(),
        profile: "*".to_owned(),
        names: vec!["*".to_owned()],
        quota: Quota::default(),
        rate: None,
        until: None,
    };
    Ok(ca.put_grant(grant, &Caller::process(), now()).await?)
}

/// Where certificates say that CRLs and OCSP are: as configured, else where plain HTTP is now.
fn base_url(config: &Config, ports: Ports) -> Result<BaseUrl, StartError> {
    if let Some(url) = &config.ca.base_url {
        return Ok(url.clone());
    }
    // RFC 3986 lets a single label be a host; linters of certificates do not.
    let host = match (config.dps.host.as_str(), config.listen.first().map(dialled)) {
        ("localhost", Some(IpAddr::V6(address))) => format!("[{address}]"),
        ("localhost", Some(IpAddr::V4(address))) => address.to_string(),
        (host, _) => host.to_owned(),
    };
    Ok(match ports.http {
        80 => BaseUrl::parse(&format!("http://{host}"))?,
        port => BaseUrl::parse(&format!("http://{host}:{port}"))?,
    })
}

/// Authorities that somebody has to look after now; those with years left are in the log.
pub(crate) fn ends(ca: &Ca) -> Vec<String> {
    ca.expiry_warnings(now()).iter().filter_map(end).collect()
}

fn end(warning: &ExpiryWarning) -> Option<String> {
    let ExpiryWarning { authority, urgency, not_after, days_left } = warning;
    let when = match urgency {
        Urgency::Notice => return None,
        Urgency::Warning | Urgency::Critical => format!("runs out in {days_left} days, at {not_after:.0}"),
        Urgency::Expired => format!("ran out at {not_after:.0}"),
    };
    Some(format!(
        "authority `{authority}` {when}: give it another certificate (`muster ca authority renew {authority}`)"
    ))
}

/// In the data folder.
pub(crate) const DATABASE: &str = "muster.db";

pub(crate) async fn database(config: &Config, folder: &DataFolder) -> Result<Db, StartError> {
    open_database(config, &folder.path().join(DATABASE)).await
}

/// Beside whoever has it open, too.
pub(crate) async fn open_database(config: &Config, file: &Path) -> Result<Db, StartError> {
    Ok(match &config.database {
        Database::Sqlite => {
            reserve_file(file).map_err(|source| StartError::Write { path: file.to_owned(), source })?;
            Db::open_sqlite(file).await?
        }
        Database::Postgres(url) => Db::open_postgres(url.expose()).await?,
    })
}

/// Those of this process, in the order of the configuration.
pub(crate) async fn hubs(
    config: &Config,
    folder: &DataFolder,
    keys: &Keys,
    db: &Db,
    ca: &Arc<Ca>,
    entropy: &Entropy,
) -> Result<Vec<Arc<Hub>>, StartError> {
    let logs = folder.event_logs();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&logs)
        .map_err(|source| StartError::Write { path: logs, source })?;
    let retention = muster_events::Retention {
        age: SignedDuration::try_from(config.retention.age).unwrap_or(SignedDuration::MAX),
        bytes: config.retention.bytes,
    };
    let mut hubs = Vec::new();
    for hub in config.hubs.iter().filter(|hub| matches!(hub.place, Place::Here)) {
        let name = || hub.name.to_string();
        let path = folder.event_log(hub.name.as_str());
        reserve_file(&path).map_err(|source| StartError::Write { path: path.clone(), source })?;
        let log = Log::open(&path, &muster_events::Options::default())
            .map_err(|source| StartError::Log { hub: name(), source })?;
        let policies = keys.hubs.get(hub.name.as_str()).cloned().unwrap_or_default();
        let mut settings =
            muster_hub::Settings::new(hub.name.clone(), hub.host.clone(), policies, retention.clone());
        settings.aliases = hub.aliases.clone();
        settings.renewer = Some(renewer(ca));
        let opened = Hub::open(settings, db.clone(), log, entropy.clone()).await;
        hubs.push(opened.map_err(|source| StartError::Hub { hub: name(), source })?);
    }
    Ok(hubs)
}

/// Every hub of the configuration as DPS sees it.
pub(crate) fn links(config: &Config, here: &[Arc<Hub>], own_ca: &Path) -> Result<Vec<Link>, StartError> {
    let mut here = here.iter();
    let mut links = Vec::new();
    for hub in &config.hubs {
        let linked: Arc<dyn LinkedHub> = match &hub.place {
            Place::Here => match here.next() {
                Some(it) => Arc::new(InProcess::new(it.clone())),
                None => continue,
            },
            Place::Elsewhere { connection, ca_file, https_port } => {
                let ca_file = ca_file.as_deref().unwrap_or(own_ca);
                let remote = Remote::new(&hub.host, connection, *https_port, ca_file);
                Arc::new(remote.map_err(|source| StartError::Link { hub: hub.name.to_string(), source })?)
            }
        };
        links.push(Link { hub: linked, weight: hub.weight, allocatable: true });
    }
    Ok(links)
}

pub(crate) async fn dps(
    config: &Config,
    keys: &Keys,
    links: Vec<Link>,
    db: &Db,
    ca: &Arc<Ca>,
    entropy: &Entropy,
) -> Result<Arc<Dps>, StartError> {
    let mut settings =
        muster_dps::Settings::new(keys.id_scope.clone(), config.dps.host.clone(), keys.dps.clone());
    settings.retry_after_s = config.retry_after_s;
    Ok(Dps::open(settings, links, db.clone(), Some(ca.clone()), entropy.clone()).await?)
}

pub(crate) fn endpoints(config: &Config, folder: &DataFolder, keys: &Keys, ports: Ports) -> Endpoints {
    let owner = |policies: &[AccessPolicy], host| {
        policies.first().map(|policy| policy.connection_string(host).to_text()).unwrap_or_default()
    };
    let hubs = config.hubs.iter().map(|hub| HubEndpoint {
        name: hub.name.to_string(),
        host_name: hub.host.to_string(),
        owner_connection_string: match &hub.place {
            Place::Here => owner(keys.hubs.get(hub.name.as_str()).map_or(&[], Vec::as_slice), &hub.host),
            Place::Elsewhere { connection, .. } => connection.to_text(),
        },
    });
    Endpoints {
        id_scope: keys.id_scope.clone(),
        ca_file: folder.ca_file(),
        dps: DpsEndpoint {
            host: config.dps.host.to_string(),
            service_connection_string: owner(&keys.dps, &config.dps.host),
        },
        ca: CaEndpoint {
            service_connection_string: owner(&keys.ca, &config.dps.host),
            est_url: format!("https://{}:{}/.well-known/est", config.dps.host, ports.https),
            http_url: base_url(config, ports).map(|url| url.as_str().to_owned()).unwrap_or_default(),
        },
        hubs: hubs.collect(),
        ports,
    }
}

pub(crate) fn forget_endpoints(folder: &DataFolder) -> Result<(), StartError> {
    let path = folder.endpoints();
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StartError::Write { path, source }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The last step: from here on, others find the server.
pub(crate) fn announce(
    folder: &mut DataFolder,
    endpoints: &Endpoints,
    addresses: &[IpAddr],
) -> Result<(), StartError> {
    let path = folder.endpoints();
    let write = |source| StartError::Write { path: path.clone(), source };
    folder.announce(addresses.to_vec()).map_err(write)?;
    let text =
        zeroize::Zeroizing::new(serde_json::to_vec_pretty(endpoints).map_err(|error| write(error.into()))?);
    replace_file(&path, &text, Readers::Owner).map_err(write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_point_to_where_plain_http_is_unless_told_otherwise() {
        let url = |text: &str| {
            let config = Config::parse(text).unwrap();
            base_url(&config, config.ports).unwrap().as_str().to_owned()
        };
        assert_eq!(url(""), "http://127.0.0.1:8080");
        assert_eq!(url("listen = \"0.0.0.0\""), "http://127.0.0.1:8080");
        assert_eq!(url("listen = \"::\""), "http://[::1]:8080");
        assert_eq!(url("listen = [\"10.0.0.7\", \"127.0.0.1\"]"), "http://10.0.0.7:8080");
        let host = "dps = { host = \"dps.example.test\" }\nports = { http = 80 }\n";
        assert_eq!(url(host), "http://dps.example.test");
        let behind = format!("{host}[ca]\nbase_url = \"http://pki.example.test/m/\"");
        assert_eq!(url(&behind), "http://pki.example.test/m");
    }

    #[test]
    fn an_authority_that_runs_out_soon_is_told_with_what_to_do() {
        let warning = |urgency, days_left| ExpiryWarning {
            authority: muster_ca::AuthorityId::issuing(),
            urgency,
            not_after: "2026-12-24T12:00:00.5Z".parse().unwrap(),
            days_left,
        };
        assert_eq!(end(&warning(Urgency::Notice, 170)), None);
        assert_eq!(
            end(&warning(Urgency::Critical, 29)).unwrap(),
            "authority `issuing` runs out in 29 days, at 2026-12-24T12:00:00Z: give it another certificate \
             (`muster ca authority renew issuing`)"
        );
        let over = end(&warning(Urgency::Expired, -1)).unwrap();
        assert!(over.starts_with("authority `issuing` ran out at 2026-12-24T12:00:00Z: "), "{over}");
    }
}
