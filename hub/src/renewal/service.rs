//! One request from the beginning to the end. It is answered in the order of what the device said, so nothing is left under way
//! when its connection ends: a device that missed the answer asks again by the same name.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use muster_mqtt::ByteString;

use super::{NotRenewed, Renewal, RenewalRefusal, Renewed, Request};
use crate::{
    service::Hub,
    session::{Session, ToDevice},
};

/// How long a request may be asked for again: what the original says (§2.6).
const OPERATION_AGE_MAX: SignedDuration = SignedDuration::from_hours(12);

impl Hub {
    pub(crate) async fn renew(
        &self,
        session: &Session,
        rid: ByteString,
        body: &[u8],
        now: Timestamp,
        answers: &mut Vec<ToDevice>,
    ) {
        let correlation_id = self.correlation_id();
        let outcome = async {
            let renewal = self.wanted(session, &rid, body, now)?;
            let renewer = self.settings.renewer.as_ref().ok_or(RenewalRefusal::NoIssuer)?;
            answers.push(ToDevice::Renewing {
                rid: rid.clone(),
                correlation_id: correlation_id.clone(),
                expires: now.saturating_add(OPERATION_AGE_MAX).unwrap_or(Timestamp::MAX),
            });
            Ok::<_, RenewalRefusal>(renewer.renew(renewal).await?)
        };
        match outcome.await {
            // Its twin is told by whoever follows what is issued, by whatever way.
            Ok(Renewed { chain }) => {
                let certificates = chain.iter().map(|der| BASE64_STANDARD.encode(der)).collect();
                answers.push(ToDevice::Renewed { rid, correlation_id, certificates });
            }
            Err(refusal) => {
                tracing::info!(hub = %self.settings.name, device = %session.device(), reason = %refusal, "certificate not renewed");
                let tracking_id = self.tracking_id(now);
                answers.push(ToDevice::RenewalRefused { rid, correlation_id, refusal, tracking_id, at: now });
            }
        }
    }

    fn wanted(
        &self,
        session: &Session,
        rid: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Renewal, RenewalRefusal> {
        let Request { id: _, csr, replace } = Request::parse(session.device(), rid, body)?;
        if let Some(replace) = replace.filter(|replace| replace != "*") {
            return Err(RenewalRefusal::NothingToReplace(replace));
        }
        let vouched = session.vouched().cloned().ok_or(RenewalRefusal::NoCertificate)?;
        Ok(Renewal { device: session.device().clone(), vouched, csr, rid: rid.to_owned(), now })
    }

    fn correlation_id(&self) -> String {
        let text = hex::encode(self.random::<16>());
        let (a, b, c, d, e) = (&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]);
        format!("{a}-{b}-{c}-{d}-{e}")
    }
}

impl RenewalRefusal {
    /// Seconds after which asking again may help.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        const SOON_S: u64 = 5;
        match self {
            Self::Issuer(NotRenewed::TooFast { retry_after_s, .. }) => Some(*retry_after_s),
            Self::Issuer(NotRenewed::Unavailable(_)) => Some(SOON_S),
            Self::Issuer(NotRenewed::Refused(_))
            | Self::NotJson(_)
            | Self::Invalid(_)
            | Self::NoIssuer
            | Self::NoCertificate
            | Self::NothingToReplace(_) => None,
        }
    }
}
