//! What was revoked since the lists were last looked after. Pure.

use jiff::Timestamp;

use crate::revocation::What;

/// Revocations of some seconds. When there are more, everything is read again, which then is no slower.
const MARKS_MAX: usize = 65_536;

/// What is revoked, and when that certificate ends, if it is known.
pub(super) type Mark = (What, Option<Timestamp>);

#[derive(Debug, Default)]
pub(super) struct Marks {
    revoked: Vec<Mark>,
    /// There were too many to remember.
    overflowed: bool,
    /// The time that was told last: also when a clock was put back.
    now: Option<Timestamp>,
}

/// What is to be looked after.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Marked {
    These(Vec<Mark>),
    Everything,
}

impl Marks {
    pub(super) fn put(&mut self, mark: Mark, now: Timestamp) {
        self.tell(now);
        if self.revoked.len() < MARKS_MAX {
            self.revoked.push(mark);
        } else {
            self.overflowed = true;
            self.revoked = Vec::new();
        }
    }

    pub(super) fn tell(&mut self, now: Timestamp) {
        self.now = Some(now);
    }

    pub(super) fn everything(&mut self) {
        self.overflowed = true;
        self.revoked = Vec::new();
    }

    pub(super) fn now(&self) -> Option<Timestamp> {
        self.now
    }

    pub(super) fn take(&mut self) -> Marked {
        let revoked = std::mem::take(&mut self.revoked);
        if std::mem::take(&mut self.overflowed) { Marked::Everything } else { Marked::These(revoked) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workshop::{DAY, now};

    #[test]
    fn too_many_marks_become_one_for_everything() {
        let mut marks = Marks::default();
        let what = |n: usize| (What::Holder(n.to_string()), None);
        (0..MARKS_MAX).for_each(|n| marks.put(what(n), now()));
        assert!(matches!(marks.take(), Marked::These(all) if all.len() == MARKS_MAX));
        (0..=MARKS_MAX + 5).for_each(|n| marks.put(what(n), now()));
        assert_eq!(marks.take(), Marked::Everything);
        assert_eq!(marks.take(), Marked::These(Vec::new()));
    }

    #[test]
    fn a_clock_that_is_put_back_is_believed() {
        let mut marks = Marks::default();
        marks.tell(now() + DAY);
        marks.put((What::Holder("pump-1".to_owned()), None), now());
        assert_eq!(marks.now(), Some(now()));
    }
}
