//! Certificates renewed.

use std::sync::Arc;

use jiff::Timestamp;

use muster_x509::Certificate;

use super::{RenewError, RenewRequest, rules};
use crate::{
    Action, Ca,
    caller::{Caller, Credential, NotGranted, Rate, Reserved},
    hierarchy::AuthorityId,
    issuance::{
        Holder, IssueError, Issued, Stored,
        order::{Order, caller_name, check_idempotency_key},
        sql,
    },
    profile::{Identity, Profile},
};

/// Who holds a certificate renews it once in a while; who does it all the time is out of order.
const OWN_RATE: Rate = Rate { per_minute: 1, burst: 10 };

impl Ca {
    /// Another certificate for the identity of one that is there.
    pub async fn renew(&self, request: RenewRequest, now: Timestamp) -> Result<Issued, RenewError> {
        self.renew_remarking(request, None, now).await
    }

    /// With one more remark on record.
    pub(crate) async fn renew_remarking(
        &self,
        request: RenewRequest,
        remark: Option<&str>,
        now: Timestamp,
    ) -> Result<Issued, RenewError> {
        let renewed = Box::pin(self.try_renew(&request, remark, now)).await;
        if let Err(error) = &renewed
            && error.is_a_decision()
        {
            let object = format!("certificate/{}", request.old.serial_hex().to_ascii_lowercase());
            let (caller, csr) = (&request.caller, &request.csr);
            self.refused_because(Action::CertificateRenew, object, caller, csr, error.to_string(), now).await;
        }
        renewed
    }

    async fn try_renew(
        &self,
        request: &RenewRequest,
        remark: Option<&str>,
        now: Timestamp,
    ) -> Result<Issued, RenewError> {
        let RenewRequest { old, csr, caller, .. } = request;
        let stored = self.find_ours(old).await?;
        let holder = holder(request.holder.as_ref(), &stored)?;
        // Judged by the generation it was issued to: a newer one in the request would make a revoked holder whole again.
        if self.is_revoked(&stored.authority, &stored.serial, stored.held_by().as_ref()).is_some() {
            return Err(RenewError::Revoked { serial: old.serial_hex().to_owned() });
        }
        let id = request.authority.as_ref().unwrap_or(&stored.authority);
        let authority = self.issuing_authority(id)?;
        self.issuance.check_clock(now)?;
        let name = &stored.profile.name;
        let profile = self.issuance.profiles.find(name);
        let profile = profile.ok_or_else(|| IssueError::NoSuchProfile(name.clone()))?;
        let kept = rules::check(old, csr, &profile, now)?;
        let mut remarks = profile.check_csr(csr, None).map_err(IssueError::from)?;
        remarks.extend(remark.map(str::to_owned));
        check_idempotency_key(request.idempotency_key.as_deref())?;
        let names_der = kept.names_der.as_deref();
        let order = Order {
            action: Action::CertificateRenew,
            authority,
            csr,
            identity: Identity::Renewed { subject_der: old.subject_der(), names_der },
            caller,
            caller_name: caller_name(caller),
            idempotency_key: request.idempotency_key.as_deref(),
            holder: holder.as_ref(),
            not_after: None,
            remarks,
            profile: Arc::clone(&profile),
        };
        let _turn = self.issuance.turn(&order.caller_name, order.idempotency_key).await;
        let names = rules::names(old, names_der)?;
        let reserved = match self.admit_renewal(old, caller, id, &profile, &names, now) {
            Ok(reserved) => reserved,
            Err(error @ (NotGranted::Quota { .. } | NotGranted::TooFast { .. })) => {
                let repeated = self.repeated(&order).await?;
                return repeated.ok_or(RenewError::Issue(error.into()));
            }
            Err(error) => return Err(RenewError::Issue(error.into())),
        };
        Ok(self.fulfil(order, reserved, now).await?)
    }

    /// Byte by byte what was issued here: nobody else's signature has to be looked at.
    async fn find_ours(&self, old: &Certificate) -> Result<Stored, RenewError> {
        if let Ok(serial) = <[u8; 16]>::try_from(old.serial()) {
            for authority in self.tree().iter() {
                let named = |certificate: &Certificate| certificate.subject_der() == old.issuer_der();
                if !authority.certificate.as_ref().is_some_and(named) {
                    continue;
                }
                let found =
                    sql::by_serial(&self.db, &authority.id, serial).await.map_err(IssueError::from)?;
                if let Some(stored) = found.filter(|stored| stored.certificate() == Some(old)) {
                    return Ok(stored);
                }
            }
        }
        Err(RenewError::NotOurs { serial: old.serial_hex().to_owned(), issuer: old.issuer().to_owned() })
    }

    /// Who shows the certificate itself may renew it, not too often; others need a grant, as for a first one.
    fn admit_renewal(
        &self,
        old: &Certificate,
        caller: &Caller,
        authority: &AuthorityId,
        profile: &Profile,
        names: &[String],
        now: Timestamp,
    ) -> Result<Option<Reserved>, NotGranted> {
        let grants = &self.issuance.grants;
        match &caller.credential {
            Credential::Certificate { sha256 } if sha256.eq_ignore_ascii_case(&old.sha256().to_string()) => {
                let identity = hex::encode(crate::log::sha256(&[old.issuer_der(), old.subject_der()]));
                grants.take(&format!("renewal {identity}"), caller, OWN_RATE, now).map(|()| None)
            }
            Credential::Process
            | Credential::AccessPolicy(_)
            | Credential::EstUser { .. }
            | Credential::OneTimeToken { .. }
            | Credential::Certificate { .. }
            | Credential::Idevid { .. }
            | Credential::Registration(_) => grants.admit(caller, authority, &profile.id.name, names, now),
        }
    }
}

/// The certificate's, with the generation as it is now.
fn holder(asked: Option<&Holder>, stored: &Stored) -> Result<Option<Holder>, RenewError> {
    match (asked, &stored.holder) {
        (Some(asked), Some(old)) if asked.name != *old => {
            Err(RenewError::OtherHolder { asked: asked.name.clone(), old: old.clone() })
        }
        (Some(asked), _) => Ok(Some(asked.clone())),
        (None, _) => Ok(stored.held_by()),
    }
}
