//! Start and ticks.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use super::load;
use crate::{
    Action, Ca, Caller,
    hierarchy::{
        Authority, AuthorityError, AuthorityId, ExpiryWarning, NewAuthority, OpenError, Renewal, Urgency,
        create::plan::{self, Parent},
        sql,
    },
};

/// Thresholds are days.
const WATCH_INTERVAL: SignedDuration = SignedDuration::from_hours(24);

impl Ca {
    /// Loads the authorities, makes those of a first start, and renews those that are due.
    pub(crate) async fn start_hierarchy(&self, now: Timestamp) -> Result<(), OpenError> {
        load::check_clock(now)?;
        let authorities = sql::all(&self.db).await?;
        for authority in &authorities {
            self.check_key(authority)?;
        }
        self.hierarchy.put(authorities);
        load::check_tree(&self.tree())?;
        load::check_time(&self.tree(), now)?;
        self.make_first(now).await?;
        self.renew_due(now).await;
        Ok(())
    }

    /// Takes in what other nodes made of the authorities. A key that is not here is missed when it is to sign.
    pub(crate) async fn reload_hierarchy(&self, now: Timestamp) -> Result<(), OpenError> {
        let _changing = self.hierarchy.changing.lock().await;
        let tree = self.tree();
        let mut authorities = sql::all(&self.db).await?;
        authorities.retain(|it| tree.find(&it.id).is_none_or(|known| **known != *it));
        if !authorities.is_empty() {
            self.hierarchy.put(authorities);
            self.crls.look(now);
        }
        Ok(())
    }

    /// Renews what is due, and says what runs out.
    pub(crate) async fn tick_hierarchy(&self, now: Timestamp) -> Option<Timestamp> {
        self.renew_due(now).await;
        self.warn_of_ends(now);
        now.checked_add(WATCH_INTERVAL).ok()
    }

    /// A root and an issuing authority below it. Each is recorded when it is whole; a start that was cut short in
    /// between goes on where it ended, with the keys it finds. Who answers for them is made with the first tick.
    async fn make_first(&self, now: Timestamp) -> Result<(), AuthorityError> {
        let (root, issuing) = (AuthorityId::root(), AuthorityId::issuing());
        let caller = Caller::process();
        if self.tree().is_empty() {
            let made = self.make_root(NewAuthority::new(root.clone()), &caller, now).await;
            self.judged(Action::AuthorityCreate, &root, made, &caller, now).await?;
        }
        if self.tree().len() == 1 && self.authority(&root).is_some() {
            let new = NewAuthority { renewal: Renewal::Automatic, ..NewAuthority::new(issuing.clone()) };
            let made = self.make_intermediate(&root, new, &caller, now).await;
            self.judged(Action::AuthorityCreate, &issuing, made, &caller, now).await?;
        }
        Ok(())
    }

    async fn renew_due(&self, now: Timestamp) {
        let tree = self.tree();
        for authority in tree.iter().filter(|it| it.renewal == Renewal::Automatic && it.state.issues()) {
            let Some(parent) = &authority.parent else { continue };
            let Ok(parent) = Parent::find(&tree, parent, now) else { continue };
            if plan::renewal(authority, &parent, now).is_none() {
                continue;
            }
            match self.renew_authority(&authority.id, &Caller::process(), now).await {
                Ok(renewed) => {
                    let not_after = renewed.certificate.as_ref().map(muster_x509::Certificate::not_after);
                    info!(authority = %authority.id, ?not_after, "authority renewed");
                }
                Err(error) => error!(authority = %authority.id, %error, "authority was not renewed"),
            }
        }
    }

    /// Once for each threshold, and again after a restart.
    fn warn_of_ends(&self, now: Timestamp) {
        let warnings = self.expiry_warnings(now);
        let mut warned = self.hierarchy.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.retain(|id, _| warnings.iter().any(|warning| warning.authority == *id));
        for ExpiryWarning { authority, urgency, not_after, days_left } in warnings {
            if warned.insert(authority.clone(), urgency) == Some(urgency) {
                continue;
            }
            match urgency {
                Urgency::Notice => {
                    info!(%authority, days_left, %not_after, "authority runs out within years")
                }
                Urgency::Warning => warn!(%authority, days_left, %not_after, "authority runs out soon"),
                Urgency::Critical => {
                    error!(%authority, days_left, %not_after, "authority runs out very soon");
                }
                Urgency::Expired => error!(%authority, days_left, %not_after, "authority has run out"),
            }
        }
    }

    /// A key in a file is there, or its folder was not restored whole. One in a token may be: a root's is often locked
    /// away, and missed only when it is to sign.
    fn check_key(&self, authority: &Authority) -> Result<(), OpenError> {
        let Some(key) = &authority.key else { return Ok(()) };
        let id = authority.id.clone();
        match (self.keys.public(key), &authority.certificate) {
            (Err(error), _) if key.is_in_token() || !authority.state.tells_status() => {
                warn!(authority = %id, %error, "authority cannot sign");
                Ok(())
            }
            (Err(source), _) => Err(OpenError::KeyMissing { authority: id, source: Box::new(source) }),
            (Ok(public), Some(certificate)) if public.spki_der() != certificate.spki_der() => {
                Err(OpenError::NotAPair { authority: id, key: key.clone() })
            }
            (Ok(_), _) => Ok(()),
        }
    }
}
