//! muster-simulator
