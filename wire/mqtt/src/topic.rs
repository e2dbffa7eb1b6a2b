//! Topic names and filters (4.7).

use crate::violation::{Violation, excerpt};

/// A client's own ids may hold `+` and `#` (hub-device §1.3): a level that is one of them is a name, not a wildcard.
/// Only such client ids are kept here, so it costs others nothing.
#[derive(Debug, Default)]
pub(crate) struct OwnLevels(Option<Box<str>>);

impl OwnLevels {
    pub(crate) fn of(client_id: &str) -> Self {
        Self(client_id.contains(['+', '#']).then(|| client_id.into()))
    }

    fn has(&self, level: &str) -> bool {
        self.0.as_deref().is_some_and(|id| id.split('/').any(|own| own == level))
    }
}

/// A topic name as clients may publish to.
pub(crate) fn check_name(packet: &'static str, name: &str, own: &OwnLevels) -> Result<(), Violation> {
    check_text(packet, name)?;
    if name.bytes().any(|byte| matches!(byte, b'+' | b'#'))
        && name.split('/').any(|level| level.contains(['+', '#']) && !own.has(level))
    {
        return Err(Violation::TopicWildcard(excerpt(name)));
    }
    Ok(())
}

/// What even a server's topic must be. Its ids may hold anything else.
pub(crate) fn check_text(packet: &'static str, name: &str) -> Result<(), Violation> {
    if name.is_empty() {
        return Err(Violation::TopicEmpty(packet));
    }
    check_null(packet, name)
}

/// U+0000 must not be in any text (1.5.3).
pub(crate) fn check_null(packet: &'static str, text: &str) -> Result<(), Violation> {
    if text.bytes().any(|byte| byte == 0) { Err(Violation::Null(packet)) } else { Ok(()) }
}

/// `#` is the whole last level, `+` a whole level (4.7.1).
pub(crate) fn check_filter(packet: &'static str, filter: &str, own: &OwnLevels) -> Result<(), Violation> {
    check_null(packet, filter)?;
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let last = levels.peek().is_none();
        let good = match level {
            "+" => true,
            "#" => last || own.has(level),
            _ => !level.contains(['+', '#']) || own.has(level),
        };
        if !good || filter.is_empty() {
            return Err(Violation::Filter(excerpt(filter)));
        }
    }
    Ok(())
}
