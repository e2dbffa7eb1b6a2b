//! Weighted rendezvous hashing: every hub draws a number for the device, the highest wins.
//!
//! Each hub's draw depends on the device and that hub alone, so when a hub is added, removed or re-weighted only the
//! devices that it wins or loses move (the method of Schindelhauer and Schomaker, score -w / ln h).

use aws_lc_rs::digest::{SHA256, digest};
use muster_identity::{HostName, RegistrationId};

use crate::Candidate;

/// One hub's draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub host: HostName,
    pub weight: u32,
    /// `None` when it did not take part: weight 0, or a static policy.
    pub score: Option<f64>,
}

/// Best first. Equal scores, which need equal hashes, go by host name, so that the order of candidates never matters.
pub(crate) fn scores(registration_id: &RegistrationId, candidates: &[Candidate]) -> Vec<Score> {
    let id = registration_id.folded();
    let mut scores: Vec<_> = candidates
        .iter()
        .map(|Candidate { host, weight }| Score {
            host: host.clone(),
            weight: *weight,
            score: (*weight > 0).then(|| -f64::from(*weight) / draw(&id, host).ln()),
        })
        .collect();
    scores.sort_by(|a, b| {
        // Scores are positive and finite; no score sorts last.
        let (score_a, score_b) = (a.score.unwrap_or(-1.0), b.score.unwrap_or(-1.0));
        score_b.total_cmp(&score_a).then_with(|| a.host.cmp(&b.host))
    });
    scores
}

/// A number strictly between 0 and 1 for this device at this hub.
///
/// THIS MAY NEVER CHANGE: another hash, another separator or another rounding would move devices of every fleet at their next
/// registration. SHA-256 of the registration id in lower case, a zero byte, and the host name in lower case; of the first eight
/// bytes, big-endian, the upper 52 bits, plus one half, over 2^52. A double holds each of these exactly, and the half keeps
/// the ends out, where the logarithm is infinite or zero. The logarithm may differ in its last bit between machines, which
/// decides nothing unless two hubs draw alike to 1 in 10^15.
fn draw(folded_id: &str, host: &HostName) -> f64 {
    let text = [folded_id.as_bytes(), &[0], host.as_str().as_bytes()].concat();
    let digest = digest(&SHA256, &text);
    let word = digest.as_ref().iter().take(8).fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    ((word >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}
