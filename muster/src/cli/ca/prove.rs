//! `muster ca prove`: that a certificate is in the transparency log, verified here.

use std::path::{Path, PathBuf};

use clap::Args;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use muster_ca::{VerifierKey, find_in_export, verify_proof};
use muster_x509::Certificate;

use super::audit::{self, verify};
use super::certificate::{Named, read_file};
use super::get;
use crate::cli::failure::{Failure, expect};
use crate::cli::target::Target;
use crate::cli::{input, show};
use crate::client::{Call, Client};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster ca prove pump-7.pem                                      # asks the server\n  \
    muster ca prove pump-7.pem --key log.key --out pump-7.tlog-proof\n  \
    muster ca prove pump-7.pem --key log.key --proof pump-7.tlog-proof  # no server is asked\n  \
    muster ca prove pump-7.pem --key log.key --export audit.jsonl   # nor here\n\
    \nThe key is what `muster ca audit key` shows: keep it elsewhere. A proof is a C2SP tlog-proof, which\n\
    other tools check, too; an export is verified as a whole.")]
pub(crate) struct Arguments {
    /// The certificate: a file, or its serial number
    certificate: String,
    /// Check this proof instead of asking a server
    #[arg(long, value_name = "FILE", conflicts_with = "export", requires = "key")]
    proof: Option<PathBuf>,
    /// Find it in this export instead of asking a server; - for standard input
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Keep the server's proof here
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["proof", "export"])]
    out: Option<PathBuf>,
    #[command(flatten)]
    key: audit::Key,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let key = arguments.key.read()?;
    let json = arguments.target.json;
    match (&arguments.proof, &arguments.export) {
        (Some(file), _) => {
            let certificate = read_file(Path::new(&arguments.certificate))?;
            let key = key.ok_or_else(|| Failure::new("a proof is checked with the log's key: give --key"))?;
            told(&check(&input::text_file(file)?, &certificate, &key)?, json);
        }
        (None, Some(export)) => {
            let certificate = read_file(Path::new(&arguments.certificate))?;
            told(&find(export, &certificate, key.as_ref(), json)?, json);
        }
        (None, None) => {
            let believed = key.is_none();
            told(&ask(arguments, key).await?, json);
            if believed && !json {
                show::line(
                    "\nThe key is the server's own: compare it with the one you know, or give that with --key.",
                );
            }
        }
    }
    Ok(())
}

async fn ask(arguments: Arguments, known: Option<VerifierKey>) -> Result<Value, Failure> {
    let client = arguments.target.ca()?;
    let named = Named::read(&arguments.certificate)?;
    let by_serial = matches!(named, Named::Serial(_));
    let certificate = named.certificate(&client).await?;
    let key = match known {
        Some(known) => known,
        None => key_of(&client).await?,
    };
    // By its hash, whoever signed it: serial numbers are unique among one authority's own only.
    let call = Call::new(Method::GET, format!("/ca/proofs/{}", certificate.sha256()));
    let answer = client.call(&call).await?;
    if answer.status == StatusCode::NOT_FOUND && !by_serial {
        let (subject, serial) = (certificate.subject(), hex::encode(certificate.serial()));
        return Err(Failure::new(format!(
            "the certificate of `{subject}` (serial `{serial}`) is not in the log of this server: it was not issued here"
        ))
        .fix(format!("ask the server that issued it; its issuer is `{}`", certificate.issuer())));
    }
    let answer = expect(answer)?;
    let proof = String::from_utf8_lossy(&answer.body).into_owned();
    let proven = check(&proof, &certificate, &key)?;
    if let Some(out) = &arguments.out {
        std::fs::write(out, &proof)
            .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", out.display())))?;
    }
    Ok(proven)
}

async fn key_of(client: &Client) -> Result<VerifierKey, Failure> {
    let checkpoint = get(client, "/ca/checkpoint").await?;
    VerifierKey::parse(&show::text(&checkpoint["key"])).map_err(Failure::new)
}

fn check(proof: &str, certificate: &Certificate, key: &VerifierKey) -> Result<Value, Failure> {
    let proven = verify_proof(proof, certificate.der(), key).map_err(|error| {
        Failure::new(format!("the proof does not hold: {error}"))
            .fix("ask for the proof of this certificate, and check it with the key of the log that made it")
    })?;
    Ok(json!({
        "proven": true,
        "subject": certificate.subject(),
        "serial": hex::encode(certificate.serial()),
        "logIndex": proven.index,
        "certificates": proven.size,
        "root": hex::encode(proven.root),
        "key": key.to_string(),
    }))
}

fn find(
    export: &Path,
    certificate: &Certificate,
    key: Option<&VerifierKey>,
    quiet: bool,
) -> Result<Value, Failure> {
    let reader = verify::open(export, quiet)?;
    let (verified, found) =
        find_in_export(reader, key, certificate.der()).map_err(|error| verify::unverified(&error))?;
    let found = found.ok_or_else(|| {
        Failure::new(format!(
            "certificate `{}` is not in the log, which is whole: {}",
            hex::encode(certificate.serial()),
            show::count(
                usize::try_from(verified.certificates).unwrap_or(usize::MAX),
                "certificate",
                "certificates"
            )
        ))
        .fix("it was issued after the export, or not here")
    })?;
    Ok(json!({
        "proven": true,
        "subject": certificate.subject(),
        "serial": hex::encode(certificate.serial()),
        "logIndex": found.index,
        "entry": found.entry.to_json(),
        "certificates": verified.certificates,
        "root": hex::encode(verified.last.root),
        "key": verified.key.to_string(),
    }))
}

fn told(proven: &Value, json: bool) {
    if json {
        show::json(proven);
        return;
    }
    let entry = &proven["entry"];
    let asked = match entry["actor"].as_str() {
        Some(actor) => {
            format!("{actor} ({}), {}", show::text(&entry["credential"]), show::instant(&entry["at"]))
        }
        None => String::new(),
    };
    show::facts(&[
        ("proven", "it is in the log".to_owned()),
        ("subject", show::text(&proven["subject"])),
        ("serial", show::text(&proven["serial"])),
        ("log index", show::text(&proven["logIndex"])),
        ("asked for by", asked),
        ("log of", format!("{} certificates", show::text(&proven["certificates"]))),
        ("tree root", show::text(&proven["root"])),
        ("log key", show::text(&proven["key"])),
    ]);
}
