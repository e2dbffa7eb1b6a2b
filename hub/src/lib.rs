//! muster-hub
