//! Orders taken from devices and carried out by the authority; both safe to repeat.

use std::sync::Arc;

use jiff::Timestamp;
use muster_ca::{
    AuthorityId, Caller, CertificateReadError, Credential, Filter, Issued, Request, Stage, SubjectFacts,
};
use muster_identity::{DeviceId, RegistrationId};

use super::{Certified, CsrRefusal, NotIssued, Order};
use crate::{
    Dps, OperationId,
    attestation::KnownBy,
    enrollment::{CredentialPolicy, Enrollment, WithoutCertificate},
    registration::Refusal,
    trace::Steps,
};

/// A device has one that is good, or two while it renews; whoever has this many has others revoked one by one.
const CERTIFICATES_LOOKED_AT_MAX: usize = 100;

/// For whom an order is carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipient<'a> {
    pub(crate) id: &'a RegistrationId,
    /// What the hub compares with the certificate's common name: the registration id, in the letters it began with.
    pub(crate) device: &'a DeviceId,
    pub(crate) operation: &'a OperationId,
    pub(crate) address: &'a str,
}

impl Dps {
    /// What a device asks for, when its enrollment lets it ask, and what its hub is to know it by. Nothing is issued yet.
    pub(crate) async fn take_order(
        &self,
        csr: Option<&str>,
        id: &RegistrationId,
        enrollment: &Enrollment,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<(Option<Order>, KnownBy), Refusal> {
        let order = match (csr, &enrollment.credential_policy) {
            (None, None) => return Ok((None, KnownBy::Proof)),
            (None, Some(policy)) => {
                return Ok((None, self.without_csr(id, enrollment, policy, now, steps).await?));
            }
            (Some(_), None) => {
                Err(CsrRefusal::NoPolicy { kind: enrollment.kind(), id: enrollment.id().clone() })
            }
            (Some(csr), Some(policy)) => policy
                .check(self.ca.as_deref())
                .map_err(|why| CsrRefusal::Policy { policy: policy.as_str().to_owned(), why })
                .and_then(|()| Order::read(csr, id, policy)),
        };
        match &order {
            Ok(Order { authority, profile, .. }) => steps.passed(
                "certificate",
                format_args!("the device asks for one by profile `{profile}` of authority `{authority}`"),
            ),
            Err(refusal) => steps.refused("certificate", refusal),
        }
        Ok((Some(order?), KnownBy::Issued))
    }

    /// Whoever could ask and does not: it keeps what it has from us, as after a restart. Without any, it is known as it would be
    /// without a policy; it could have had a certificate with the same proof, so nothing is opened to anybody by that.
    async fn without_csr(
        &self,
        id: &RegistrationId,
        enrollment: &Enrollment,
        policy: &CredentialPolicy,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<KnownBy, Refusal> {
        let policy = policy.as_str();
        let could = format!("policy `{policy}` could issue one, and the device sent no `csr`");
        if let Some(serial) = self.good_certificate(id, now).await? {
            let has = format_args!("{could}: its hub knows it by what it has of ours, now `{serial}`");
            steps.noted("certificate", has);
            return Ok(KnownBy::Issued);
        }
        match enrollment.without_certificate {
            WithoutCertificate::Admit => {
                let not = format_args!(
                    "{could} and has none of ours that is good: its hub knows it by what it registered with"
                );
                steps.noted("certificate", not);
                Ok(KnownBy::Proof)
            }
            WithoutCertificate::Refuse => {
                let (kind, id) = (enrollment.kind(), enrollment.id().clone());
                let refusal = CsrRefusal::Required { kind, id };
                steps.refused("certificate", format_args!("`csr` {refusal}"));
                Err(refusal.into())
            }
        }
    }

    /// The serial number of a certificate that was issued to a device, by whatever way, and is neither over nor revoked.
    async fn good_certificate(
        &self,
        id: &RegistrationId,
        now: Timestamp,
    ) -> Result<Option<String>, CertificateReadError> {
        let Some(ca) = &self.ca else { return Ok(None) };
        let filter = Filter { holder: Some(id.folded()), expires_after: Some(now), ..Filter::default() };
        let held = ca.certificates(&filter, 0, CERTIFICATES_LOOKED_AT_MAX).await?.certificates;
        let good = held.into_iter().find_map(|stored| match stored.stage {
            Stage::Issued { certificate, .. } => ca.identify(&[certificate.der().to_vec()], now).ok(),
            Stage::Recorded | Stage::Abandoned => None,
        });
        Ok(good.map(|identified| hex::encode(identified.serial)))
    }

    /// The same operation gets the same certificate, however often it is asked for.
    pub(crate) async fn issue(
        &self,
        order: &Order,
        recipient: Recipient<'_>,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<Certified, NotIssued> {
        let issued = self.try_issue(order, recipient, now).await;
        match &issued {
            Ok(issued) => {
                let (serial, not_after) = (hex::encode(issued.serial), issued.certificate.not_after());
                let (profile, authority, entry) = (&issued.profile, &order.authority, issued.log_index);
                steps.passed("certificate", format_args!(
                    "authority `{authority}` issued `{serial}` by profile `{profile}`, good until {not_after}, entry {entry} of its log"
                ));
                for remark in &issued.remarks {
                    steps.noted("certificate", remark);
                }
            }
            Err(error) => steps.refused("certificate", error),
        }
        issued.map(|issued| Certified::new(&issued))
    }

    async fn try_issue(
        &self,
        order: &Order,
        recipient: Recipient<'_>,
        now: Timestamp,
    ) -> Result<Issued, NotIssued> {
        let Recipient { id, device, operation, address } = recipient;
        let ca = self.ca.as_ref().map(Arc::clone).ok_or(NotIssued::NoAuthorities)?;
        let holder = id.folded();
        let request = Request {
            authority: AuthorityId::parse(&order.authority)?,
            profile: order.profile.clone(),
            csr: order.csr()?,
            subject: SubjectFacts { common_name: Some(device.to_string()), ..SubjectFacts::default() },
            caller: Caller {
                name: holder.clone(),
                credential: Credential::Registration(holder.clone()),
                from: address.parse().ok(),
            },
            idempotency_key: Some(operation.to_string()),
            holder: Some(ca.holder(&holder)),
            not_after: None,
        };
        Ok(ca.issue(request, now).await?)
    }
}
