//! Pages: how many items, where to go on, of what type they are (dps.md §7.2).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    call::{Call, Reply},
    status::ApiError,
};
use crate::enrollment::{Filter, Invalid, Page, parse_query};

const ITEMS_DEFAULT: usize = 100;
/// A thousand enrollments are half a megabyte of JSON.
const ITEMS_MAX: usize = 1000;

pub(super) struct Wanted {
    pub(super) after: String,
    pub(super) max: usize,
}

pub(super) fn wanted(call: &Call) -> Result<Wanted, ApiError> {
    const COUNT: &str = "x-ms-max-item-count";
    let max = match call.header(COUNT).map(str::trim).filter(|count| !count.is_empty()) {
        None => ITEMS_DEFAULT,
        Some(count) => {
            let problem = || format!("`{count}` is not a number from 1 to {ITEMS_MAX}");
            // -1 is what Azure's SDKs know as "you choose"
            let count: i64 =
                count.parse().map_err(|_| ApiError::Header { header: COUNT, problem: problem() })?;
            match usize::try_from(count) {
                Ok(0) => return Err(ApiError::Header { header: COUNT, problem: problem() }),
                Ok(count) => count.min(ITEMS_MAX),
                Err(_) => ITEMS_DEFAULT,
            }
        }
    };
    Ok(Wanted { after: after(call)?, max })
}

/// The query in a body that may be missing altogether (the CLI, for registrations).
pub(super) fn filter(body: &Value) -> Result<Filter, ApiError> {
    match body.get("query") {
        None | Some(Value::Null) => Ok(Filter::default()),
        Some(Value::String(text)) => Ok(parse_query(text)?),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            let problem = "write a string like `SELECT *`".to_owned();
            Err(Invalid { field: "query".to_owned(), problem }.into())
        }
    }
}

/// `x-ms-continuation` is absent on the last page: an empty one sends C# and Java round in circles.
pub(super) fn reply(page: Page, item_type: &'static str) -> Reply {
    let reply = Reply::ok(Value::Array(page.items)).with("x-ms-item-type", item_type);
    match page.next {
        Some(next) => reply.with("x-ms-continuation", BASE64_URL_SAFE_NO_PAD.encode(next)),
        None => reply,
    }
}

fn after(call: &Call) -> Result<String, ApiError> {
    const CONTINUATION: &str = "x-ms-continuation";
    let Some(token) = call.header(CONTINUATION).filter(|token| !token.is_empty()) else {
        return Ok(String::new());
    };
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(token).ok().and_then(|id| String::from_utf8(id).ok());
    decoded.ok_or_else(|| ApiError::Header {
        header: CONTINUATION,
        problem: "is not one that a query here answered with".to_owned(),
    })
}
