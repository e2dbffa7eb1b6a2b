//! Connecting, talking, leaving.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use muster_events::Event;
use muster_identity::DeviceId;
use muster_mqtt::ByteString;
use serde_json::json;

use super::{
    Connected, Disconnect, FromDevice, Hello, PacketId, Refused, Session, Shown, Subject, ToDevice, Will,
    credential::{Presented, Proof, prove},
    live::{Shared, keep_alive_timeout},
    shown,
};
use crate::{
    registry::{Device, sql},
    service::Hub,
    telemetry::{Verdict, bag},
    twin::{Report, TwinRefusal},
};

/// The longest a DTMI may be; a longer one is not one.
const MODEL_ID_BYTES_MAX: usize = 2048;

impl Hub {
    /// Decides whether this device may come in. An earlier connection of it is cut.
    pub async fn connect(&self, hello: Hello, now: Timestamp) -> Result<Connected, Refused> {
        let device = hello.device.clone();
        let entered = self.enter(hello, now).await;
        if let Err(why) = &entered {
            self.refused(&device, why.clone(), now);
        }
        entered
    }

    /// Keeps the reason of a refusal for the operator; for those that `connect` never saw, such as a bad password.
    pub fn refused(&self, device: &DeviceId, why: Refused, now: Timestamp) {
        self.sessions.refused(device, why, now);
    }

    /// Does what a device said, in order, as one unit: one append for all its telemetry. On `Err`, `answers` holds
    /// what was done and is durable all the same: write it, then close.
    pub async fn handle(
        &self,
        session: &mut Session,
        said: Vec<FromDevice>,
        now: Timestamp,
        answers: &mut Vec<ToDevice>,
    ) -> Result<(), Disconnect> {
        if let Some(why) = session.cut() {
            return Err(why);
        }
        session.hear(now);
        self.take_sends(session, &said, now)?;

        let first_answer = answers.len();
        let mut events = Vec::new();
        let mut end = Ok(());
        for message in said {
            let done = match message {
                FromDevice::Telemetry { packet_id, properties, body } => {
                    self.stamp(session, properties, body, now).map(|event| {
                        events.push(event);
                        answers.extend(packet_id.map(ToDevice::Accepted));
                    })
                }
                verb => Box::pin(self.act(session, verb, now, answers)).await,
            };
            if let Err(why) = done {
                end = Err(why);
                break;
            }
        }
        if !events.is_empty()
            && let Err(error) = self.log.append(events).await
        {
            answers.truncate(first_answer); // acknowledgements among them would be lies
            return Err(Disconnect::Unavailable(error.to_string()));
        }
        end
    }

    /// Ends every session with a certificate that is condemned, and tells how many: after a revocation, once those who know
    /// issuers answer by it. Whoever connects at the same time asks them again when it is in.
    pub fn cut(&self, judge: &dyn Fn(Shown<'_>) -> Option<String>, now: Timestamp) -> usize {
        self.sessions.cut(judge, now)
    }

    /// Ends the session of one device, whatever it was let in by; false when there is none.
    pub fn cut_device(&self, device: &DeviceId, why: String, now: Timestamp) -> bool {
        self.sessions.cut_device(device, why, now)
    }

    /// The connection is gone. Publishes the will unless the device said goodbye.
    pub async fn disconnected(&self, session: Session, why: Disconnect, now: Timestamp) {
        let why = session.cut().unwrap_or(why);
        let said_goodbye = why == Disconnect::Goodbye;
        self.sessions.leave(&session, why, now);
        if let Some(will) = session.will.as_deref().filter(|_| !said_goodbye) {
            let event = session.event(will_properties(will), will.body.clone(), now);
            if let Err(error) = self.log.append(vec![event]).await {
                tracing::warn!(hub = %self.settings.name, device = %session.device, %error, "will was lost");
            }
        }
    }

    async fn enter(&self, hello: Hello, now: Timestamp) -> Result<Connected, Refused> {
        if let Some(module) = hello.module {
            return Err(Refused::Module(shown(&module)));
        }
        let max = self.settings.limits.connections_max;
        if self.sessions.connected() >= max {
            return Err(Refused::TooManyConnections { max });
        }
        if self.connects.take(1, now) == Verdict::Exceeded {
            return Err(Refused::Throttled { quota: self.connects.name });
        }

        let changes = self.sessions.changes(&hello.device);
        let device = self.identity_of(&hello.device).await?.ok_or(Refused::UnknownDevice)?;
        let (token, chain, vouched) = (hello.token.as_ref(), &*hello.peer.chain, hello.vouched.as_ref());
        let proven = prove(&self.settings, &device, Presented { token, chain, vouched }, now)?;
        self.announce(&device, hello.model_id.as_deref()).await?;
        let (persistence, subscriptions) = self.restore(&device, hello.clean_session, now).await?;

        let auth_method = Arc::clone(match proven.proof {
            Proof::Key(_) => &self.auth_methods.device_key,
            Proof::Policy => &self.auth_methods.policy,
            Proof::Thumbprint(_) | Proof::Authority => &self.auth_methods.certificate,
        });
        let shared = Arc::new(Shared::new(
            Arc::clone(&device.generation),
            proven.proof,
            hello.vouched,
            hello.certificates,
            hello.product.as_deref(),
            now,
        ));
        let restored = subscriptions.unwrap_or_default();
        shared.listen(restored.granted(Subject::DesiredChanges));
        let entered = self.sessions.enter(&hello.device, &shared, now);
        if self.sessions.changes(&hello.device) != changes {
            // the registry changed while we were at it: look again, now that whoever changes it sees this session
            match self.identity_of(&hello.device).await? {
                Some(device) => self.sessions.recheck(&device, now),
                None => self.sessions.forget(&hello.device, now),
            }
        }
        let session = Session {
            device: hello.device,
            serial: entered.serial,
            shared,
            auth_method,
            subscriptions: restored,
            persistence,
            will: hello.will.map(Box::new),
            keep_alive: keep_alive_timeout(hello.keep_alive_s),
            heard: now,
            until: proven.until,
        };
        Ok(Connected { session, mailbox: entered.mailbox, session_present: subscriptions.is_some() })
    }

    /// Keeps the model of a Plug and Play device; written only when it is another than before.
    async fn announce(&self, device: &Device, model_id: Option<&str>) -> Result<(), Refused> {
        let Some(model_id) = model_id.filter(|id| *id != device.model_id && id.len() <= MODEL_ID_BYTES_MAX)
        else {
            return Ok(());
        };
        let hub = self.settings.name.as_str();
        let row = json!({
            "hub": hub, "id": device.id.as_str(), "generation": &*device.generation, "model_id": model_id,
        });
        match self.db.put(&sql::MODEL, &sql::key(hub, &device.id), row).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Refused::Unavailable(error.to_string())),
        }
    }

    async fn identity_of(&self, device: &DeviceId) -> Result<Option<Device>, Refused> {
        self.find_device(device).await.map_err(|error| Refused::Unavailable(error.to_string()))
    }

    fn take_sends(&self, session: &Session, said: &[FromDevice], now: Timestamp) -> Result<(), Disconnect> {
        let sent = said.iter().filter(|message| matches!(message, FromDevice::Telemetry { .. })).count();
        if sent == 0 {
            return Ok(());
        }
        if let Some(rate) = self.settings.limits.device_sends
            && session.shared.take_sends(rate, sent, now) == Verdict::Exceeded
        {
            return Err(Disconnect::Throttled { quota: "device_sends" });
        }
        match self.sends.take(sent, now) {
            Verdict::Allowed => Ok(()),
            Verdict::Exceeded => Err(Disconnect::Throttled { quota: self.sends.name }),
        }
    }

    fn stamp(
        &self,
        session: &Session,
        properties: Bytes,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Event, Disconnect> {
        let max = self.settings.limits.message_bytes_max;
        let bytes = bag::message_bytes(&properties, body.len(), max);
        match bytes <= max {
            true => Ok(session.event(properties, body, now)),
            false => Err(Disconnect::TooLarge { bytes, max }),
        }
    }

    /// Everything but telemetry.
    async fn act(
        &self,
        session: &mut Session,
        verb: FromDevice,
        now: Timestamp,
        answers: &mut Vec<ToDevice>,
    ) -> Result<(), Disconnect> {
        match verb {
            FromDevice::Telemetry { .. } | FromDevice::Received(_) => {}
            FromDevice::MethodResult { packet_id, .. } => answers.extend(packet_id.map(ToDevice::Accepted)),
            FromDevice::Ping => answers.push(ToDevice::Pong),
            FromDevice::Goodbye => return Err(Disconnect::Goodbye),
            FromDevice::TwinGet { packet_id, rid } => {
                let answer = match self.device_twin(&session.device, now).await {
                    Ok(body) => ToDevice::Twin { rid, body },
                    Err(refusal) => self.twin_refused(rid, refusal, now),
                };
                answer_twin(session, packet_id, answer, answers);
            }
            FromDevice::TwinPatch { packet_id, rid, base, body } => {
                let reported = match Report::parse(&body, base) {
                    Ok(report) => {
                        self.report(&session.device, &session.shared.generation, &report, now).await
                    }
                    Err(refusal) => Err(refusal),
                };
                let answer = match reported {
                    Ok(version) => ToDevice::Patched { rid, version },
                    Err(refusal) => self.twin_refused(rid, refusal, now),
                };
                answer_twin(session, packet_id, answer, answers);
            }
            FromDevice::IssueCertificate { packet_id, rid, body } => {
                answers.extend(packet_id.map(ToDevice::Accepted));
                if session.subscriptions.granted(Subject::Credentials).is_some() {
                    self.renew(session, rid, &body, now, answers).await;
                }
            }
            FromDevice::Subscribe { packet_id, filters } => {
                let granted = self.subscribe(session, filters, now).await?;
                answers.push(ToDevice::Subscribed { packet_id, granted });
            }
            FromDevice::Unsubscribe { packet_id, filters } => {
                self.unsubscribe(session, filters, now).await?;
                answers.push(ToDevice::Unsubscribed(packet_id));
            }
        }
        Ok(())
    }

    fn twin_refused(&self, rid: ByteString, refusal: TwinRefusal, now: Timestamp) -> ToDevice {
        ToDevice::TwinRefused { rid, refusal, tracking_id: self.tracking_id(now), at: now }
    }
}

/// An answer reaches a device only through its subscription (§2.4); the request is acknowledged either way.
fn answer_twin(
    session: &Session,
    packet_id: Option<PacketId>,
    answer: ToDevice,
    answers: &mut Vec<ToDevice>,
) {
    answers.extend(packet_id.map(ToDevice::Accepted));
    if session.subscriptions.granted(Subject::TwinResponses).is_some() {
        answers.push(answer);
    }
}

/// How a will is told from what the device sent itself (§1.8).
fn will_properties(will: &Will) -> Bytes {
    let mut properties = BytesMut::from(&*will.properties);
    if !properties.is_empty() {
        properties.extend_from_slice(b"&");
    }
    properties.extend_from_slice(b"iothub-MessageType=Will");
    properties.freeze()
}
