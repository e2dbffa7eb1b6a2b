//! `muster registration`: what became of devices that asked to be provisioned.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::enrolled::{self, Kind, versioned};
use super::enrollment::One;
use super::failure::{Failure, expect, expect_json};
use super::show;
use super::target::Target;
use crate::client::{Call, Client, segment};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show all, or those of a group
    #[command(visible_alias = "ls", after_help = "Example:\n  muster registration list --group line-4")]
    List(List),
    /// Show one
    Get(One),
    /// Forget one; the device stays at its hub
    #[command(visible_alias = "rm")]
    Delete(One),
}

#[derive(Args, Debug)]
struct List {
    /// Only those that came through this group
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::List(List { group, target }) => list(&target.dps()?, group.as_deref(), target.json).await,
        Action::Get(One { id, target }) => get(&target.dps()?, &id, target.json).await,
        Action::Delete(One { id, target }) => {
            expect(target.dps()?.call(&Call::new(Method::DELETE, path(&id))).await?)?;
            match target.json {
                true => show::json(&json!({ "registrationId": id, "deleted": true })),
                false => show::line(format_args!(
                    "deleted the registration of `{id}`; the device stays at its hub"
                )),
            }
            Ok(())
        }
    }
}

fn path(id: &str) -> String {
    versioned(&format!("/registrations/{}", segment(id)))
}

async fn get(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let found = expect_json(client.call(&Call::new(Method::GET, path(id))).await?)?;
    if json {
        show::json(&found);
        return Ok(());
    }
    let member = |name: &str| show::text(&found[name]);
    show::facts(&[
        ("id", member("registrationId")),
        ("status", member("status")),
        ("how", member("substatus")),
        ("hub", member("assignedHub")),
        ("device", member("deviceId")),
        ("error", [member("errorCode"), member("errorMessage")].join(" ").trim().to_owned()),
        ("first asked", show::instant(&found["createdDateTimeUtc"])),
        ("last change", show::instant(&found["lastUpdatedDateTimeUtc"])),
        ("etag", member("etag")),
    ]);
    Ok(())
}

async fn list(client: &Client, group: Option<&str>, json: bool) -> Result<(), Failure> {
    let all = match group {
        Some(group) => of_group(client, group).await?,
        None => everyone(client).await?,
    };
    if json {
        show::json(&Value::Array(all));
        return Ok(());
    }
    let rows = all.iter().map(|one| {
        vec![
            show::text(&one["registrationId"]),
            show::text(&one["status"]),
            show::text(&one["assignedHub"]),
            show::text(&one["deviceId"]),
            show::instant(&one["lastUpdatedDateTimeUtc"]),
        ]
    });
    show::table(&["ID", "STATUS", "HUB", "DEVICE", "LAST CHANGE"], rows.collect(), "no device has asked yet");
    Ok(())
}

async fn of_group(client: &Client, group: &str) -> Result<Vec<Value>, Failure> {
    enrolled::query(client, &versioned(&format!("/registrations/{}/query", segment(group)))).await
}

/// Azure's API lists by group only; individual enrollments carry theirs.
async fn everyone(client: &Client) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    for mut individual in enrolled::all(client, Kind::Individual).await? {
        if individual["registrationState"].is_object() {
            all.push(individual["registrationState"].take());
        }
    }
    for group in enrolled::all(client, Kind::Group).await? {
        all.extend(of_group(client, &show::text(&group["enrollmentGroupId"])).await?);
    }
    Ok(all)
}
