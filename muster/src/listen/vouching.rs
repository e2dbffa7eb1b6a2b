//! What those who know issuers say of the certificates that a device presents to its hub, in the hub's words.

use jiff::Timestamp;

use muster_ca::{AuthorityId, Ca, Holder, Identified, Revocation, Unidentified};
use muster_dps::Dps;
use muster_hub::{Shown, Verdict, Vouched};

/// None for a certificate that is not ours: the hub judges it by itself.
pub(super) fn vouched(ca: &Ca, chain: &[Vec<u8>], now: Timestamp) -> Option<Vouched> {
    match ca.identify(chain, now) {
        Ok(identified) => Some(told(identified, Verdict::Good)),
        Err(Unidentified::Revoked { revocation, identified }) => {
            Some(told(*identified, Verdict::Refused(revoked(revocation))))
        }
        Err(Unidentified::Expired { at, identified }) => {
            Some(told(*identified, Verdict::Refused(format!("it expired at {at}; renew it"))))
        }
        // The last one only says that it is ours.
        Err(
            Unidentified::NoCertificate
            | Unidentified::NotOurs
            | Unidentified::Malformed(_)
            | Unidentified::Invalid(_),
        ) => None,
    }
}

/// Why a certificate that was good is so no more: by our authority, or by a list of another one. From memory: asked for every
/// session after every revocation.
pub(crate) fn condemned(ca: &Ca, dps: &Dps, shown: Shown<'_>) -> Option<String> {
    shown.vouched.and_then(|vouched| taken_back(ca, vouched)).or_else(|| dps.listed(shown.certificates))
}

fn taken_back(ca: &Ca, vouched: &Vouched) -> Option<String> {
    let authority = AuthorityId::parse(&vouched.authority).ok()?;
    let holder = vouched.holder.clone();
    let holder = holder.map(|muster_hub::Holder { name, generation }| Holder { name, generation });
    ca.is_revoked(&authority, &vouched.serial, holder.as_ref()).map(revoked)
}

fn told(identified: Identified, verdict: Verdict) -> Vouched {
    let Identified { authority, serial, holder, common_name, not_after, sha256: _, certificate: _ } =
        identified;
    Vouched {
        authority: authority.to_string(),
        serial,
        holder: holder.map(|Holder { name, generation }| muster_hub::Holder { name, generation }),
        common_name,
        not_after,
        verdict,
    }
}

fn revoked(Revocation { reason, at }: Revocation) -> String {
    format!("it was revoked at {at} ({reason})")
}
