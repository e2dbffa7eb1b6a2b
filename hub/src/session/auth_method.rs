//! How a device authenticated, as every event of it says (hub-service.md §6.7). Made once, shared by all events.

use std::sync::Arc;

pub(crate) struct AuthMethods {
    pub device_key: Arc<str>,
    pub policy: Arc<str>,
    pub certificate: Arc<str>,
}

impl AuthMethods {
    pub(crate) fn new() -> Self {
        Self {
            device_key: text("device", "sas", "iothub"),
            policy: text("hub", "sas", "iothub"),
            certificate: text("device", "x509", "external"),
        }
    }
}

fn text(scope: &str, kind: &str, issuer: &str) -> Arc<str> {
    format!(r#"{{"scope":"{scope}","type":"{kind}","issuer":"{issuer}","acceptingIpFilterRule":null}}"#)
        .into()
}
