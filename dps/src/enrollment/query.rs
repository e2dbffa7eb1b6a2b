//! The texts of queries that clients send: everything, or what equals something (dps.md §7.2).

use serde_json::Value;

/// Longer ones are not in the grammar anyway.
const QUERY_BYTES_MAX: usize = 4096;
/// More than anybody wrote so far; each is compared with every row.
const CONDITIONS_MAX: usize = 8;

/// All conditions must hold; none selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    /// `attestation.type`
    path: String,
    wanted: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("field `query`: has {bytes} bytes, at most {QUERY_BYTES_MAX} are read")]
    TooLong { bytes: usize },
    #[error(
        "field `query`: `{near}` is not understood, write `SELECT *`, or `SELECT * WHERE name = 'value'` with `AND` between conditions"
    )]
    Grammar { near: String },
    #[error("field `query`: has more than {CONDITIONS_MAX} conditions")]
    TooMany,
}

pub(crate) fn parse(text: &str) -> Result<Filter, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(QueryError::TooLong { bytes: text.len() });
    }
    let text = unwrapped(text).trim();
    let mut words = Words { rest: text };
    if text.is_empty() || text == "*" {
        return Ok(Filter::default()); // what Node's users and the empty specification say for everything
    }
    words.expect("select")?;
    words.expect("*")?;
    let mut next = words.next()?;
    if next.as_ref().is_some_and(|word| word.is("from")) {
        words.next()?.ok_or_else(|| words.fault())?; // the table is in the path
        next = words.next()?;
    }
    let Some(keyword) = next else { return Ok(Filter::default()) };
    if !keyword.is("where") {
        return Err(QueryError::Grammar { near: keyword.text });
    }
    let mut conditions = Vec::new();
    loop {
        if conditions.len() == CONDITIONS_MAX {
            return Err(QueryError::TooMany);
        }
        conditions.push(words.condition()?);
        match words.next()? {
            None => return Ok(Filter { conditions }),
            Some(word) if word.is("and") => {}
            Some(word) => return Err(QueryError::Grammar { near: word.text }),
        }
    }
}

impl Filter {
    pub(crate) fn takes(&self, json: &Value) -> bool {
        self.conditions.iter().all(|condition| condition.holds(json))
    }

    pub(crate) fn takes_all(&self) -> bool {
        self.conditions.is_empty()
    }
}

impl Condition {
    /// Ids, host names and statuses are all compared without regard to case elsewhere, so here too.
    fn holds(&self, json: &Value) -> bool {
        let found = self.path.split('.').try_fold(json, |json, name| {
            let object = json.as_object()?;
            object.iter().find(|(member, _)| member.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        match found {
            Some(Value::String(text)) => text.eq_ignore_ascii_case(&self.wanted),
            Some(Value::Array(values)) => values
                .iter()
                .any(|value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(&self.wanted))),
            Some(Value::Bool(truth)) => self.wanted.parse().is_ok_and(|wanted: bool| wanted == *truth),
            Some(Value::Number(number)) => {
                self.wanted.parse().is_ok_and(|wanted: serde_json::Number| wanted == *number)
            }
            Some(Value::Null | Value::Object(_)) | None => false,
        }
    }
}

/// The CLI sends Python's idea of its own request: `{'additional_properties': {}, 'query': 'SELECT *'}`.
fn unwrapped(text: &str) -> &str {
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .and_then(|text| text.split_once("'query':"))
        .map(|(_, query)| query.trim());
    let Some(inner) = inner else { return text };
    let quote = inner.chars().next().filter(|quote| ['\'', '"'].contains(quote));
    quote.and_then(|quote| inner.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

struct Words<'a> {
    rest: &'a str,
}

struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(keyword)
    }
}

impl Words<'_> {
    fn next(&mut self) -> Result<Option<Word>, QueryError> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let (text, rest, quoted) = match first {
            '\'' | '"' | '`' => {
                let (text, rest) = self.rest[1..].split_once(first).ok_or_else(|| self.fault())?;
                (text, rest, true)
            }
            '=' | '*' => {
                let (text, rest) = self.rest.split_at(1);
                (text, rest, false)
            }
            _ => {
                let end = self.rest.find(|c: char| c.is_whitespace() || "='\"`*".contains(c));
                let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                (text, rest, false)
            }
        };
        let word = Word { text: text.to_owned(), quoted };
        self.rest = rest;
        Ok(Some(word))
    }

    fn expect(&mut self, keyword: &str) -> Result<(), QueryError> {
        let near = self.fault();
        match self.next()? {
            Some(word) if word.is(keyword) => Ok(()),
            _ => Err(near),
        }
    }

    fn condition(&mut self) -> Result<Condition, QueryError> {
        let path = self.next()?.filter(|word| !word.quoted).ok_or_else(|| self.fault())?;
        self.expect("=")?;
        let wanted = self.next()?.ok_or_else(|| self.fault())?;
        Ok(Condition { path: path.text, wanted: wanted.text })
    }

    fn fault(&self) -> QueryError {
        QueryError::Grammar { near: self.rest.chars().take(40).collect() }
    }
}
