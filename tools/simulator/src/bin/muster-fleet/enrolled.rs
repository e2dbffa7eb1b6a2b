//! The fleet's names, keys and certificates, all from one seed but the certificates, and their two groups.

use muster_simulator::factory::Authority;
use muster_simulator::{DeviceKey, Key, enrollments};

use crate::device::Patience;

/// One device in so many proves itself with a certificate.
const CERTIFICATE_EVERY: usize = 4;
const KEY_BYTES: usize = 32;

pub(crate) struct Enrolled {
    seed: u64,
    key: Key,
    authority: Authority,
    devices: Vec<(String, DeviceKey)>,
}

impl Enrolled {
    pub(crate) fn make(seed: u64, devices: usize) -> Result<Enrolled, String> {
        let mut chance = Chance::new(seed);
        let bytes = (0..KEY_BYTES).map(|_| chance.next() as u8).collect();
        let key = Key::from_bytes(bytes).map_err(|error| error.to_string())?;
        let authority = Authority::root(&format!("fleet {seed} root")).map_err(|error| error.to_string())?;
        let signing =
            authority.intermediate(&format!("fleet {seed} line")).map_err(|error| error.to_string())?;
        let mut made = Vec::with_capacity(devices);
        for n in 0..devices {
            let id = format!("fleet-{seed}-{n}");
            let credential = match n % CERTIFICATE_EVERY {
                0 => signing.device(&id).map_err(|error| error.to_string())?,
                _ => DeviceKey::Symmetric { key: key.derive(&id) },
            };
            made.push((id, credential));
        }
        Ok(Enrolled { seed, key, authority, devices: made })
    }

    pub(crate) fn device(&self, n: usize) -> Option<&(String, DeviceKey)> {
        self.devices.get(n)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.devices.iter().map(|(id, _)| id.as_str())
    }

    pub(crate) fn groups(&self) -> [String; 2] {
        [format!("fleet-{}-keys", self.seed), format!("fleet-{}-certificates", self.seed)]
    }

    /// A chance of its own for every device.
    pub(crate) fn chance(&self, n: usize) -> Chance {
        Chance::new(self.seed ^ (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Makes the two groups; whether the last attempt succeeded is not asked, because a second changes nothing.
    pub(crate) async fn announce(&self, patience: &Patience) -> Result<(), String> {
        let [keys, certificates] = self.groups();
        let bodies = [
            enrollments::symmetric_group(&keys, &self.key),
            enrollments::x509_group(&certificates, self.authority.pem()),
        ];
        let mut attempt = patience.attempt();
        loop {
            let outcome = async {
                let (endpoints, trust) = patience.reach()?;
                let service = endpoints.dps_service(&trust).map_err(|error| error.to_string())?;
                for body in &bodies {
                    service.put_group(body).await.map_err(|error| error.to_string())?;
                }
                Ok::<_, String>(())
            };
            match outcome.await {
                Ok(()) => return Ok(()),
                Err(reason) => attempt.failed(reason).await?,
            }
        }
    }
}

/// SplitMix64: the same seed, the same fleet. Nothing here is a secret.
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance { state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and twice the mean.
    pub(crate) fn around(&mut self, mean: u64) -> u64 {
        self.next() % (2 * mean + 1)
    }
}
