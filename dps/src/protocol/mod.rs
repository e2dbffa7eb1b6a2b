//! The device side on the wire: translations only, no decisions.

pub mod http;
pub mod mqtt;
pub(crate) mod status;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiVersionError {
    #[error("`api-version` is missing, add `api-version=2019-03-31`")]
    Missing,
    #[error("`api-version` `{0}` is not a date like `2019-03-31`, optionally with `-preview`")]
    Form(String),
}

/// Any date is accepted, because what differs between versions is decided field by field (dps.md §0).
pub(crate) fn api_version(text: Option<&str>) -> Result<String, ApiVersionError> {
    let text = text.filter(|text| !text.is_empty()).ok_or(ApiVersionError::Missing)?;
    let date = text.strip_suffix("-preview").unwrap_or(text).as_bytes();
    let is_date = date.len() == 10
        && date.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if is_date { Ok(text.to_owned()) } else { Err(ApiVersionError::Form(text.chars().take(40).collect())) }
}
