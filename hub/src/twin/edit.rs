//! What a change asks for, and what it makes of a twin. The only place where a twin becomes another.

use jiff::Timestamp;
use muster_identity::Section;
use serde_json::{Map, Value};

use super::{
    StoredSection, Twin, TwinRefusal,
    limits::{self, Part},
    patch,
};
use crate::registry::{IfMatch, etag};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Merge,
    Replace,
}

/// A change by the back end: PATCH or PUT of a twin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    tags: Option<Change>,
    desired: Option<Change>,
}

#[derive(Clone, Debug, PartialEq)]
enum Change {
    Merge(Map<String, Value>),
    Replace(Map<String, Value>),
}

impl Edit {
    /// Reads `{tags, properties: {desired}}`; the rest of the body is what a client sends back from a GET. A part that is left
    /// out stays as it is, in a replacement too; `null` empties it.
    pub(crate) fn parse(method: Method, body: &[u8]) -> Result<Self, TwinRefusal> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| TwinRefusal::NotJson(error.to_string()))?;
        let Value::Object(mut body) = body else {
            return Err(TwinRefusal::Invalid(
                "body is not an object; send `{\"tags\": …, \"properties\": …}`".to_owned(),
            ));
        };
        let desired = match body.shift_remove("properties") {
            None | Some(Value::Null) => None,
            Some(Value::Object(mut properties)) => properties.shift_remove("desired"),
            Some(_) => return Err(TwinRefusal::Invalid("`properties` is not an object".to_owned())),
        };
        Ok(Self {
            tags: change(method, Part::Tags, body.shift_remove("tags"))?,
            desired: change(method, Part::Desired, desired)?,
        })
    }

    /// For what the hub itself has to say: within limits already.
    pub(crate) fn merging(desired: &Map<String, Value>) -> Self {
        Self { tags: None, desired: Some(Change::Merge(desired.clone())) }
    }

    /// The changed twin, and what a connected device is told.
    pub(crate) fn apply(&self, twin: &Twin, now: Timestamp) -> Result<Edited, TwinRefusal> {
        let mut edited = twin.clone();
        edited.version += 1;
        edited.etag += 1;
        if let Some(change) = &self.tags {
            let (mut tags, change) = match change {
                Change::Merge(change) => (object(&twin.tags)?, change),
                Change::Replace(document) => (Map::new(), document),
            };
            patch::merge_tags(&mut tags, change);
            limits::fits(Part::Tags, &tags)?;
            edited.tags = Value::Object(tags).to_string();
        }
        let mut notice = None;
        if let Some(change) = &self.desired {
            let section = match change {
                Change::Merge(change) => patch::merge(Part::Desired, section(&twin.desired)?, change, now),
                Change::Replace(document) => {
                    patch::replace(Part::Desired, twin.desired.version, document, now)
                }
            };
            limits::fits(Part::Desired, &section.properties)?;
            let told = match change {
                Change::Merge(change) => change,
                Change::Replace(_) => &section.properties,
            };
            notice = Some(Notice { version: section.version, body: with_version(told, section.version) });
            edited.desired = stored(section);
        }
        Ok(Edited { twin: edited, notice })
    }
}

#[derive(Debug)]
pub(crate) struct Edited {
    pub twin: Twin,
    pub notice: Option<Notice>,
}

/// A change of desired properties in the words of whoever made it (hub-device.md §2.4).
#[derive(Debug)]
pub(crate) struct Notice {
    pub version: u64,
    pub body: String,
}

/// A change by the device.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    change: Map<String, Value>,
    base: Option<u64>,
}

impl Report {
    pub(crate) fn parse(body: &[u8], base: Option<u64>) -> Result<Self, TwinRefusal> {
        match serde_json::from_slice(body).map_err(|error| TwinRefusal::NotJson(error.to_string()))? {
            Value::Object(change) => Ok(Self { change: limits::accept(Part::Reported, change)?, base }),
            _ => Err(TwinRefusal::Invalid("`properties.reported` is not an object".to_owned())),
        }
    }

    pub(crate) fn apply(&self, twin: &Twin, now: Timestamp) -> Result<Twin, TwinRefusal> {
        if let Some(base) = self.base.filter(|base| *base != twin.reported.version) {
            let existing = twin.reported.version.to_string();
            return Err(TwinRefusal::Precondition { existing, given: base.to_string() });
        }
        let merged = patch::merge(Part::Reported, section(&twin.reported)?, &self.change, now);
        limits::fits(Part::Reported, &merged.properties)?;
        Ok(Twin { version: twin.version + 1, reported: stored(merged), ..twin.clone() })
    }
}

/// Whether the back end's idea of this twin still holds.
pub(crate) fn precondition(if_match: &IfMatch, twin: &Twin) -> Result<(), TwinRefusal> {
    let existing = etag::of_twin(twin.etag);
    if_match.judge(&existing).map_err(|given| TwinRefusal::Precondition { existing, given })
}

pub(super) fn object(text: &str) -> Result<Map<String, Value>, TwinRefusal> {
    serde_json::from_str(text)
        .map_err(|error| TwinRefusal::Unavailable(format!("stored twin is damaged: {error}")))
}

pub(super) fn section(stored: &StoredSection) -> Result<Section, TwinRefusal> {
    let StoredSection { properties, metadata, version } = stored;
    Ok(Section { properties: object(properties)?, metadata: object(metadata)?, version: *version })
}

pub(crate) fn stored(section: Section) -> StoredSection {
    let Section { properties, version, metadata } = section;
    StoredSection {
        properties: Value::Object(properties).to_string(),
        metadata: Value::Object(metadata).to_string(),
        version,
    }
}

/// `null` in place of a document empties it: RFC 7386 says delete, and a document always is.
fn change(method: Method, part: Part, sent: Option<Value>) -> Result<Option<Change>, TwinRefusal> {
    let sent = match sent {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(Change::Replace(Map::new()))),
        Some(Value::Object(sent)) => limits::accept(part, sent)?,
        Some(_) => return Err(TwinRefusal::Invalid(format!("`{}` is not an object", part.name()))),
    };
    Ok(Some(match method {
        Method::Merge => Change::Merge(sent),
        Method::Replace => Change::Replace(sent),
    }))
}

fn with_version(told: &Map<String, Value>, version: u64) -> String {
    let mut told = told.clone();
    told.insert("$version".to_owned(), version.into());
    Value::Object(told).to_string()
}
