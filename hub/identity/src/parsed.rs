//! Ids made by `parse` only: what a bad one is told, and the traits all of them have.

/// Why a text is not an id. The text itself is not repeated: it may be long, or anything at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("{what} is empty, give at least one character")]
    Empty { what: &'static str },
    #[error("{what} has {characters} characters, at most {max} are allowed")]
    TooLong { what: &'static str, characters: usize, max: usize },
    #[error("{what} has the character `{}`, allowed are {allowed}", character.escape_debug())]
    Character { what: &'static str, character: char, allowed: &'static str },
    #[error("{what} ends in `{character}`, end it with {allowed}")]
    End { what: &'static str, character: char, allowed: &'static str },
    #[error("{what} has an empty or too long part between its dots, each has 1 to 63 characters")]
    Label { what: &'static str },
}

/// What one kind of id may look like.
pub(crate) struct Alphabet {
    pub(crate) what: &'static str,
    pub(crate) max: usize,
    /// Besides ASCII letters and digits.
    pub(crate) punctuation: &'static str,
    /// The whole alphabet in words.
    pub(crate) allowed: &'static str,
}

impl Alphabet {
    pub(crate) fn check(&self, text: &str) -> Result<(), IdError> {
        let what = self.what;
        if text.is_empty() {
            return Err(IdError::Empty { what });
        }
        if text.len() > self.max {
            return Err(IdError::TooLong { what, characters: text.chars().count(), max: self.max });
        }
        match text.chars().find(|c| !c.is_ascii_alphanumeric() && !self.punctuation.contains(*c)) {
            Some(character) => Err(IdError::Character { what, character, allowed: self.allowed }),
            None => Ok(()),
        }
    }
}

/// The traits every id has. They need a field `0` that is an `Arc<str>`: ids are cloned per message, and cheaply so.
macro_rules! parsed {
    ($id:ident) => {
        impl $id {
            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub fn to_arc(&self) -> std::sync::Arc<str> {
                std::sync::Arc::clone(&self.0)
            }
        }

        impl AsRef<str> for $id {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({:?})", stringify!($id), &*self.0)
            }
        }

        impl std::str::FromStr for $id {
            type Err = $crate::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use parsed;
