//! `/events`, an extension of ours: the event log over REST, for `muster events tail` and scripts.
//!
//! `GET /events?partition=0&from=17&max=100&wait_s=20&device=d` answers
//! `{"partition", "firstOffset", "nextOffset", "events": […]}`. `from` is an offset, `earliest` or `latest`; ask on with
//! `nextOffset`. `wait_s` waits for the first event; `device` leaves out those of others.
//! `GET /events/partitions` answers `[{"partition", "firstOffset", "nextOffset"}]`.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, errors::ApiError, json_response};
use crate::{backend, service::Hub};

/// Events of one answer.
const EVENTS_MAX: usize = 1000;
const EVENTS_DEFAULT: usize = 100;
/// Events read at once: bodies may be 256 KB each.
const PAGE: usize = 64;
/// Bodies of one answer; the last event may go over it.
const BODIES_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Proxies between here and there close what is silent for a minute.
const WAIT_S_MAX: u64 = 50;

pub(super) async fn read(hub: &Hub, asked: &Asked) -> Result<Response, ApiError> {
    let log = hub.log();
    let partition = asked.number("partition", "a partition's number, see /events/partitions")?.unwrap_or(0);
    let max = asked.number("max", "a number from 1 to 1000")?.unwrap_or(EVENTS_DEFAULT).clamp(1, EVENTS_MAX);
    let wait_s = asked.number("wait_s", "seconds, at most 50")?.unwrap_or(0).min(WAIT_S_MAX);
    if partition >= log.partitions() {
        let partitions = log.partitions();
        return Err(muster_events::ReadError::Partition { partition, partitions }.into());
    }
    let mut from = match asked.query.get("from").map(String::as_str) {
        None | Some("earliest") => log.extent(partition).first,
        Some("latest") => log.extent(partition).next,
        Some(_) => asked.number("from", "an offset, `earliest` or `latest`")?.unwrap_or(0),
    };
    let device = asked.query.get("device").map(String::as_str);

    let mut changed = log.changed();
    let mut page = read_page(hub, partition, from, max, device).await?;
    if page.events.is_empty() && page.next <= from && wait_s > 0 {
        let more = async {
            while changed.changed().await.is_ok() {
                if log.extent(partition).next > from {
                    return;
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(wait_s), more).await.is_ok() {
            page = read_page(hub, partition, from, max, device).await?;
        }
    }
    from = page.next;
    let body = json!({
        "partition": partition,
        "firstOffset": log.extent(partition).first,
        "nextOffset": from,
        "events": page.events,
    });
    Ok(json_response(StatusCode::OK, &body))
}

pub(super) fn partitions(hub: &Hub) -> Response {
    let log = hub.log();
    let partitions = (0..log.partitions()).map(|partition| {
        let extent = log.extent(partition);
        json!({ "partition": partition, "firstOffset": extent.first, "nextOffset": extent.next })
    });
    json_response(StatusCode::OK, &partitions.collect())
}

struct Page {
    events: Vec<Value>,
    next: u64,
}

async fn read_page(
    hub: &Hub,
    partition: u16,
    from: u64,
    max: usize,
    device: Option<&str>,
) -> Result<Page, ApiError> {
    let mut page = Page { events: Vec::new(), next: from };
    let (mut looked_at, mut bytes) = (0, 0);
    while page.events.len() < max && looked_at < EVENTS_MAX && bytes < BODIES_BYTES_MAX {
        let stored = hub.log().read(partition, page.next, PAGE.min(max - page.events.len())).await?;
        let Some(last) = stored.last() else { break };
        page.next = last.offset + 1;
        looked_at += stored.len();
        for one in stored.iter().filter(|one| device.is_none_or(|device| *one.event.device == *device)) {
            bytes += one.event.body.len();
            page.events.push(backend::event_json(one));
        }
    }
    Ok(page)
}
