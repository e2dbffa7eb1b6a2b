//! `muster ca authority`: authorities made, brought, renewed and retired.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Map, Value, json};

use super::get;
use crate::cli::failure::{Failure, expect_json};
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
    /// Make one below one of ours, or a root
    #[command(after_help = "Examples:\n  \
        muster ca authority create line-4 --parent root --common-name 'Contoso Line 4'\n  \
        muster ca authority create contoso-root --root --key p384 --place token")]
    Create(Create),
    /// Make one that somebody else signs, and print its request
    #[command(after_help = "Example:\n  \
        muster ca authority request plant > plant.csr    # have it signed, then\n  \
        muster ca authority activate plant chain.pem     # its certificate first, its root last\n\
        \nThe certificate must be an authority's with `pathlen:1` (or as asked), digitalSignature,\n\
        keyCertSign and cRLSign, a subject key identifier, an elliptic key and signature, and a year left.")]
    Request(Request),
    /// Take the certificate that one got elsewhere
    Activate(Activate),
    /// Trust a root whose key is elsewhere
    Import(Activate),
    /// Show one
    #[command(visible_alias = "get")]
    Show(One),
    /// Give one another certificate, for the same name and key
    Renew(One),
    /// Sign nothing new with one, until it is reactivated
    Retire(One),
    /// Sign with a retired one again
    Reactivate(One),
    /// For good: only say what of its own is revoked
    CrlOnly(One),
}

#[derive(Args, Debug)]
struct Create {
    /// What it is called here: lower-case letters, digits, hyphens
    id: String,
    /// Which authority signs it
    #[arg(long, value_name = "ID", required_unless_present = "root", conflicts_with = "root")]
    parent: Option<String>,
    /// It is a root
    #[arg(long)]
    root: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Request {
    /// What it is called here: lower-case letters, digits, hyphens
    id: String,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Wanted {
    /// Its name in certificates [default: made of id and key, so that no other has it]
    #[arg(long, value_name = "NAME")]
    common_name: Option<String>,
    /// Organization in its subject
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// p256, p384, ed25519, rsa2048, rsa3072 or rsa4096 [default: p256]
    #[arg(long, value_name = "KIND")]
    key: Option<String>,
    /// Where its key is made
    #[arg(long, value_enum, default_value_t = Place::File)]
    place: Place,
    /// Valid for so many days [default: ten years a root, two years another]
    #[arg(long)]
    days: Option<u16>,
    /// How many authorities may stand below it [default: none here, 1 signed elsewhere]
    #[arg(long, value_name = "COUNT")]
    path_length: Option<u8>,
    /// Revocation lists that its certificates are spread over, for good [default: 64]
    #[arg(long, value_name = "COUNT")]
    crl_shards: Option<u16>,
    /// Its parent signs another certificate in time
    #[arg(long)]
    renew_automatically: bool,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the sealed files of the data folder
    File,
    /// In the PKCS#11 token of the configuration
    Token,
}

#[derive(Args, Debug)]
struct Activate {
    /// What it is called here
    id: String,
    /// Certificates (PEM); - for standard input
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct One {
    /// What it is called here
    id: String,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Create(Create { id, parent, wanted, target, .. }) => {
            let mut body = wanted.body();
            body.extend(parent.map(|parent| ("parent".to_owned(), json!(parent))));
            let call = Call::new(Method::PUT, path(&id)).body(Value::Object(body));
            told(&target, &expect_json(target.ca()?.call(&call).await?)?);
        }
        Action::Request(Request { id, wanted, target }) => {
            let call = Call::new(Method::POST, verb(&id, "request")).body(Value::Object(wanted.body()));
            let made = expect_json(target.ca()?.call(&call).await?)?;
            match target.json {
                true => show::json(&made),
                false => show::line(show::text(&made["csr"]).trim_end()),
            }
        }
        Action::Activate(given) => bring(given, "activate").await?,
        Action::Import(given) => bring(given, "import").await?,
        Action::Show(One { id, target }) => told(&target, &get(&target.ca()?, path(&id)).await?),
        Action::Renew(one) => change(one, "renew").await?,
        Action::Retire(one) => change(one, "retire").await?,
        Action::Reactivate(one) => change(one, "reactivate").await?,
        Action::CrlOnly(one) => change(one, "crl-only").await?,
    }
    Ok(())
}

impl Wanted {
    fn body(self) -> Map<String, Value> {
        let place = match self.place {
            Place::File => "file",
            Place::Token => "token",
        };
        let renewal = if self.renew_automatically { "automatic" } else { "by-hand" };
        let given = [
            ("commonName", self.common_name.map(Value::from)),
            ("organization", self.organization.map(Value::from)),
            ("key", self.key.map(Value::from)),
            ("place", Some(place.into())),
            ("lifeDays", self.days.map(Value::from)),
            ("pathLength", self.path_length.map(Value::from)),
            ("crlShards", self.crl_shards.map(Value::from)),
            ("renewal", Some(renewal.into())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

async fn bring(Activate { id, file, target }: Activate, how: &str) -> Result<(), Failure> {
    let chain = input::text_file(&file)?;
    let call = Call::new(Method::POST, verb(&id, how)).body(json!({ "chain": chain }));
    told(&target, &expect_json(target.ca()?.call(&call).await?)?);
    Ok(())
}

async fn change(One { id, target }: One, how: &str) -> Result<(), Failure> {
    let call = Call::new(Method::POST, verb(&id, how));
    told(&target, &expect_json(target.ca()?.call(&call).await?)?);
    Ok(())
}

fn told(target: &Target, authority: &Value) {
    if target.json {
        show::json(authority);
        return;
    }
    let member = |name: &str| show::text(&authority[name]);
    let warning = &authority["warning"];
    show::facts(&[
        ("id", member("id")),
        ("state", member("state")),
        ("below", member("parent")),
        ("subject", member("subject")),
        ("valid from", show::instant(&authority["notBefore"])),
        ("valid until", show::instant(&authority["notAfter"])),
        (
            show::text(&warning["urgency"]).as_str(),
            match warning["daysLeft"].as_i64() {
                Some(days) => format!("{days} days left"),
                None => String::new(),
            },
        ),
        (
            "key",
            match member("key") {
                key if key.is_empty() => "elsewhere".to_owned(),
                key => key,
            },
        ),
        ("renewal", member("renewal")),
        ("certificates it had", member("generation")),
        ("CRL shards", member("crlShards")),
    ]);
    let certificate = member("certificate");
    if !certificate.is_empty() {
        show::line(format_args!("\n{}", certificate.trim_end()));
    }
}

fn path(id: &str) -> String {
    format!("/ca/authorities/{}", segment(id))
}

fn verb(id: &str, verb: &str) -> String {
    format!("{}/{verb}", path(id))
}
