//! `muster ca grant`: who may ask for which certificates.

use clap::{Args, Subcommand};
use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::get;
use crate::cli::failure::{Failure, expect, expect_json};
use crate::cli::target::Target;
use crate::cli::{input, show};
use crate::client::{Call, segment};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show all
    #[command(visible_alias = "ls")]
    List(All),
    /// Store one
    #[command(after_help = "Examples:\n  \
        muster ca grant put line-4 --to policy:factory --name 'pump-*' --until 2027-01-31T00:00:00Z\n  \
        muster ca grant put lab --to 'est:lab/*' --name '{caller}' --per-minute 6\n\
        \nA credential is policy:NAME, est:LABEL/USER, token:LABEL/ID, certificate:SHA256 or\n\
        registration:ID, or its beginning with * after it. Whoever has no grant that fits gets no\n\
        certificate.")]
    Put(Box<Put>),
    /// Delete one
    #[command(visible_alias = "rm")]
    Delete(One),
}

#[derive(Args, Debug)]
struct All {
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct One {
    /// Its name
    id: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Put {
    /// Its name; one that is there is replaced
    id: String,
    /// Who may ask, by credential
    #[arg(long, value_name = "CREDENTIAL", required_unless_present = "body")]
    to: Option<String>,
    /// Which authority
    #[arg(long, value_name = "ID", default_value = "issuing")]
    authority: String,
    /// For which profile
    #[arg(long, value_name = "NAME", default_value = "device")]
    profile: String,
    /// With which names: * is any run of characters, {caller} who asks; several by several
    #[arg(long, value_name = "PATTERN", required_unless_present = "body")]
    name: Vec<String>,
    /// As many certificates an hour
    #[arg(long, value_name = "COUNT")]
    per_hour: Option<u64>,
    /// As many a day
    #[arg(long, value_name = "COUNT")]
    per_day: Option<u64>,
    /// As many in all
    #[arg(long, value_name = "COUNT")]
    total: Option<u64>,
    /// As many requests a minute, of each caller
    #[arg(long, value_name = "COUNT")]
    per_minute: Option<u32>,
    /// As many of them at once [default: as many as in a minute]
    #[arg(long, value_name = "COUNT", requires = "per_minute")]
    burst: Option<u32>,
    /// No longer than that
    #[arg(long, value_name = "INSTANT")]
    until: Option<Timestamp>,
    /// The whole grant as JSON instead: @FILE, or - for standard input
    #[arg(long, value_name = "JSON", conflicts_with_all = ["to", "name", "per_hour", "per_day", "total", "per_minute", "until"])]
    body: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::List(All { target }) => list(&target).await,
        Action::Put(put) => {
            let call = Call::new(Method::PUT, path(&put.id)).body(put.grant()?);
            let stored = expect_json(put.target.ca()?.call(&call).await?)?;
            match put.target.json {
                true => show::json(&stored),
                false => show::line(format_args!("stored grant `{}`", put.id)),
            }
            Ok(())
        }
        Action::Delete(One { id, target }) => {
            expect(target.ca()?.call(&Call::new(Method::DELETE, path(&id))).await?)?;
            match target.json {
                true => show::json(&json!({ "id": id, "deleted": true })),
                false => show::line(format_args!("deleted grant `{id}`")),
            }
            Ok(())
        }
    }
}

impl Put {
    fn grant(&self) -> Result<Value, Failure> {
        if let Some(body) = &self.body {
            return input::json(body);
        }
        let counts = [("perHour", self.per_hour), ("perDay", self.per_day), ("total", self.total)];
        let quota: Map<_, _> =
            counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), json!(count?)))).collect();
        let mut grant = json!({
            "to": self.to, "authority": self.authority, "profile": self.profile, "names": self.name, "quota": quota,
        });
        if let Some(per_minute) = self.per_minute {
            grant["rate"] = json!({ "perMinute": per_minute, "burst": self.burst.unwrap_or(per_minute) });
        }
        if let Some(until) = self.until {
            grant["until"] = json!(until);
        }
        Ok(grant)
    }
}

async fn list(target: &Target) -> Result<(), Failure> {
    let all = get(&target.ca()?, "/ca/grants").await?;
    if target.json {
        show::json(&all);
        return Ok(());
    }
    let row = |one: &Value| {
        let names = one["names"].as_array().into_iter().flatten().map(show::text).collect::<Vec<_>>();
        let member = |name: &str| show::text(&one[name]);
        let end = show::instant(&one["until"]);
        vec![
            member("id"),
            member("to"),
            member("authority"),
            member("profile"),
            names.join(" "),
            limits(one),
            end,
        ]
    };
    let rows = all.as_array().into_iter().flatten().map(row).collect();
    let header = ["ID", "TO", "AUTHORITY", "PROFILE", "NAMES", "LIMITS", "UNTIL"];
    show::table(&header, rows, "there are none; `put` stores one");
    Ok(())
}

fn limits(grant: &Value) -> String {
    let (quota, rate) = (&grant["quota"], &grant["rate"]);
    let counts = [
        (&quota["perHour"], "an hour"),
        (&quota["perDay"], "a day"),
        (&quota["total"], "in all"),
        (&rate["perMinute"], "requests a minute"),
    ];
    let said = counts.into_iter().filter_map(|(count, of)| Some(format!("{} {of}", count.as_u64()?)));
    said.collect::<Vec<_>>().join(", ")
}

fn path(id: &str) -> String {
    format!("/ca/grants/{}", segment(id))
}
