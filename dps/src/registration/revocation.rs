//! What the authority has taken back, and whom it gives nothing more.

use jiff::Timestamp;
use muster_ca::{Revocation, Unidentified};
use muster_identity::RegistrationId;

use crate::{Dps, attestation::Rejected, trace::Steps};

impl Dps {
    /// A certificate of ours that is revoked proves nothing, whatever else a device presents with it. One of somebody else's
    /// is none of our authority's business.
    pub(crate) fn not_revoked(
        &self,
        chain: &[Vec<u8>],
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<(), Rejected> {
        let Some(ca) = self.ca.as_ref().filter(|_| !chain.is_empty()) else { return Ok(()) };
        match ca.identify(chain, now) {
            Ok(it) => {
                let (serial, authority) = (hex::encode(it.serial), it.authority);
                steps.noted(
                    "revocation",
                    format_args!("certificate `{serial}` of our authority `{authority}` is not revoked"),
                );
                Ok(())
            }
            Err(Unidentified::Revoked { revocation: Revocation { reason, at }, identified }) => {
                let (serial, authority) = (hex::encode(identified.serial), identified.authority.to_string());
                let rejected = Rejected::Revoked { serial, authority, at, reason };
                steps.refused("revocation", &rejected);
                Err(rejected)
            }
            // What is wrong with it otherwise, attestation says.
            Err(
                Unidentified::NoCertificate
                | Unidentified::NotOurs
                | Unidentified::Malformed(_)
                | Unidentified::Expired { .. }
                | Unidentified::Invalid(_),
            ) => Ok(()),
        }
    }

    /// Whether everything that was issued to this device was revoked for good.
    pub(crate) fn bar(&self, id: &RegistrationId) -> Option<Revocation> {
        self.ca.as_ref()?.barred(&id.folded())
    }
}
