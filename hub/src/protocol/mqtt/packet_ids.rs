//! Identifiers of QoS 1 messages on their way to one device.

use std::num::NonZeroU16;

use crate::limits::IN_FLIGHT_MAX;

#[derive(Debug, Default)]
pub struct PacketIds {
    last: u16,
    in_flight: [Option<NonZeroU16>; IN_FLIGHT_MAX],
}

impl PacketIds {
    /// Whether another message may be taken from the mailbox: at most `IN_FLIGHT_MAX` wait for PUBACK.
    pub fn has_room(&self) -> bool {
        self.in_flight.iter().any(Option::is_none)
    }

    /// What is in flight keeps its id until PUBACK (MQTT 2.3.1). Without room the oldest is given up: its PUBACK is ignored.
    pub(super) fn take(&mut self) -> NonZeroU16 {
        let mut id = self.next();
        while self.in_flight.contains(&Some(id)) {
            id = self.next(); // ends: the window is smaller than the number of ids
        }
        match self.in_flight.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(id),
            None => {
                self.in_flight.rotate_left(1);
                self.in_flight[IN_FLIGHT_MAX - 1] = Some(id);
            }
        }
        id
    }

    pub(super) fn release(&mut self, id: NonZeroU16) {
        for slot in self.in_flight.iter_mut().filter(|slot| **slot == Some(id)) {
            *slot = None;
        }
    }

    fn next(&mut self) -> NonZeroU16 {
        self.last = self.last.checked_add(1).unwrap_or(1);
        NonZeroU16::new(self.last).unwrap_or(NonZeroU16::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_closes_and_opens() {
        let mut ids = PacketIds::default();
        let taken: Vec<_> = (0..IN_FLIGHT_MAX).map(|_| ids.take()).collect();
        assert!(!ids.has_room());
        ids.release(taken[3]);
        assert!(ids.has_room());
    }

    #[test]
    fn an_id_in_flight_is_not_given_again() {
        let mut ids = PacketIds::default();
        let first = ids.take();
        for _ in 0..70_000 {
            let id = ids.take();
            assert_ne!(id, first);
            ids.release(id);
        }
    }
}
