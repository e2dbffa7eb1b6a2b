//! The pattern of RSA keys from the faulty Infineon library (ROCA, CVE-2017-15361).
//!
//! Their primes are `k * M + 65537^a mod M`, M a product of small primes: so the modulus is a power of 65537 modulo each of
//! those primes. A sound key has that with every prime below with a chance of 1 in 2^27 or less.

/// The primes that divide M even for the smallest of the faulty keys and modulo which 65537 does not reach everything.
const PRIMES: [u64; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
const GENERATOR: u64 = 65_537;

pub(super) fn has_pattern(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, octet| (rest * 256 + u64::from(*octet)) % prime);
        let mut power = 1;
        // The powers come round after at most `prime - 1` steps.
        (1..*prime).any(|_| {
            power = power * GENERATOR % prime;
            power == rest
        })
    })
}
