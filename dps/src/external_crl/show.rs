//! What the API tells of a certificate's revocation lists.

use serde_json::{Value, json};

use super::{Crls, Feed};
use crate::enrollment::instant;

pub(crate) fn show(crls: &Crls) -> Value {
    crls.feeds.iter().map(feed).collect()
}

fn feed(feed: &Feed) -> Value {
    let Feed { url, list, fetched, tried, due, problem } = feed;
    let list = list.as_ref().map(|list| {
        let list = list.list();
        json!({
            "number": hex::encode_upper(list.number()),
            "entries": list.len(),
            "thisUpdateUtc": instant(list.this_update()),
            "nextUpdateUtc": instant(list.next_update()),
        })
    });
    json!({
        "url": url.as_str(),
        "list": list,
        "fetchedDateTimeUtc": fetched.map(instant),
        "triedDateTimeUtc": tried.map(instant),
        "dueDateTimeUtc": instant(*due),
        "problem": problem,
    })
}
