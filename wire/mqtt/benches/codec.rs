//! What a QoS 1 message costs on the wire's side: `cargo bench -p muster-mqtt`.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run may say so like this")]

use std::{
    hint::black_box,
    io,
    num::NonZeroU16,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use muster_mqtt::{Decoder, Limits, Packet, Publish, QoS, Stream, encode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const PAYLOAD_BYTES: usize = 256;
const TOPIC: &str = "devices/device-000001/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8";
const CONNECT: &[u8] = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d";
const MESSAGES: u32 = 2_000_000;

fn main() {
    println!("QoS 1, topic of {} B, payload of {PAYLOAD_BYTES} B, one core; best of 5", TOPIC.len());
    println!("  {:<52} {:>6} ns/message", "decode PUBLISH", best(decode_publish));
    println!("  {:<52} {:>6} ns/message", "encode PUBACK", best(encode_puback));
    println!("  {:<52} {:>6} ns/message", "encode PUBLISH", best(encode_publish));
    for packets_per_read in [1, 16, 40] {
        let what = format!("stream: read {packets_per_read} PUBLISH, write their PUBACKs");
        println!("  {what:<52} {:>6} ns/message", best(|| stream(packets_per_read)));
    }
}

fn best(run: impl Fn()) -> u128 {
    let time = || {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos() / u128::from(MESSAGES)
    };
    (0..5).map(|_| time()).min().unwrap_or_default()
}

fn publish() -> Packet {
    Packet::Publish(Publish {
        topic: TOPIC.into(),
        payload: Bytes::from(vec![b'x'; PAYLOAD_BYTES]),
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        packet_id: Some(NonZeroU16::MIN),
    })
}

fn batch(packets: usize) -> BytesMut {
    let mut bytes = BytesMut::new();
    for _ in 0..packets {
        encode(&publish(), &mut bytes).unwrap();
    }
    bytes
}

fn open_decoder() -> Decoder {
    let mut decoder = Decoder::for_server(Limits::default());
    decoder.decode(&mut BytesMut::from(CONNECT)).unwrap().unwrap();
    decoder
}

fn decode_publish() {
    let batch = batch(40);
    let mut decoder = open_decoder();
    let mut source = BytesMut::with_capacity(batch.len() + 2);
    for _ in 0..MESSAGES / 40 {
        source.extend_from_slice(&batch);
        while let Some(packet) = decoder.decode(&mut source).unwrap() {
            black_box(&packet);
        }
        source.reserve(batch.len() + 2);
    }
}

fn encode_puback() {
    let mut target = BytesMut::with_capacity(400);
    for _ in 0..MESSAGES / 40 {
        for id in 1..=40 {
            encode(&Packet::PubAck(NonZeroU16::new(id).unwrap()), &mut target).unwrap();
        }
        black_box(&target);
        target.clear();
    }
}

fn encode_publish() {
    let packet = publish();
    let mut target = BytesMut::with_capacity(40 * 400);
    for _ in 0..MESSAGES / 40 {
        for _ in 0..40 {
            encode(&packet, &mut target).unwrap();
        }
        black_box(&target);
        target.clear();
    }
}

fn stream(packets_per_read: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let io = Endless { batch: batch(packets_per_read), written: 0 };
        let mut stream = Stream::new(io, open_decoder());
        let mut packets = Vec::new();
        let mut answers = Vec::new();
        for _ in 0..MESSAGES / packets_per_read as u32 {
            packets.clear();
            answers.clear();
            stream.read_batch(&mut packets).await.unwrap();
            answers.extend(packets.iter().filter_map(|packet| match packet {
                Packet::Publish(publish) => publish.packet_id.map(Packet::PubAck),
                _ => None,
            }));
            stream.write(&answers).await.unwrap();
        }
        assert_eq!(stream.io().written, MESSAGES as usize / packets_per_read * packets_per_read * 4);
    });
}

/// A socket that always has the same batch, and takes everything.
struct Endless {
    batch: BytesMut,
    written: usize,
}

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        into.put_slice(&self.batch);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
