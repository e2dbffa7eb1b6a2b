//! The body of a request, and the name that the device gives it. Pure.

use base64::{Engine, prelude::BASE64_STANDARD};
use muster_identity::DeviceId;
use serde::Deserialize;

use super::RenewalRefusal;

/// Of the request in base64 (§2.6).
const CSR_BYTES_MAX: usize = 8 * 1024;
const RID_CHARACTERS: std::ops::RangeInclusive<usize> = 4..=36;

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) csr: String,
    /// The name of a request that this one replaces, or `*`; Java writes null.
    #[serde(default)]
    pub(crate) replace: Option<String>,
}

impl Request {
    pub(crate) fn parse(device: &DeviceId, rid: &str, body: &[u8]) -> Result<Self, RenewalRefusal> {
        let invalid = |what: String| Err(RenewalRefusal::Invalid(what));
        let named = |rid: &str| {
            let plain = rid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            RID_CHARACTERS.contains(&rid.len()) && plain && !rid.starts_with('-') && !rid.ends_with('-')
        };
        if !named(rid) {
            return invalid("`$rid` is not 4 to 36 letters, digits and inner hyphens".to_owned());
        }
        // An array would be taken for the members in their order.
        if !body.trim_ascii().starts_with(b"{") {
            return invalid("body is not a JSON object".to_owned());
        }
        let request: Self = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) if error.is_data() => return invalid(format!("body is not a request: {error}")),
            Err(error) => return Err(RenewalRefusal::NotJson(error.to_string())),
        };
        if request.id != device.as_str() {
            return invalid(format!("`id` is not `{device}`, which is connected"));
        }
        if request.csr.len() > CSR_BYTES_MAX {
            let bytes = request.csr.len();
            return invalid(format!("`csr` has {bytes} bytes, at most {CSR_BYTES_MAX} are allowed"));
        }
        if request.csr.is_empty() || BASE64_STANDARD.decode(&request.csr).is_err() {
            return invalid("`csr` is not base64 of a request in DER".to_owned());
        }
        match &request.replace {
            None => Ok(request),
            Some(replace) if replace == "*" || named(replace) => Ok(request),
            Some(_) => invalid("`replace` is neither `*` nor the `$rid` of a request".to_owned()),
        }
    }
}
