//! An MQTT connection up to its CONNECT: handshake, first packet, and whom it is for.

use std::sync::Arc;

use muster_hub::Refused;
use muster_mqtt::{Connect, Decoder, Limits, Packet, ReadError, Stream, Violation};
use muster_x509::Peer;

use super::accept::{Caller, Secured, shake_hands};
use super::front::{Front, peer};
use super::names::Addressee;
use super::{mqtt_dps, mqtt_hub};

/// CONNACK: the server does not let this client in (MQTT 3.1.1 §3.2.2.3).
pub(super) const NOT_AUTHORIZED: u8 = 5;

/// A CONNECT with a token, two ids and a will of 20 KB. Strangers send it, so it is not as large as MQTT allows.
const FIRST_PACKET_BYTES_MAX: usize = 32 * 1024;

pub(super) type Wire = Stream<Secured>;

/// A connection that said who it is.
pub(super) struct Arrived {
    pub(super) wire: Wire,
    pub(super) connect: Box<Connect>,
    pub(super) peer: Peer,
    pub(super) addressee: Option<Addressee>,
}

/// A connection that may talk. Boxed, because a future keeps room for every place a value was moved to.
enum Talk {
    Dps(Box<mqtt_dps::Talk>),
    Hub(Box<mqtt_hub::Talk>),
}

/// The whole life of a connection. Everything before the session is boxed, and freed before the session waits.
pub(super) async fn serve(front: Arc<Front>, caller: Caller) {
    let Caller { tcp, remote, local, permit: _permit } = caller;
    let beginning = async {
        let shaken = shake_hands(&front, &front.mqtts, tcp, local, remote).await?;
        let peer = peer(&shaken, remote);
        let arrived =
            first_packet(&front, Stream::new(shaken.stream, Decoder::for_server(packet_limits())), peer)
                .await?;
        begin(&front, arrived).await
    };
    match Box::pin(beginning).await {
        None => {}
        Some(Talk::Hub(talk)) => talk.run(&front).await,
        Some(Talk::Dps(talk)) => Box::pin(talk.run(&front)).await,
    }
}

fn packet_limits() -> Limits {
    Limits { first_packet_bytes_max: FIRST_PACKET_BYTES_MAX, ..Limits::default() }
}

async fn first_packet(front: &Front, mut wire: Wire, peer: Peer) -> Option<Arrived> {
    let stop = front.stop.token();
    let read = tokio::select! {
        read = tokio::time::timeout(front.limits.first_packet_timeout, wire.read()) => read,
        () = stop.cancelled() => return None,
    };
    let stranger = match read {
        Ok(Ok(Some(Packet::Connect(connect)))) => {
            let addressee = connect.username.as_deref().and_then(|name| front.names.by_username(name));
            return Some(Arrived { wire, connect, peer, addressee });
        }
        Ok(Ok(Some(other))) => format!("the first packet is {}", other.name()),
        Ok(Ok(None)) => "closed without a CONNECT".to_owned(),
        Ok(Err(error)) => {
            if let ReadError::Violation(Violation::ConnectRefused(refusal)) = &error {
                answer(&mut wire, refusal.code()).await;
            }
            error.to_string()
        }
        Err(_) => "no CONNECT within `limits.first_packet_timeout_s`".to_owned(),
    };
    front.counters.strangers.count();
    tracing::debug!(remote = %peer.address, reason = stranger, "not an MQTT device");
    None
}

async fn begin(front: &Arc<Front>, mut arrived: Arrived) -> Option<Talk> {
    match arrived.addressee {
        Some(Addressee::Dps) => mqtt_dps::Talk::begin(front, arrived).await.map(|it| Talk::Dps(Box::new(it))),
        Some(Addressee::Hub(position)) => {
            let hub = front.hubs.get(position)?.hub.clone();
            mqtt_hub::Talk::begin(front, hub, arrived).await.map(|it| Talk::Hub(Box::new(it)))
        }
        None => {
            let refused = match &arrived.connect.username {
                None => Refused::UsernameMissing,
                Some(name) => match muster_hub::protocol::mqtt::parse_username(name) {
                    Ok(username) => Refused::Host(username.host),
                    Err(refused) => refused,
                },
            };
            front.counters.refused.count();
            tracing::info!(remote = %arrived.peer.address, reason = %refused, "device refused");
            answer(&mut arrived.wire, NOT_AUTHORIZED).await;
            None
        }
    }
}

/// A CONNACK that says no, and the end. That it arrives is not our worry.
pub(super) async fn answer(wire: &mut Wire, code: u8) {
    let _ = wire.write(&[Packet::ConnAck { session_present: false, code }]).await;
    let _ = wire.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future_bytes<F: Future>(_: impl FnOnce(Arc<Front>, Caller) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_an_idle_device_is_small() {
        // With the session beside it; the goal is 20 KB for an idle device, all of rustls' and the kernel's buffers included.
        let bytes = future_bytes(serve) + size_of::<mqtt_hub::Talk>();
        assert!(bytes <= 3072, "{bytes}");
    }
}
