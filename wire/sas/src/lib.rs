//! muster-sas
