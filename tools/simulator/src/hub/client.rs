//! One connection of a device to its hub. It has no task of its own: it moves while one of its methods is awaited.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use muster_mqtt::{Packet, Publish, QoS, SUBACK_FAILURE};

use super::topics::{self, FromHub, TwinAnswer};
use super::{ANSWER_WITHIN, Desired, Device, HubError, HubOptions, Twin};
use crate::session::Session;
use crate::{Endpoint, Trust};

pub struct HubClient {
    device: Device,
    session: Session,
    window: usize,
    ping_after: Duration,
    packet_id: u16,
    sent: u64,
    in_flight: VecDeque<(NonZeroU16, u64)>,
    accepted: VecDeque<u64>,
    rid: u64,
    subscribed: Option<NonZeroU16>,
    answers: VecDeque<TwinAnswer>,
    desired: VecDeque<Desired>,
    other: VecDeque<Publish>,
}

impl HubClient {
    pub async fn connect(
        trust: &Trust,
        to: &Endpoint,
        device: Device,
        options: &HubOptions,
    ) -> Result<HubClient, HubError> {
        let hello = device.hello(to, options);
        let session = Session::open(&trust.presenting(&device.credential)?, to, hello).await?;
        Ok(HubClient {
            device,
            session,
            window: options.window.max(1),
            ping_after: match options.keep_alive_s {
                0 => Duration::from_secs(240),
                seconds => Duration::from_secs(u64::from(seconds)) / 2,
            },
            packet_id: 0,
            sent: 0,
            in_flight: VecDeque::new(),
            accepted: VecDeque::new(),
            rid: 0,
            subscribed: None,
            answers: VecDeque::new(),
            desired: VecDeque::new(),
            other: VecDeque::new(),
        })
    }

    pub fn session_present(&self) -> bool {
        self.session.session_present()
    }

    /// The connection below, for sending what no honest device would.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Sends one message at QoS 1; waits only while the window is full. Gives its number, counted from 1.
    pub async fn send(&mut self, bag: &str, body: Bytes) -> Result<u64, HubError> {
        self.send_all([(bag, body)]).await
    }

    /// Sends these in as few writes as the window allows; gives the number of the last.
    pub async fn send_all<'a>(
        &mut self,
        messages: impl IntoIterator<Item = (&'a str, Bytes)>,
    ) -> Result<u64, HubError> {
        let mut packets = Vec::new();
        for (bag, body) in messages {
            if self.in_flight.len() >= self.window {
                self.session.send(&packets).await?;
                packets.clear();
                while self.in_flight.len() >= self.window {
                    self.step("acknowledgement").await?;
                }
            }
            let packet_id = self.next_packet_id();
            self.sent += 1;
            self.in_flight.push_back((packet_id, self.sent));
            packets.push(publish(topics::events(&self.device, bag), body, packet_id));
        }
        self.session.send(&packets).await?;
        Ok(self.sent)
    }

    /// The number of the next message that the hub says it keeps. Dropping the future loses nothing.
    pub async fn accepted(&mut self) -> Result<u64, HubError> {
        loop {
            if let Some(number) = self.accepted.pop_front() {
                return Ok(number);
            }
            self.step("acknowledgement").await?;
        }
    }

    /// The same without waiting: what has arrived while something else was awaited.
    pub fn accepted_already(&mut self) -> Option<u64> {
        self.accepted.pop_front()
    }

    /// Waits until every message sent is acknowledged; gives how many were since the last time.
    pub async fn settle(&mut self) -> Result<u64, HubError> {
        while !self.in_flight.is_empty() {
            self.step("acknowledgement").await?;
        }
        let count = self.accepted.len() as u64;
        self.accepted.clear();
        Ok(count)
    }

    pub fn unacknowledged(&self) -> usize {
        self.in_flight.len()
    }

    pub async fn twin(&mut self) -> Result<Twin, HubError> {
        let rid = self.next_rid();
        let mut body = self.ask(topics::twin_get(rid), Bytes::new(), rid).await?.body;
        Ok(Twin { desired: body["desired"].take(), reported: body["reported"].take() })
    }

    /// Merges into the reported properties; gives their new version.
    pub async fn report(&mut self, patch: &Value) -> Result<Option<u64>, HubError> {
        let rid = self.next_rid();
        let body = Bytes::from(patch.to_string());
        Ok(self.ask(topics::twin_report(rid), body, rid).await?.version)
    }

    /// Asks to be told of desired changes; `next_desired` does so by itself, but then a change may already be past.
    pub async fn watch_desired(&mut self) -> Result<(), HubError> {
        self.subscribe_twin().await
    }

    /// Waits for a change as long as the caller does. Dropping the future loses nothing.
    pub async fn next_desired(&mut self) -> Result<Desired, HubError> {
        self.subscribe_twin().await?;
        loop {
            if let Some(desired) = self.desired.pop_front() {
                return Ok(desired);
            }
            match tokio::time::timeout(self.ping_after, self.session.next()).await {
                Ok(packet) => self.take(packet?).await?,
                Err(_) => self.session.send(&[Packet::PingReq]).await?,
            }
        }
    }

    /// Messages on topics that this client does not know, oldest first.
    pub fn other(&mut self) -> Option<Publish> {
        self.other.pop_front()
    }

    pub async fn disconnect(mut self) -> Result<(), HubError> {
        Ok(self.session.send(&[Packet::Disconnect]).await?)
    }

    async fn ask(&mut self, topic: String, body: Bytes, rid: u64) -> Result<TwinAnswer, HubError> {
        self.subscribe_twin().await?;
        let packet_id = self.next_packet_id();
        self.session.send(&[publish(topic, body, packet_id)]).await?;
        let rid = rid.to_string();
        loop {
            if let Some(at) = self.answers.iter().position(|answer| answer.rid == rid)
                && let Some(answer) = self.answers.remove(at)
            {
                return match answer.status {
                    200..300 => Ok(answer),
                    status => Err(HubError::Twin { status, body: answer.body }),
                };
            }
            self.step("twin answer").await?;
        }
    }

    async fn subscribe_twin(&mut self) -> Result<(), HubError> {
        if self.subscribed.is_some() {
            return Ok(());
        }
        let packet_id = self.next_packet_id();
        let filters =
            [topics::TWIN_ANSWERS, topics::DESIRED].map(|topic| (format!("{topic}#"), QoS::AtLeastOnce));
        self.session.send(&[Packet::Subscribe { packet_id, filters: filters.to_vec() }]).await?;
        while self.subscribed != Some(packet_id) {
            self.step("SUBACK").await?;
        }
        Ok(())
    }

    async fn step(&mut self, what: &'static str) -> Result<(), HubError> {
        match tokio::time::timeout(ANSWER_WITHIN, self.session.next()).await {
            Ok(packet) => self.take(packet?).await,
            Err(_) => Err(HubError::Silent { what }),
        }
    }

    async fn take(&mut self, packet: Packet) -> Result<(), HubError> {
        match packet {
            Packet::PubAck(id) => {
                // Acknowledgements of twin requests are nobody's message.
                if let Some(at) = self.in_flight.iter().position(|(packet_id, _)| *packet_id == id)
                    && let Some((_, number)) = self.in_flight.remove(at)
                {
                    self.accepted.push_back(number);
                }
            }
            Packet::SubAck { codes, .. } if codes.contains(&SUBACK_FAILURE) => {
                return Err(HubError::SubscriptionRefused);
            }
            Packet::SubAck { packet_id, .. } => self.subscribed = Some(packet_id),
            Packet::Publish(publish) => {
                if let Some(packet_id) = publish.packet_id {
                    self.session.send(&[Packet::PubAck(packet_id)]).await?;
                }
                match topics::read(publish)? {
                    FromHub::TwinAnswer(answer) => self.answers.push_back(answer),
                    FromHub::Desired(desired) => self.desired.push_back(desired),
                    FromHub::Other(publish) => self.other.push_back(publish),
                }
            }
            Packet::PingResp | Packet::UnsubAck(_) => {}
            other => return Err(HubError::Senseless { what: other.name().to_owned() }),
        }
        Ok(())
    }

    fn next_packet_id(&mut self) -> NonZeroU16 {
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        NonZeroU16::new(self.packet_id).unwrap_or(NonZeroU16::MIN)
    }

    fn next_rid(&mut self) -> u64 {
        self.rid += 1;
        self.rid
    }
}

fn publish(topic: String, payload: Bytes, packet_id: NonZeroU16) -> Packet {
    Packet::Publish(Publish {
        topic: topic.into(),
        payload,
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        packet_id: Some(packet_id),
    })
}
