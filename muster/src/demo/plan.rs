//! Who will boot: devices that belong, with the key or certificate each of them is born with, and some that do not.

use muster_sas::Key;
use muster_simulator::DeviceKey;
use muster_simulator::factory::{Authority, FactoryError, Validity, self_signed};

/// Individual enrollments of each kind; the rest of the fleet belongs to the two groups.
const INDIVIDUALS_MAX: usize = 5;
/// Of the devices in groups, so many in a hundred carry certificates.
const CERTIFICATES_PERCENT: usize = 30;

pub(super) const KEY_GROUP: &str = "demo-keys";
pub(super) const CERTIFICATE_GROUP: &str = "demo-certificates";

pub(super) struct Plan {
    pub(super) group_key: Key,
    /// Stands in the certificate group; the devices' certificates come from an authority below it.
    pub(super) root: Authority,
    pub(super) devices: Vec<Planned>,
    pub(super) strangers: Vec<Stranger>,
}

pub(super) struct Planned {
    pub(super) registration_id: String,
    pub(super) credential: DeviceKey,
    pub(super) admission: Admission,
}

/// By which enrollment a device is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Group,
    Individual,
}

/// A device that must be refused, and what is wrong with it.
pub(super) struct Stranger {
    pub(super) registration_id: String,
    pub(super) credential: DeviceKey,
    pub(super) flaw: Flaw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    WrongKey,
    Disabled,
    Unknown,
    ForeignCertificate,
    ExpiredCertificate,
    WrongScope,
}

impl Flaw {
    pub(super) fn text(self) -> &'static str {
        match self {
            Flaw::WrongKey => "signs with a wrong key",
            Flaw::Disabled => "its enrollment is disabled",
            Flaw::Unknown => "is in no enrollment",
            Flaw::ForeignCertificate => "certificate of a foreign root",
            Flaw::ExpiredCertificate => "certificate has expired",
            Flaw::WrongScope => "names another ID scope",
        }
    }
}

impl Plan {
    /// The same seed gives the same names and keys; certificates are new each time.
    pub(super) fn new(devices: usize, seed: u64) -> Result<Plan, FactoryError> {
        let group_key = key_of(seed, "group");
        let root = Authority::root("Muster demo root")?;
        let line = root.intermediate("Muster demo line 1")?;
        let individuals = INDIVIDUALS_MAX.min(devices / 8);
        let with_certificate = (devices - 2 * individuals) * CERTIFICATES_PERCENT / 100;

        let mut planned = Vec::with_capacity(devices);
        for n in 0..devices {
            let registration_id = format!("device-{:05}", n + 1);
            let (admission, credential) = if n < individuals {
                (Admission::Individual, DeviceKey::Symmetric { key: key_of(seed, &registration_id) })
            } else if n < 2 * individuals {
                (Admission::Individual, self_signed(&registration_id, Validity::Current)?)
            } else if n < 2 * individuals + with_certificate {
                (Admission::Group, line.device(&registration_id)?)
            } else {
                (Admission::Group, DeviceKey::Symmetric { key: group_key.derive(&registration_id) })
            };
            planned.push(Planned { registration_id, credential, admission });
        }
        let strangers = strangers(seed, &group_key, &line)?;
        Ok(Plan { group_key, root, devices: planned, strangers })
    }
}

fn strangers(seed: u64, group_key: &Key, line: &Authority) -> Result<Vec<Stranger>, FactoryError> {
    let foreign = Authority::root("Somebody else's root")?;
    let flaws = [
        Flaw::WrongKey,
        Flaw::Disabled,
        Flaw::Unknown,
        Flaw::ForeignCertificate,
        Flaw::ExpiredCertificate,
        Flaw::WrongScope,
    ];
    flaws
        .into_iter()
        .map(|flaw| {
            let registration_id = match flaw {
                Flaw::WrongKey => "stranger-wrong-key",
                Flaw::Disabled => "stranger-disabled",
                Flaw::Unknown => "stranger-unknown",
                Flaw::ForeignCertificate => "stranger-foreign",
                Flaw::ExpiredCertificate => "stranger-expired",
                Flaw::WrongScope => "stranger-scope",
            };
            let credential = match flaw {
                Flaw::WrongKey | Flaw::Unknown => {
                    DeviceKey::Symmetric { key: key_of(seed.wrapping_add(1), registration_id) }
                }
                Flaw::Disabled => DeviceKey::Symmetric { key: key_of(seed, registration_id) },
                Flaw::ForeignCertificate => foreign.device(registration_id)?,
                Flaw::ExpiredCertificate => line.device_valid(registration_id, Validity::Expired)?,
                Flaw::WrongScope => DeviceKey::Symmetric { key: group_key.derive(registration_id) },
            };
            Ok(Stranger { registration_id: registration_id.to_owned(), credential, flaw })
        })
        .collect()
}

/// The key of this name under this seed.
pub(super) fn key_of(seed: u64, name: &str) -> Key {
    // 16 bytes, the least a key may have; what is derived has 32.
    let root = Key::generate::<16>(&|bytes| {
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = seed.to_le_bytes()[at % 8];
        }
    });
    root.derive(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_devices_are_of_every_kind() {
        let plan = Plan::new(1000, 1).unwrap();
        let count = |wanted: fn(&Planned) -> bool| plan.devices.iter().filter(|it| wanted(it)).count();
        assert_eq!(plan.devices.len(), 1000);
        assert_eq!(count(|it| it.admission == Admission::Individual), 10);
        assert_eq!(count(|it| matches!(it.credential, DeviceKey::X509 { .. })), 5 + 297);
    }

    #[test]
    fn one_device_is_enough() {
        assert_eq!(Plan::new(1, 1).unwrap().devices.len(), 1);
    }

    #[test]
    fn the_seed_makes_the_keys() {
        assert_eq!(key_of(7, "a"), key_of(7, "a"));
        assert_ne!(key_of(7, "a"), key_of(8, "a"));
        assert_ne!(key_of(7, "a"), key_of(7, "b"));
    }
}
