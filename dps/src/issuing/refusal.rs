//! Why a device gets no certificate: told at once when its request is wrong, else in the state of its registration.

use muster_ca::{AuthorityIdError, IssueError};
use muster_identity::RegistrationId;
use muster_x509::CsrRefused;

use crate::enrollment::{EnrollmentKind, Unusable};

/// Stands inside a registration's state, as hubs number a request that the authority refuses (hub-device.md §2.6).
const CSR_REFUSED: u32 = 400_040;
const TRY_LATER: u32 = 500_001;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CsrRefusal {
    #[error(
        "{kind} `{id}` has no `credentialPolicyName`, so it issues nothing: leave out `csr`, or set the policy"
    )]
    NoPolicy { kind: EnrollmentKind, id: RegistrationId },
    #[error(
        "is missing, and {kind} `{id}` lets in none without a certificate of ours: send a request for one, or set `certificateRequired` to false"
    )]
    Required { kind: EnrollmentKind, id: RegistrationId },
    #[error("policy `{policy}` cannot issue: {why}")]
    Policy { policy: String, why: Unusable },
    #[error(transparent)]
    Malformed(#[from] CsrRefused),
    #[error(
        "common name of `csr` is {found}, the registration id is `{id}`: ask for a certificate in that name"
    )]
    CommonName { found: String, id: RegistrationId },
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotIssued {
    #[error("this server issues no certificates any more: run it with its authority")]
    NoAuthorities,
    #[error(transparent)]
    Order(#[from] CsrRefusal),
    #[error(transparent)]
    Authority(#[from] AuthorityIdError),
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl NotIssued {
    /// Whether asking again soon can help.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Issue(error) => !error.is_a_decision(),
            Self::NoAuthorities | Self::Order(_) | Self::Authority(_) => false,
        }
    }

    pub(crate) fn code(&self) -> u32 {
        match self.may_pass() {
            true => TRY_LATER,
            false => CSR_REFUSED,
        }
    }
}
