//! `muster group`: the permission of many devices, by a key to derive from or a CA to be issued by.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::attestation::{Terms, authorities, certificates, symmetric_key};
use super::enrolled::{self, Kind};
use super::enrollment::{All, One, Update};
use super::failure::Failure;
use super::input;
use super::target::Target;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Let a group of devices in
    #[command(after_help = "Examples:\n  \
        muster group create line-4                             # keys are made; devices derive theirs\n  \
        muster group create line-4 --signing-certificate issuing.pem\n  \
        muster group create line-4 --credential-policy device  # devices may send a CSR\n  \
        muster group create line-4 --ca plant-root             # from `muster certificate upload`\n  \
        muster group create line-4 --ca plant-root --secondary-ca plant-root-2 # while one takes over")]
    Create(Box<Create>),
    /// Show one
    Get(One),
    /// Show all
    #[command(visible_alias = "ls")]
    List(All),
    /// Enable or disable one, or say what certificates its devices get
    #[command(after_help = "Examples:\n  \
        muster group update line-4 --disable\n  \
        muster group update line-4 --credential-policy issuing/device")]
    Update(Update),
    /// Delete one; its devices stay at their hubs
    #[command(visible_alias = "rm")]
    Delete(One),
    /// Show its symmetric keys
    Keys(One),
}

#[derive(Args, Debug)]
struct Create {
    /// The group's name
    id: String,
    /// Derive the devices' keys from this one (base64) [default: keys are made]
    #[arg(long, value_name = "KEY", conflicts_with_all = ["signing_certificate", "ca"])]
    primary_key: Option<String>,
    /// Or from this one
    #[arg(long, value_name = "KEY", requires = "primary_key")]
    secondary_key: Option<String>,
    /// Devices' certificates lead to this CA certificate, root or intermediate (PEM)
    #[arg(long, value_name = "FILE", conflicts_with = "ca")]
    signing_certificate: Option<PathBuf>,
    /// Or to this one
    #[arg(long, value_name = "FILE", requires = "signing_certificate")]
    secondary_signing_certificate: Option<PathBuf>,
    /// Devices' certificates lead to this named CA, see `muster certificate`
    #[arg(long, value_name = "NAME")]
    ca: Option<String>,
    /// Or to this one
    #[arg(long, value_name = "NAME", requires = "ca")]
    secondary_ca: Option<String>,
    /// What of the CA counts: exactly its certificate, or its key, also when it is certified anew [default: certificate]
    #[arg(long, value_enum)]
    pin: Option<Pin>,
    #[command(flatten)]
    terms: Terms,
    /// The whole group as JSON instead: @FILE, or - for standard input
    #[arg(long, value_name = "JSON", conflicts_with_all = ["primary_key", "signing_certificate", "ca"])]
    body: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// What a group knows its CA by.
#[derive(ValueEnum, Debug, Clone, Copy)]
enum Pin {
    Certificate,
    Key,
}

impl Create {
    fn body(&self) -> Result<Value, Failure> {
        if let Some(body) = &self.body {
            return input::json(body);
        }
        let mut attestation = match (&self.signing_certificate, &self.ca) {
            (Some(file), _) => {
                certificates("signingCertificates", file, self.secondary_signing_certificate.as_ref())?
            }
            (None, Some(name)) => authorities(name, self.secondary_ca.as_deref()),
            (None, None) => symmetric_key(self.primary_key.as_deref(), self.secondary_key.as_deref()),
        };
        match (self.pin, attestation.get_mut("x509")) {
            (Some(Pin::Key), Some(x509)) => x509["pin"] = json!("key"),
            (Some(_), None) => {
                return Err(
                    Failure::new("`--pin` is for a CA").fix("give one with --ca or --signing-certificate")
                );
            }
            (Some(Pin::Certificate) | None, _) => {}
        }
        let mut body = Map::new();
        body.insert("enrollmentGroupId".to_owned(), json!(self.id));
        body.insert("attestation".to_owned(), attestation);
        self.terms.write(&mut body)?;
        Ok(Value::Object(body))
    }
}

const KIND: Kind = Kind::Group;

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Create(create) => {
            let client = create.target.dps()?;
            enrolled::create(&client, KIND, &create.id, create.body()?, create.target.json).await
        }
        Action::Get(One { id, target }) => enrolled::get(&target.dps()?, KIND, &id, target.json).await,
        Action::List(All { target }) => enrolled::list(&target.dps()?, KIND, target.json).await,
        Action::Update(Update { id, switch, target }) => {
            enrolled::update(&target.dps()?, KIND, &id, |body| switch.apply(body), target.json).await
        }
        Action::Delete(One { id, target }) => enrolled::delete(&target.dps()?, KIND, &id, target.json).await,
        Action::Keys(One { id, target }) => enrolled::keys(&target.dps()?, KIND, &id, target.json).await,
    }
}
