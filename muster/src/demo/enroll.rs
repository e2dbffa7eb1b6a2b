//! The demo's enrollments, made as any back end makes them.

use muster_simulator::{ServiceClient, ServiceError, enrollments};
use serde_json::json;

use super::plan::{Admission, CERTIFICATE_GROUP, Flaw, KEY_GROUP, Plan, key_of};

/// Gives how many were made.
pub(super) async fn enroll(service: &ServiceClient, plan: &Plan, seed: u64) -> Result<usize, ServiceError> {
    service.put_group(&enrollments::symmetric_group(KEY_GROUP, &plan.group_key)).await?;
    service.put_group(&enrollments::x509_group(CERTIFICATE_GROUP, plan.root.pem())).await?;
    let mut made = 2;
    for device in plan.devices.iter().filter(|device| device.admission == Admission::Individual) {
        service.put_enrollment(&enrollments::individual(&device.registration_id, &device.credential)).await?;
        made += 1;
    }
    for stranger in &plan.strangers {
        let enrollment = match stranger.flaw {
            // Enrolled with another key than the one it has.
            Flaw::WrongKey => {
                let key = key_of(seed, &stranger.registration_id);
                let credential = muster_simulator::DeviceKey::Symmetric { key };
                enrollments::individual(&stranger.registration_id, &credential)
            }
            Flaw::Disabled => {
                let mut enrollment = enrollments::individual(&stranger.registration_id, &stranger.credential);
                enrollment["provisioningStatus"] = json!("disabled");
                enrollment
            }
            Flaw::Unknown | Flaw::ForeignCertificate | Flaw::ExpiredCertificate | Flaw::WrongScope => {
                continue;
            }
        };
        service.put_enrollment(&enrollment).await?;
        made += 1;
    }
    Ok(made)
}
