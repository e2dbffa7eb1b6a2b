//! EST over HTTP: paths, headers, bodies and statuses. Translates, and decides nothing.

mod authorization;
mod base64;
mod http;
mod parts;
mod path;
mod status;

pub use http::router;
