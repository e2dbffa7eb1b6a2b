//! `muster certificate`: named CAs that enrollments refer to.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::json;

use super::enrolled::versioned;
use super::enrollment::{All, One};
use super::failure::{Failure, expect, expect_json};
use super::target::Target;
use super::{input, show};
use crate::client::{Call, segment};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Add a CA certificate that devices' chains may lead to
    #[command(
        after_help = "Example:\n  muster certificate add plant-root plant-root.pem\n  muster group create line-4 --ca plant-root"
    )]
    Add(Add),
    /// Show all
    #[command(visible_alias = "ls")]
    List(All),
    /// Show one
    #[command(visible_alias = "get")]
    Show(One),
    /// Delete one that no enrollment refers to
    #[command(visible_alias = "rm")]
    Delete(One),
}

#[derive(Args, Debug)]
struct Add {
    /// The name that enrollments refer to
    name: String,
    /// The certificate (PEM); - for standard input
    file: PathBuf,
    /// Store it without trusting it: whoever holds its key has not been asked yet
    #[arg(long)]
    unverified: bool,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Add(add) => create(add).await,
        Action::List(All { target }) => {
            let call = Call::new(Method::GET, versioned("/certificates"));
            let all = expect_json(target.dps()?.call(&call).await?)?;
            if target.json {
                show::json(&all);
                return Ok(());
            }
            let list =
                all.as_array().or_else(|| all["value"].as_array()).map(Vec::as_slice).unwrap_or_default();
            let rows = list.iter().map(|one| {
                vec![
                    show::text(&one["name"]),
                    show::text(&one["info"]["subjectName"]),
                    show::instant(&one["info"]["notAfterUtc"]),
                    standing(one).to_owned(),
                ]
            });
            show::table(
                &["NAME", "SUBJECT", "VALID UNTIL", "TRUSTED"],
                rows.collect(),
                "there are none; `add` stores one",
            );
            Ok(())
        }
        Action::Show(One { id, target }) => {
            let found = expect_json(target.dps()?.call(&Call::new(Method::GET, path(&id))).await?)?;
            if target.json {
                show::json(&found);
                return Ok(());
            }
            let info = |name: &str| show::text(&found["info"][name]);
            show::facts(&[
                ("name", show::text(&found["name"])),
                ("subject", info("subjectName")),
                ("issuer", info("issuerName")),
                ("serial", info("serialNumber")),
                ("SHA-256", info("sha256Thumbprint")),
                ("valid from", show::instant(&found["info"]["notBeforeUtc"])),
                ("valid until", show::instant(&found["info"]["notAfterUtc"])),
                ("trusted", standing(&found).to_owned()),
            ]);
            Ok(())
        }
        Action::Delete(One { id, target }) => {
            expect(target.dps()?.call(&Call::new(Method::DELETE, path(&id))).await?)?;
            match target.json {
                true => show::json(&json!({ "name": id, "deleted": true })),
                false => show::line(format_args!("deleted certificate `{id}`")),
            }
            Ok(())
        }
    }
}

async fn create(add: Add) -> Result<(), Failure> {
    let body = json!({ "certificate": input::text_file(&add.file)?, "isVerified": !add.unverified });
    let call = Call::new(Method::PUT, path(&add.name)).body(body);
    let created = expect_json(add.target.dps()?.call(&call).await?)?;
    match add.target.json {
        true => show::json(&created),
        false => show::line(format_args!(
            "added certificate `{}`: {}, valid until {}",
            add.name,
            show::text(&created["info"]["subjectName"]),
            show::instant(&created["info"]["notAfterUtc"])
        )),
    }
    Ok(())
}

fn path(name: &str) -> String {
    versioned(&format!("/certificates/{}", segment(name)))
}

fn standing(certificate: &serde_json::Value) -> &'static str {
    match certificate["isVerified"].as_bool() {
        Some(true) => "yes",
        _ => "no",
    }
}
