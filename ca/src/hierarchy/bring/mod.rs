//! Authorities that somebody else signs, and roots of somebody else.

mod external;
mod requirements;
mod service;

pub use requirements::Unfit;
