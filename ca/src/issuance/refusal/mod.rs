//! Requests that get no certificate, on record all the same.

mod service;
