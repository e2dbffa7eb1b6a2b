//! Requests as clients make them, and as nobody should.

use proptest::prelude::*;

use super::*;

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let mut der = vec![tag];
    match contents.len() {
        length @ 0..0x80 => der.push(length as u8),
        length @ 0x80..0x100 => der.extend([0x81, length as u8]),
        length => der.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    der.extend(contents);
    der
}

const SEQUENCE: u8 = der::SEQUENCE;

fn cert_id(oid: &[u8], hash_bytes: usize, serial: &[u8]) -> Vec<u8> {
    let hash = tlv(der::OCTET_STRING, &[&vec![7; hash_bytes]]);
    let algorithm = tlv(SEQUENCE, &[&tlv(der::OID, &[oid]), &NULL]);
    tlv(SEQUENCE, &[&algorithm, &hash, &hash, &tlv(der::INTEGER, &[serial])])
}

fn extension(oid: &[u8], critical: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&tlv(der::OID, &[oid]), critical, &tlv(der::OCTET_STRING, &[value])])
}

/// Extensions of the request after the certificates.
fn request(cert_ids: &[Vec<u8>], extensions: &[Vec<u8>]) -> Vec<u8> {
    let list = cert_ids.iter().map(|id| tlv(SEQUENCE, &[id])).collect::<Vec<_>>().concat();
    let list = tlv(SEQUENCE, &[&list]);
    let extensions = match extensions {
        [] => Vec::new(),
        some => tlv(der::context(2), &[&tlv(SEQUENCE, &[&some.concat()])]),
    };
    tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&list, &extensions])])
}

fn nonce_of(bytes: usize) -> Vec<u8> {
    extension(NONCE, &[], &tlv(der::OCTET_STRING, &[&vec![9; bytes]]))
}

fn one() -> Vec<u8> {
    cert_id(SHA1, 20, &[0x41; 16])
}

#[test]
fn a_request_of_openssl_is_read_whole() {
    // openssl ocsp -issuer ica.pem -serial 0x4142434445464748494a4b4c4d4e4f50 -sha256 -reqout
    for (oid, hash, bytes) in
        [(SHA1, OcspHash::Sha1, 20), (SHA256, OcspHash::Sha256, 32), (SHA384, OcspHash::Sha384, 48)]
    {
        let id = cert_id(oid, bytes, &[0x41; 16]);
        let read = OcspRequest::parse(&request(std::slice::from_ref(&id), &[nonce_of(32)])).unwrap();
        assert_eq!(read.nonce.unwrap().as_bytes(), [9; 32]);
        let [certificate] = &*read.certificates else { panic!("one was asked about") };
        assert_eq!((certificate.der(), certificate.hash), (&*id, Some(hash)));
        assert_eq!((&*certificate.name_hash, &*certificate.key_hash), (&*vec![7; bytes], &*vec![7; bytes]));
        assert_eq!(certificate.serial, [0x41; 16]);
    }
}

#[test]
fn what_names_its_issuer_by_another_hash_is_nobodys_and_no_mistake() {
    let sha512 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
    let read = OcspRequest::parse(&request(&[cert_id(&sha512, 64, &[1])], &[])).unwrap();
    assert_eq!(read.certificates[0].hash, None);
}

#[test]
fn serial_numbers_lose_the_octet_that_only_says_they_are_positive() {
    for (sent, read) in [(&[0, 0x80][..], &[0x80][..]), (&[5], &[5]), (&[0], &[0]), (&[0x80], &[])] {
        let request = OcspRequest::parse(&request(&[cert_id(SHA1, 20, sent)], &[])).unwrap();
        assert_eq!(request.certificates[0].serial, read, "{sent:?}");
    }
}

#[test]
fn nonces_are_of_1_to_128_bytes() {
    for bytes in [1, 16, 32, 128] {
        let read = OcspRequest::parse(&request(&[one()], &[nonce_of(bytes)])).unwrap();
        assert_eq!(read.nonce.unwrap().as_bytes().len(), bytes);
    }
    for bytes in [0, 129, 300] {
        let read = OcspRequest::parse(&request(&[one()], &[nonce_of(bytes)]));
        assert_eq!(read, Err(OcspRefused::NonceLength { bytes }));
    }
    assert_eq!(OcspRequest::parse(&request(&[one()], &[])).unwrap().nonce, None);
}

#[test]
fn what_is_too_much_is_refused() {
    let many = |n| vec![one(); n];
    assert_eq!(OcspRequest::parse(&request(&many(16), &[])).unwrap().certificates.len(), 16);
    assert_eq!(OcspRequest::parse(&request(&many(17), &[])), Err(OcspRefused::TooMany));
    assert_eq!(OcspRequest::parse(&request(&[], &[])), Err(OcspRefused::Nothing));
    let bytes = OCSP_REQUEST_BYTES_MAX + 1;
    assert_eq!(OcspRequest::parse(&vec![0x30; bytes]), Err(OcspRefused::TooLarge { bytes }));
    let long = request(&[cert_id(SHA1, 20, &[1; 22])], &[]);
    assert_eq!(OcspRequest::parse(&long), Err(OcspRefused::SerialLength));
    for (oid, length) in [(SHA1, 32), (SHA256, 20), (SHA384, 0)] {
        let wrong = request(&[cert_id(oid, length, &[1])], &[]);
        assert_eq!(OcspRequest::parse(&wrong), Err(OcspRefused::HashLength));
    }
}

#[test]
fn extensions_that_are_not_known_matter_only_when_they_are_critical() {
    let other = [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 4];
    let plain = extension(&other, &[], &[0x30, 0]);
    let critical = extension(&other, &[1, 1, 0xff], &[0x30, 0]);
    assert!(OcspRequest::parse(&request(&[one()], &[plain, nonce_of(8)])).is_ok());
    assert_eq!(OcspRequest::parse(&request(&[one()], &[critical])), Err(OcspRefused::CriticalExtension));
    let twice = request(&[one()], &[nonce_of(8), nonce_of(8)]);
    assert_eq!(OcspRequest::parse(&twice), Err(OcspRefused::Extensions));
}

#[test]
fn a_signed_request_is_read_as_one_that_is_not() {
    let unsigned = request(&[one()], &[]);
    let asked = der::only(&unsigned, SEQUENCE).unwrap().contents.to_vec();
    let algorithm = tlv(SEQUENCE, &[&tlv(der::OID, &[SHA256])]);
    let bits = tlv(der::BIT_STRING, &[&[0, 1, 2, 3]]);
    let signature = tlv(der::context(0), &[&tlv(SEQUENCE, &[&algorithm, &bits])]);
    let signed = tlv(SEQUENCE, &[&asked, &signature]);
    assert_eq!(OcspRequest::parse(&signed).unwrap(), OcspRequest::parse(&unsigned).unwrap());
    let broken = tlv(SEQUENCE, &[&asked, &tlv(der::context(0), &[&bits])]);
    assert_eq!(OcspRequest::parse(&broken), Err(OcspRefused::NotDer(NotDer::Unexpected)));
}

#[test]
fn only_version_1_is_read() {
    let list = tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&one()])]);
    for (version, fine) in [(0, true), (1, false)] {
        let version = tlv(der::context(0), &[&[der::INTEGER, 1, version]]);
        let read = OcspRequest::parse(&tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&version, &list])]));
        assert_eq!(read.is_ok(), fine, "{read:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = OcspRequest::parse(&bytes);
    }

    #[test]
    fn a_request_with_any_byte_changed_is_read_or_refused(at in 0usize..120, byte in any::<u8>()) {
        let mut sent = request(&[one()], &[nonce_of(16)]);
        let at = at % sent.len();
        sent[at] = byte;
        let _ = OcspRequest::parse(&sent);
    }
}
