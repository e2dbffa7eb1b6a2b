//! What the server knows, read back through its public API.

use std::collections::HashMap;

use muster_simulator::{Endpoints, ServiceError, Trust};
use serde_json::Value;
use tokio::task::JoinSet;

use super::boot::{Booted, MESSAGES_EACH};
use super::figures::{Messages, Twins};
use super::plan::{Admission, CERTIFICATE_GROUP, KEY_GROUP, Plan};

/// Connections to a hub's API while twins are read.
const READERS: usize = 4;

#[derive(Debug, thiserror::Error)]
pub(super) enum ReadBackError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Endpoints(#[from] muster_simulator::EndpointsError),
    #[error("a reader ended early: {0}")]
    Reader(#[from] tokio::task::JoinError),
}

/// How many registrations the service shows as assigned.
pub(super) async fn registrations(
    endpoints: &Endpoints,
    trust: &Trust,
    individuals: &[String],
) -> Result<u64, ReadBackError> {
    let service = endpoints.dps_service(trust)?;
    let mut records = Vec::new();
    for group in [KEY_GROUP, CERTIFICATE_GROUP] {
        records.extend(service.registrations(group).await?);
    }
    for id in individuals {
        match service.registration(id).await {
            Ok(record) => records.push(record),
            Err(missing) if missing.status() == Some(404) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(records.iter().filter(|record| record["status"] == "assigned").count() as u64)
}

pub(super) fn individuals(plan: &Plan) -> Vec<String> {
    let individual = plan.devices.iter().filter(|device| device.admission == Admission::Individual);
    individual.map(|device| device.registration_id.clone()).collect()
}

/// The event logs of all hubs against what the devices sent.
pub(super) async fn messages(
    endpoints: &Endpoints,
    trust: &Trust,
    booted: &[Booted],
) -> Result<Messages, ReadBackError> {
    let mut expected: HashMap<(String, u64), u64> = HashMap::new();
    for device in booted {
        expected.extend((1..=MESSAGES_EACH).map(|n| ((device.device_id.clone(), n), 0)));
    }
    let mut messages = Messages {
        sent: booted.iter().map(|device| device.sent).sum(),
        acknowledged: booted.iter().map(|device| device.acknowledged).sum(),
        ..Messages::default()
    };
    for hub in &endpoints.hubs {
        let service = endpoints.hub_service(hub, trust)?;
        for event in service.events().await? {
            let n = event.body["n"].as_u64().unwrap_or(0);
            if let Some(times) = expected.get_mut(&(event.device_id.clone(), n)) {
                *times += 1;
                messages.read_back += 1;
            }
        }
    }
    messages.lost = expected.values().filter(|times| **times == 0).count() as u64;
    messages.repeated = expected.values().filter(|times| **times > 1).count() as u64;
    Ok(messages)
}

/// Whether every twin shows what its device reported.
pub(super) async fn twins(
    endpoints: &Endpoints,
    trust: &Trust,
    booted: &[Booted],
) -> Result<Twins, ReadBackError> {
    let mut readers = JoinSet::new();
    for hub in &endpoints.hubs {
        let here: Vec<String> = booted
            .iter()
            .filter(|device| device.hub == hub.host_name)
            .map(|device| device.device_id.clone())
            .collect();
        for reader in 0..READERS {
            let service = endpoints.hub_service(hub, trust)?;
            let mine: Vec<String> = here.iter().skip(reader).step_by(READERS).cloned().collect();
            readers.spawn(async move {
                let mut shown = 0;
                for id in mine {
                    let twin = service.twin(&id).await?;
                    shown += u64::from(shows(&twin));
                }
                Ok::<u64, ServiceError>(shown)
            });
        }
    }
    let mut twins = Twins { reported: booted.len() as u64, shown: 0 };
    while let Some(reader) = readers.join_next().await {
        twins.shown += reader??;
    }
    Ok(twins)
}

fn shows(twin: &Value) -> bool {
    let reported = &twin["properties"]["reported"];
    reported["firmware"]["version"] == "1.0.0" && reported["messages"] == MESSAGES_EACH
}
