//! The logs verified: by the server that has them, or here from an export.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;

use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use muster_ca::{Verified, VerifierKey, VerifyExportError, verify_export};

use crate::cli::failure::{Failure, expect};
use crate::cli::show;
use crate::client::{Call, Client};

pub(super) async fn online(client: &Client, key: Option<&VerifierKey>, json: bool) -> Result<(), Failure> {
    let bar = bar("{bar:40} {pos}/{len} entries, {eta} left", json);
    let (mut text, mut last) = (Vec::new(), Value::Null);
    let mut sink = |part: &[u8]| {
        text.extend_from_slice(part);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            last = serde_json::from_slice(&line)?;
            bar.set_length(last["of"].as_u64().unwrap_or_default());
            bar.set_position(last["entries"].as_u64().unwrap_or_default());
        }
        Ok(())
    };
    expect(client.stream(&Call::new(Method::GET, "/ca/audit/verify"), &mut sink).await?)?;
    bar.finish_and_clear();
    match last["verdict"].as_str() {
        Some("whole") => {}
        Some("broken") => return Err(broken(show::text(&last["message"]))),
        _ => {
            let message = last["message"].as_str().unwrap_or("the server did not say what it found");
            return Err(Failure::new(message).fix("try again; its log tells more"));
        }
    }
    if let Some(key) = key
        && last["key"] != key.to_string()
    {
        return Err(Failure::new(format!(
            "the log's key is `{}`, not the one given",
            show::text(&last["key"])
        ))
        .fix("this is another log than the one you know; find out why before you trust it"));
    }
    told(&last, json);
    Ok(())
}

pub(super) fn offline(file: &Path, key: Option<&VerifierKey>, json: bool) -> Result<(), Failure> {
    let verified = verify_export(open(file, json)?, key).map_err(|error| unverified(&error))?;
    told(&described(&verified), json);
    if key.is_none() && !json {
        show::line(
            "\nThe key is the export's own: compare it with the one you know, or give that with --key.",
        );
    }
    Ok(())
}

/// An export, with its progress shown.
pub(in crate::cli::ca) fn open(file: &Path, quiet: bool) -> Result<Box<dyn BufRead>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = File::open(file).and_then(|opened| Ok((opened.metadata()?.len(), opened)));
    let (bytes, opened) =
        opened.map_err(|error| Failure::new(format!("cannot read `{}`: {error}", file.display())))?;
    let bar = bar("{bar:40} {bytes}/{total_bytes}, {eta} left", quiet);
    bar.set_length(bytes);
    Ok(Box::new(BufReader::new(bar.wrap_read(opened))))
}

pub(in crate::cli::ca) fn unverified(error: &VerifyExportError) -> Failure {
    match error {
        VerifyExportError::Wrong { .. } | VerifyExportError::Line { .. } => broken(error),
        VerifyExportError::Read(_) => Failure::new(error),
    }
}

pub(in crate::cli::ca) fn described(verified: &Verified) -> Value {
    json!({
        "verdict": "whole",
        "key": verified.key.to_string(),
        "entries": verified.entries,
        "certificates": verified.certificates,
        "checkpoints": verified.checkpoints,
        "root": hex::encode(verified.last.root),
        "signed": verified.last.signed,
    })
}

fn broken(what: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the log is not whole: {what}"))
        .fix("somebody or something changed it; compare it with an older export or a backup")
}

fn told(verified: &Value, json: bool) {
    if json {
        show::json(verified);
        return;
    }
    show::facts(&[
        ("verdict", "whole: nothing was changed, nothing is missing".to_owned()),
        ("entries", show::text(&verified["entries"])),
        ("certificates", show::text(&verified["certificates"])),
        ("checkpoints", show::text(&verified["checkpoints"])),
        ("last signed", show::instant(&verified["signed"])),
        ("tree root", show::text(&verified["root"])),
        ("log key", show::text(&verified["key"])),
    ]);
}

fn bar(template: &str, quiet: bool) -> ProgressBar {
    if quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
