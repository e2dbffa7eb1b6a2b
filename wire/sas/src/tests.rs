//! What tokens and keys of real clients must do here.

mod captured;
mod connection_strings;
mod keys;
mod malformed;
mod resources;
