//! muster-events
