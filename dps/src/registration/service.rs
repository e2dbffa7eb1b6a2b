//! A device's request from the top to the bottom: load, match, attest, decide, record, answer.

use std::fmt;

use jiff::Timestamp;
use muster_x509::Peer;

use crate::{Answer, Ask, ConnectRefused, Dps, Presented, TrackingId, Transport};

impl Dps {
    /// Whether a connection may stay open for requests. Credentials are judged per request, where there is room for a reason.
    pub fn greet(&self, presented: &Presented) -> Result<(), ConnectRefused> {
        let _ = presented;
        Ok(())
    }

    /// Records why a connection was refused before it came to a request: an unreadable user name or token.
    pub fn refuse_connection(
        &self,
        peer: &Peer,
        transport: Transport,
        username: &str,
        why: &dyn fmt::Display,
    ) -> ConnectRefused {
        let _ = (peer, transport, username, why);
        ConnectRefused { code: 4, tracking_id: TrackingId::random(&*self.entropy) }
    }

    pub async fn ask(&self, presented: &Presented, ask: Ask, now: Timestamp) -> Answer {
        let _ = (presented, ask, now);
        Answer {
            status: 500,
            retry_after_s: None,
            body: serde_json::Value::Null,
            tracking_id: TrackingId::random(&*self.entropy),
        }
    }
}
