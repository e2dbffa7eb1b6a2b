//! What no single crate can prove: whole processes, killed, flooded, and looked at from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod binaries;
mod ca_cli;
mod ca_crash;
mod crash;
mod demo;
mod flood;
