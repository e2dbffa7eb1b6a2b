//! `muster ca profile`: what certificates may say.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use muster_ca::Profile;

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
    /// Show the text of one
    #[command(visible_alias = "get", after_help = "Example:\n  muster ca profile show device > line-4.toml")]
    Show(One),
    /// Store a new one, or the next version of one
    #[command(after_help = "Examples:\n  \
        muster ca profile show device > short.toml   # then change its `name` and what else is to differ\n  \
        muster ca profile check short.toml\n  \
        muster ca profile put short.toml")]
    Put(File),
    /// Check a text without storing it
    #[command(after_help = "Example:\n  muster ca profile check short.toml   # no server is asked")]
    Check(Check),
    /// No more certificates by one; a new version brings it back
    Retire(One),
}

#[derive(Args, Debug)]
struct All {
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct One {
    /// Its name; NAME@3 is that version
    name: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct File {
    /// The profile (TOML); - for standard input
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Check {
    /// The profile (TOML); - for standard input
    file: PathBuf,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::List(All { target }) => list(&target).await,
        Action::Show(One { name, target }) => {
            let found = get(&target.ca()?, path(&name)).await?;
            match target.json {
                true => show::json(&found),
                false => show::line(show::text(&found["source"]).trim_end()),
            }
            Ok(())
        }
        Action::Put(File { file, target }) => {
            let source = input::text_file(&file)?;
            let name = parse(&source)?.id.name;
            let call = Call::new(Method::PUT, path(&name)).body(json!({ "source": source }));
            let stored = expect_json(target.ca()?.call(&call).await?)?;
            match target.json {
                true => show::json(&stored),
                false => show::line(format_args!("stored profile `{}@{}`", name, stored["version"])),
            }
            Ok(())
        }
        Action::Check(Check { file, json }) => {
            let profile = parse(&input::text_file(&file)?)?;
            match json {
                true => show::json(&json!({ "name": profile.id.name, "title": profile.title })),
                false => show::line(format_args!("profile `{}` can be stored", profile.id.name)),
            }
            Ok(())
        }
        Action::Retire(One { name, target }) => {
            expect(target.ca()?.call(&Call::new(Method::DELETE, path(&name))).await?)?;
            match target.json {
                true => show::json(&json!({ "name": name, "retired": true })),
                false => {
                    show::line(format_args!("retired profile `{name}`; what was issued by it stays good"))
                }
            }
            Ok(())
        }
    }
}

async fn list(target: &Target) -> Result<(), Failure> {
    let all = get(&target.ca()?, "/ca/profiles").await?;
    if target.json {
        show::json(&all);
        return Ok(());
    }
    let row =
        |one: &Value| ["name", "version", "title", "policy"].map(|name| show::text(&one[name])).to_vec();
    let rows = all.as_array().into_iter().flatten().map(row).collect();
    show::table(&["NAME", "VERSION", "TITLE", "POLICY"], rows, "there are none; `put` stores one");
    Ok(())
}

fn parse(source: &str) -> Result<Profile, Failure> {
    Profile::parse(source, 1)
        .map_err(|error| Failure::new(error).fix("`muster ca profile show device` prints one to start from"))
}

fn path(name: &str) -> String {
    format!("/ca/profiles/{}", segment(name))
}
