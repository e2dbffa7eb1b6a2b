//! What a signature costs without its records: `POST /ca/sign` over plain HTTP, answered and forgotten. To be measured
//! beside signers that keep no records either, and for nothing else: `muster-load ca` starts it.
//!
//!     cargo run --release -p muster-ca --example unrecorded -- 127.0.0.1:18080
//!
//! Request, profile, linter and signature are the product's. Its root is new each time, and gone with the process.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "it is measured, and stops where it cannot"
)]

use std::sync::Arc;

use aws_lc_rs::{
    rand::{SystemRandom, fill},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use x509_cert::der::{Decode, Encode, asn1::BitString};

use muster_ca::{
    Authority, AuthorityId, BaseUrl, Holder, Identity, Issuer, Profile, Renewal, State as Standing,
    SubjectFacts, Wanted,
    api::shapes::{self, Sign},
    prepare, renew_after,
};
use muster_x509::{Certificate, Csr, to_pem};

const ECDSA_WITH_SHA256: &str = "300a06082a8648ce3d040302";
const BASE_URL: &str = "http://pki.example";

struct Signer {
    profile: Profile,
    issuer: Issuer,
    chain: String,
    algorithm: x509_cert::spki::AlgorithmIdentifierOwned,
    key: EcdsaKeyPair,
}

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:18080".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let router = Router::new()
        .route("/ca/sign", post(sign))
        .route("/ready", get(|| async { "ready" }))
        .with_state(Arc::new(Signer::new()));
    axum::serve(listener, router).await.unwrap();
}

async fn sign(
    State(signer): State<Arc<Signer>>,
    Json(sign): Json<Sign>,
) -> Result<(StatusCode, Json<shapes::Certificate>), (StatusCode, String)> {
    let signed = signer.sign(sign).map_err(|reason| (StatusCode::BAD_REQUEST, reason))?;
    Ok((StatusCode::CREATED, Json(signed)))
}

impl Signer {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Unrecorded");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = Certificate::parse(params.self_signed(&key).unwrap().der()).unwrap();
        let chain = to_pem(certificate.der());
        let authority = Arc::new(Authority {
            id: AuthorityId::issuing(),
            parent: None,
            state: Standing::Active,
            certificate: Some(certificate),
            key: None,
            generation: 1,
            crl_shards: 256,
            path_len: Some(0),
            renewal: Renewal::ByHand,
            request: None,
            created: Timestamp::now(),
        });
        let algorithm_der = hex::decode(ECDSA_WITH_SHA256).unwrap();
        let base_url = BaseUrl::parse(BASE_URL).unwrap();
        Self {
            profile: Profile::parse(include_str!("../profiles/device.toml"), 1).unwrap(),
            algorithm: Decode::from_der(&algorithm_der).unwrap(),
            issuer: Issuer::new(&authority, algorithm_der, Some(&base_url)).unwrap().unwrap(),
            chain,
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der()).unwrap(),
        }
    }

    /// As [`muster_ca::Ca::issue`], but for the records.
    fn sign(&self, sign: Sign) -> Result<shapes::Certificate, String> {
        let csr = Csr::parse(sign.csr.as_bytes()).map_err(|error| error.to_string())?;
        let facts = SubjectFacts { common_name: sign.subject.common_name, ..SubjectFacts::default() };
        let asked = self.profile.ask(&csr, &facts, "bench").map_err(|error| error.to_string())?;
        let holder =
            sign.holder.map(|it| Holder { name: it.name, generation: it.generation.unwrap_or_default() });
        let identity = Identity::Asked(&asked);
        let wanted = Wanted { csr: &csr, identity, holder: holder.as_ref(), not_after: sign.not_after };
        let mut serial = [0; 16];
        fill(&mut serial).unwrap();
        serial[0] = serial[0] & 0x3f | 0x40;
        let prepared = prepare(&self.profile, &wanted, &self.issuer, serial, Timestamp::now())
            .map_err(|error| error.to_string())?;
        let signature = self.key.sign(&SystemRandom::new(), prepared.tbs()).unwrap();
        let certificate = Certificate::parse(&self.wrap(prepared.tbs(), signature.as_ref())).unwrap();
        Ok(shapes::Certificate {
            serial: hex::encode(serial),
            profile: self.profile.id.to_string(),
            subject: certificate.subject().to_owned(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            renew_after: renew_after(&certificate),
            log_index: 0,
            certificate: to_pem(certificate.der()),
            chain: self.chain.clone(),
            remarks: Vec::new(),
        })
    }

    /// Certificate ::= SEQUENCE { tbs, algorithm, signature }.
    fn wrap(&self, tbs: &[u8], signature: &[u8]) -> Vec<u8> {
        let mut content = tbs.to_vec();
        self.algorithm.encode_to_vec(&mut content).unwrap();
        BitString::from_bytes(signature).unwrap().encode_to_vec(&mut content).unwrap();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82, length[0], length[1]], content.as_slice()].concat()
    }
}
