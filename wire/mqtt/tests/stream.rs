//! Packets over a socket: batches, cancelling, ends, handing on, and what an idle connection owns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{num::NonZeroU16, pin::pin, time::Duration};

use bytes::{Bytes, BytesMut};
use muster_mqtt::{
    Connect, Decoder, Limits, PACKETS_PER_BATCH_MAX, Packet, Publish, QoS, ReadError, Stream, Violation,
    WriteError, encode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

fn connect() -> Packet {
    Packet::Connect(Box::new(Connect {
        client_id: "d".into(),
        username: None,
        password: None,
        clean_session: true,
        keep_alive_s: 60,
        will: None,
    }))
}

fn publish(id: u16, payload_bytes: usize) -> Packet {
    Packet::Publish(Publish {
        topic: "devices/d/messages/events/".into(),
        payload: Bytes::from(vec![id as u8; payload_bytes]),
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        packet_id: NonZeroU16::new(id),
    })
}

fn encoded(packets: &[Packet]) -> BytesMut {
    let mut bytes = BytesMut::new();
    for packet in packets {
        encode(packet, &mut bytes).unwrap();
    }
    bytes
}

fn server(io: DuplexStream) -> Stream<DuplexStream> {
    Stream::new(io, Decoder::for_server(Limits::default()))
}

/// A stream that has read its CONNECT, and the other end.
async fn connected() -> (Stream<DuplexStream>, DuplexStream) {
    let (mut client, io) = duplex(1 << 20);
    client.write_all(&encoded(&[connect()])).await.unwrap();
    let mut stream = server(io);
    assert_eq!(stream.read().await.unwrap(), Some(connect()));
    (stream, client)
}

#[tokio::test]
async fn packets_come_in_batches_that_are_bounded() {
    let (mut stream, mut client) = connected().await;
    let sent: Vec<Packet> = (1..=200).map(|id| publish(id, 10)).collect();
    client.write_all(&encoded(&sent)).await.unwrap();
    drop(client);
    let mut packets = Vec::new();
    let mut batches = Vec::new();
    loop {
        match stream.read_batch(&mut packets).await.unwrap() {
            0 => break,
            count => batches.push(count),
        }
    }
    assert_eq!(packets, sent);
    assert_eq!(batches, [PACKETS_PER_BATCH_MAX, PACKETS_PER_BATCH_MAX, PACKETS_PER_BATCH_MAX, 8]);
}

#[tokio::test]
async fn reading_may_be_given_up_at_any_time() {
    let (mut stream, mut client) = connected().await;
    let sent: Vec<Packet> = (1..=20).map(|id| publish(id, usize::from(id) * 7)).collect();
    let mut packets = Vec::new();
    for byte in encoded(&sent) {
        client.write_all(&[byte]).await.unwrap();
        let mut reading = pin!(stream.read_batch(&mut packets));
        tokio::select! {
            biased;
            read = &mut reading => assert!(read.unwrap() > 0),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(packets, sent);
}

#[tokio::test]
async fn an_idle_connection_owns_no_buffer() {
    let (mut stream, mut client) = connected().await;
    let mut packets = Vec::new();
    client.write_all(&encoded(&[publish(1, 5_000)])).await.unwrap();
    stream.read_batch(&mut packets).await.unwrap();
    stream.write(&[Packet::PubAck(NonZeroU16::MIN)]).await.unwrap();
    let idle = tokio::time::timeout(Duration::from_millis(10), stream.read_batch(&mut packets)).await;
    assert!(idle.is_err());
    let parts = stream.into_parts();
    assert_eq!((parts.input.capacity(), parts.output.capacity()), (0, 0));
}

#[tokio::test]
async fn a_busy_connection_keeps_its_buffers() {
    let (mut stream, mut client) = connected().await;
    let mut packets = Vec::new();
    client.write_all(&encoded(&[publish(1, 5_000)])).await.unwrap();
    stream.read_batch(&mut packets).await.unwrap();
    packets.clear();
    stream.write(&[Packet::PubAck(NonZeroU16::MIN)]).await.unwrap();
    let parts = stream.into_parts();
    assert!(parts.output.capacity() > 0);
    let mut stream = Stream::from_parts(parts);
    let before = encoded(&[publish(2, 4_000)]);
    client.write_all(&before).await.unwrap();
    stream.read_batch(&mut packets).await.unwrap();
    packets.clear();
    let mut parts = stream.into_parts();
    assert!(parts.input.try_reclaim(5_000), "the first buffer, used again");
}

#[tokio::test]
async fn no_more_is_buffered_than_the_largest_packet_and_one_read() {
    let (mut client, io) = duplex(1 << 20);
    let limits = Limits { packet_bytes_max: 100_000, ..Limits::default() };
    let mut stream = Stream::new(io, Decoder::for_server(limits));
    client.write_all(&encoded(&[connect(), publish(1, 99_000)])).await.unwrap();
    client.write_all(&encoded(&vec![publish(2, 10); 2_000])).await.unwrap();
    let mut packets = Vec::new();
    let mut total = 0;
    while total < 2_002 {
        total += stream.read_batch(&mut packets).await.unwrap();
        packets.clear();
        let parts = stream.into_parts();
        assert!(parts.input.len() <= 16 * 1024, "{}", parts.input.len());
        assert!(parts.input.capacity() <= 2 * (100_000 + 16 * 1024), "{}", parts.input.capacity());
        stream = Stream::from_parts(parts);
    }
    // More than the limit is refused as soon as its header is there.
    client.write_all(b"\x30\xff\xff\x7f").await.unwrap();
    let refused = stream.read_batch(&mut packets).await;
    assert!(matches!(refused, Err(ReadError::Violation(Violation::TooLarge { .. }))), "{refused:?}");
}

#[tokio::test]
async fn good_packets_before_a_violation_are_handed_out_first() {
    let (mut stream, mut client) = connected().await;
    let mut bytes = encoded(&[publish(1, 1), Packet::PingReq]);
    bytes.extend_from_slice(b"\x34\x00");
    client.write_all(&bytes).await.unwrap();
    let mut packets = Vec::new();
    assert_eq!(stream.read_batch(&mut packets).await.unwrap(), 2);
    for _ in 0..2 {
        let refused = stream.read_batch(&mut packets).await;
        assert!(matches!(refused, Err(ReadError::Violation(Violation::QoS2))), "{refused:?}");
    }
    assert_eq!(packets.len(), 2);
}

#[tokio::test]
async fn an_end_between_packets_is_an_end_and_one_inside_is_not() {
    let (mut stream, client) = connected().await;
    drop(client);
    assert_eq!(stream.read_batch(&mut Vec::new()).await.unwrap(), 0);
    assert_eq!(stream.read().await.unwrap(), None);

    let (mut stream, mut client) = connected().await;
    client.write_all(&encoded(&[publish(1, 100)])[..50]).await.unwrap();
    drop(client);
    assert!(matches!(stream.read_batch(&mut Vec::new()).await, Err(ReadError::Cut)));
    assert!(matches!(stream.read().await, Err(ReadError::Cut)));
}

#[tokio::test]
async fn what_came_with_the_connect_is_handed_on() {
    let (mut client, io) = duplex(1 << 16);
    let all = [connect(), publish(1, 10), publish(2, 10), Packet::PingReq];
    let bytes = encoded(&all);
    client.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    let mut stream = server(io);
    assert_eq!(stream.read().await.unwrap().as_ref(), Some(&all[0]));
    let mut stream = Stream::from_parts(stream.into_parts());
    client.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
    let mut packets = Vec::new();
    while packets.len() < 3 {
        stream.read_batch(&mut packets).await.unwrap();
    }
    assert_eq!(packets, all[1..]);
}

#[tokio::test]
async fn a_write_that_was_given_up_is_finished_by_the_next() {
    let (mut client, io) = duplex(100);
    let mut stream = server(io);
    let sent = [publish(1, 1_000), publish(2, 1_000)];
    let given_up = tokio::time::timeout(Duration::from_millis(10), stream.write(&sent[..1])).await;
    assert!(given_up.is_err());
    let reading = tokio::spawn(async move {
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).await.unwrap();
        bytes
    });
    stream.write(&sent[1..]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(reading.await.unwrap(), encoded(&sent));
}

#[tokio::test]
async fn nothing_of_a_batch_is_written_when_one_of_it_cannot_be() {
    let (mut stream, mut client) = connected().await;
    let Packet::Publish(good) = publish(1, 10) else { panic!() };
    let bad = Packet::Publish(Publish { topic: "".into(), ..good });
    let refused = stream.write(&[publish(1, 10), bad]).await;
    assert!(matches!(refused, Err(WriteError::Violation(_))), "{refused:?}");
    stream.write(&[Packet::PingResp]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"\xd0\x00");
}

#[tokio::test]
async fn client_and_server_understand_each_other() {
    let (client, io) = duplex(64);
    let mut client = Stream::new(client, Decoder::for_client(Limits::default()));
    let mut server = server(io);
    let serving = async {
        let accepted = Packet::ConnAck { session_present: false, code: 0 };
        assert_eq!(server.read().await.unwrap(), Some(connect()));
        server.write(&[accepted]).await.unwrap();
        let mut packets = Vec::new();
        while packets.len() < 50 {
            let start = packets.len();
            server.read_batch(&mut packets).await.unwrap();
            let acknowledge = |packet: &Packet| match packet {
                Packet::Publish(publish) => publish.packet_id.map(Packet::PubAck),
                _ => None,
            };
            let answers: Vec<Packet> = packets[start..].iter().filter_map(acknowledge).collect();
            server.write(&answers).await.unwrap();
        }
    };
    let asking = async {
        client.write(&[connect()]).await.unwrap();
        let answer = client.read().await.unwrap();
        assert_eq!(answer, Some(Packet::ConnAck { session_present: false, code: 0 }));
        for id in 1..=50 {
            client.write(&[publish(id, 100)]).await.unwrap();
            let answer = client.read().await.unwrap();
            assert_eq!(answer, NonZeroU16::new(id).map(Packet::PubAck));
        }
    };
    tokio::join!(serving, asking);
}
