//! The provisioning service's back-end side: enrollments, groups, registrations, traces (dps.md §7).

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DPS_API_VERSION, ServiceClient, ServiceError, segment};
use crate::factory::leaf_pem;
use crate::{DeviceKey, Key};

impl ServiceClient {
    /// Creates or replaces an individual enrollment; gives it as stored, generated keys included.
    pub async fn put_enrollment(&self, enrollment: &Value) -> Result<Value, ServiceError> {
        self.put("enrollments", "registrationId", enrollment).await
    }

    pub async fn put_group(&self, group: &Value) -> Result<Value, ServiceError> {
        self.put("enrollmentGroups", "enrollmentGroupId", group).await
    }

    pub async fn enrollment(&self, registration_id: &str) -> Result<Value, ServiceError> {
        self.get("enrollments", registration_id).await
    }

    pub async fn group(&self, group_id: &str) -> Result<Value, ServiceError> {
        self.get("enrollmentGroups", group_id).await
    }

    pub async fn delete_enrollment(&self, registration_id: &str) -> Result<(), ServiceError> {
        self.delete("enrollments", registration_id).await
    }

    pub async fn delete_group(&self, group_id: &str) -> Result<(), ServiceError> {
        self.delete("enrollmentGroups", group_id).await
    }

    pub async fn registration(&self, registration_id: &str) -> Result<Value, ServiceError> {
        self.get("registrations", registration_id).await
    }

    pub async fn delete_registration(&self, registration_id: &str) -> Result<(), ServiceError> {
        self.delete("registrations", registration_id).await
    }

    /// All registrations of a group, page by page.
    pub async fn registrations(&self, group_id: &str) -> Result<Vec<Value>, ServiceError> {
        let path = format!("/registrations/{}/query?api-version={DPS_API_VERSION}", segment(group_id));
        let mut found = Vec::new();
        let mut continuation: Option<String> = None;
        loop {
            let mut headers = vec![("x-ms-max-item-count", "1000")];
            headers.extend(continuation.as_deref().map(|token| ("x-ms-continuation", token)));
            let answer =
                self.expect(Method::POST, &path, &headers, Some(&json!({ "query": "SELECT *" }))).await?;
            continuation = answer.header("x-ms-continuation").map(str::to_owned);
            match answer.body {
                Value::Array(page) => found.extend(page),
                other => return Err(ServiceError::Senseless { path, what: other.to_string() }),
            }
            if continuation.is_none() {
                return Ok(found);
            }
        }
    }

    /// The trace of this attempt; without a tracking id, of the device's latest.
    pub async fn trace_of(
        &self,
        registration_id: &str,
        tracking_id: Option<&str>,
    ) -> Result<Option<Trace>, ServiceError> {
        let path = match tracking_id {
            Some(id) => format!("/traces/{}?api-version={DPS_API_VERSION}", segment(id)),
            None => format!(
                "/traces?registrationId={}&top=1&api-version={DPS_API_VERSION}",
                segment(registration_id)
            ),
        };
        let mut body = match self.expect(Method::GET, &path, &[], None).await {
            Ok(answer) => answer.body,
            Err(missing) if missing.status() == Some(404) => return Ok(None),
            Err(other) => return Err(other),
        };
        if let Value::Array(latest) = &mut body {
            match latest.first_mut() {
                Some(first) => body = first.take(),
                None => return Ok(None),
            }
        }
        let senseless =
            |reason: serde_json::Error| ServiceError::Senseless { path, what: reason.to_string() };
        serde_json::from_value(body).map(Some).map_err(senseless)
    }

    async fn put(&self, kind: &str, id: &str, body: &Value) -> Result<Value, ServiceError> {
        let id = body.get(id).and_then(Value::as_str).unwrap_or_default();
        let path = format!("/{kind}/{}?api-version={DPS_API_VERSION}", segment(id));
        Ok(self.expect(Method::PUT, &path, &[("if-match", "*")], Some(body)).await?.body)
    }

    async fn get(&self, kind: &str, id: &str) -> Result<Value, ServiceError> {
        let path = format!("/{kind}/{}?api-version={DPS_API_VERSION}", segment(id));
        Ok(self.expect(Method::GET, &path, &[], None).await?.body)
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<(), ServiceError> {
        let path = format!("/{kind}/{}?api-version={DPS_API_VERSION}", segment(id));
        self.expect(Method::DELETE, &path, &[], None).await.map(drop)
    }
}

/// Why an attempt went as it went.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    pub tracking_id: String,
    pub outcome: String,
    pub steps: Vec<TraceStep>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceStep {
    pub step: String,
    pub compared: String,
    pub outcome: String,
    pub fix: Option<String>,
}

impl Trace {
    /// The step that decided against the device.
    pub fn failed_step(&self) -> Option<&TraceStep> {
        self.steps.iter().rev().find(|step| step.outcome == "failed")
    }
}

/// The bodies of the usual enrollments; more is added to the JSON they give.
pub mod enrollments {
    use super::{DeviceKey, Key, Value, json, leaf_pem};

    /// An individual enrollment for this device's own key or certificate.
    pub fn individual(registration_id: &str, credential: &DeviceKey) -> Value {
        let attestation = match credential {
            DeviceKey::Symmetric { key } => symmetric(key),
            DeviceKey::X509 { .. } => json!({
                "type": "x509",
                "x509": { "clientCertificates": { "primary": { "certificate": leaf_pem(credential) } } },
            }),
        };
        json!({ "registrationId": registration_id, "attestation": attestation })
    }

    /// A group whose devices derive their keys from this one.
    pub fn symmetric_group(group_id: &str, key: &Key) -> Value {
        json!({ "enrollmentGroupId": group_id, "attestation": symmetric(key) })
    }

    /// A group of the devices whose certificates this authority signed, directly or through intermediates.
    pub fn x509_group(group_id: &str, authority_pem: &str) -> Value {
        json!({
            "enrollmentGroupId": group_id,
            "attestation": {
                "type": "x509",
                "x509": { "signingCertificates": { "primary": { "certificate": authority_pem } } },
            },
        })
    }

    fn symmetric(key: &Key) -> Value {
        let text = key.to_base64();
        json!({ "type": "symmetricKey", "symmetricKey": { "primaryKey": *text, "secondaryKey": *text } })
    }
}
