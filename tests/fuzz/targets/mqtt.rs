//! Any bytes as what a client or a server sends, in pieces of any size.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use muster_mqtt::{Decoder, Limits, encode};

fuzz_target!(|input: &[u8]| {
    let Some((flags, sent)) = input.split_first() else { return };
    let limits = Limits::default();
    let decoder = || if flags & 1 == 0 { Decoder::for_server(limits) } else { Decoder::for_client(limits) };
    let piece = usize::from(flags >> 1).max(1);
    let (mut whole, mut torn) = (decoder(), decoder());
    let mut buffer = BytesMut::from(sent);
    let mut at_once = Vec::new();
    while let Ok(Some(packet)) = whole.decode(&mut buffer) {
        let mut written = BytesMut::new();
        let _ = encode(&packet, &mut written);
        at_once.push(format!("{packet:?}"));
    }
    // The same comes out however it came in.
    let (mut buffer, mut in_pieces) = (BytesMut::new(), Vec::new());
    'pieces: for piece in sent.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            match torn.decode(&mut buffer) {
                Ok(Some(packet)) => in_pieces.push(format!("{packet:?}")),
                Ok(None) => break,
                Err(_) => break 'pieces,
            }
        }
    }
    assert!(at_once == in_pieces);
});
