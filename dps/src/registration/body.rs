//! What a device sends in a register or lookup request (dps.md §1.4).

use muster_identity::RegistrationId;
use serde_json::Value;

use crate::enrollment::{Invalid, Member};

/// On every transport (dps.md §5).
pub(crate) const BODY_BYTES_MAX: usize = 96 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body has {bytes} bytes, at most {BODY_BYTES_MAX} are allowed")]
    TooLarge { bytes: usize },
    #[error("the body is not JSON ({0}), send a JSON object or nothing")]
    NotJson(String),
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Of a register request what is not known from elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The custom payload, any JSON, as text.
    pub(crate) payload: Option<String>,
    /// base64 of a certification request, not looked at yet.
    pub(crate) csr: Option<String>,
}

/// SDKs send nothing, a single space or explicit nulls where they have nothing to say.
pub(crate) fn read(body: &[u8], id: &RegistrationId) -> Result<Sent, BodyError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(BodyError::TooLarge { bytes: body.len() });
    }
    if body.trim_ascii().is_empty() {
        return Ok(Sent::default());
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| BodyError::NotJson(error.to_string()))?;
    let body = Member::root(&body);
    body.object()?;
    let named = body.at("registrationId");
    match named.filled_text()? {
        Some(text) if !text.eq_ignore_ascii_case(id.as_str()) => {
            return Err(named.wrong(format!("is not `{id}`, which the request is for")).into());
        }
        _ => {}
    }
    let tpm = body.at("tpm");
    if tpm.is_given() {
        return Err(tpm.wrong("TPM attestation is not available yet, use a symmetric key or X.509").into());
    }
    Ok(Sent {
        payload: body.at("payload").value().map(Value::to_string),
        csr: body.at("csr").filled_text()?.map(str::to_owned),
    })
}

/// A status lookup says the same but for a certification request, which it has no use for (dps.md §2).
pub(crate) fn read_lookup(body: &[u8], id: &RegistrationId) -> Result<(), BodyError> {
    match read(body, id)?.csr {
        None => Ok(()),
        Some(_) => {
            let problem = "a lookup issues no certificates, send it with a registration".to_owned();
            Err(Invalid { field: "csr".to_owned(), problem }.into())
        }
    }
}
