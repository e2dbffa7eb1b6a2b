//! `muster enrollment`: the permission of one device.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::attestation::{Terms, authorities, certificates, symmetric_key};
use super::enrolled::{self, Kind};
use super::failure::Failure;
use super::target::Target;
use super::{import, input};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Let one device in
    #[command(after_help = "Examples:\n  \
        muster enrollment create pump-7                            # keys are made and shown\n  \
        muster enrollment create pump-7 --certificate pump-7.pem   # by its certificate\n  \
        muster enrollment create pump-7 --to-hub 127.0.0.2 --allocation static\n  \
        muster enrollment create pump-7 --credential-policy device # it may send a CSR\n  \
        muster enrollment create pump-7 --tags '{\"site\": \"north\"}'")]
    Create(Box<Create>),
    /// Show one
    Get(One),
    /// Show all
    #[command(visible_alias = "ls")]
    List(All),
    /// Enable or disable one, or say what certificates its device gets
    #[command(after_help = "Examples:\n  \
        muster enrollment update pump-7 --disable\n  \
        muster enrollment update pump-7 --credential-policy device")]
    Update(Update),
    /// Delete one; the device stays at its hub
    #[command(visible_alias = "rm")]
    Delete(One),
    /// Show its symmetric keys
    Keys(One),
    /// Create many from a file with one enrollment as JSON on each line
    #[command(after_help = "Example of a line:\n  \
        {\"registrationId\": \"pump-7\", \"attestation\": {\"type\": \"symmetricKey\"}}")]
    Import(import::Arguments),
}

#[derive(Args, Debug)]
pub(crate) struct One {
    /// Its id
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Args, Debug)]
pub(crate) struct All {
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Args, Debug)]
pub(crate) struct Update {
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) switch: Switch,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Switch {
    /// Let devices in again
    #[arg(long)]
    pub(crate) enable: bool,
    /// Refuse devices
    #[arg(long)]
    pub(crate) disable: bool,
    /// Issue certificates to its devices: a profile, or AUTHORITY/PROFILE; empty to stop
    #[arg(long, value_name = "POLICY")]
    pub(crate) credential_policy: Option<String>,
    /// Whether devices are refused that have no such certificate and ask for none
    #[arg(long, value_name = "true|false")]
    pub(crate) certificate_required: Option<bool>,
}

#[derive(Args, Debug)]
struct Create {
    /// The registration id the device asks with
    id: String,
    /// The name the device gets at its hub [default: the registration id]
    #[arg(long, value_name = "ID")]
    device_id: Option<String>,
    /// Prove itself by this symmetric key (base64) [default: keys are made]
    #[arg(long, value_name = "KEY", conflicts_with_all = ["certificate", "ca"])]
    primary_key: Option<String>,
    /// Or by this one
    #[arg(long, value_name = "KEY", requires = "primary_key")]
    secondary_key: Option<String>,
    /// Prove itself by this certificate (PEM)
    #[arg(long, value_name = "FILE", conflicts_with = "ca")]
    certificate: Option<PathBuf>,
    /// Or by this one
    #[arg(long, value_name = "FILE", requires = "certificate")]
    secondary_certificate: Option<PathBuf>,
    /// Prove itself by a certificate from this named CA, see `muster certificate`
    #[arg(long, value_name = "NAME")]
    ca: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// The whole enrollment as JSON instead: @FILE, or - for standard input
    #[arg(long, value_name = "JSON", conflicts_with_all = ["primary_key", "certificate", "ca", "device_id"])]
    body: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Create {
    fn body(&self) -> Result<Value, Failure> {
        if let Some(body) = &self.body {
            return input::json(body);
        }
        let attestation = match (&self.certificate, &self.ca) {
            (Some(file), _) => certificates("clientCertificates", file, self.secondary_certificate.as_ref())?,
            (None, Some(name)) => authorities(name, None),
            (None, None) => symmetric_key(self.primary_key.as_deref(), self.secondary_key.as_deref()),
        };
        let mut body = Map::new();
        body.insert("registrationId".to_owned(), json!(self.id));
        if let Some(device_id) = &self.device_id {
            body.insert("deviceId".to_owned(), json!(device_id));
        }
        body.insert("attestation".to_owned(), attestation);
        self.terms.write(&mut body)?;
        Ok(Value::Object(body))
    }
}

const KIND: Kind = Kind::Individual;

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
        Action::Import(arguments) => import::run(arguments).await,
    }
}

impl Switch {
    pub(crate) fn apply(&self, body: &mut Value) {
        match (&self.credential_policy, self.certificate_required) {
            (Some(policy), _) if policy.is_empty() => {
                body["credentialPolicyName"] = Value::Null;
                body["certificateRequired"] = Value::Null;
            }
            (Some(policy), _) => body["credentialPolicyName"] = json!(policy),
            (None, Some(required)) => body["certificateRequired"] = json!(required),
            (None, None) => {
                body["provisioningStatus"] = if self.disable { json!("disabled") } else { json!("enabled") };
            }
        }
    }
}
