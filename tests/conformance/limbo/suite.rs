//! The cases of x509-limbo, as they stand in its file, and each one put to our validator.

#![expect(clippy::expect_used, reason = "a test without its vectors is no test")]

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use muster_x509::{
    Certificate, Crl, Missing, Revocation, Rules, Usage, Validation, VerifiedCrl, read_certificates,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) features: Vec<String>,
    pub(crate) importance: String,
    pub(crate) expected_result: Expected,
    validation_kind: Kind,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    /// Absent means that it does not matter; the certificates live from 1970 to 2969.
    validation_time: Option<Timestamp>,
    expected_peer_name: Option<PeerName>,
    max_chain_depth: Option<usize>,
    #[serde(default)]
    crls: Vec<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Expected {
    Success,
    Failure,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Server,
    Client,
}

#[derive(Deserialize)]
struct PeerName {
    value: String,
}

/// What we said, and how long we thought about it: time of the processor, for the machine may be busy with other things.
pub(crate) struct Outcome {
    pub(crate) verdict: Result<(), String>,
    pub(crate) taken: Duration,
}

/// The instant for cases that name none; any in the certificates' life does.
const ANY_TIME: &str = "2026-11-20T00:00:00Z";

fn thread_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs().try_into().unwrap_or(0))
}

/// The 208 cases without BetterTLS.
pub(crate) fn cases() -> Vec<Case> {
    read(&std::fs::read(vector("limbo.json")).expect("the vectors are readable"))
}

/// All 9,780 cases.
pub(crate) fn all_cases() -> Vec<Case> {
    let packed = std::fs::File::open(vector("limbo-full.json.xz")).expect("the vectors are readable");
    let mut json = Vec::new();
    let mut reader = lzma_rust2::XzReader::new(std::io::BufReader::new(packed), false);
    std::io::Read::read_to_end(&mut reader, &mut json).expect("the vectors are xz");
    read(&json)
}

fn read(json: &[u8]) -> Vec<Case> {
    serde_json::from_slice::<Suite>(json).expect("the vectors are of x509-limbo's schema").testcases
}

fn vector(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(name);
    assert!(
        path.exists(),
        "{} is missing: generate it from C2SP/x509-limbo (commit 8a2e6f4) and put it there",
        path.display()
    );
    path
}

impl Case {
    /// The first part of the id.
    pub(crate) fn namespace(&self) -> &str {
        self.id.split("::").next().unwrap_or_default()
    }

    /// The 134 cases that matter most: RFC 5280 and attacks, without what is asked by the letter only.
    pub(crate) fn is_core(&self) -> bool {
        ["rfc5280", "pathlen", "pathological", "crl", "cve", "invalid"].contains(&self.namespace())
            && !self.features.iter().any(|feature| feature.starts_with("pedantic"))
    }

    pub(crate) fn is_better_tls(&self) -> bool {
        self.namespace() == "bettertls"
    }

    pub(crate) fn judge(&self, rules: Rules) -> Outcome {
        let start = thread_time();
        let verdict = self.validate(rules);
        Outcome { verdict, taken: thread_time().saturating_sub(start) }
    }

    fn validate(&self, rules: Rules) -> Result<(), String> {
        let peer = read_certificates(&self.peer_certificate).map_err(|error| error.to_string())?;
        let (anchors, intermediates) = (known(&self.trusted_certs), known(&self.untrusted_intermediates));
        let lists = self.lists(anchors.iter().chain(&intermediates))?;
        let any_time = ANY_TIME.parse().expect("it is a time");
        let validation = Validation {
            anchors: &anchors,
            intermediates: &intermediates,
            usage: match (&self.validation_kind, &self.expected_peer_name) {
                (Kind::Client, _) => Usage::Client,
                (Kind::Server, None) => Usage::Server,
                (Kind::Server, Some(name)) => Usage::ServerNamed(&name.value),
            },
            revocation: match self.crls.is_empty() {
                true => Revocation::Unchecked,
                false => Revocation::Lists { lists: &lists, missing: Missing::Refused },
            },
            rules,
            ..Validation::of_clients(&anchors, self.validation_time.unwrap_or(any_time))
        };
        let depth_max = self.max_chain_depth.unwrap_or(validation.depth_max);
        Validation { depth_max, ..validation }.path(&peer).map(|_| ()).map_err(|error| error.to_string())
    }

    /// A list that cannot be had stops everything, as it would stop its configuration in a server.
    fn lists<'a>(
        &self,
        authorities: impl Iterator<Item = &'a Certificate> + Clone,
    ) -> Result<Vec<VerifiedCrl>, String> {
        let verified = |text: &String| {
            let list = Crl::parse(text.as_bytes())?;
            let mut outcome = Err(muster_x509::CrlRefused::EmptyIssuer);
            for authority in
                authorities.clone().filter(|authority| authority.subject_der() == list.issuer_der())
            {
                outcome = list.signed_by(authority);
                if outcome.is_ok() {
                    break;
                }
            }
            outcome
        };
        self.crls.iter().map(|text| verified(text).map_err(|error| error.to_string())).collect()
    }
}

/// A certificate that cannot be read is one that nobody could configure or present.
fn known(texts: &[String]) -> Vec<Certificate> {
    texts.iter().filter_map(|text| read_certificates(text).ok()).flatten().collect()
}
