//! `muster ca audit`: every decision, read, exported and verified.

mod export;
pub(super) mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use muster_ca::VerifierKey;

use super::get;
use crate::cli::failure::Failure;
use crate::cli::show;
use crate::cli::target::Target;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show entries
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  \
        muster ca audit list                    # the last 20\n  \
        muster ca audit list --from 1 --max 100"
    )]
    List(List),
    /// Write both logs, audit and transparency, into a file that is verified without a server
    #[command(after_help = "Examples:\n  \
        muster ca audit export -o audit.jsonl\n  \
        muster ca audit export | ssh auditor muster ca audit verify --export -")]
    Export(Export),
    /// Verify that nothing was changed and nothing is missing
    #[command(after_help = "Examples:\n  \
        muster ca audit verify                                     # the server's own\n  \
        muster ca audit verify --export audit.jsonl --key log.key  # no server is asked\n\
        \nThe key is what `muster ca audit key` shows: keep it elsewhere. Without it, the key in the export is\n\
        believed, and somebody who made all of it anew would not be noticed.")]
    Verify(Verify),
    /// Print the public key of the log: what everything of it is verified with
    #[command(after_help = "Example:\n  muster ca audit key > log.key")]
    Key(Plain),
    /// Print a signed checkpoint (C2SP tlog-checkpoint): how far the log is now
    #[command(
        after_help = "Example:\n  muster ca audit checkpoint >> checkpoints   # what is kept elsewhere binds the log"
    )]
    Checkpoint(Plain),
}

#[derive(Args, Debug)]
struct List {
    /// From this entry on; they count from 1 [default: the last ones]
    #[arg(long, value_name = "SEQUENCE")]
    from: Option<u64>,
    /// As many at most, up to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    max: usize,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Export {
    /// Write it here [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Verify {
    /// This export instead of a server's logs; - for standard input
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Plain {
    #[command(flatten)]
    target: Target,
}

/// The log's key, known from elsewhere.
#[derive(Args, Debug)]
pub(super) struct Key {
    /// The log's key, `name+id+key`, or a file with it
    #[arg(long, value_name = "KEY|FILE")]
    key: Option<String>,
}

impl Key {
    pub(super) fn read(&self) -> Result<Option<VerifierKey>, Failure> {
        let Some(given) = &self.key else { return Ok(None) };
        let text = match std::fs::read_to_string(Path::new(given)) {
            Ok(text) => text,
            Err(_) => given.clone(),
        };
        let key = VerifierKey::parse(&text).map_err(Failure::new)?;
        Ok(Some(key))
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::List(list) => list.run().await,
        Action::Export(Export { out, target }) => {
            export::run(&target.ca()?, out.as_deref(), target.json).await
        }
        Action::Verify(Verify { export: Some(file), key, target }) => {
            verify::offline(&file, key.read()?.as_ref(), target.json)
        }
        Action::Verify(Verify { export: None, key, target }) => {
            verify::online(&target.ca()?, key.read()?.as_ref(), target.json).await
        }
        Action::Key(Plain { target }) => checkpoint(&target, "key").await,
        Action::Checkpoint(Plain { target }) => checkpoint(&target, "note").await,
    }
}

async fn checkpoint(target: &Target, member: &str) -> Result<(), Failure> {
    let found = get(&target.ca()?, "/ca/checkpoint").await?;
    match target.json {
        true => show::json(&found),
        false => show::line(show::text(&found[member]).trim_end()),
    }
    Ok(())
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let from = self.from.map(|from| format!("&from={from}")).unwrap_or_default();
        let found = get(&self.target.ca()?, format!("/ca/audit?max={}{from}", self.max)).await?;
        if self.target.json {
            show::json(&found);
            return Ok(());
        }
        let rows = found["entries"].as_array().into_iter().flatten().map(row).collect();
        show::table(&["ENTRY", "AT", "WHO", "DID", "WHAT", "", "WHY"], rows, "there are none");
        if let Some(next) = found["continuation"].as_u64() {
            show::line(format_args!("\nthere are more: --from {next}"));
        }
        Ok(())
    }
}

fn row(entry: &Value) -> Vec<String> {
    let member = |name: &str| show::text(&entry[name]);
    let decision = match entry["count"].as_u64() {
        Some(count) if count > 1 => format!("{} ×{count}", member("decision")),
        _ => member("decision"),
    };
    let who = match (member("credential"), member("actor")) {
        (credential, actor) if credential.ends_with(&actor) => credential,
        (credential, actor) => format!("{credential} {actor}"),
    };
    let at = show::instant(&entry["at"]);
    vec![member("sequence"), at, who, member("action"), member("object"), decision, member("reason")]
}
