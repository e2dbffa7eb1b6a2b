//! muster-ca
