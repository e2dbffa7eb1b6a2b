//! Authorities of other people: verified, pinned, completed, taken over from one another, and their revocation lists.

mod chains;
mod lists;
mod pinning;
mod possession;
mod rollover;

use serde_json::{Value, json};

use super::{Device, Got, Http};
use crate::{Dps, trace::StepOutcome};

pub(super) const GROUP: &str = "/enrollmentGroups/g?api-version=2021-10-01";

pub(super) fn pem(certificate: &muster_x509::Certificate) -> String {
    muster_x509::to_pem(certificate.der())
}

/// A group that refers to stored certificates by their names.
pub(super) fn referring(primary: &str, secondary: Option<&str>) -> Value {
    let names = json!({ "primary": primary, "secondary": secondary });
    json!({ "attestation": { "type": "x509", "x509": { "caReferences": names } } })
}

impl Http {
    pub(super) async fn put(&self, path: &str, body: &Value) -> Got {
        self.send("PUT", path, &[("if-match", "*")], &body.to_string()).await
    }

    pub(super) async fn store(&self, name: &str, body: Value) -> Got {
        let got = self.put(&format!("/certificates/{name}"), &body).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got
    }
}

/// What the trace says a device was refused for.
pub(super) async fn refused(dps: &Dps, device: &Device) -> String {
    let answer = device.register(dps).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let trace = dps.trace(answer.tracking_id).await.unwrap();
    let failed = trace.steps.iter().find(|step| step.outcome == StepOutcome::Failed).unwrap();
    format!("{}: {}", failed.compared, failed.fix.as_deref().unwrap_or_default())
}

/// The steps of a registration that was accepted.
pub(super) async fn steps(dps: &Dps, device: &Device) -> String {
    let answer = device.register(dps).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let trace = dps.trace(answer.tracking_id).await.unwrap();
    trace.steps.iter().map(|step| format!("{} {}\n", step.step, step.compared)).collect()
}
