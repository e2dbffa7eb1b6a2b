//! muster-x509
