//! First boot over MQTT, with the topics of the contract (§1).

use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};

use muster_mqtt::{Packet, Publish, QoS};

use super::{Dps, Options, Outcome, ProvisionError, Refusal, Refused, Reply, Step, Timings};
use crate::session::{Hello, OpenError, Session, SessionError};
use crate::tls::reach;
use crate::{DeviceKey, Trust};

const ANSWERS: &str = "$dps/registrations/res/";

/// Boots one device: connects, registers, polls until the service has decided.
pub async fn provision(
    dps: &Dps,
    registration_id: &str,
    credential: &DeviceKey,
    trust: &Trust,
    options: &Options,
) -> Result<Outcome, ProvisionError> {
    provision_on(dps, registration_id, credential, trust, options, &mut None).await
}

/// The same for a device that remembers its operation: where there is one it polls, and does not register again.
pub async fn provision_on(
    dps: &Dps,
    registration_id: &str,
    credential: &DeviceKey,
    trust: &Trust,
    options: &Options,
    operation: &mut Option<String>,
) -> Result<Outcome, ProvisionError> {
    let boot = boot(dps, registration_id, credential, trust, options, operation);
    match tokio::time::timeout(options.deadline, boot).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ProvisionError::Late { after: options.deadline }),
    }
}

async fn boot(
    dps: &Dps,
    registration_id: &str,
    credential: &DeviceKey,
    trust: &Trust,
    options: &Options,
    operation: &mut Option<String>,
) -> Result<Outcome, ProvisionError> {
    let mut timings = Timings::default();
    let trust = trust.presenting(credential)?;
    let begun = Instant::now();
    let tcp = reach(&dps.endpoint).await.map_err(OpenError::from)?;
    timings.tcp = begun.elapsed();
    let stream = trust.handshake(&dps.endpoint, tcp).await.map_err(OpenError::from)?;
    timings.tls = begun.elapsed() - timings.tcp;

    let asked = Instant::now();
    let mut session = match Session::over(stream, hello(dps, registration_id, credential, options)).await {
        Ok(session) => session,
        Err(OpenError::Refused { code }) => return Ok(Outcome::Refused(refused_connection(code))),
        Err(other) => return Err(other.into()),
    };
    timings.connect = asked.elapsed();

    let asked = Instant::now();
    let mut requests = Requests { last: 0 };
    let first = match operation {
        None => requests.register(registration_id, options),
        Some(operation_id) => requests.poll(operation_id),
    };
    session.send(&[subscribe(), first]).await?;
    let mut reply = requests.answer(&mut session).await?;
    timings.register = asked.elapsed();

    let asked = Instant::now();
    loop {
        let retry_after_s = reply.retry_after_s;
        timings.assign = asked.elapsed();
        timings.total = begun.elapsed();
        match reply.judge(timings)? {
            Step::Done(outcome) => {
                // Best effort: the device has its answer, and a server that is gone needs no farewell.
                let _farewell = session.send(&[Packet::Disconnect]).await;
                return Ok(*outcome);
            }
            Step::Wait { operation_id } => {
                let operation_id = operation.insert(operation_id);
                let wait = options.polling.wait(retry_after_s, timings.polls);
                tokio::time::sleep(wait).await;
                timings.waited += wait;
                timings.polls += 1;
                session.send(&[requests.poll(operation_id)]).await?;
                reply = requests.answer(&mut session).await?;
            }
        }
    }
}

fn hello(dps: &Dps, registration_id: &str, credential: &DeviceKey, options: &Options) -> Hello {
    let resource = format!("{}/registrations/{registration_id}", dps.scope);
    Hello {
        client_id: registration_id.to_owned(),
        username: Some(format!("{resource}/api-version={}", options.api_version)),
        password: credential
            .token(&resource, options.token_lifetime_s, Some("registration"))
            .map(Bytes::from),
        clean_session: true,
        keep_alive_s: 180,
        will: None,
    }
}

fn refused_connection(code: u8) -> Refused {
    Refused {
        by: Refusal::Connection(code),
        status: 0,
        error_code: None,
        message: format!("CONNACK {code}"),
        tracking_id: None,
        operation_id: None,
    }
}

fn subscribe() -> Packet {
    Packet::Subscribe {
        packet_id: std::num::NonZeroU16::MAX,
        filters: vec![("$dps/registrations/res/#".into(), QoS::AtLeastOnce)],
    }
}

/// Request ids, so that an answer is taken for its own request's only.
struct Requests {
    last: u16,
}

impl Requests {
    fn register(&mut self, registration_id: &str, options: &Options) -> Packet {
        let mut body = json!({ "registrationId": registration_id });
        if let Some(payload) = &options.payload {
            body["payload"] = payload.clone();
        }
        self.last += 1;
        let topic = format!("$dps/registrations/PUT/iotdps-register/?$rid={}", self.last);
        self.publish(topic, body.to_string())
    }

    fn poll(&mut self, operation_id: &str) -> Packet {
        self.last += 1;
        let topic = format!(
            "$dps/registrations/GET/iotdps-get-operationstatus/?$rid={}&operationId={operation_id}",
            self.last
        );
        self.publish(topic, " ".to_owned())
    }

    fn publish(&self, topic: String, body: String) -> Packet {
        Packet::Publish(Publish {
            topic: topic.into(),
            payload: Bytes::from(body),
            qos: QoS::AtLeastOnce,
            retain: false,
            dup: false,
            packet_id: std::num::NonZeroU16::new(self.last),
        })
    }

    async fn answer(&self, session: &mut Session) -> Result<Reply, ProvisionError> {
        loop {
            let Packet::Publish(publish) = session.next().await? else { continue };
            if let Some(packet_id) = publish.packet_id {
                session.send(&[Packet::PubAck(packet_id)]).await?;
            }
            let (rid, reply) = read(&publish)?;
            if rid == self.last.to_string() {
                return Ok(reply);
            }
        }
    }
}

/// `$dps/registrations/res/{status}/?$rid={rid}[&retry-after={seconds}]`
fn read(publish: &Publish) -> Result<(String, Reply), ProvisionError> {
    let topic: &str = &publish.topic;
    let senseless = || ProvisionError::Senseless { what: format!("an answer on `{topic}`") };
    let rest = topic.strip_prefix(ANSWERS).ok_or_else(senseless)?;
    let (status, query) = rest.split_once("/?").ok_or_else(senseless)?;
    let status = status.parse().map_err(|_| senseless())?;
    let mut rid = None;
    let mut retry_after_s = None;
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("$rid", value)) => rid = Some(value.to_owned()),
            Some(("retry-after", value)) => retry_after_s = Some(value.parse().map_err(|_| senseless())?),
            _ => {}
        }
    }
    let body = match publish.payload.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&publish.payload)
            .map_err(|reason| SessionError::Unexpected { packet: format!("{publish:?}: {reason}") })?,
    };
    Ok((rid.ok_or_else(senseless)?, Reply { status, retry_after_s, body }))
}
