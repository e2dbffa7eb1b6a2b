//! `muster twin`: what a device should be, what it says it is, and what we note about it.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::device::{OneDevice, find, path};
use super::failure::{Failure, expect_json};
use super::{input, show};
use crate::client::Call;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show a device's twin
    Get(OneDevice),
    /// Merge changes into desired properties and tags; null deletes
    #[command(after_help = "Examples:\n  \
        muster twin patch pump-7 --desired '{\"interval\": 30}'\n  \
        muster twin patch pump-7 --tags '{\"site\": null}'\n  \
        muster twin patch pump-7 --desired @settings.json")]
    Patch(Patch),
}

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(true).args(["desired", "tags"])))]
struct Patch {
    #[command(flatten)]
    one: OneDevice,
    /// Desired properties: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    desired: Option<String>,
    /// Tags: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    tags: Option<String>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let (one, twin) = match arguments.action {
        Action::Get(one) => {
            let (hub, _) = find(&one).await?;
            let twin = expect_json(hub.client.call(&Call::new(Method::GET, path("twins", &one.id))).await?)?;
            (one, twin)
        }
        Action::Patch(Patch { one, desired, tags }) => {
            let mut body = json!({});
            if let Some(desired) = desired {
                body["properties"] = json!({ "desired": input::json(&desired)? });
            }
            if let Some(tags) = tags {
                body["tags"] = input::json(&tags)?;
            }
            let (hub, _) = find(&one).await?;
            let call = Call::new(Method::PATCH, path("twins", &one.id)).body(body);
            (one, expect_json(hub.client.call(&call).await?)?)
        }
    };
    match one.target.json {
        true => show::json(&twin),
        false => show_twin(twin),
    }
    Ok(())
}

/// The three parts, without what is kept about them.
fn show_twin(mut twin: Value) {
    let version = |part: &Value| show::text(&part["$version"]);
    let (desired, reported) = (twin["properties"]["desired"].take(), twin["properties"]["reported"].take());
    show::facts(&[
        ("device", show::text(&twin["deviceId"])),
        ("status", show::text(&twin["status"])),
        ("connection", show::text(&twin["connectionState"])),
        ("last activity", show::instant(&twin["lastActivityTime"])),
        ("model", show::text(&twin["modelId"])),
        ("etag", show::text(&twin["etag"])),
    ]);
    let parts = [
        (format!("desired (version {})", version(&desired)), desired),
        (format!("reported (version {})", version(&reported)), reported),
        ("tags".to_owned(), twin["tags"].take()),
    ];
    for (title, mut part) in parts {
        if let Some(members) = part.as_object_mut() {
            members.retain(|name, _| name != "$metadata" && name != "$version");
        }
        show::line(format_args!("\n{title}\n{}", indented(&part)));
    }
}

fn indented(value: &Value) -> String {
    let text = match value {
        Value::Null => "{}".to_owned(),
        other => format!("{other:#}"),
    };
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
