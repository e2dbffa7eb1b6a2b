//! External authorities of enrollment groups.

mod service;

pub(crate) use service::Externals;
