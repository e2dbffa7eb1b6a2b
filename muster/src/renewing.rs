//! Certificates renewed over the devices' own connections: the hub asks, the authority answers.

use std::sync::Arc;

use muster_ca::{
    AuthorityId, Ca, Caller, Credential, IssueError, NotGranted, RenewError, RenewRequest, Stage, Stored,
};
use muster_hub::{NotRenewed, Renewal, Renewed, Renewer};
use muster_x509::Csr;

/// Who is connected with a certificate may have another for the same name, as its profile says (hub-device.md §2.6).
pub(crate) fn renewer(ca: &Arc<Ca>) -> Renewer {
    let ca = ca.clone();
    Renewer::new(move |renewal| {
        let ca = ca.clone();
        async move { renew(&ca, renewal).await }
    })
}

async fn renew(ca: &Ca, renewal: Renewal) -> Result<Renewed, NotRenewed> {
    let Renewal { device, vouched, csr, rid, now } = renewal;
    let authority = AuthorityId::parse(&vouched.authority).map_err(refused)?;
    let stored = ca.certificate(vouched.serial, Some(&authority)).await;
    let stored = stored.map_err(|error| NotRenewed::Unavailable(error.to_string()))?;
    let Some(Stored { stage: Stage::Issued { certificate: old, .. }, .. }) = stored else {
        return Err(refused("the certificate of this connection is not on record: register anew"));
    };
    let caller = Caller {
        name: vouched.holder.map_or_else(|| device.to_string(), |holder| holder.name),
        credential: Credential::Certificate { sha256: old.sha256().to_string() },
        from: None,
    };
    let request = RenewRequest {
        old,
        csr: Csr::parse(csr.as_bytes()).map_err(refused)?,
        caller,
        authority: None,
        idempotency_key: Some(rid),
        holder: None,
    };
    let issued = ca.renew(request, now).await.map_err(not_renewed)?;
    let all = std::iter::once(&issued.certificate).chain(&issued.chain);
    Ok(Renewed { chain: all.map(|certificate| certificate.der().to_vec()).collect() })
}

fn not_renewed(error: RenewError) -> NotRenewed {
    match &error {
        RenewError::Issue(IssueError::NotGranted(NotGranted::TooFast { retry_after_s, .. })) => {
            NotRenewed::TooFast { why: error.to_string(), retry_after_s: *retry_after_s }
        }
        RenewError::Issue(issue) if !issue.is_a_decision() => NotRenewed::Unavailable(error.to_string()),
        _ => refused(error),
    }
}

fn refused(why: impl ToString) -> NotRenewed {
    NotRenewed::Refused(why.to_string())
}
