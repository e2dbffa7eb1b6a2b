//! Connecting, talking, leaving.

use jiff::Timestamp;

use super::{Connected, Disconnect, FromDevice, Hello, Refused, Session, ToDevice};
use crate::service::Hub;

impl Hub {
    /// Decides whether this device may come in. An earlier connection of it is cut.
    pub async fn connect(&self, _hello: Hello, _now: Timestamp) -> Result<Connected, Refused> {
        Err(Refused::UnknownDevice)
    }

    /// Does what a device said, in order, as one unit: one append for all its telemetry. On `Err`, `answers` holds
    /// what was done and is durable all the same: write it, then close.
    pub async fn handle(
        &self,
        _session: &mut Session,
        _said: Vec<FromDevice>,
        _now: Timestamp,
        _answers: &mut Vec<ToDevice>,
    ) -> Result<(), Disconnect> {
        Ok(())
    }

    /// The connection is gone. Publishes the will unless the device said goodbye.
    pub async fn disconnected(&self, _session: Session, _why: Disconnect, _now: Timestamp) {}
}
