//! muster-dps
