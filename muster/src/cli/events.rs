//! `muster events tail`: what devices send, as it becomes durable.

use std::time::Duration;

use clap::{Args, Subcommand};
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::device::API_VERSION;
use super::failure::{Failure, expect_json};
use super::show;
use super::target::{HubClient, Target};
use crate::client::{Call, segment};

/// How long one request waits for news; shorter than the client's patience.
const WAIT_S: u64 = 20;
/// Events of one answer.
const PAGE: usize = 200;
/// A server that restarts is asked again.
const PAUSE: Duration = Duration::from_secs(2);
/// Pages read and not yet printed.
const PAGES_MAX: usize = 4;
/// What is shown of a body.
const SHOWN_CHARACTERS: usize = 300;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Follow the event logs of all hubs, or of one
    #[command(after_help = "Examples:\n  \
        muster events tail                                  # from now on, until Ctrl-C\n  \
        muster events tail --device pump-7 --from start\n  \
        muster events tail --hub hub-1 --from start --no-follow --json > events.jsonl")]
    Tail(Tail),
}

#[derive(Args, Debug)]
struct Tail {
    /// Only this hub, by name or host name
    #[arg(long, value_name = "HUB")]
    hub: Option<String>,
    /// Only this device
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Where to begin: `start`, `now`, or an offset
    #[arg(long, value_name = "WHERE", default_value = "now", value_parser = beginning)]
    from: String,
    /// Stop at the end instead of waiting for more
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    target: Target,
}

fn beginning(text: &str) -> Result<String, String> {
    match text {
        "start" | "earliest" => Ok("earliest".to_owned()),
        "now" | "latest" => Ok("latest".to_owned()),
        offset if offset.parse::<u64>().is_ok() => Ok(offset.to_owned()),
        _ => Err("write `start`, `now` or a number".to_owned()),
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Action::Tail(tail) = arguments.action;
    let hubs = tail.target.hubs(tail.hub.as_deref())?;
    let (sender, mut pages) = mpsc::channel(PAGES_MAX);
    let readers = async {
        let readers = hubs.iter().map(|hub| follow_hub(hub, &tail, sender.clone()));
        let outcomes = join_all(readers).await;
        drop(sender);
        outcomes.into_iter().collect::<Result<Vec<()>, _>>()
    };
    let printer = async {
        while let Some(page) = pages.recv().await {
            print(page, tail.target.json);
        }
    };
    tokio::join!(readers, printer).0.map(drop)
}

struct Page {
    hub: String,
    events: Vec<Value>,
}

async fn follow_hub(hub: &HubClient, tail: &Tail, sender: mpsc::Sender<Page>) -> Result<(), Failure> {
    let call = Call::new(Method::GET, format!("/events/partitions?{API_VERSION}"));
    let partitions = expect_json(hub.client.call(&call).await?)?;
    let numbers = partitions.as_array().into_iter().flatten().filter_map(|one| one["partition"].as_u64());
    let readers = numbers.map(|partition| follow(hub, partition, tail, sender.clone()));
    join_all(readers).await.into_iter().collect()
}

async fn follow(
    hub: &HubClient,
    partition: u64,
    tail: &Tail,
    sender: mpsc::Sender<Page>,
) -> Result<(), Failure> {
    let mut from = tail.from.clone();
    let wait_s = if tail.no_follow { 0 } else { WAIT_S };
    let device = tail.device.as_ref().map_or_else(String::new, |id| format!("&device={}", segment(id)));
    loop {
        let path = format!(
            "/events?partition={partition}&from={from}&max={PAGE}&wait_s={wait_s}{device}&{API_VERSION}"
        );
        let answer = match hub.client.call(&Call::new(Method::GET, path)).await {
            Ok(answer) => expect_json(answer)?,
            Err(error) if !tail.no_follow => {
                tracing::debug!(%error, "asking again");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let next = answer["nextOffset"].as_u64().map(|it| it.to_string()).unwrap_or_default();
        let at_end = next == from || next.is_empty();
        let events = answer["events"].as_array().cloned().unwrap_or_default();
        let nothing = events.is_empty();
        if !nothing && sender.send(Page { hub: hub.name.clone(), events }).await.is_err() {
            return Ok(());
        }
        if tail.no_follow && (at_end || (nothing && from == "latest")) {
            return Ok(());
        }
        from = next;
    }
}

fn print(page: Page, json: bool) {
    for mut event in page.events {
        if json {
            event["hub"] = json!(page.hub);
            show::line(event);
            continue;
        }
        let time = show::text(&event["enqueuedTime"]);
        let time = time.get(11..23).unwrap_or(&time);
        let properties = match event["properties"].as_object() {
            Some(properties) if !properties.is_empty() => format!("  {}", event["properties"]),
            _ => String::new(),
        };
        let (device, body) = (show::text(&event["deviceId"]), body(&event));
        show::line(format_args!("{time}  {}  {device}  {body}{properties}", page.hub));
    }
}

/// One line of it, whatever it is.
fn body(event: &Value) -> String {
    let text = show::text(&event["body"]);
    let mut shown: String =
        text.chars().take(SHOWN_CHARACTERS).map(|char| if char.is_control() { ' ' } else { char }).collect();
    if text.chars().count() > SHOWN_CHARACTERS {
        shown.push('…');
    }
    shown
}
