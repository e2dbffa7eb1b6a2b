//! `muster certificate`: CAs that enrollments refer to, proof that their keys are ours, and intermediates that fill gaps.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::enrolled::versioned;
use super::enrollment::One;
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
    /// Store a CA certificate; devices' chains may lead to it when it is verified
    #[command(after_help = "Examples:\n  \
        muster certificate upload plant-root plant-root.pem             # then: verification-code, verify\n  \
        muster certificate upload plant-root plant-root.pem --verified  # I vouch for it\n  \
        muster certificate upload line-4 line-4.pem --intermediate      # completes chains\n  \
        muster certificate upload plant-root new.pem --replace --crl-url http://pki.example.com/plant.crl\n  \
        muster group create line-4 --ca plant-root")]
    Upload(Upload),
    /// Show all
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one, with its revocation lists
    #[command(visible_alias = "get")]
    Show(One),
    /// Get a code to prove possession of its key with
    #[command(after_help = "Have the CA issue a certificate whose common name is the code, then:\n  \
        muster certificate verify plant-root proof.pem")]
    VerificationCode(One),
    /// Prove possession of its key, by a certificate that it has signed for the code
    #[command(after_help = "Example:\n  \
        code=$(muster certificate verification-code plant-root --json | jq -r .verificationCode)\n  \
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\\n    \
        -keyout proof.key -subj /CN=$code -out proof.csr\n  \
        openssl x509 -req -in proof.csr -CA plant-root.pem -CAkey plant-root.key -days 1 -out proof.pem\n  \
        muster certificate verify plant-root proof.pem")]
    Verify(Verify),
    /// Say where its revocation lists are published, and what a missing one means
    #[command(after_help = "Examples:\n  \
        muster certificate crl plant-root --url http://pki.example.com/plant.crl\n  \
        muster certificate crl plant-root --check require   # nobody gets in without a current list\n  \
        muster certificate crl plant-root --refresh         # fetch them now\n  \
        muster certificate crl plant-root --none")]
    Crl(Crl),
    /// Delete one that no enrollment refers to
    #[command(visible_alias = "rm")]
    Delete(One),
}

/// What a revocation list that is missing or out of date means.
#[derive(ValueEnum, Debug, Clone, Copy)]
enum Check {
    /// The last one known counts
    BestEffort,
    /// Devices are refused
    Require,
}

#[derive(Args, Debug)]
struct Upload {
    /// The name that enrollments refer to
    name: String,
    /// The certificate (PEM or base64 of the DER); - for standard input
    file: PathBuf,
    /// Trust it at once: you vouch that its key is in the right hands
    #[arg(long, conflicts_with = "intermediate")]
    verified: bool,
    /// It only completes chains that devices send incomplete; no group refers to it
    #[arg(long)]
    intermediate: bool,
    /// In place of the one with this name
    #[arg(long)]
    replace: bool,
    /// Where its revocation list is published; may be given several times
    #[arg(long, value_name = "URL")]
    crl_url: Vec<String>,
    /// What a list that is missing or out of date means [default: best-effort]
    #[arg(long, value_enum)]
    crl_check: Option<Check>,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct List {
    /// Only those that complete chains
    #[arg(long)]
    intermediates: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Verify {
    /// The name of the CA
    name: String,
    /// The certificate that the CA has signed for the code (PEM); - for standard input
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Crl {
    /// The name of the CA or intermediate
    name: String,
    /// Where a list is published; may be given several times, and replaces all before
    #[arg(long, value_name = "URL", conflicts_with = "none")]
    url: Vec<String>,
    /// There are none
    #[arg(long)]
    none: bool,
    /// What a list that is missing or out of date means
    #[arg(long, value_enum)]
    check: Option<Check>,
    /// Fetch them now
    #[arg(long)]
    refresh: bool,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Upload(arguments) => upload(arguments).await,
        Action::List(arguments) => list(arguments).await,
        Action::Show(One { id, target }) => {
            let found = expect_json(target.dps()?.call(&Call::new(Method::GET, path(&id, ""))).await?)?;
            if target.json {
                show::json(&found)
            } else {
                facts(&found)
            }
            Ok(())
        }
        Action::VerificationCode(arguments) => verification_code(arguments).await,
        Action::Verify(Verify { name, file, target }) => {
            let body = json!({ "certificate": input::text_file(&file)? });
            let call = Call::new(Method::POST, path(&name, "/verify")).header("if-match", "*").body(body);
            let verified = expect_json(target.dps()?.call(&call).await?)?;
            match target.json {
                true => show::json(&verified),
                false => show::line(format_args!("verified certificate `{name}`: chains may lead to it")),
            }
            Ok(())
        }
        Action::Crl(arguments) => crl(arguments).await,
        Action::Delete(One { id, target }) => {
            let call = Call::new(Method::DELETE, path(&id, "")).header("if-match", "*");
            expect(target.dps()?.call(&call).await?)?;
            match target.json {
                true => show::json(&json!({ "name": id, "deleted": true })),
                false => show::line(format_args!("deleted certificate `{id}`")),
            }
            Ok(())
        }
    }
}

async fn upload(upload: Upload) -> Result<(), Failure> {
    let mut body = Map::new();
    body.insert("certificate".to_owned(), json!(input::text_file(&upload.file)?));
    if upload.verified {
        body.insert("isVerified".to_owned(), json!(true));
    }
    if upload.intermediate {
        body.insert("kind".to_owned(), json!("intermediate"));
    }
    if !upload.crl_url.is_empty() {
        body.insert("crlUrls".to_owned(), json!(upload.crl_url));
    }
    if let Some(check) = upload.crl_check {
        body.insert("crlCheck".to_owned(), json!(check.as_str()));
    }
    let mut call = Call::new(Method::PUT, path(&upload.name, "")).body(Value::Object(body));
    if upload.replace {
        call = call.header("if-match", "*");
    }
    let answer = upload.target.dps()?.call(&call).await?;
    let is_there = answer.status == StatusCode::CONFLICT && !upload.replace;
    let stored = expect_json(answer).map_err(|failure| match is_there {
        true => failure.fix("--replace changes the one that is there; or choose another name"),
        false => failure,
    })?;
    if upload.target.json {
        show::json(&stored);
        return Ok(());
    }
    let (name, subject) = (&upload.name, show::text(&stored["info"]["subjectName"]));
    let until = show::instant(&stored["info"]["notAfterUtc"]);
    show::line(format_args!("stored certificate `{name}`: {subject}, valid until {until}"));
    if standing(&stored) == "no" {
        show::line(format_args!("it anchors nothing yet; next: muster certificate verification-code {name}"));
    }
    warn(&stored);
    Ok(())
}

async fn list(List { intermediates, target }: List) -> Result<(), Failure> {
    let call = Call::new(Method::GET, versioned("/certificates"));
    let all = expect_json(target.dps()?.call(&call).await?)?;
    let all = all.as_array().cloned().unwrap_or_default();
    let all: Vec<Value> =
        all.into_iter().filter(|one| !intermediates || one["kind"] == "intermediate").collect();
    if target.json {
        show::json(&Value::Array(all));
        return Ok(());
    }
    let rows = all.iter().map(|one| {
        vec![
            show::text(&one["name"]),
            show::text(&one["info"]["subjectName"]),
            show::instant(&one["info"]["notAfterUtc"]),
            standing(one).to_owned(),
            lists(one),
        ]
    });
    let header = ["NAME", "SUBJECT", "VALID UNTIL", "TRUSTED", "REVOCATION LISTS"];
    show::table(&header, rows.collect(), "there are none; `upload` stores one");
    Ok(())
}

async fn verification_code(One { id, target }: One) -> Result<(), Failure> {
    let call = Call::new(Method::POST, path(&id, "/generateVerificationCode")).header("if-match", "*");
    let answer = expect_json(target.dps()?.call(&call).await?)?;
    if target.json {
        show::json(&answer);
        return Ok(());
    }
    show::facts(&[
        ("code", show::text(&answer["verificationCode"])),
        ("valid until", show::instant(&answer["verificationCodeExpiresUtc"])),
        (
            "next",
            format!(
                "have the CA sign a certificate with this common name, then: muster certificate verify {id} FILE"
            ),
        ),
    ]);
    Ok(())
}

async fn crl(crl: Crl) -> Result<(), Failure> {
    let client = crl.target.dps()?;
    let mut body = Map::new();
    if crl.none || !crl.url.is_empty() {
        body.insert("crlUrls".to_owned(), json!(crl.url));
    }
    if let Some(check) = crl.check {
        body.insert("crlCheck".to_owned(), json!(check.as_str()));
    }
    let mut calls = Vec::new();
    if !body.is_empty() {
        let put = Call::new(Method::PUT, path(&crl.name, "")).header("if-match", "*");
        calls.push(put.body(Value::Object(body)));
    }
    if crl.refresh {
        calls.push(Call::new(Method::POST, path(&crl.name, "/refreshCrls")));
    }
    for call in calls {
        expect(client.call(&call).await?)?;
    }
    let found = expect_json(client.call(&Call::new(Method::GET, path(&crl.name, ""))).await?)?;
    if crl.target.json {
        show::json(&found);
        return Ok(());
    }
    show::line(format_args!(
        "certificate `{}`: {}, check {}",
        crl.name,
        lists(&found),
        show::text(&found["crlCheck"])
    ));
    each_list(&found);
    Ok(())
}

fn facts(found: &Value) {
    let info = |name: &str| show::text(&found["info"][name]);
    show::facts(&[
        ("name", show::text(&found["name"])),
        ("kind", show::text(&found["kind"])),
        ("subject", info("subjectName")),
        ("issuer", info("issuerName")),
        ("serial", info("serialNumber")),
        ("SHA-256", info("sha256Thumbprint")),
        ("key SHA-256", show::text(&found["publicKeySha256"])),
        ("valid from", show::instant(&found["info"]["notBeforeUtc"])),
        ("valid until", show::instant(&found["info"]["notAfterUtc"])),
        ("trusted", standing(found).to_owned()),
        ("revocation", format!("{}, check {}", lists(found), show::text(&found["crlCheck"]))),
    ]);
    each_list(found);
    warn(found);
}

fn each_list(found: &Value) {
    for feed in found["crls"].as_array().into_iter().flatten() {
        show::line(format_args!("  {}", show::text(&feed["url"])));
        let list = &feed["list"];
        if list.is_object() {
            show::line(format_args!(
                "    number {}, {}, until {}, fetched {}",
                show::text(&list["number"]),
                show::count(list["entries"].as_u64().unwrap_or_default() as usize, "entry", "entries"),
                show::instant(&list["nextUpdateUtc"]),
                show::instant(&feed["fetchedDateTimeUtc"]),
            ));
        } else if feed["problem"].is_null() {
            show::line("    not fetched yet");
        }
        if let Some(problem) = feed["problem"].as_str() {
            show::line(format_args!(
                "    last attempt at {}: {problem}",
                show::instant(&feed["triedDateTimeUtc"])
            ));
        }
    }
}

fn warn(found: &Value) {
    if let Some(warning) = found["warning"].as_str() {
        show::line(format_args!("warning: it {warning}"));
    }
}

fn lists(one: &Value) -> String {
    match one["crlUrls"].as_array().map_or(0, Vec::len) {
        0 => "none".to_owned(),
        n => show::count(n, "address", "addresses"),
    }
}

fn path(name: &str, verb: &str) -> String {
    versioned(&format!("/certificates/{}{verb}", segment(name)))
}

fn standing(certificate: &Value) -> &'static str {
    match (certificate["kind"].as_str(), certificate["isVerified"].as_bool()) {
        (Some("intermediate"), _) => "completes chains",
        (_, Some(true)) => "yes",
        _ => "no",
    }
}

impl Check {
    fn as_str(self) -> &'static str {
        match self {
            Self::BestEffort => "bestEffort",
            Self::Require => "require",
        }
    }
}
