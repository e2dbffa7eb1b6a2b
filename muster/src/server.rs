//! The server as one value: started from a configuration and a data folder, stopped in order.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use muster_ca::Ca;
use muster_dps::{Dps, Fetch};
use muster_events::Log;
use muster_hub::Hub;
use muster_store::Db;

use crate::barred::Barred;
use crate::config::{Config, Limits};
use crate::data_folder::DataFolder;
use crate::endpoints::Endpoints;
use crate::listen::{
    Admission, Alpn, BODY_BYTES_TOTAL_MAX, Bound, CaFront, Connections, Counters, DpsFront, Front, HubFront,
    Names, Spelling, Stop, Tls, now,
};
use crate::revocations::Cutter;
use crate::ticks::Tick;
use crate::{entropy, listen, start};

pub use crate::start::StartError;

/// What the stores may take to close when the connections are gone.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Server;

/// A server that listens. Dropping it without [`Running::shutdown`] is a crash, and as safe as one.
pub struct Running {
    endpoints: Endpoints,
    addresses: Vec<IpAddr>,
    notices: Vec<String>,
    front: Arc<Front>,
    db: Db,
    ca: Arc<Ca>,
    hubs: Vec<Arc<Hub>>,
    /// Ticks, and the workers of provisioning: they outlive the connections that need them.
    workers: TaskTracker,
    stop_workers: CancellationToken,
    _folder: DataFolder,
}

impl Server {
    /// Returns when every listener accepts and `endpoints.json` is written.
    pub async fn start(config: Config, data: &Path) -> Result<Running, StartError> {
        let mut folder = DataFolder::open(data)?;
        // Those who wait for the file wait for this start, not for one that ended in a crash.
        start::forget_endpoints(&folder)?;
        let bound = Bound::bind(&config)?;
        let entropy = entropy::system();
        let names: Vec<_> = config.hubs.iter().map(|hub| hub.name.to_string()).collect();
        let keys = crate::keys::Keys::open(&folder.keys(), &names, &entropy)?;
        let db = start::database(&config, &folder).await?;
        let renewal = start::certificates(&config, &folder, &db, bound.ports, &entropy).await?;
        let ca = renewal.ca.clone();
        let hubs = start::hubs(&config, &folder, &keys, &db, &ca, &entropy).await?;
        let links = start::links(&config, &hubs, &folder.ca_file())?;
        let dps = start::dps(&config, &keys, links, &db, &renewal.ca, &entropy).await?;

        let default_host = config.dps.host.as_str();
        let by_address = renewal.hosts_by_address();
        let tls = |alpn| Tls::new(&renewal.certificates, default_host, &by_address, alpn);
        let front = Arc::new(Front {
            names: Names::new(&renewal.names),
            dps: DpsFront::new(dps.clone()),
            hubs: hubs.iter().cloned().map(HubFront::new).collect(),
            ca: renewal.ca.clone(),
            barred: Arc::new(Barred::new(ca.clone())),
            authority: CaFront::new(ca.clone(), config.dps.host.clone(), keys.ca.clone()),
            mqtts: tls(Alpn::None)?,
            https: tls(Alpn::Http1)?,
            admission: Admission::new(&config.limits),
            limits: config.limits.clone(),
            bodies: Arc::new(Semaphore::new(BODY_BYTES_TOTAL_MAX)),
            counters: Counters::default(),
            spelling: Spelling::learn().await,
            entropy,
            stop: Stop::new(),
            tasks: TaskTracker::new(),
        });

        let (workers, stop_workers) = (TaskTracker::new(), CancellationToken::new());
        workers.spawn(assign(dps.clone(), stop_workers.clone()));
        workers.spawn(remind(dps.clone(), stop_workers.clone()));
        workers.spawn(Cutter::new(&ca, &dps, &hubs, &front.barred).run(stop_workers.clone()));
        let fetch = crate::crl_fetch::fetcher(&folder.ca_file(), stop_workers.clone());
        for tick in ticks(&db, &dps, &hubs, renewal, fetch) {
            workers.spawn(tick.keep(stop_workers.clone()));
        }

        let endpoints = start::endpoints(&config, &folder, &keys, bound.ports);
        let mut notices = bound.notices.clone();
        notices.extend(start::ends(&ca));
        listen::serve(bound, &front);
        let addresses = config.addresses();
        start::announce(&mut folder, &endpoints, &addresses)?;
        Ok(Running {
            endpoints,
            addresses,
            notices,
            front,
            db,
            ca,
            hubs,
            workers,
            stop_workers,
            _folder: folder,
        })
    }
}

/// The one list of what runs by the clock.
fn ticks(
    db: &Db,
    dps: &Arc<Dps>,
    hubs: &[Arc<Hub>],
    renewal: crate::certificates::Renewal,
    fetch: Fetch,
) -> Vec<Tick> {
    let mut ticks = Vec::new();
    let service = dps.clone();
    ticks.push(Tick::new("dps", move |now| {
        let dps = service.clone();
        async move { dps.tick(now).await }
    }));
    let service = dps.clone();
    ticks.push(Tick::new("revocation lists", move |now| {
        let (dps, fetch) = (service.clone(), fetch.clone());
        async move { dps.refresh_crls(&fetch, now).await }
    }));
    for hub in hubs {
        let hub = hub.clone();
        ticks.push(Tick::new("hub", move |now| {
            let hub = hub.clone();
            async move { hub.tick(now).await }
        }));
    }
    let ca = renewal.ca.clone();
    ticks.extend(crate::nodes::tick(db, &ca, dps));
    ticks.push(Tick::new("ca", move |now| {
        let ca = ca.clone();
        async move { ca.tick(now).await }
    }));
    let renewal = Arc::new(renewal);
    ticks.push(Tick::new("certificates", move |now| {
        let renewal = renewal.clone();
        async move { renewal.tick(now).await }
    }));
    ticks
}

async fn assign(dps: Arc<Dps>, stop: CancellationToken) {
    dps.run(now, async move { stop.cancelled().await }).await;
}

async fn remind(dps: Arc<Dps>, stop: CancellationToken) {
    dps.follow_certificates(now, async move { stop.cancelled().await }).await;
}

impl Running {
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Where it listens, for clients on this machine when host names do not resolve.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// What is not as configured, for the operator.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The event log of a hub in this process, by hub name.
    pub fn log(&self, hub: &str) -> Option<Log> {
        let found = self.hubs.iter().find(|it| it.settings().name.as_str().eq_ignore_ascii_case(hub))?;
        Some(found.log().clone())
    }

    pub fn connections(&self) -> Connections {
        self.front.counters.read()
    }

    /// Stops accepting, lets connections end, closes the stores. Ends within `limits.drain` and a few seconds, whatever clients do.
    pub async fn shutdown(self) {
        let Limits { drain, .. } = self.front.limits;
        self.front.stop.stop();
        self.front.tasks.close();
        if tokio::time::timeout(drain, self.front.tasks.wait()).await.is_err() {
            tracing::warn!(
                open = self.front.tasks.len(),
                "connections did not end within `limits.drain_s` and are cut"
            );
        }
        self.stop_workers.cancel();
        self.workers.close();
        let closing = async {
            self.workers.wait().await;
            for hub in &self.hubs {
                hub.log().close().await;
            }
            self.ca.close(now()).await; // the end of its logs is signed, and in the database
            self.db.close().await;
        };
        if tokio::time::timeout(CLOSE_TIMEOUT, closing).await.is_err() {
            tracing::warn!("the stores did not close in time; what was acknowledged is safe all the same");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.front.stop.stop();
        self.stop_workers.cancel();
    }
}
