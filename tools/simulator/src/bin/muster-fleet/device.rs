//! The life of one device: it boots until it is assigned, then sends until everything is acknowledged. A server that is
//! gone is waited for; a server that says no to what it had promised is a problem.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;

use muster_simulator::{
    Assigned, Device, DeviceKey, Endpoints, HubClient, HubError, HubOptions, OpenError, Options, Outcome,
    Polling, Trust, provision_on,
};

use crate::acked::Writer;
use crate::enrolled::{Chance, Enrolled};

/// Between attempts, at first and at most.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// Polls are eager: the more of them are cut off, the better.
const POLL_PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Plan {
    pub(crate) messages: u64,
    pub(crate) pause_ms: u64,
}

/// What a device was told, in the end.
pub(crate) struct Lived {
    pub(crate) registration_id: String,
    pub(crate) device_id: String,
    pub(crate) hub: String,
    pub(crate) interruptions: u64,
    /// Its operation was accepted before a crash and went on after it.
    pub(crate) resumed: bool,
}

/// Where the server is, and how long it may be gone.
#[derive(Clone)]
pub(crate) struct Patience {
    endpoints: PathBuf,
    give_up: Duration,
}

/// One thing tried again and again.
pub(crate) struct Attempt {
    since: Instant,
    give_up: Duration,
    pause: Duration,
    pub(crate) failures: u64,
}

impl Patience {
    pub(crate) fn new(endpoints: PathBuf, give_up: Duration) -> Patience {
        Patience { endpoints, give_up }
    }

    /// Where the server is now: after a start its ports may be others.
    pub(crate) fn reach(&self) -> Result<(Endpoints, Trust), String> {
        let endpoints = Endpoints::read(&self.endpoints).map_err(|error| error.to_string())?;
        let trust = endpoints.trust().map_err(|error| error.to_string())?;
        Ok((endpoints, trust))
    }

    pub(crate) fn attempt(&self) -> Attempt {
        Attempt { since: Instant::now(), give_up: self.give_up, pause: PAUSE_MIN, failures: 0 }
    }
}

impl Attempt {
    /// Waits before the next; an error when it has been too long.
    pub(crate) async fn failed(&mut self, reason: String) -> Result<(), String> {
        if self.since.elapsed() > self.give_up {
            return Err(format!("nothing for {} s, last: {reason}", self.give_up.as_secs()));
        }
        self.failures += 1;
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }

    fn went_on(&mut self) {
        self.since = Instant::now();
        self.pause = PAUSE_MIN;
    }
}

pub(crate) async fn live(
    enrolled: &Enrolled,
    n: usize,
    plan: &Plan,
    patience: &Patience,
    writer: &Writer,
) -> Result<Lived, String> {
    let (id, credential) = enrolled.device(n).ok_or("no such device")?;
    let named = |problem: String| format!("{id}: {problem}");
    let mut attempt = patience.attempt();
    let (assigned, resumed) = boot(id, credential, patience, &mut attempt).await.map_err(named)?;
    let mut telling = Telling {
        device: Device::new(&assigned.device_id, credential.clone()),
        hub: &assigned.hub,
        left: (1..=plan.messages).collect(),
        plan,
        chance: enrolled.chance(n),
        writer,
    };
    attempt.went_on();
    loop {
        let before = telling.left.len();
        match telling.once(patience).await {
            Ok(()) => break,
            Err(Ended::Interrupted(reason)) => {
                if telling.left.len() < before {
                    attempt.went_on();
                }
                attempt.failed(reason).await.map_err(named)?;
            }
            Err(Ended::Wronged(problem)) => return Err(named(problem)),
        }
    }
    Ok(Lived {
        registration_id: id.clone(),
        device_id: assigned.device_id,
        hub: assigned.hub,
        interruptions: attempt.failures,
        resumed,
    })
}

async fn boot(
    id: &str,
    credential: &DeviceKey,
    patience: &Patience,
    attempt: &mut Attempt,
) -> Result<(Assigned, bool), String> {
    let options = Options {
        polling: Polling::Eager { pause: POLL_PAUSE },
        deadline: Duration::from_secs(20),
        ..Options::default()
    };
    let mut operation = None;
    let mut resumed = false;
    loop {
        let reason = match patience.reach() {
            Err(reason) => reason,
            Ok((endpoints, trust)) => {
                let dps = endpoints.dps();
                match provision_on(&dps, id, credential, &trust, &options, &mut operation).await {
                    Ok(Outcome::Assigned(assigned)) => return Ok((assigned, resumed)),
                    // Throttled, or something behind it is down: the server may say so, and a device comes back.
                    Ok(Outcome::Refused(refused)) if refused.status >= 429 => refused.message,
                    Ok(Outcome::Refused(refused)) => return Err(format!("was refused: {refused:?}")),
                    Err(error) => error.to_string(),
                }
            }
        };
        resumed |= operation.is_some();
        attempt.failed(reason).await?;
    }
}

/// Why a connection is over before everything is said.
enum Ended {
    Interrupted(String),
    Wronged(String),
}

struct Telling<'a> {
    device: Device,
    hub: &'a str,
    /// Not yet acknowledged, oldest first.
    left: Vec<u64>,
    plan: &'a Plan,
    chance: Chance,
    writer: &'a Writer,
}

impl Telling<'_> {
    /// One connection: sends what is left, writes down what is acknowledged, reports once all is.
    async fn once(&mut self, patience: &Patience) -> Result<(), Ended> {
        let (endpoints, trust) = patience.reach().map_err(Ended::Interrupted)?;
        let to = endpoints.hub(self.hub);
        let mut client = HubClient::connect(&trust, &to, self.device.clone(), &HubOptions::default())
            .await
            .map_err(judge)?;
        let numbers = self.left.clone();
        let told = self.tell(&mut client, &numbers).await;
        // What arrived before the connection broke was promised, and is held against the server.
        while let Some(sent) = client.accepted_already() {
            self.acknowledged(&numbers, sent).await?;
        }
        told?;
        client.report(&json!({ "fleet": { "messages": self.plan.messages } })).await.map_err(judge)?;
        client.disconnect().await.map_err(judge)
    }

    async fn tell(&mut self, client: &mut HubClient, numbers: &[u64]) -> Result<(), Ended> {
        for number in numbers {
            client.send("", Bytes::from(number.to_string())).await.map_err(judge)?;
            let until =
                tokio::time::Instant::now() + Duration::from_millis(self.chance.around(self.plan.pause_ms));
            while let Ok(sent) = tokio::time::timeout_at(until, client.accepted()).await {
                self.acknowledged(numbers, sent.map_err(judge)?).await?;
            }
        }
        while client.unacknowledged() > 0 {
            let sent = client.accepted().await.map_err(judge)?;
            self.acknowledged(numbers, sent).await?;
        }
        while let Some(sent) = client.accepted_already() {
            self.acknowledged(numbers, sent).await?;
        }
        Ok(())
    }

    /// `sent` counts the messages of this connection, from 1.
    async fn acknowledged(&mut self, numbers: &[u64], sent: u64) -> Result<(), Ended> {
        let at = usize::try_from(sent).ok().and_then(|sent| sent.checked_sub(1));
        let Some(number) = at.and_then(|at| numbers.get(at)) else {
            return Err(Ended::Wronged(format!(
                "message {sent} of a connection was acknowledged, and never sent"
            )));
        };
        self.writer.acknowledged(&self.device.id, *number).await.map_err(Ended::Wronged)?;
        self.left.retain(|left| left != number);
        Ok(())
    }
}

/// An assigned device that is not let in was forgotten.
fn judge(error: HubError) -> Ended {
    match error {
        HubError::Open(OpenError::Refused { code: code @ (4 | 5) }) => {
            Ended::Wronged(format!("is assigned, and refused by its hub with CONNACK {code}"))
        }
        HubError::Twin { status, body } if status < 429 => {
            Ended::Wronged(format!("could not report: {status} {body}"))
        }
        other => Ended::Interrupted(other.to_string()),
    }
}
