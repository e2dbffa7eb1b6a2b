//! muster-identity
