//! `muster ca est`: labels, and the credentials with which devices ask them for certificates.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::get;
use super::issued::public;
use crate::cli::failure::{Failure, expect, expect_json};
use crate::cli::show;
use crate::cli::target::Target;
use crate::client::{Call, segment};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// What a path of EST gives: an authority and a profile
    Label(Label),
    /// Users and tokens
    Credential(Credential),
    /// Requests that wait for somebody to look, at labels with `--approval manual`
    Request(Request),
}

#[derive(Args, Debug)]
struct Label {
    #[command(subcommand)]
    action: LabelAction,
}

#[derive(Subcommand, Debug)]
enum LabelAction {
    /// Show all
    #[command(visible_alias = "ls")]
    List(All),
    /// Store one
    #[command(after_help = "Examples:\n  \
        muster ca est label put lab1\n  \
        muster ca est label put plant --authority plant --profile edge-server --approval manual\n  \
        muster ca est label put acme --trust acme-ca.pem --trust-name 'acme-{serial_number}'")]
    Put(PutLabel),
    /// Delete one
    #[command(visible_alias = "rm")]
    Delete(One),
}

#[derive(Args, Debug)]
struct Credential {
    #[command(subcommand)]
    action: CredentialAction,
}

#[derive(Subcommand, Debug)]
enum CredentialAction {
    /// Make one, and print it: its password is not told again
    #[command(after_help = "Examples:\n  \
        muster ca est credential new --label lab1 --json\n  \
        muster ca est credential new --label lab1 --one-time --name pump-7 --until 2027-01-31T00:00:00Z\n  \
        muster ca est credential new --label line-4 --name 'pump-*' --count 10000\n\
        \nA label that is not there is made, with authority `issuing` and profile `device`.")]
    New(New),
    /// Show all, or those of a label
    #[command(visible_alias = "ls")]
    List(OfLabel),
    /// Delete one
    #[command(visible_alias = "rm")]
    Delete(One),
}

#[derive(Args, Debug)]
struct Request {
    #[command(subcommand)]
    action: RequestAction,
}

#[derive(Subcommand, Debug)]
enum RequestAction {
    /// Show those that wait, the oldest first
    #[command(visible_alias = "ls")]
    List(All),
    /// Let one have its certificate when it comes again
    Approve(Decided),
    /// Say no to one
    Deny(Decided),
}

#[derive(Args, Debug)]
struct Decided {
    /// Its id, as `list` shows it
    id: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct All {
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct One {
    /// Its name
    name: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct OfLabel {
    /// Of this label
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct PutLabel {
    /// Its name, in the path: lower-case letters, digits, hyphens, dots
    name: String,
    /// Which authority signs
    #[arg(long, value_name = "ID", default_value = "issuing")]
    authority: String,
    /// By which profile
    #[arg(long, value_name = "NAME", default_value = "device")]
    profile: String,
    /// How CA certificates are written: not all clients read both [default: one line for clients that send no User-Agent,
    /// as strongSwan, and wrapped for all others]
    #[arg(long, value_enum)]
    base64: Option<Base64>,
    /// Who lets a first request through
    #[arg(long, value_enum, default_value_t = Approval::Automatic)]
    approval: Approval,
    /// Let devices in by the certificate that their manufacturer gave them: its authorities (PEM, or one in DER)
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// What such a device is called, by what stands in its certificate: a text with {serial_number} or {common_name}
    /// [default: {serial_number}]
    #[arg(long, value_name = "TEXT", requires = "trust")]
    trust_name: Option<String>,
    /// What such devices may be called: * is any run of characters; several by several [default: anything]
    #[arg(long, value_name = "PATTERN", requires = "trust")]
    trust_only: Vec<String>,
    /// Whether requests must be linked to the connection that they come by
    #[arg(long, value_enum, default_value_t = PopLink::Optional)]
    pop_link: PopLink,
    /// Make private keys, too, for devices that cannot make good ones, and send them; they are kept nowhere
    #[arg(long)]
    server_keygen: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Base64 {
    /// In lines of 64: libest, openssl
    Wrapped,
    /// strongSwan
    SingleLine,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Approval {
    /// Whoever has a credential
    Automatic,
    /// An operator looks at it
    Manual,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum PopLink {
    /// Nobody need say so
    Optional,
    /// By a challenge password that holds the connection's tls-exporter value
    Required,
}

#[derive(Args, Debug)]
struct New {
    /// For this label
    #[arg(long, value_name = "NAME")]
    label: String,
    /// The user's name [default: made up]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Good for one certificate
    #[arg(long, conflicts_with = "count")]
    one_time: bool,
    /// Names that may be asked for: * is any run of characters; several by several [default: any]
    #[arg(long, value_name = "PATTERN")]
    name: Vec<String>,
    /// As many certificates in all
    #[arg(long)]
    count: Option<u64>,
    /// No longer than that
    #[arg(long, value_name = "INSTANT")]
    until: Option<Timestamp>,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Label(Label { action }) => match action {
            LabelAction::List(All { target }) => labels(&target).await,
            LabelAction::Put(put) => put.run().await,
            LabelAction::Delete(one) => delete(one, "labels", "label").await,
        },
        Action::Credential(Credential { action }) => match action {
            CredentialAction::New(new) => new.run().await,
            CredentialAction::List(OfLabel { label, target }) => credentials(&target, label.as_deref()).await,
            CredentialAction::Delete(one) => delete(one, "credentials", "credential").await,
        },
        Action::Request(Request { action }) => match action {
            RequestAction::List(All { target }) => requests(&target).await,
            RequestAction::Approve(decided) => decide(decided, "approve", "approved").await,
            RequestAction::Deny(decided) => decide(decided, "deny", "denied").await,
        },
    }
}

impl PutLabel {
    async fn run(self) -> Result<(), Failure> {
        let word = |value: Option<clap::builder::PossibleValue>| value.map(|it| it.get_name().to_owned());
        let mut body = json!({
            "authority": self.authority,
            "profile": self.profile,
            "base64": self.base64.and_then(|form| word(form.to_possible_value())),
            "approval": word(self.approval.to_possible_value()),
            "popLink": word(self.pop_link.to_possible_value()),
            "serverKeygen": self.server_keygen,
        });
        if let Some(file) = &self.trust {
            let mut trust = json!({ "anchors": public(file, "give the authorities' certificates only")?, "names": self.trust_only });
            if let Some(name) = self.trust_name {
                trust["name"] = json!(name);
            }
            body["trust"] = trust;
        }
        let call = Call::new(Method::PUT, path("labels", &self.name)).body(body);
        let stored = expect_json(self.target.ca()?.call(&call).await?)?;
        match self.target.json {
            true => show::json(&stored),
            false => show::line(format_args!("stored label `{}`", self.name)),
        }
        Ok(())
    }
}

impl New {
    async fn run(self) -> Result<(), Failure> {
        let mut body = Map::from_iter([
            ("label".to_owned(), json!(self.label)),
            ("kind".to_owned(), json!(if self.one_time { "one-time" } else { "basic" })),
            ("names".to_owned(), json!(self.name)),
        ]);
        let mut put = |name: &str, value: Option<Value>| body.extend(value.map(|it| (name.to_owned(), it)));
        put("user", self.user.map(Value::from));
        put("count", self.count.map(Value::from));
        put("until", self.until.map(|until| json!(until)));
        let call = Call::new(Method::POST, "/ca/est/credentials").body(Value::Object(body));
        let made = expect_json(self.target.ca()?.call(&call).await?)?;
        if self.target.json {
            show::json(&made);
            return Ok(());
        }
        show::facts(&[
            ("url", show::text(&made["url"])),
            ("user", show::text(&made["user"])),
            ("password", show::text(&made["password"])),
        ]);
        Ok(())
    }
}

async fn labels(target: &Target) -> Result<(), Failure> {
    let all = get(&target.ca()?, "/ca/est/labels").await?;
    let columns = ["name", "authority", "profile", "base64", "approval", "popLink", "serverKeygen"];
    rows(
        &all,
        target.json,
        &[
            "NAME",
            "AUTHORITY",
            "PROFILE",
            "BASE64",
            "APPROVAL",
            "POP LINK",
            "SERVER KEYGEN",
            "TRUSTED BY NAME",
        ],
        |one| {
            let trusted = show::text(&one["trust"]["name"]);
            columns.map(|column| show::text(&one[column])).into_iter().chain([trusted]).collect()
        },
    );
    Ok(())
}

async fn credentials(target: &Target, label: Option<&str>) -> Result<(), Failure> {
    let query = label.map(|label| format!("?label={}", segment(label))).unwrap_or_default();
    let all = get(&target.ca()?, format!("/ca/est/credentials{query}")).await?;
    rows(&all, target.json, &["USER", "LABEL", "KIND", "NAMES", "CERTIFICATES", "UNTIL"], |one| {
        let member = |name: &str| show::text(&one[name]);
        let names: Vec<_> = one["names"].as_array().into_iter().flatten().map(show::text).collect();
        let used = match one["count"].as_u64() {
            Some(count) => format!("{} of {count}", one["used"].as_u64().unwrap_or_default()),
            None => member("used"),
        };
        let until = show::instant(&one["until"]);
        vec![member("user"), member("label"), member("kind"), names.join(" "), used, until]
    });
    Ok(())
}

async fn requests(target: &Target) -> Result<(), Failure> {
    let all = get(&target.ca()?, "/ca/est/requests?max=1000").await?;
    rows(&all, target.json, &["ID", "LABEL", "ASKED BY", "SUBJECT", "SINCE"], |one| {
        let member = |name: &str| show::text(&one[name]);
        let since = show::instant(&one["created"]);
        vec![member("id"), member("label"), member("requestedBy"), member("subject"), since]
    });
    Ok(())
}

async fn decide(Decided { id, target }: Decided, verb: &str, word: &str) -> Result<(), Failure> {
    let call = Call::new(Method::POST, format!("{}/{verb}", path("requests", &id)));
    expect(target.ca()?.call(&call).await?)?;
    match target.json {
        true => show::json(&json!({ "id": id, "verdict": word })),
        false => show::line(format_args!("{word} request `{id}`")),
    }
    Ok(())
}

fn rows(all: &Value, json: bool, header: &[&str], row: impl Fn(&Value) -> Vec<String>) {
    match json {
        true => show::json(all),
        false => {
            let rows = all.as_array().into_iter().flatten().map(row).collect();
            show::table(header, rows, "there are none");
        }
    }
}

async fn delete(One { name, target }: One, folder: &str, word: &str) -> Result<(), Failure> {
    expect(target.ca()?.call(&Call::new(Method::DELETE, path(folder, &name))).await?)?;
    match target.json {
        true => show::json(&json!({ "name": name, "deleted": true })),
        false => show::line(format_args!("deleted {word} `{name}`")),
    }
    Ok(())
}

fn path(folder: &str, name: &str) -> String {
    format!("/ca/est/{folder}/{}", segment(name))
}
