//! What a twin may hold (hub-device.md §7.2), and the words in which the rest is refused.

use serde_json::{Map, Number, Value};

use super::TwinRefusal;

pub(crate) const PROPERTIES_BYTES_MAX: usize = 32 * 1024; // desired and reported, each
pub(crate) const TAGS_BYTES_MAX: usize = 8 * 1024;
pub(crate) const KEY_BYTES_MAX: usize = 1024;
pub(crate) const STRING_BYTES_MAX: usize = 4 * 1024;
pub(crate) const DEPTH_MAX: usize = 10;
/// What a JavaScript number and a double hold exactly, one bit less.
pub(crate) const INTEGER_MIN: i64 = -4_503_599_627_370_496;
pub(crate) const INTEGER_MAX: i64 = 4_503_599_627_370_495;

const NUMBER_BYTES: usize = 8;
const BOOLEAN_BYTES: usize = 4;
/// What of a bad key is shown.
const SHOWN_CHARACTERS: usize = 64;

/// One of the three documents of a twin, by the name that is shown to whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Tags,
    Desired,
    Reported,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Desired => "properties.desired",
            Self::Reported => "properties.reported",
        }
    }

    fn bytes_max(self) -> usize {
        match self {
            Self::Tags => TAGS_BYTES_MAX,
            Self::Desired | Self::Reported => PROPERTIES_BYTES_MAX,
        }
    }
}

/// Takes away what the sender may not set but often sends back (`$version`, `$metadata`), and judges the rest.
pub(crate) fn accept(part: Part, mut change: Map<String, Value>) -> Result<Map<String, Value>, TwinRefusal> {
    change.shift_remove("$version");
    change.shift_remove("$metadata");
    let mut path = Path { part, keys: Vec::new() };
    object(&change, Inside::Object, &mut path)?;
    Ok(change)
}

/// Judges a whole document, after a merge.
pub(crate) fn fits(part: Part, document: &Map<String, Value>) -> Result<(), TwinRefusal> {
    let (bytes, max) = (object_bytes(document), part.bytes_max());
    match bytes <= max {
        true => Ok(()),
        false => Err(TwinRefusal::TooLarge { part: part.name(), bytes, max }),
    }
}

struct Path<'a> {
    part: Part,
    keys: Vec<&'a str>,
}

impl Path<'_> {
    fn refuse<T>(&self, reason: impl std::fmt::Display) -> Result<T, TwinRefusal> {
        let mut place = self.part.name().to_owned();
        for key in &self.keys {
            place.push('.');
            place.extend(key.chars().take(SHOWN_CHARACTERS));
        }
        Err(TwinRefusal::Invalid(format!("`{place}`: {reason}")))
    }
}

/// `null` means "delete" in an object; in an array, and in an object there, it means nothing.
#[derive(Clone, Copy)]
enum Inside {
    Object,
    Array,
}

fn object<'a>(
    members: &'a Map<String, Value>,
    inside: Inside,
    path: &mut Path<'a>,
) -> Result<(), TwinRefusal> {
    if path.keys.len() > DEPTH_MAX {
        return path.refuse(format_args!("maximum depth of {DEPTH_MAX} exceeded"));
    }
    for (name, member) in members {
        path.keys.push(name);
        key(name, path)?;
        value(member, inside, path)?;
        path.keys.pop();
    }
    Ok(())
}

fn value<'a>(value: &'a Value, inside: Inside, path: &mut Path<'a>) -> Result<(), TwinRefusal> {
    match value {
        Value::Null => match inside {
            Inside::Object => Ok(()),
            Inside::Array => path.refuse("null inside an array; leave it out"),
        },
        Value::Bool(_) => Ok(()),
        Value::Number(number) => integer(number, path),
        Value::String(text) if text.len() > STRING_BYTES_MAX => {
            path.refuse(format_args!("string of {} bytes, at most {STRING_BYTES_MAX}", text.len()))
        }
        Value::String(_) => Ok(()),
        Value::Object(members) => object(members, inside, path),
        Value::Array(elements) => {
            if path.keys.len() > DEPTH_MAX {
                return path.refuse(format_args!("maximum depth of {DEPTH_MAX} exceeded"));
            }
            path.keys.push("[]");
            for element in elements {
                self::value(element, Inside::Array, path)?;
            }
            path.keys.pop();
            Ok(())
        }
    }
}

fn key(name: &str, path: &Path<'_>) -> Result<(), TwinRefusal> {
    if name.is_empty() {
        return path.refuse("empty name");
    }
    if name.len() > KEY_BYTES_MAX {
        return path.refuse(format_args!("name of {} bytes, at most {KEY_BYTES_MAX}", name.len()));
    }
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '.' | '$' | '#');
    match name.chars().find(|c| forbidden(*c)) {
        Some(c) => path.refuse(format_args!(
            "name has the character `{}`; control characters, white space, `.`, `$` and `#` are not allowed",
            c.escape_debug()
        )),
        None => Ok(()),
    }
}

fn integer(number: &Number, path: &Path<'_>) -> Result<(), TwinRefusal> {
    let fits = match number.as_i64() {
        Some(integer) => (INTEGER_MIN..=INTEGER_MAX).contains(&integer),
        None => number.is_f64(), // not an integer, or one beyond even 64 bits
    };
    match fits {
        true => Ok(()),
        false => path.refuse(format_args!(
            "integer {number} is outside {INTEGER_MIN} to {INTEGER_MAX}; send it as a string"
        )),
    }
}

fn object_bytes(members: &Map<String, Value>) -> usize {
    members.iter().map(|(key, value)| text_bytes(key) + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => BOOLEAN_BYTES,
        Value::Number(_) => NUMBER_BYTES,
        Value::String(text) => text_bytes(text),
        Value::Array(elements) => elements.iter().map(value_bytes).sum(),
        Value::Object(members) => object_bytes(members),
    }
}

fn text_bytes(text: &str) -> usize {
    text.chars().filter(|c| !c.is_control()).count()
}

#[cfg(test)]
mod tests;
