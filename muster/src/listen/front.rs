//! What every connection needs of the server, in one place.

use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use muster_ca::Ca;
use muster_dps::Dps;
use muster_hub::Hub;
use muster_identity::Entropy;
use muster_x509::Peer;

use super::accept::Shaken;
use super::admission::Admission;
use super::ca_front::CaFront;
use super::counters::Counters;
use super::names::Names;
use super::spelling::Spelling;
use super::stop::Stop;
use super::tls::Tls;
use crate::barred::Barred;
use crate::config::Limits;

/// Bodies of requests in flight, all together: strangers can send them, so they are bounded before anything is asked.
pub(crate) const BODY_BYTES_TOTAL_MAX: usize = 64 * 1024 * 1024;

pub(crate) struct Front {
    pub(crate) names: Names,
    pub(crate) dps: DpsFront,
    pub(crate) hubs: Vec<HubFront>,
    /// Asked whose certificate a device presents.
    pub(crate) ca: Arc<Ca>,
    pub(crate) authority: CaFront,
    pub(crate) barred: Arc<Barred>,
    pub(crate) mqtts: Tls,
    pub(crate) https: Tls,
    pub(crate) limits: Limits,
    pub(crate) admission: Admission,
    pub(crate) bodies: Arc<Semaphore>,
    pub(crate) counters: Counters,
    pub(crate) spelling: Spelling,
    pub(crate) entropy: Entropy,
    pub(crate) stop: Stop,
    pub(crate) tasks: TaskTracker,
}

pub(crate) struct DpsFront {
    pub(crate) dps: Arc<Dps>,
    pub(crate) router: Router,
}

pub(crate) struct HubFront {
    pub(crate) hub: Arc<Hub>,
    pub(crate) router: Router,
}

impl DpsFront {
    pub(crate) fn new(dps: Arc<Dps>) -> Self {
        let router = muster_dps::router(dps.clone());
        Self { dps, router }
    }
}

impl HubFront {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        let router = muster_hub::api::router(hub.clone());
        Self { hub, router }
    }
}

/// The one place where connections read the clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

pub(crate) fn peer(shaken: &Shaken, address: std::net::SocketAddr) -> Peer {
    Peer { address, chain: shaken.chain.clone(), at: now(), server_name: shaken.server_name.clone() }
}
