//! What was issued, for those who follow it: who got something between two places in the log, and what is the newest that
//! somebody has.

mod service;
mod sql;

#[cfg(test)]
mod tests;

/// Whoever got certificates, from one place in the log to another. What has no holder is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub recipients: Vec<Recipient>,
    /// Where the next news begin; the place that was asked about when there are none.
    pub next: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipient {
    pub holder: String,
    pub common_name: Option<String>,
}
