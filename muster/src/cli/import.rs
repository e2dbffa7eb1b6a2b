//! `muster enrollment import`: many enrollments from a file, ten a call, a few calls at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::{StreamExt, stream};
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::enrolled::versioned;
use super::failure::{Failure, expect_json};
use super::target::Target;
use super::{input, show};
use crate::client::{Call, Client};

/// What the service takes in one bulk call (dps.md §7.2).
const BULK_MAX: usize = 10;
const CALLS_AT_ONCE: usize = 4;
/// Refusals shown one by one; the rest are counted.
const SHOWN_MAX: usize = 20;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// One enrollment as JSON on each line; - for standard input
    file: PathBuf,
    /// What to do with each
    #[arg(long, value_enum, default_value_t = Mode::Create)]
    mode: Mode,
    /// `credentialPolicyName` of every line that has none: a profile, or AUTHORITY/PROFILE
    #[arg(long, value_name = "POLICY")]
    credential_policy: Option<String>,
    #[command(flatten)]
    target: Target,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Mode {
    /// Refuse those that exist
    Create,
    /// Replace those that exist
    Update,
    /// Delete them
    Delete,
}

struct Refused {
    line: usize,
    id: String,
    why: String,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut lines = parse(&input::text_file(&arguments.file)?)?;
    if let Some(policy) = &arguments.credential_policy {
        lines.iter_mut().for_each(|(_, enrollment)| certify(enrollment, policy));
    }
    let client = arguments.target.dps()?;
    let mode = match arguments.mode {
        Mode::Create => "create",
        Mode::Update => "update",
        Mode::Delete => "delete",
    };
    let bar = bar(lines.len() as u64, arguments.target.json);
    let total = lines.len();
    let calls = lines.chunks(BULK_MAX).map(|chunk| {
        let (client, bar) = (&client, &bar);
        async move {
            let refused = bulk(client, mode, chunk).await;
            bar.inc(chunk.len() as u64);
            refused
        }
    });
    let mut calls = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE);
    let mut refused = Vec::new();
    while let Some(outcome) = calls.next().await {
        refused.extend(outcome?);
    }
    bar.finish_and_clear();
    refused.sort_by_key(|one| one.line);
    report(total, &refused, arguments.target.json)
}

/// Each with the number of its line.
fn parse(text: &str) -> Result<Vec<(usize, Value)>, Failure> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| match serde_json::from_str::<Value>(line) {
            Ok(value) if value["registrationId"].is_string() => Ok((at + 1, value)),
            Ok(_) => Err(Failure::new(format!("line {}: there is no `registrationId`", at + 1))
                .fix("write one enrollment as JSON on each line")),
            Err(error) => Err(Failure::new(format!("line {}: this is not JSON: {error}", at + 1))
                .fix("write one enrollment as JSON on each line")),
        })
        .collect()
}

fn certify(enrollment: &mut Value, policy: &str) {
    if enrollment["credentialPolicyName"].is_null() {
        enrollment["credentialPolicyName"] = json!(policy);
    }
}

async fn bulk(client: &Client, mode: &str, chunk: &[(usize, Value)]) -> Result<Vec<Refused>, Failure> {
    let enrollments: Vec<_> = chunk.iter().map(|(_, one)| one).collect();
    let call = Call::new(Method::POST, versioned("/enrollments"))
        .body(json!({ "mode": mode, "enrollments": enrollments }));
    let answer = expect_json(client.call(&call).await?)?;
    let id = |value: &Value| show::text(value).to_ascii_lowercase();
    let lines: HashMap<_, _> = chunk.iter().map(|(line, one)| (id(&one["registrationId"]), *line)).collect();
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(errors
        .iter()
        .map(|error| Refused {
            line: lines.get(&id(&error["registrationId"])).copied().unwrap_or_default(),
            id: show::text(&error["registrationId"]),
            why: format!("{} ({})", show::text(&error["errorStatus"]), show::text(&error["errorCode"])),
        })
        .collect())
}

fn bar(total: u64, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} enrollments, {per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn report(total: usize, refused: &[Refused], as_json: bool) -> Result<(), Failure> {
    let done = total - refused.len();
    if as_json {
        let errors =
            refused.iter().map(|it| json!({ "line": it.line, "registrationId": it.id, "error": it.why }));
        show::json(&json!({ "done": done, "errors": errors.collect::<Vec<_>>() }));
    } else {
        show::line(show::count(done, "enrollment done", "enrollments done"));
        for one in refused.iter().take(SHOWN_MAX) {
            show::line(format_args!("line {}: `{}`: {}", one.line, one.id, one.why));
        }
    }
    match refused.len() {
        0 => Ok(()),
        n => Err(Failure::new(show::count(n, "enrollment was refused", "enrollments were refused"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_says_itself_stays() {
        let mut lines = [json!({}), json!({ "credentialPolicyName": "line-4/device" })];
        lines.iter_mut().for_each(|line| certify(line, "device"));
        assert_eq!(lines.map(|line| line["credentialPolicyName"].clone()), ["device", "line-4/device"]);
    }

    #[test]
    fn each_line_is_one_enrollment_and_a_bad_one_is_named() {
        let good = parse("{\"registrationId\":\"a\"}\n\n{\"registrationId\":\"b\"}\n").unwrap();
        assert_eq!(good.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
        for bad in ["{\"registrationId\":\"a\"}\n{", "{\"registrationId\":\"a\"}\n{\"id\": 1}"] {
            assert!(format!("{:?}", parse(bad).err().unwrap()).contains("line 2"));
        }
    }
}
