//! Bags written here and elsewhere, whole and torn.

use proptest::prelude::*;

use super::*;
use crate::{
    NotDer, read_certificates, to_pem,
    workshop::{VERSION_1, authority_params},
};
use rcgen::KeyPair;

/// `openssl crl2pkcs7 -nocrl -certfile`, of the certificate `VERSION_1`.
fn openssl(certificates: &[Certificate], form: &str) -> Vec<u8> {
    let dir = std::env::temp_dir().join(format!("muster-cms-{}-{form}", std::process::id()));
    let pem: String = certificates.iter().map(|it| to_pem(it.der())).collect();
    std::fs::write(&dir, pem).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["crl2pkcs7", "-nocrl", "-outform", form, "-certfile"])
        .arg(&dir)
        .output()
        .unwrap();
    std::fs::remove_file(dir).unwrap();
    assert!(output.status.success());
    output.stdout
}

fn made(name: &str) -> Certificate {
    let der = authority_params(name).self_signed(&KeyPair::generate().unwrap()).unwrap();
    Certificate::parse(der.der()).unwrap()
}

fn some() -> Vec<Certificate> {
    let mut some = read_certificates(VERSION_1).unwrap();
    some.extend(["Root", "Issuing", "Other"].map(made));
    some.sort_by(|one, other| one.der().cmp(other.der()));
    some
}

#[test]
fn what_is_written_is_read_again() {
    let all = some();
    for number in 1..=all.len() {
        assert_eq!(read_certs_only(&certs_only(&all[..number])).unwrap(), &all[..number]);
    }
    der::check(&certs_only(&all)).unwrap();
    // In whatever order, and twice: it is a set.
    assert_eq!(certs_only(all.iter().rev().chain(&all)), certs_only(&all));
}

#[test]
fn one_certificate_is_the_bag_that_openssl_makes_and_openssl_s_are_read() {
    let all = some();
    assert_eq!(certs_only(&all[..1]), openssl(&all[..1], "DER"));
    assert_eq!(read_certs_only(&openssl(&all, "DER")).unwrap().len(), all.len());
    let pem = openssl(&all, "PEM");
    assert_eq!(read_certs_only(&pem).unwrap().len(), all.len());
    let body: String =
        String::from_utf8(pem).unwrap().lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(read_certs_only(body.as_bytes()).unwrap().len(), all.len());
}

#[test]
fn what_is_no_bag_of_certificates_is_refused_with_its_reason() {
    let one = some().remove(0);
    let bag = certs_only([&one]);
    let refusal = |bytes: &[u8]| read_certs_only(bytes).unwrap_err();
    assert_eq!(refusal(b""), CmsRefused::Empty);
    assert_eq!(refusal(&[&bag[..], &[0]].concat()), CmsRefused::NotDer(NotDer::Trailing));
    assert_eq!(refusal(&bag[..bag.len() - 1]), CmsRefused::NotDer(NotDer::Cut));
    assert!(matches!(refusal(one.der()), CmsRefused::NotDer(_)));
    assert!(matches!(refusal(to_pem(one.der()).as_bytes()), CmsRefused::Label { .. }));
    assert_eq!(refusal(&certs_only([])), CmsRefused::NoCertificates);
    let changed = |from: &[u8], to: &[u8]| {
        let at = bag.windows(from.len()).position(|window| window == from).unwrap();
        let mut changed = bag.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        refusal(&changed)
    };
    assert_eq!(changed(&SIGNED_DATA, &DATA), CmsRefused::NotSignedData);
    assert_eq!(changed(&DATA, &SIGNED_DATA), CmsRefused::Content);
    assert_eq!(changed(&[2, 1, 1, 0x31], &[2, 1, 7]), CmsRefused::Version { version: 7 });
    let many: Vec<_> = (0..=CERTIFICATES_MAX).map(|n| made(&n.to_string())).collect();
    assert_eq!(refusal(&certs_only(&many)), CmsRefused::TooMany);
    assert!(matches!(refusal(&vec![0x30; CMS_BYTES_MAX + 1]), CmsRefused::TooLarge { .. }));
}

proptest! {
    #[test]
    fn no_bytes_make_it_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_certs_only(&bytes);
    }

    #[test]
    fn a_bag_with_one_changed_byte_is_read_or_refused(at in any::<proptest::sample::Index>(), byte: u8) {
        let mut bag = certs_only(&read_certificates(VERSION_1).unwrap());
        let at = at.index(bag.len());
        bag[at] = byte;
        let _ = read_certs_only(&bag);
    }
}
