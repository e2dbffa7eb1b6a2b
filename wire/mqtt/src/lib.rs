//! muster-mqtt
