//! Devices that must be refused: what they are told, and what the operator can read about it.

use muster_simulator::{Dps, Endpoints, Options, Outcome, Refusal as By, ServiceClient, Trust, provision};

use super::figures::Refusal;
use super::plan::{Flaw, Stranger};

pub(super) async fn try_all(
    endpoints: &Endpoints,
    trust: &Trust,
    service: &ServiceClient,
    strangers: Vec<Stranger>,
) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for stranger in strangers {
        refused.push(try_one(endpoints, trust, service, stranger).await);
    }
    refused
}

async fn try_one(
    endpoints: &Endpoints,
    trust: &Trust,
    service: &ServiceClient,
    stranger: Stranger,
) -> Refusal {
    let Stranger { registration_id, credential, flaw } = stranger;
    let mut dps = endpoints.dps();
    if flaw == Flaw::WrongScope {
        dps = Dps { scope: "0ne00000000".to_owned(), ..dps };
    }
    let (told, tracking_id) =
        match provision(&dps, &registration_id, &credential, trust, &Options::default()).await {
            Ok(Outcome::Assigned(_)) => (None, None),
            Ok(Outcome::Refused(refused)) => {
                let told = match refused.by {
                    By::Connection(code) => format!("CONNACK {code}"),
                    By::Request => {
                        format!("{} {}", refused.error_code.unwrap_or(refused.status.into()), refused.message)
                    }
                    By::Registration => refused.message,
                };
                (Some(told), refused.tracking_id)
            }
            Err(error) => (Some(error.to_string()), None),
        };
    let trace = service.trace_of(&registration_id, tracking_id.as_deref()).await.ok().flatten();
    let failed = trace.as_ref().and_then(|trace| trace.failed_step());
    Refusal {
        registration_id,
        flaw: flaw.text(),
        told,
        tracking_id: tracking_id.or_else(|| trace.as_ref().map(|trace| trace.tracking_id.clone())),
        reason: failed.map(|step| step.compared.clone()),
        fix: failed.and_then(|step| step.fix.clone()),
    }
}
