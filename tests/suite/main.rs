//! What no single crate can prove: whole processes, killed, flooded, and looked at from outside.

mod binaries;
mod crash;
mod demo;
mod flood;
