//! By what the lists of its issuer know a certificate, kept where its bytes are not: 54 bytes, however long its names are.

use aws_lc_rs::digest;

use super::{
    SUBJECT_KEY_IDENTIFIER,
    entries::significant,
    extensions::{AUTHORITY_KEY_IDENTIFIER, identifier_of},
};
use crate::{Certificate, PATH_DEPTH_MAX, der};

/// RFC 5280 section 4.1.2.2. What a certificate with a longer one is called cannot be kept.
const SERIAL_OCTETS_MAX: usize = 20;

/// Half a SHA-256: nobody finds two names for one.
type Half = [u8; 16];

/// An authority as its certificates and lists call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerId {
    name: Half,
    /// Not every certificate says which of its namesakes signed it.
    key: Option<Half>,
}

/// Who signed a certificate, as it says itself, and the number it got: RFC 5280 section 5.3 tells certificates apart by no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerAndSerial {
    issuer: IssuerId,
    serial: [u8; SERIAL_OCTETS_MAX],
    serial_octets: u8,
}

impl IssuerId {
    /// What `authority` is to what it signs.
    pub fn of(authority: &Certificate) -> Self {
        let key = authority.extension(SUBJECT_KEY_IDENTIFIER);
        let key = key.and_then(|value| der::only(&value, der::OCTET_STRING).map(|it| half(it.contents)).ok());
        Self { name: half(authority.subject_der()), key }
    }

    /// The same for all that may be one: to look them up by.
    pub fn name(&self) -> [u8; 16] {
        self.name
    }

    /// Namesakes are told apart by their keys where both sides name one.
    pub fn may_be(&self, other: &Self) -> bool {
        let same_key = match (&self.key, &other.key) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        };
        self.name == other.name && same_key
    }
}

impl IssuerAndSerial {
    /// None when the serial number is longer than any may be.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let digits = significant(certificate.serial());
        let mut serial = [0; SERIAL_OCTETS_MAX];
        serial.get_mut(..digits.len())?.copy_from_slice(digits);
        let key = certificate.extension(AUTHORITY_KEY_IDENTIFIER);
        let key = key.and_then(|value| identifier_of(&value).ok().flatten()).map(|key| half(&key));
        let issuer = IssuerId { name: half(certificate.issuer_der()), key };
        Some(Self { issuer, serial, serial_octets: u8::try_from(digits.len()).ok()? })
    }

    /// Of each certificate of a chain as it was presented, as many as a path may have. What cannot be read is nobody's.
    pub fn of_chain(chain: &[Vec<u8>]) -> Box<[Self]> {
        let read = |der: &Vec<u8>| Self::of(&Certificate::parse(der).ok()?);
        chain.iter().take(PATH_DEPTH_MAX).filter_map(read).collect()
    }

    pub fn issuer(&self) -> &IssuerId {
        &self.issuer
    }

    /// Big-endian, without leading zeros.
    pub fn serial(&self) -> &[u8] {
        self.serial.get(..usize::from(self.serial_octets)).unwrap_or_default()
    }
}

fn half(of: &[u8]) -> Half {
    let mut half = Half::default();
    let whole = digest::digest(&digest::SHA256, of);
    half.iter_mut().zip(whole.as_ref()).for_each(|(half, whole)| *half = *whole);
    half
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, SerialNumber};

    use super::*;
    use crate::workshop::{Made, leaf_params, root, self_signed};

    #[test]
    fn a_certificate_is_known_by_its_issuer_and_its_number_without_its_bytes() {
        let (plant, other) = (root("plant"), root("other"));
        let device = plant.bent_leaf("d1", |params| params.serial_number = Some(SerialNumber::from(7_u64)));
        let known = IssuerAndSerial::of(&device).unwrap();
        assert_eq!(known.serial(), [7]);
        assert!(known.issuer().may_be(&IssuerId::of(&plant.certificate)));
        assert!(!known.issuer().may_be(&IssuerId::of(&other.certificate)));
        assert!(size_of::<IssuerAndSerial>() <= 54);
        let chain = [device.der().to_vec(), b"no certificate".to_vec()];
        assert_eq!(*IssuerAndSerial::of_chain(&chain), [known]);
    }

    #[test]
    fn namesakes_are_told_apart_where_the_certificate_names_its_issuers_key() {
        let (plant, namesake) = (root("plant"), root("plant"));
        let may_be = |certificate: &Certificate, authority: &Made| {
            IssuerAndSerial::of(certificate).unwrap().issuer().may_be(&IssuerId::of(&authority.certificate))
        };
        let named = plant.bent_leaf("d1", |params| params.use_authority_key_identifier_extension = true);
        assert!(may_be(&named, &plant) && !may_be(&named, &namesake));
        let unnamed = plant.bent_leaf("d1", |params| params.use_authority_key_identifier_extension = false);
        assert!(may_be(&unnamed, &plant) && may_be(&unnamed, &namesake));
    }

    #[test]
    fn a_number_that_is_longer_than_any_may_be_is_not_kept() {
        let numbered = |octets: &[u8]| {
            let mut params = leaf_params("d1");
            params.serial_number = Some(SerialNumber::from_slice(octets));
            IssuerAndSerial::of(&self_signed(params, KeyPair::generate().unwrap()).certificate)
        };
        assert_eq!(numbered(&[0x7f; 20]).unwrap().serial(), [0x7f; 20]);
        assert_eq!(numbered(&[0x7f; 21]), None);
    }
}
