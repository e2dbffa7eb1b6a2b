//! Telemetry: what devices send, on its way into the event log.

pub(crate) mod bag;
mod quota;

pub(crate) use quota::{Bucket, Quota, Verdict};
