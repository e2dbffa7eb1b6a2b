//! Read in pages, so that memory holds what is revoked and no more.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Touched;
use crate::{
    BaseUrl, Ca,
    crl::{
        PLACES_MAX, PublishError,
        list::Frame,
        listed::{Listed, Place},
        publishes,
        scope::scope,
        service::{Maker, Published},
        sql::{self, Kept, OfHolder, Signed},
    },
    hierarchy::{Authority, AuthorityId},
    issuance::Holder,
    revocation::{Revocation, What},
};

impl Ca {
    /// The certificates that a revocation is about.
    pub(in crate::crl) async fn touched(
        &self,
        what: &What,
        end: Option<Timestamp>,
    ) -> Result<Vec<(Touched, Revocation)>, PublishError> {
        let mut touched = Vec::new();
        match what {
            What::Serial { authority, serial } => {
                if let Some(revocation) = self.revoked_itself(authority, serial, None) {
                    let end = match end {
                        Some(end) => end,
                        None => sql::end(&self.db, authority, *serial).await?,
                    };
                    touched.push(((authority.clone(), *serial, end), revocation));
                }
            }
            What::Holder(name) => {
                let mut after = -1;
                loop {
                    let page = sql::of_holder(&self.db, name, after).await?;
                    let Some(last) = page.last() else { break };
                    after = last.log_index;
                    touched.extend(page.into_iter().filter_map(|it| self.with_its_holder(it)));
                }
            }
            What::Authority(id) => {
                for (issuer, serial) in self.own_certificates(id).await? {
                    let Some(revocation) = self.revoked_itself(&issuer, &serial, None) else { continue };
                    let end = sql::end(&self.db, &issuer, serial).await?;
                    touched.push(((issuer, serial, end), revocation));
                }
            }
        }
        Ok(touched)
    }

    /// Everything from the beginning: also which of the CRLs on record still say what is so.
    pub(in crate::crl) async fn read_everything(
        &self,
        maker: &mut Maker,
        base: &BaseUrl,
        now: Timestamp,
    ) -> Result<(), PublishError> {
        maker.places = self.places(base, now).await?;
        let mut listed = Listed::default();
        for authority in self.tree().iter() {
            let mut after = Some(String::new());
            while let Some(from) = after {
                let (page, next) = sql::revoked(&self.db, &authority.id, &from).await?;
                for (serial, revocation, not_after) in page {
                    listed.put(authority, serial, revocation, not_after);
                }
                after = next;
            }
        }
        let mut after = (String::new(), -1);
        loop {
            let page = sql::of_revoked_holders(&self.db, (&after.0, after.1)).await?;
            let Some(last) = page.last() else { break };
            after = (last.holder.clone(), last.log_index);
            for it in page {
                if let Some((touched, revocation)) = self.with_its_holder(it) {
                    self.list(&mut listed, touched, revocation);
                }
            }
        }
        let kept = sql::editions(&self.db).await?;
        maker.numbers = kept.iter().map(|kept| (kept.place.clone(), kept.number)).collect();
        self.restore(maker, &listed, kept);
        maker.listed = Some(listed);
        Ok(())
    }

    /// The place of now first. Certificates name the place of their time for as long as they last, and a list is only for
    /// those that name one of its own.
    async fn places(&self, base: &BaseUrl, now: Timestamp) -> Result<Vec<BaseUrl>, PublishError> {
        let mut places = sql::places(&self.db).await?;
        if places.first() != Some(base) {
            let noted = self.db.write(vec![sql::put_place(base, now)]).await;
            noted.map_err(|source| PublishError::Place { source })?;
            places.retain(|place| place != base);
            places.insert(0, base.clone());
            places.truncate(PLACES_MAX);
        }
        Ok(places)
    }

    /// Puts it on its list; tells which, when it is news there.
    pub(in crate::crl) fn list(
        &self,
        listed: &mut Listed,
        (authority, serial, not_after): Touched,
        revocation: Revocation,
    ) -> Option<Place> {
        listed.put(&*self.authority(&authority)?, serial, revocation, not_after)
    }

    /// None when it is of a generation that is not revoked.
    fn with_its_holder(&self, it: OfHolder) -> Option<(Touched, Revocation)> {
        let holder = it.generation.map(|generation| Holder { name: it.holder, generation });
        let revocation = self.revoked_itself(&it.authority, &it.serial, holder.as_ref())?;
        Some(((it.authority, it.serial, it.not_after), revocation))
    }

    /// Publishes what is on record and still right; the rest is made anew.
    fn restore(&self, maker: &mut Maker, listed: &Listed, kept: Vec<Kept>) {
        let mut frames = HashMap::<AuthorityId, Option<Frame>>::new();
        for Kept { place, signed, .. } in kept {
            let Some(authority) = self.authority(&place.authority).filter(|it| publishes(it)) else {
                continue;
            };
            let frame = frames.entry(place.authority.clone()).or_insert_with(|| self.frame(&authority).ok());
            let (Some(frame), Some(signed)) = (frame, signed) else { continue };
            let scope = scope(&authority, place.shard, &maker.places);
            match still_right(frame, listed, &place, signed, scope.as_deref()) {
                Some(crl) => self.crls.put(&authority, place.shard, crl),
                None => drop(maker.dirty.insert(place)),
            }
        }
    }

    /// Publishes what another node signed meanwhile, of these, where that says what is so; tells which are left, and learns
    /// the numbers that are taken.
    pub(in crate::crl) async fn adopt(
        &self,
        maker: &mut Maker,
        authority: &Authority,
        mut wanted: Vec<Place>,
    ) -> Result<Vec<Place>, PublishError> {
        let (kept, frame) = (sql::editions_of(&self.db, &authority.id).await?, self.frame(authority)?);
        for Kept { place, number, signed } in kept {
            maker.numbers.insert(place.clone(), number);
            let (Some(at), Some(signed)) = (wanted.iter().position(|it| *it == place), signed) else {
                continue;
            };
            let scope = scope(authority, place.shard, &maker.places);
            let Some(listed) = &maker.listed else { continue };
            if let Some(crl) = still_right(&frame, listed, &place, signed, scope.as_deref()) {
                self.crls.put(authority, place.shard, crl);
                maker.dirty.remove(&place);
                wanted.swap_remove(at);
            }
        }
        Ok(wanted)
    }
}

/// A CRL as it is on record, if it still says what is so.
fn still_right(
    frame: &Frame,
    listed: &Listed,
    place: &Place,
    signed: Signed,
    scope: Option<&[u8]>,
) -> Option<Published> {
    let draft = frame.draft(signed.edition, listed.entries(place, signed.edition.this_update), scope);
    let is_right = draft.sha256 == signed.sha256;
    is_right.then(|| Published::new(&draft, signed.edition, &frame.signature(signed.signature)))
}
