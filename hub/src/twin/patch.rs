//! How a twin changes: merge (RFC 7386) and replace, with the metadata that mirrors every property (hub-device.md §7.2).

use jiff::Timestamp;
use muster_identity::Section;
use serde_json::{Map, Value, json};

use super::limits::Part;

/// Merges what `limits::accept` let through. A patch that changes nothing still makes a version.
pub(crate) fn merge(part: Part, section: Section, change: &Map<String, Value>, now: Timestamp) -> Section {
    let Section { mut properties, version, mut metadata } = section;
    let stamp = Stamp::new(part, version + 1, now);
    merge_object(&mut properties, &mut metadata, change, &stamp);
    Section { properties, version: version + 1, metadata }
}

/// The same with nothing left of what was there.
pub(crate) fn replace(part: Part, version: u64, document: &Map<String, Value>, now: Timestamp) -> Section {
    merge(part, Section { version, ..Section::default() }, document, now)
}

/// Section of a device that has just been made: version 1.
pub(crate) fn initial(part: Part, properties: &Map<String, Value>, now: Timestamp) -> Section {
    replace(part, 0, properties, now)
}

pub(crate) fn merge_tags(tags: &mut Map<String, Value>, change: &Map<String, Value>) {
    for (key, value) in change {
        match value {
            Value::Null => {
                tags.shift_remove(key);
            }
            Value::Object(change) => {
                let mut inner = take_object(tags, key);
                merge_tags(&mut inner, change);
                tags.insert(key.clone(), Value::Object(inner));
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                tags.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Whether merging would change nothing.
pub fn says(properties: &Map<String, Value>, change: &Map<String, Value>) -> bool {
    let mut merged = properties.clone();
    merge_tags(&mut merged, change);
    merged == *properties
}

/// When, and for desired properties by which version, something was written last.
struct Stamp {
    at: String,
    version: Option<u64>,
}

impl Stamp {
    fn new(part: Part, version: u64, now: Timestamp) -> Self {
        let version = match part {
            Part::Desired => Some(version),
            Part::Reported | Part::Tags => None,
        };
        Self { at: format!("{now:.7}"), version }
    }

    fn write(&self, metadata: &mut Map<String, Value>) {
        metadata.insert("$lastUpdated".to_owned(), json!(self.at));
        if let Some(version) = self.version {
            metadata.insert("$lastUpdatedVersion".to_owned(), json!(version));
        }
    }

    fn leaf(&self) -> Value {
        let mut leaf = Map::new();
        self.write(&mut leaf);
        Value::Object(leaf)
    }
}

fn merge_object(
    properties: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
    change: &Map<String, Value>,
    stamp: &Stamp,
) {
    stamp.write(metadata);
    for (key, value) in change {
        match value {
            Value::Null => {
                properties.shift_remove(key);
                metadata.shift_remove(key);
            }
            Value::Object(change) => {
                if !properties.get(key).is_some_and(Value::is_object) {
                    metadata.shift_remove(key); // a leaf's, which says nothing of the members to come
                }
                let (mut inner, mut inner_metadata) =
                    (take_object(properties, key), take_object(metadata, key));
                merge_object(&mut inner, &mut inner_metadata, change, stamp);
                properties.insert(key.clone(), Value::Object(inner));
                metadata.insert(key.clone(), Value::Object(inner_metadata));
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                properties.insert(key.clone(), value.clone());
                metadata.insert(key.clone(), stamp.leaf());
            }
        }
    }
}

/// Takes the object under this key out, to be put back at its place; what else was there gives way.
fn take_object(parent: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match parent.get_mut(key).map(Value::take) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
