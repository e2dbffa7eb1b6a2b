//! From a passphrase to the data key: Argon2id, then AES-256-GCM around 32 random bytes.
//!
//! Another passphrase wraps the same data key anew, in one small file, and touches no key.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::{
    passphrase::Passphrase,
    sealed::{DataKey, DoesNotOpen, Sealed},
};
use crate::Entropy;

const TITLE: &str = "muster seal 1";
/// OWASP's recommendation for Argon2id; a twentieth of a second, so that a server still starts within one.
const COST: Cost = Cost { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
/// A header that asks for more was not written here, and would take the machine's memory before it is authenticated.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;
const SALT_BYTES: usize = 16;
const WRAPPING_KEY_BYTES: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Why a seal does not give the data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The passphrase is another one, or the file was changed.
    DoesNotOpen,
    Malformed,
}

/// The text that gives `data_key` to whoever knows the passphrase.
pub(super) fn wrap(
    data_key: &DataKey,
    passphrase: &Passphrase,
    entropy: &Entropy,
) -> Result<String, DoesNotOpen> {
    let mut salt = [0; SALT_BYTES];
    entropy(&mut salt);
    let wrapping = derive(passphrase, &salt, COST).ok_or(DoesNotOpen)?;
    let fields = [
        ("kdf", "argon2id".to_owned()),
        ("memory_kib", COST.memory_kib.to_string()),
        ("passes", COST.passes.to_string()),
        ("lanes", COST.lanes.to_string()),
        ("salt", BASE64_STANDARD.encode(salt)),
    ];
    wrapping.seal(TITLE, &fields, data_key.as_bytes(), entropy)
}

pub(super) fn unwrap(text: &str, passphrase: &Passphrase) -> Result<DataKey, Broken> {
    let sealed = Sealed::parse(text, TITLE).ok_or(Broken::Malformed)?;
    let number = |name, max: u32| {
        sealed.field(name).and_then(|value| value.parse().ok()).filter(|value| *value <= max)
    };
    let cost = (|| {
        Some(Cost {
            memory_kib: number("memory_kib", MEMORY_KIB_MAX)?,
            passes: number("passes", PASSES_MAX)?,
            lanes: number("lanes", LANES_MAX)?,
        })
    })();
    let salt = sealed.field("salt").and_then(|salt| BASE64_STANDARD.decode(salt).ok());
    let (Some("argon2id"), Some(cost), Some(salt)) = (sealed.field("kdf"), cost, salt) else {
        return Err(Broken::Malformed);
    };
    let wrapping = derive(passphrase, &salt, cost).ok_or(Broken::Malformed)?;
    let bytes = wrapping.open(sealed).map_err(|DoesNotOpen| Broken::DoesNotOpen)?;
    DataKey::from_bytes(&bytes).ok_or(Broken::Malformed)
}

/// None when Argon2 takes no such parameters.
fn derive(passphrase: &Passphrase, salt: &[u8], cost: Cost) -> Option<DataKey> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(WRAPPING_KEY_BYTES)).ok()?;
    let mut key = Zeroizing::new([0; WRAPPING_KEY_BYTES]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .ok()?;
    DataKey::from_bytes(key.as_slice())
}
