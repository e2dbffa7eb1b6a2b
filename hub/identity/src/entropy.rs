//! Randomness as an argument, and the keys made from it.

use std::sync::Arc;

use muster_sas::Key;

/// Fills the bytes with random ones: the operating system's in `muster`, a seeded generator's in tests.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

const DEVICE_KEY_BYTES: usize = 32; // what the original mints for a hub device (hub-service.md §2.4)
const ENROLLMENT_KEY_BYTES: usize = 64; // and for an enrollment (dps.md §4.1)

pub fn device_key(entropy: &Entropy) -> Key {
    Key::generate::<DEVICE_KEY_BYTES>(&**entropy)
}

pub fn enrollment_key(entropy: &Entropy) -> Key {
    Key::generate::<ENROLLMENT_KEY_BYTES>(&**entropy)
}
