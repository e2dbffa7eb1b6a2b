//! What stands against a certificate, looked up.

use std::sync::Arc;

use muster_x509::Csr;

use crate::{
    Ca, Holder,
    hierarchy::{Authority, AuthorityId},
    issuance::{IssueError, order::Order, sql},
    revocation::Revocation,
};

impl Ca {
    pub(in crate::issuance) fn issuing_authority(
        &self,
        id: &AuthorityId,
    ) -> Result<Arc<Authority>, IssueError> {
        let authority = self.authority(id).ok_or_else(|| IssueError::NoSuchAuthority(id.clone()))?;
        if !authority.state.issues() {
            return Err(IssueError::NotActive { authority: id.clone(), state: authority.state });
        }
        Ok(authority)
    }

    /// Neither the authority nor the holder, in this generation, is revoked, as the certificate would be from its beginning;
    /// and nobody has barred the holder.
    pub(in crate::issuance) fn check_standing(
        &self,
        authority: &AuthorityId,
        holder: Option<&Holder>,
    ) -> Result<(), IssueError> {
        // No certificate has it: it stands for the one that is asked for.
        let serial = [0; 16];
        if let Some(Revocation { reason, at }) = self.is_revoked(authority, &serial, None) {
            return Err(IssueError::AuthorityRevoked { authority: authority.clone(), at, reason });
        }
        let Some(holder) = holder else { return Ok(()) };
        if let Some(Revocation { reason, at }) = self.barred(&holder.name) {
            return Err(IssueError::HolderBarred { holder: holder.name.clone(), at, reason });
        }
        match self.is_revoked(authority, &serial, Some(holder)) {
            Some(Revocation { reason, at }) => {
                let Holder { name, generation } = holder.clone();
                Err(IssueError::HolderRevoked { holder: name, generation, at, reason })
            }
            None => Ok(()),
        }
    }

    pub(in crate::issuance) fn check_not_ours(&self, csr: &Csr) -> Result<(), IssueError> {
        let spki_der = csr.spki_der();
        for authority in self.tree().iter() {
            let certified = authority.certificate.as_ref().is_some_and(|it| it.spki_der() == spki_der);
            let pending = || authority.key.as_ref().and_then(|key| self.keys.public(key).ok());
            if certified || pending().is_some_and(|key| key.spki_der() == spki_der) {
                return Err(IssueError::KeyOfAuthority(authority.id.clone()));
            }
        }
        Ok(())
    }

    /// What the records say of the key: never a blocked one; one of another holder as the profile has it.
    pub(in crate::issuance) async fn check_records(
        &self,
        order: &Order<'_>,
        spki_sha256: [u8; 32],
    ) -> Result<Option<String>, IssueError> {
        let holder = order.holder.map(|holder| holder.name.as_str());
        let facts = sql::key_facts(&self.db, spki_sha256, holder).await?;
        if let Some(reason) = facts.blocked {
            return Err(IssueError::KeyBlocked { reason });
        }
        facts.held_by.map(|other| order.judge_key_of(other)).transpose()
    }
}
