//! What was promised against what is there: registrations, devices, twins, the event log, all through the public API.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::Value;
use tokio::task::JoinSet;

use muster_simulator::{Endpoints, ServiceClient, Trust};

use crate::device::{Lived, Patience};
use crate::enrolled::Enrolled;

/// Connections to each hub's REST API.
const READERS: usize = 8;
/// Problems of one kind that are told one by one.
const TOLD_MAX: usize = 20;

#[derive(Default)]
pub(crate) struct Found {
    /// Messages of the file that are in the log.
    pub(crate) acknowledged: u64,
    /// Messages of this fleet in the log.
    pub(crate) events: u64,
    /// Kept more than once, because a device that got no acknowledgement sends again.
    pub(crate) repeated: u64,
}

/// What is there, and what is wrong with it; an error when the server cannot be asked.
pub(crate) async fn verify(
    patience: &Patience,
    enrolled: &Enrolled,
    lived: &[Lived],
    acked: &Path,
) -> Result<(Found, Vec<String>), String> {
    let (endpoints, trust) = patience.reach()?;
    let mut problems = Vec::new();
    registrations(&endpoints, &trust, enrolled, lived, &mut problems).await?;
    devices(&endpoints, &trust, lived, &mut problems).await?;
    let found = events(&endpoints, &trust, enrolled, acked, &mut problems).await?;
    Ok((found, problems))
}

/// One record each, assigned, and to the hub that the device was told.
async fn registrations(
    endpoints: &Endpoints,
    trust: &Trust,
    enrolled: &Enrolled,
    lived: &[Lived],
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let service = endpoints.dps_service(trust).map_err(|error| error.to_string())?;
    let mut records: HashMap<String, Vec<Value>> = HashMap::new();
    for group in enrolled.groups() {
        for record in service.registrations(&group).await.map_err(|error| error.to_string())? {
            let id = record["registrationId"].as_str().unwrap_or_default().to_owned();
            records.entry(id).or_default().push(record);
        }
    }
    let mut wrong = Vec::new();
    for one in lived {
        let id = &one.registration_id;
        match records.get(id).map(Vec::as_slice) {
            None | Some([]) => wrong.push(format!("{id} has no registration")),
            Some([record]) => {
                let is =
                    (record["status"].as_str(), record["assignedHub"].as_str(), record["deviceId"].as_str());
                if is != (Some("assigned"), Some(&one.hub), Some(&one.device_id)) {
                    wrong.push(format!(
                        "{id} was told {} on {}, its record says {record}",
                        one.device_id, one.hub
                    ));
                }
            }
            Some(several) => wrong.push(format!("{id} has {} registrations", several.len())),
        }
    }
    tell(wrong, "registrations are wrong", problems);
    Ok(())
}

/// In the one hub it was told, in no other, and with what it reported last.
async fn devices(
    endpoints: &Endpoints,
    trust: &Trust,
    lived: &[Lived],
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let mut readers = JoinSet::new();
    for hub in &endpoints.hubs {
        for reader in 0..READERS {
            let service = endpoints.hub_service(hub, trust).map_err(|error| error.to_string())?;
            let host = hub.host_name.clone();
            let mine: Vec<_> = lived
                .iter()
                .skip(reader)
                .step_by(READERS)
                .map(|one| (one.device_id.clone(), one.hub.clone()))
                .collect();
            readers.spawn(async move { look(&service, &host, mine).await });
        }
    }
    let mut wrong = Vec::new();
    while let Some(reader) = readers.join_next().await {
        wrong.extend(reader.map_err(|error| error.to_string())??);
    }
    tell(wrong, "devices are wrong", problems);
    Ok(())
}

async fn look(
    hub: &ServiceClient,
    host: &str,
    devices: Vec<(String, String)>,
) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for (id, told) in devices {
        let there = hub.has_device(&id).await.map_err(|error| error.to_string())?;
        match (there, told == host) {
            (true, true) => {
                let twin = hub.twin(&id).await.map_err(|error| error.to_string())?;
                if twin["properties"]["reported"]["fleet"].is_null() {
                    wrong.push(format!("{id} reported, and its twin on {host} does not show it"));
                }
            }
            (false, false) => {}
            (true, false) => wrong.push(format!("{id} belongs to {told}, and is on {host} as well")),
            (false, true) => wrong.push(format!("{id} is not on {host}, where it was assigned")),
        }
    }
    Ok(wrong)
}

/// Every line of the file has its event.
async fn events(
    endpoints: &Endpoints,
    trust: &Trust,
    enrolled: &Enrolled,
    acked: &Path,
    problems: &mut Vec<String>,
) -> Result<Found, String> {
    let ours: HashSet<&str> = enrolled.ids().collect();
    let mut kept: HashMap<String, u64> = HashMap::new();
    for hub in &endpoints.hubs {
        let service = endpoints.hub_service(hub, trust).map_err(|error| error.to_string())?;
        for event in service.events().await.map_err(|error| error.to_string())? {
            if ours.contains(event.device_id.as_str()) {
                // The fleet's bodies are numbers, shown as text because no content type was sent with them.
                let line = format!("{} {}", event.device_id, event.body.as_str().unwrap_or_default());
                *kept.entry(line).or_default() += 1;
            }
        }
    }
    let text = std::fs::read_to_string(acked).map_err(|error| format!("{}: {error}", acked.display()))?;
    let lines: HashSet<&str> =
        text.lines().filter(|line| line.split(' ').next().is_some_and(|id| ours.contains(id))).collect();
    let lost: Vec<String> = lines
        .iter()
        .filter(|line| !kept.contains_key(**line))
        .map(|line| format!("message {line} was acknowledged and is not in the log"))
        .collect();
    let found = Found {
        acknowledged: (lines.len() - lost.len()) as u64,
        events: kept.values().sum(),
        repeated: kept.values().map(|times| times - 1).sum(),
    };
    tell(lost, "acknowledged messages are lost", problems);
    Ok(found)
}

fn tell(wrong: Vec<String>, what: &str, problems: &mut Vec<String>) {
    let count = wrong.len();
    problems.extend(wrong.into_iter().take(TOLD_MAX));
    if count > TOLD_MAX {
        problems.push(format!("{count} {what}, the first {TOLD_MAX} are above"));
    }
}
