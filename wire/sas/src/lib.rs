//! Shared access signatures: keys, tokens, what a token covers, connection strings. No clock, no I/O, no domain.
//!
//! The one rule everything here follows: a signature is over the `sr` text exactly as it was sent. Clients encode it once,
//! twice or not at all, in either hex case (hub-device.md §3.1, dps.md §1.2), so nothing is ever re-encoded to verify.

mod connection_string;
mod key;
mod resource;
mod token;

pub use connection_string::{ConnectionString, ConnectionStringError};
pub use key::{KEY_BYTES_MAX, KEY_BYTES_MIN, Key, KeyError};
pub use resource::resource_covers;
pub use token::{CLOCK_SKEW_S, EXPIRES_S_MAX, TOKEN_BYTES_MAX, Token, TokenError, sign};

#[cfg(test)]
mod tests;
