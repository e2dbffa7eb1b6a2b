//! Private keys for devices at work.

use muster_x509::Csr;
use zeroize::Zeroizing;

use super::{attributes, kind};
use crate::{
    Ca, EstLabel, IssueError,
    est::enroll::{EnrollError, Wish},
    keys::ClientKey,
};

/// A request as it is signed for.
pub(in crate::est) struct Keyed {
    pub(in crate::est) csr: Csr,
    pub(in crate::est) pkcs8: Option<Zeroizing<Vec<u8>>>,
}

impl Ca {
    /// The request itself, or one for a key made here that asks for the same; whoever sent it showed nothing but that it
    /// has some key.
    pub(in crate::est) async fn with_key(
        &self,
        label: &EstLabel,
        wish: Wish,
        csr: Csr,
    ) -> Result<Keyed, EnrollError> {
        match wish {
            Wish::Enroll | Wish::Reenroll => return Ok(Keyed { csr, pkcs8: None }),
            Wish::EnrollWithKey => {}
        }
        let profile = self.profile(&label.profile);
        let profile = profile.ok_or_else(|| IssueError::NoSuchProfile(label.profile.clone()))?;
        let (kind, attributes_der) = (kind(csr.public_key(), &profile), attributes(&csr)?);
        let subject_der = csr.subject_der().to_vec();
        let ClientKey { csr_der, pkcs8 } =
            self.keys.make_for_client(kind, subject_der, attributes_der).await?;
        Ok(Keyed { csr: Csr::parse(&csr_der)?, pkcs8: Some(pkcs8) })
    }
}
