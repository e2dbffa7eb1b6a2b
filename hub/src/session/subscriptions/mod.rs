//! What a session has subscribed to. Subjects are few and known, so this is a small array and its text a short line.

mod service;

use super::{Granted, Subject};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscriptions([Option<Granted>; Subject::ALL.len()]);

impl Subscriptions {
    pub(crate) fn granted(&self, subject: Subject) -> Option<Granted> {
        self.0[subject as usize]
    }

    pub(crate) fn set(&mut self, subject: Subject, granted: Option<Granted>) {
        self.0[subject as usize] = granted;
    }

    /// Stored with a persistent session: `twin:0,desired:1`.
    pub(crate) fn to_text(self) -> String {
        let mut text = String::new();
        for subject in Subject::ALL {
            let Some(granted) = self.granted(subject) else { continue };
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(subject.name());
            text.push_str(match granted {
                Granted::AtMostOnce => ":0",
                Granted::AtLeastOnce => ":1",
            });
        }
        text
    }

    /// What it does not know, a newer version wrote: left out.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut read = Self::default();
        for (name, granted) in text.split(',').filter_map(|one| one.split_once(':')) {
            let subject = Subject::ALL.into_iter().find(|subject| subject.name() == name);
            let granted = match granted {
                "0" => Some(Granted::AtMostOnce),
                "1" => Some(Granted::AtLeastOnce),
                _ => None,
            };
            if let Some(subject) = subject {
                read.set(subject, granted);
            }
        }
        read
    }
}

impl Subject {
    pub(crate) const ALL: [Self; 7] = [
        Self::TwinResponses,
        Self::DesiredChanges,
        Self::CloudToDevice,
        Self::Methods,
        Self::Credentials,
        Self::StreamRequests,
        Self::StreamResponses,
    ];

    /// Stored: never change one.
    fn name(self) -> &'static str {
        match self {
            Self::TwinResponses => "twin",
            Self::DesiredChanges => "desired",
            Self::CloudToDevice => "c2d",
            Self::Methods => "methods",
            Self::Credentials => "credentials",
            Self::StreamRequests => "stream-requests",
            Self::StreamResponses => "stream-responses",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_is_read_back() {
        let mut subscriptions = Subscriptions::default();
        assert_eq!(Subscriptions::from_text(&subscriptions.to_text()), subscriptions);
        for (at, subject) in Subject::ALL.into_iter().enumerate() {
            let granted = if at % 2 == 0 { Granted::AtMostOnce } else { Granted::AtLeastOnce };
            subscriptions.set(subject, Some(granted));
            assert_eq!(Subscriptions::from_text(&subscriptions.to_text()), subscriptions);
        }
        subscriptions.set(Subject::Methods, None);
        assert_eq!(Subscriptions::from_text(&subscriptions.to_text()), subscriptions);
    }

    #[test]
    fn what_a_newer_version_stored_is_left_out() {
        let mut expected = Subscriptions::default();
        expected.set(Subject::DesiredChanges, Some(Granted::AtLeastOnce));
        assert_eq!(Subscriptions::from_text("holograms:1,desired:1,twin:9,x"), expected);
    }
}
