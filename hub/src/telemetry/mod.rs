//! Telemetry: what devices send, on its way into the event log.
