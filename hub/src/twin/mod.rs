//! Twins: tags and desired properties of the back end, reported properties of the device.

/// Why a twin operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwinRefusal {
    #[error("body is not JSON: {0}")]
    NotJson(String),
    #[error("{0}")]
    Invalid(String),
    #[error("document is {bytes} bytes, at most {max}")]
    TooLarge { bytes: usize, max: usize },
    #[error("precondition failed: version is {existing}, the request was for {given}")]
    Precondition { existing: u64, given: String },
    #[error("device is not in the registry")]
    NotFound,
    #[error("more twin operations than {quota} allows; ask slower or raise it")]
    Throttled { quota: &'static str },
    #[error("twin changed too often while this was tried; try again")]
    Contended,
    #[error("twin is not available: {0}")]
    Unavailable(String),
}
