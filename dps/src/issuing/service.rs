//! Orders taken from devices and carried out by the authority; both safe to repeat.

use std::sync::Arc;

use jiff::Timestamp;
use muster_ca::{AuthorityId, Caller, Credential, Issued, Request, SubjectFacts};
use muster_identity::{DeviceId, RegistrationId};

use super::{Certified, CsrRefusal, NotIssued, Order};
use crate::{Dps, OperationId, enrollment::Enrollment, trace::Steps};

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
    /// What a device asks for, when its enrollment lets it ask. Nothing is issued yet.
    pub(crate) fn take_order(
        &self,
        csr: Option<&str>,
        id: &RegistrationId,
        enrollment: &Enrollment,
        steps: &mut Steps,
    ) -> Result<Option<Order>, CsrRefusal> {
        let order = match (csr, &enrollment.credential_policy) {
            (None, None) => return Ok(None),
            (None, Some(policy)) => {
                let policy = policy.as_str();
                steps.noted(
                    "certificate",
                    format_args!("policy `{policy}` could issue one, and the device sent no `csr`: it keeps what it has"),
                );
                return Ok(None);
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
        order.map(Some)
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
