//! Client certificates, looked at without the disk.

use jiff::Timestamp;

use muster_x509::Certificate;

use super::{Identified, Unidentified, issuers::Issuer, said::Said};
use crate::{Ca, hierarchy::State};

impl Ca {
    /// Whose the first certificate of this chain is, if one of our authorities signed it: within its dates, for a client,
    /// the whole way to our root good, and not revoked. The rest of the chain is not looked at, for what is ours is known.
    pub fn identify(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<Identified, Unidentified> {
        let leaf = Certificate::parse(chain.first().ok_or(Unidentified::NoCertificate)?)?;
        let issuers = self.identification.issuers(self.tree());
        let named = issuers.named(leaf.issuer_der());
        if named.is_empty() {
            return Err(Unidentified::NotOurs);
        }
        let said = Said::by(&leaf).ok_or(Unidentified::NotOurs)?;
        let key_identifier = said.key_identifier.as_ref().ok_or(Unidentified::NotOurs)?;
        // Whoever has our name but not our key is somebody else.
        let ours = named.iter().filter(|issuer| issuer.key_identifier.as_ref() == Some(key_identifier));

        // What expired is judged as of its last second: it may be renewed.
        let expired = now.as_second() > leaf.not_after().as_second();
        let at = if expired { leaf.not_after() } else { now };
        let mut refused = Unidentified::NotOurs;
        for issuer in ours {
            match issuer.judge(&leaf, at) {
                Ok(()) => return self.judge(identified(leaf, issuer, said)?, issuer.state, expired),
                Err(why) => refused = Unidentified::Invalid(why),
            }
        }
        Err(refused)
    }

    fn judge(&self, identified: Identified, state: State, expired: bool) -> Result<Identified, Unidentified> {
        let Identified { authority, serial, holder, .. } = &identified;
        if let Some(revocation) = self.is_revoked(authority, serial, holder.as_ref()) {
            return Err(Unidentified::Revoked { revocation, identified: Box::new(identified) });
        }
        match state {
            State::Active | State::Retiring | State::CrlOnly => {}
            State::Pending | State::Revoked => {
                return Err(Unidentified::Invalid(format!("authority `{authority}` is {state}")));
            }
        }
        if expired {
            let at = identified.not_after;
            return Err(Unidentified::Expired { at, identified: Box::new(identified) });
        }
        Ok(identified)
    }
}

fn identified(leaf: Certificate, issuer: &Issuer, said: Said) -> Result<Identified, Unidentified> {
    let serial = <[u8; 16]>::try_from(leaf.serial()).map_err(|_| Unidentified::NotOurs)?;
    Ok(Identified {
        authority: issuer.id.clone(),
        serial,
        holder: said.holder,
        common_name: leaf.common_name().map(str::to_owned),
        not_after: leaf.not_after(),
        sha256: leaf.sha256().to_string(),
        certificate: leaf,
    })
}
