//! A device's session with its hub over MQTT: read a batch, let the hub handle it as one, answer with one write.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use muster_hub::protocol::mqtt::{PacketIds, decode, encode, hello, parse_username};
use muster_hub::protocol::status;
use muster_hub::{Connected, Disconnect, Hello, Hub, Refused, Session, Shown, ToDevice};
use muster_mqtt::{Packet, ReadError};
use muster_x509::IssuerAndSerial;

use super::front::{Front, now};
use super::mqtt::{Arrived, Wire, answer};
use super::vouching::{condemned, vouched};

/// Messages that wait for the device to acknowledge earlier ones, beyond those in its mailbox.
const WAITING_MAX: usize = 32;

pub(super) struct Talk {
    hub: Arc<Hub>,
    wire: Wire,
    session: Session,
    mailbox: mpsc::Receiver<Box<ToDevice>>,
    ids: PacketIds,
    waiting: VecDeque<Box<ToDevice>>,
}

/// What wakes a session.
enum Woken {
    Read(Result<usize, ReadError>),
    Message(Option<Box<ToDevice>>),
    Deadline,
    Stop,
}

impl Talk {
    /// Lets the device in, or tells it no.
    pub(super) async fn begin(front: &Front, hub: Arc<Hub>, arrived: Arrived) -> Option<Self> {
        let Arrived { mut wire, connect, peer, addressee: _ } = arrived;
        let remote = peer.address;
        let username = connect.username.clone().unwrap_or_default();
        let outcome = async {
            let username = parse_username(&username)?;
            let mut hello = hello(*connect, username, peer)?;
            hello.vouched = vouched(&front.ca, &hello.peer.chain, now());
            hello.certificates = IssuerAndSerial::of_chain(&hello.peer.chain);
            enter(front, &hub, hello).await
        };
        match outcome.await {
            Ok(Connected { session, mailbox, session_present }) => {
                front.counters.connected.count();
                let mut talk =
                    Self { hub, wire, session, mailbox, ids: PacketIds::default(), waiting: VecDeque::new() };
                match talk.wire.write(&[Packet::ConnAck { session_present, code: 0 }]).await {
                    Ok(()) => Some(talk),
                    Err(_) => {
                        Box::new(talk).end(Disconnect::Lost).await;
                        None
                    }
                }
            }
            Err(refused) => {
                front.counters.refused.count();
                report(&hub, remote, &username, &refused);
                match status::connack(&refused) {
                    Some(code) => answer(&mut wire, code).await,
                    None => drop(wire),
                }
                None
            }
        }
    }

    /// Until the session ends. This future is what an idle device costs, so what is large is boxed while it is needed.
    pub(super) async fn run(mut self: Box<Self>, front: &Front) {
        let why = self.converse(front).await;
        Box::pin(self.end(why)).await;
    }

    async fn converse(&mut self, front: &Front) -> Disconnect {
        let stop = front.stop.token();
        let mut stopped = pin!(stop.cancelled());
        let mut deadline = pin!(tokio::time::sleep(until(self.session.deadline())));
        loop {
            let mut packets = Vec::new();
            let woken = tokio::select! {
                biased;
                // First, so that a device that never stops talking hears us too.
                message = self.mailbox.recv() => Woken::Message(message),
                read = self.wire.read_batch(&mut packets) => Woken::Read(read),
                () = deadline.as_mut() => Woken::Deadline,
                () = stopped.as_mut() => Woken::Stop,
            };
            let done = match woken {
                // A violation comes after the good packets before it were handed out.
                Woken::Read(Err(error)) => Err(self.read_failed(error)),
                Woken::Read(Ok(0)) => Err(Disconnect::Lost),
                Woken::Read(Ok(_)) => self.hear(packets).await,
                Woken::Message(None) => Err(self.session.cut().unwrap_or(Disconnect::Shutdown)),
                Woken::Message(Some(message)) => {
                    self.waiting.push_back(message);
                    self.say(Vec::new()).await
                }
                Woken::Deadline => {
                    let overdue = self.session.overdue(now());
                    // It moved while the timer slept: resetting the timer with every packet would cost more.
                    deadline.as_mut().reset(tokio::time::Instant::now() + until(self.session.deadline()));
                    overdue.map_or(Ok(()), Err)
                }
                Woken::Stop => Err(Disconnect::Shutdown),
            };
            if let Err(why) = done {
                return why;
            }
        }
    }

    /// One batch: decoded whole, handled whole (one append to the log), answered with one write.
    async fn hear(&mut self, packets: Vec<Packet>) -> Result<(), Disconnect> {
        let mut said = Vec::with_capacity(packets.len());
        let mut outcome = Ok(());
        for packet in packets {
            match decode(&self.session, &mut self.ids, packet) {
                Ok(one) => said.push(one),
                Err(violation) => {
                    outcome = Err(violation);
                    break;
                }
            }
        }
        let mut answers = Vec::with_capacity(said.len());
        // What was handled is durable even when it ends in an error, so it is answered before that.
        let handled = self.hub.handle(&mut self.session, said, now(), &mut answers).await;
        let written = self.say(answers).await;
        handled.and(outcome).and(written)
    }

    async fn say(&mut self, answers: Vec<ToDevice>) -> Result<(), Disconnect> {
        let mut packets: Vec<_> = answers.into_iter().map(|answer| encode(answer, &mut self.ids)).collect();
        while self.ids.has_room()
            && let Some(message) = self.waiting.pop_front()
        {
            packets.push(encode(*message, &mut self.ids));
        }
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        if !packets.is_empty() {
            self.wire.write(&packets).await.map_err(|error| match error {
                muster_mqtt::WriteError::Io(_) => Disconnect::Lost,
                muster_mqtt::WriteError::Violation(violation) => violation.into(),
            })?;
        }
        match self.waiting.len() {
            0..=WAITING_MAX => Ok(()),
            _ => Err(Disconnect::TooSlow { max: WAITING_MAX }),
        }
    }

    fn read_failed(&self, error: ReadError) -> Disconnect {
        match error {
            ReadError::Violation(violation) => violation.into(),
            ReadError::Io(_) | ReadError::Cut => self.session.cut().unwrap_or(Disconnect::Lost),
        }
    }

    async fn end(self: Box<Self>, why: Disconnect) {
        let Self { hub, mut wire, session, .. } = *self;
        let device = session.device().clone();
        let name = &hub.settings().name;
        match &why {
            Disconnect::Goodbye | Disconnect::Lost | Disconnect::Shutdown => {
                tracing::debug!(hub = %name, %device, reason = %why, "device disconnected");
            }
            _ => tracing::info!(hub = %name, %device, reason = %why, "device disconnected"),
        }
        hub.disconnected(session, why, now()).await;
        let _ = wire.shutdown().await;
    }
}

/// What was revoked while the device came in is found by one of two: who cuts sessions sees this one, or this one sees that.
async fn enter(front: &Front, hub: &Hub, hello: Hello) -> Result<Connected, Refused> {
    let (device, vouched, certificates) =
        (hello.device.clone(), hello.vouched.clone(), hello.certificates.clone());
    let condemned = || {
        let shown = Shown { vouched: vouched.as_ref(), certificates: &certificates };
        condemned(&front.ca, &front.dps.dps, shown).map(Refused::Vouched)
    };
    // Before the hub, too: who is refused must not have taken the place of a session that is good.
    if let Some(refused) = condemned() {
        hub.refused(&device, refused.clone(), now());
        return Err(refused);
    }
    let connected = hub.connect(hello, now()).await?;
    let barred = || front.barred.why(&hub.settings().host, &device).map(Refused::Barred);
    match condemned().or_else(barred) {
        None => Ok(connected),
        Some(refused) => {
            hub.disconnected(connected.session, Disconnect::Revoked(refused.to_string()), now()).await;
            hub.refused(&device, refused.clone(), now());
            Err(refused)
        }
    }
}

fn report(hub: &Hub, remote: std::net::SocketAddr, username: &str, refused: &Refused) {
    let name = &hub.settings().name;
    tracing::info!(hub = %name, %remote, username, reason = %refused, "device refused");
}

/// tokio's clock does not jump, the session's may: what is late is only looked at sooner or later.
fn until(deadline: Timestamp) -> Duration {
    let span = deadline.duration_since(now());
    // At least a little, so that a deadline that is not overdue yet is not asked for in a loop.
    Duration::try_from(span)
        .unwrap_or_default()
        .max(Duration::from_millis(10))
        .min(Duration::from_secs(24 * 3600))
}
