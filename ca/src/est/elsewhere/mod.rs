//! Labels and credentials as other nodes on the same database have made them.

mod service;
