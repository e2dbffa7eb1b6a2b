//! Which partition a device's events go to: Event Hubs' own hash of the key (hub-service §7).

/// Never change it: order per device and consumers' checkpoints hang on it. No partitions count as one.
pub fn partition_of(device: &str, partitions: u16) -> u16 {
    let (b, c) = lookup3(device.as_bytes());
    let folded = (c ^ b) as u16 as i16;
    let count = i32::from(partitions.max(1));
    (i32::from(folded) % count).unsigned_abs() as u16
}

/// Bob Jenkins' `hashlittle2` with both seeds 0: returns (b, c), the secondary and the primary hash.
fn lookup3(key: &[u8]) -> (u32, u32) {
    let start = 0xdead_beef_u32.wrapping_add(key.len() as u32);
    let (mut a, mut b, mut c) = (start, start, start);
    // Twelve bytes a round; the last one to twelve go through `finish`. Nothing at all goes through neither.
    let (rounds, tail) = match key.len() {
        0 => return (b, c),
        length => key.split_at((length - 1) / 12 * 12),
    };
    for round in rounds.chunks_exact(12) {
        let [x, y, z] = words(round);
        a = a.wrapping_add(x);
        b = b.wrapping_add(y);
        c = c.wrapping_add(z);
        mix(&mut a, &mut b, &mut c);
    }
    let [x, y, z] = words(tail);
    finish(a.wrapping_add(x), b.wrapping_add(y), c.wrapping_add(z))
}

/// Up to twelve bytes as three little-endian words, missing bytes as 0.
fn words(bytes: &[u8]) -> [u32; 3] {
    let mut words = [0; 3];
    for (at, byte) in bytes.iter().enumerate().take(12) {
        words[at / 4] |= u32::from(*byte) << (8 * (at % 4));
    }
    words
}

fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    fn step(x: &mut u32, y: &mut u32, z: &mut u32, by: u32) {
        *x = x.wrapping_sub(*z) ^ z.rotate_left(by);
        *z = z.wrapping_add(*y);
    }
    step(a, b, c, 4);
    step(b, c, a, 6);
    step(c, a, b, 8);
    step(a, b, c, 16);
    step(b, c, a, 19);
    step(c, a, b, 4);
}

fn finish(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32) {
    fn step(x: &mut u32, y: u32, by: u32) {
        *x = (*x ^ y).wrapping_sub(y.rotate_left(by));
    }
    step(&mut c, b, 14);
    step(&mut a, c, 11);
    step(&mut b, a, 25);
    step(&mut c, b, 16);
    step(&mut a, c, 4);
    step(&mut b, a, 14);
    step(&mut c, b, 24);
    (b, c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the comment at the end of Jenkins' lookup3.c (driver5): `hashlittle2` with seeds 0.
    #[test]
    fn the_hash_is_lookup3() {
        assert_eq!(lookup3(b""), (0xdead_beef, 0xdead_beef));
        let (b, c) = lookup3(b"Four score and seven years ago");
        assert_eq!((c, b), (0x1777_0551, 0xce72_26e6));
    }

    /// From `mapPartitionKeyToId` of npm @azure/event-hubs 6.0.4, run in Node, for 2, 4, 5 and 32 partitions.
    #[test]
    fn a_device_goes_where_event_hubs_would_send_its_key() {
        let long = "x".repeat(128);
        let vectors = [
            ("", [0, 0, 0, 0]),
            ("a", [0, 0, 0, 28]),
            ("device-1", [0, 0, 3, 4]),
            ("acc-dev-9a541312", [1, 1, 4, 13]),
            ("exactly12chr", [0, 2, 4, 14]),
            ("twenty-four-characters-.", [0, 0, 0, 16]),
            ("Four score and seven years ago", [1, 3, 3, 23]),
            ("ünïcödé", [1, 3, 4, 27]),
            (&long, [0, 0, 1, 8]),
        ];
        for (device, expected) in vectors {
            assert_eq!(
                [2, 4, 5, 32].map(|partitions| partition_of(device, partitions)),
                expected,
                "{device}"
            );
        }
    }

    #[test]
    fn devices_spread_evenly() {
        let mut counts = [0_u32; 4];
        for device in 0..10_000 {
            counts[usize::from(partition_of(&format!("device-{device}"), 4))] += 1;
        }
        assert!(counts.iter().all(|count| (2_300..2_700).contains(count)), "{counts:?}");
    }
}
