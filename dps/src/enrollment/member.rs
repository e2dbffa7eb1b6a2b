//! Reading a JSON body member by member, so that an error can name the field.

use serde_json::{Map, Value};

/// A body that is not what the contract says: which field, what is wrong, what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {problem}")]
pub(crate) struct Invalid {
    pub(crate) field: String,
    pub(crate) problem: String,
}

/// A member and where it stands. Absent and null are the same: SDKs write nulls for what was left out (dps.md §1.4).
#[derive(Debug, Clone)]
pub(crate) struct Member<'a> {
    path: String,
    value: Option<&'a Value>,
}

impl<'a> Member<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value: Some(value).filter(|value| !value.is_null()) }
    }

    pub(crate) fn at(&self, name: &str) -> Member<'a> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        let value = self.value.and_then(|value| value.get(name)).filter(|value| !value.is_null());
        Member { path, value }
    }

    pub(crate) fn is_given(&self) -> bool {
        self.value.is_some()
    }

    pub(crate) fn value(&self) -> Option<&'a Value> {
        self.value
    }

    pub(crate) fn object(&self) -> Result<Option<&'a Map<String, Value>>, Invalid> {
        self.typed("a JSON object", Value::as_object)
    }

    pub(crate) fn list(&self) -> Result<Option<&'a [Value]>, Invalid> {
        self.typed("a JSON array", |value| value.as_array().map(Vec::as_slice))
    }

    pub(crate) fn text(&self) -> Result<Option<&'a str>, Invalid> {
        self.typed("a string", Value::as_str)
    }

    /// Empty is absent: C# and Java write empty strings where there is nothing (dps.md §7.2).
    pub(crate) fn filled_text(&self) -> Result<Option<&'a str>, Invalid> {
        Ok(self.text()?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn truth(&self) -> Result<Option<bool>, Invalid> {
        self.typed("true or false", Value::as_bool)
    }

    /// The text made into something else, by a `parse` whose error says what is wrong with it.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Invalid> {
        let text = self.filled_text()?;
        text.map(|text| parse(text).map_err(|error| self.wrong(error))).transpose()
    }

    pub(crate) fn wrong(&self, problem: impl std::fmt::Display) -> Invalid {
        let field = if self.path.is_empty() { "body".to_owned() } else { self.path.clone() };
        Invalid { field, problem: problem.to_string() }
    }

    fn typed<T>(
        &self,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        let read = |value| read(value).ok_or_else(|| self.wrong(format!("write {wanted}")));
        self.value.map(read).transpose()
    }
}
