//! First boots, many at a time, each over sockets of its own: provision, connect to the hub, send, report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use muster_simulator::{
    Device, DeviceKey, Endpoints, HubClient, HubOptions, Options, Outcome, Timings, Trust, provision,
};

use super::plan::Planned;
use super::progress::Progress;

/// Telemetry of each device, at QoS 1.
pub(super) const MESSAGES_EACH: u64 = 5;
/// A device with patience: a thousand of them on a small machine wait for each other.
const BOOT_WITHIN: Duration = Duration::from_secs(120);

/// What came of one device.
pub(super) struct Booted {
    pub(super) device_id: String,
    pub(super) hub: String,
    pub(super) timings: Timings,
    /// TCP, TLS, CONNECT and CONNACK at the hub.
    pub(super) hub_connect: Duration,
    /// From there until the first message is acknowledged.
    pub(super) first_message: Duration,
    /// From nothing to the first acknowledged message.
    pub(super) total: Duration,
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
}

/// All of them, so many at a time; those that failed by name and reason.
pub(super) async fn boot_all(
    endpoints: &Arc<Endpoints>,
    trust: &Trust,
    devices: Vec<Planned>,
    at_a_time: usize,
    progress: &Arc<Progress>,
) -> (Vec<Booted>, Vec<String>) {
    let gate = Arc::new(Semaphore::new(at_a_time));
    let mut booting = JoinSet::new();
    for device in devices {
        let (endpoints, trust) = (endpoints.clone(), trust.clone());
        let (gate, progress) = (gate.clone(), progress.clone());
        booting.spawn(async move {
            let Ok(_pass) = gate.acquire().await else { return Err("the demo was stopped".to_owned()) };
            let id = device.registration_id.clone();
            boot(&endpoints, &trust, device, &progress).await.map_err(|reason| format!("`{id}`: {reason}"))
        });
    }
    let (mut booted, mut failures) = (Vec::new(), Vec::new());
    while let Some(one) = booting.join_next().await {
        match one {
            Ok(Ok(one)) => booted.push(one),
            Ok(Err(failure)) => failures.push(failure),
            Err(panic) => failures.push(panic.to_string()),
        }
    }
    (booted, failures)
}

async fn boot(
    endpoints: &Endpoints,
    trust: &Trust,
    device: Planned,
    progress: &Progress,
) -> Result<Booted, String> {
    let Planned { registration_id, credential, .. } = device;
    let begun = Instant::now();
    let options = Options { deadline: BOOT_WITHIN, ..Options::default() };
    let outcome = provision(&endpoints.dps(), &registration_id, &credential, trust, &options).await;
    let assigned = match outcome.map_err(|error| error.to_string())? {
        Outcome::Assigned(assigned) => assigned,
        Outcome::Refused(refused) => return Err(format!("was refused: {}", refused.message)),
    };
    progress.assigned();

    let device_id = assigned.device_id;
    let talked = talk(endpoints, trust, &assigned.hub, &device_id, credential, progress);
    let talked = talked.await.map_err(|error| error.to_string())?;
    Ok(Booted {
        device_id,
        hub: assigned.hub,
        timings: assigned.timings,
        hub_connect: talked.connect,
        first_message: talked.first_message,
        total: talked.first_acknowledged - begun,
        sent: talked.sent,
        acknowledged: talked.acknowledged,
    })
}

struct Talked {
    connect: Duration,
    first_message: Duration,
    first_acknowledged: Instant,
    sent: u64,
    acknowledged: u64,
}

async fn talk(
    endpoints: &Endpoints,
    trust: &Trust,
    hub: &str,
    device_id: &str,
    credential: DeviceKey,
    progress: &Progress,
) -> Result<Talked, muster_simulator::HubError> {
    let asked = Instant::now();
    let device = Device::new(device_id, credential);
    let mut client = HubClient::connect(trust, &endpoints.hub(hub), device, &HubOptions::default()).await?;
    let connected = Instant::now();
    client.send(BAG, message(1)).await?;
    let mut acknowledged = client.settle().await?;
    let first_acknowledged = Instant::now();
    let sent = client.send_all((2..=MESSAGES_EACH).map(|n| (BAG, message(n)))).await?;
    acknowledged += client.settle().await?;
    progress.acknowledged(acknowledged);
    client.report(&json!({ "firmware": { "version": "1.0.0" }, "messages": sent })).await?;
    progress.reported();
    client.disconnect().await?;
    Ok(Talked {
        connect: connected - asked,
        first_message: first_acknowledged - connected,
        first_acknowledged,
        sent,
        acknowledged,
    })
}

/// Content type and encoding, as SDKs send them, and one property of the application.
const BAG: &str = "%24.ct=application%2Fjson&%24.ce=utf-8&from=demo";

fn message(n: u64) -> Bytes {
    // Nothing hangs on the temperature; it is what demos measure.
    let temperature = 20.0 + (n % 10) as f64 / 2.0;
    Bytes::from(json!({ "n": n, "temperature": temperature }).to_string())
}
