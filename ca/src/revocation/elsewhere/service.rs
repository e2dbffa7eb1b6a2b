//! Records of others, read into memory and told as one's own are.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use jiff::Timestamp;

use super::READ_AT_ONCE;
use crate::{
    Ca,
    hierarchy::AuthorityId,
    revocation::{Reason, RevocationReadError, RevokeError, What, bar, known::Fact, sql},
};

impl Ca {
    /// Reads what somebody else recorded; tells whether there is any.
    pub(in crate::revocation) async fn relearn(&self, what: &What) -> Result<bool, RevokeError> {
        let facts = self.recorded(what).await?;
        for fact in &facts {
            self.revocations.learn(what, *fact);
        }
        Ok(!facts.is_empty())
    }

    /// Certificates of which an entry says that they were revoked, or that their reason is another one now. Those of which
    /// all is known cost nothing: one's own come by here, too.
    pub(crate) async fn hear_serials(
        &self,
        serials: &BTreeSet<[u8; 16]>,
        now: Timestamp,
    ) -> Result<(), RevocationReadError> {
        let is_settled = |serial: &[u8; 16]| {
            let known = self.revocations.memory().serial_of_any(serial);
            known.is_some_and(|known| known.reason != Reason::Unspecified)
        };
        let unsettled = serials.iter().copied().filter(|serial| !is_settled(serial)).collect::<Vec<_>>();
        for some in unsettled.chunks(READ_AT_ONCE) {
            let read = try_join_all(some.iter().map(|serial| sql::of_any(&self.db, *serial))).await?;
            for (authority, serial, revocation, end) in read.into_iter().flatten() {
                let what = What::Serial { authority, serial };
                if self.revocations.hear(&what, Fact::Revoked(revocation)) {
                    self.crls.mark(&what, Some(end), now);
                }
            }
        }
        Ok(())
    }

    /// Holders that were revoked as a whole, or readmitted.
    pub(crate) async fn hear_holders(
        &self,
        names: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), RevocationReadError> {
        for some in names.iter().collect::<Vec<_>>().chunks(READ_AT_ONCE) {
            try_join_all(some.iter().map(|name| self.hear_holder(name, now))).await?;
        }
        Ok(())
    }

    async fn hear_holder(&self, name: &str, now: Timestamp) -> Result<(), RevocationReadError> {
        let what = What::Holder(name.to_owned());
        let seen = self.barred(name);
        let (bar, facts) = (bar::sql::of(&self.db, name).await?, self.recorded(&what).await?);
        // All is read: from here on nothing fails that was done by half. Barred before anybody hears of it, as here.
        let is_barred_anew = self.revocations.hear_bar(name, seen, bar);
        let mut is_news = false;
        for fact in facts {
            is_news |= self.revocations.hear(&what, fact);
        }
        if is_news {
            self.crls.mark(&what, None, now);
        } else if let Some(bar) = bar.filter(|_| is_barred_anew) {
            self.revocations.tell(&what, bar);
        }
        Ok(())
    }

    /// An authority, with its own certificates.
    pub(crate) async fn hear_authority(
        &self,
        id: &AuthorityId,
        now: Timestamp,
    ) -> Result<(), RevocationReadError> {
        let own = self.own_certificates(id).await?.into_iter();
        let own = own.map(|(authority, serial)| What::Serial { authority, serial });
        let what = What::Authority(id.clone());
        let mut recorded = Vec::new();
        for what in own.chain([what.clone()]) {
            recorded.extend(self.recorded(&what).await?.into_iter().map(|fact| (what.clone(), fact)));
        }
        let mut is_news = false;
        for (what, fact) in recorded {
            is_news |= self.revocations.hear(&what, fact);
        }
        if is_news {
            self.crls.mark(&what, None, now);
        }
        Ok(())
    }

    async fn recorded(&self, what: &What) -> Result<Vec<Fact>, RevocationReadError> {
        Ok(match what {
            What::Serial { authority, serial } => {
                sql::serial(&self.db, authority, *serial).await?.map(Fact::Revoked).into_iter().collect()
            }
            What::Authority(id) => {
                sql::authority(&self.db, id).await?.map(Fact::Revoked).into_iter().collect()
            }
            What::Holder(name) => {
                let cuts = sql::cuts(&self.db, name).await?;
                cuts.into_iter().map(|(number, cut)| Fact::Cut(number, cut)).collect()
            }
        })
    }
}
