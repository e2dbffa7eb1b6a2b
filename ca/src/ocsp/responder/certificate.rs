//! What the certificate of a responder says. Pure.

use jiff::Timestamp;
use x509_cert::{
    builder::{self, profile::BuilderProfile},
    certificate::TbsCertificate,
    der::{
        Decode, Encode,
        asn1::{Null, OctetString},
        flagset::FlagSet,
        oid::db::{rfc4519::COMMON_NAME, rfc5280::ID_KP_OCSP_SIGNING, rfc6960::ID_PKIX_OCSP_NOCHECK},
    },
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
            SubjectKeyIdentifier,
        },
    },
    name::{Name, RdnSequence},
    spki::SubjectPublicKeyInfoRef,
};

use muster_x509::Certificate;

use super::LIFE;
use crate::{
    hierarchy::{
        AuthorityId, BuildError, certify,
        key_identifier::{key_identifier, subject_key_identifier},
        shape::Validity,
        subject::{attribute, subject_of},
    },
    keys::PublicKey,
};

struct Shape {
    subject: Name,
    issuer: Name,
    issuer_key: AuthorityKeyIdentifier,
}

/// When a certificate that is made now is valid.
pub(super) fn validity(issuer: &Certificate, now: Timestamp) -> Validity {
    let whole = Validity { not_before: issuer.not_before(), not_after: issuer.not_after() };
    Validity::of(LIFE, now, Some(whole))
}

/// The TBSCertificate of the `number`-th responder of an authority.
pub(super) fn tbs(
    (authority, number): (&AuthorityId, u32),
    issuer: &Certificate,
    keys: (&PublicKey, &PublicKey),
    serial: [u8; 16],
    now: Timestamp,
) -> Result<Vec<u8>, BuildError> {
    let (responder_key, issuer_key) = keys;
    let name = RdnSequence::from(vec![attribute(COMMON_NAME, &format!("OCSP {authority} {number}"))?]);
    let key_identifier = subject_key_identifier(issuer);
    let shape = Shape {
        subject: Name::from_der(&name.to_der()?)?,
        issuer: subject_of(issuer)?,
        issuer_key: AuthorityKeyIdentifier { key_identifier, ..Default::default() },
    };
    certify::certificate(shape, responder_key, issuer_key, serial, validity(issuer, now))
}

impl BuilderProfile for Shape {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let constraints = BasicConstraints { ca: false, path_len_constraint: None };
        // Clients need not ask somebody whether who tells them is revoked (RFC 6960 section 4.2.2.2.1).
        let no_check = Extension {
            extn_id: ID_PKIX_OCSP_NOCHECK,
            critical: false,
            extn_value: OctetString::new(Null.to_der()?)?,
        };
        Ok(vec![
            (true, &constraints).to_extension(subject, &[])?,
            KeyUsage(FlagSet::from(KeyUsages::DigitalSignature)).to_extension(subject, &[])?,
            ExtendedKeyUsage(vec![ID_KP_OCSP_SIGNING]).to_extension(subject, &[])?,
            SubjectKeyIdentifier(key_identifier(&key)?).to_extension(subject, &[])?,
            self.issuer_key.to_extension(subject, &[])?,
            no_check,
        ])
    }
}
