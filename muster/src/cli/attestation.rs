//! What an enrollment or a group is created from: flags, as the JSON of the service API (dps.md §7.3).

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::input;

/// What happens to a device that registers again.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum Reprovision {
    /// To another hub if allocation says so, with its data (the default)
    Migrate,
    /// To another hub if allocation says so, with a fresh twin
    Reset,
    /// It stays where it is
    Keep,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum Allocation {
    /// By weight, spread evenly
    Hashed,
    /// All to the one hub given with --to-hub
    Static,
}

/// What individual enrollments and groups have in common.
#[derive(Args, Debug)]
pub(crate) struct Terms {
    /// How a hub is chosen
    #[arg(long, value_enum)]
    allocation: Option<Allocation>,
    /// Host names of the hubs to choose from [default: all]
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    to_hub: Vec<String>,
    /// What happens to a device that registers again
    #[arg(long, value_enum)]
    reprovision: Option<Reprovision>,
    /// Issue certificates to devices that ask for one when they register: a profile, or AUTHORITY/PROFILE
    #[arg(long, value_name = "POLICY")]
    credential_policy: Option<String>,
    /// Refuse devices that have no such certificate and ask for none; else they use what they register with
    #[arg(long, requires = "credential_policy")]
    certificate_required: bool,
    /// Create it disabled: devices are refused
    #[arg(long)]
    disabled: bool,
    /// Devices are IoT Edge gateways
    #[arg(long)]
    edge: bool,
    /// Tags of the first twin: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    tags: Option<String>,
    /// Desired properties of the first twin: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    desired: Option<String>,
}

impl Terms {
    pub(crate) fn write(&self, body: &mut Map<String, Value>) -> Result<(), Failure> {
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("provisioningStatus", if self.disabled { json!("disabled") } else { json!("enabled") });
        set("capabilities", json!({ "iotEdge": self.edge }));
        match self.allocation {
            None => {}
            Some(Allocation::Hashed) => drop(set("allocationPolicy", json!("hashed"))),
            Some(Allocation::Static) => drop(set("allocationPolicy", json!("static"))),
        }
        if !self.to_hub.is_empty() {
            set("iotHubs", json!(self.to_hub));
        }
        if let Some(policy) = &self.credential_policy {
            set("credentialPolicyName", json!(policy));
            if self.certificate_required {
                set("certificateRequired", json!(true));
            }
        }
        if let Some(reprovision) = self.reprovision {
            let (update, migrate) = match reprovision {
                Reprovision::Migrate => (true, true),
                Reprovision::Reset => (true, false),
                Reprovision::Keep => (false, false),
            };
            set("reprovisionPolicy", json!({ "updateHubAssignment": update, "migrateDeviceData": migrate }));
        }
        if self.tags.is_some() || self.desired.is_some() {
            let read = |text: &Option<String>| text.as_deref().map_or(Ok(json!({})), input::json);
            let (tags, desired) = (read(&self.tags)?, read(&self.desired)?);
            set("initialTwin", json!({ "tags": tags, "properties": { "desired": desired } }));
        }
        Ok(())
    }
}

/// Keys given, or made by the server when not.
pub(crate) fn symmetric_key(primary: Option<&str>, secondary: Option<&str>) -> Value {
    let mut keys = Map::new();
    let given = [("primaryKey", primary), ("secondaryKey", secondary)];
    keys.extend(given.into_iter().filter_map(|(name, key)| Some((name.to_owned(), json!(key?)))));
    json!({ "type": "symmetricKey", "symmetricKey": keys })
}

/// `member` is `clientCertificates` or `signingCertificates`.
pub(crate) fn certificates(
    member: &str,
    primary: &Path,
    secondary: Option<&PathBuf>,
) -> Result<Value, Failure> {
    let mut pair = Map::new();
    pair.insert("primary".to_owned(), json!({ "certificate": input::text_file(primary)? }));
    if let Some(secondary) = secondary {
        pair.insert("secondary".to_owned(), json!({ "certificate": input::text_file(secondary)? }));
    }
    Ok(json!({ "type": "x509", "x509": { member: pair } }))
}

pub(crate) fn authorities(primary: &str, secondary: Option<&str>) -> Value {
    let mut names = Map::new();
    names.insert("primary".to_owned(), json!(primary));
    if let Some(secondary) = secondary {
        names.insert("secondary".to_owned(), json!(secondary));
    }
    json!({ "type": "x509", "x509": { "caReferences": names } })
}

/// How a device proves who it is, in a word or two.
pub(crate) fn summary(attestation: &Value) -> String {
    let x509 = &attestation["x509"];
    let name = |info: &Value| info["subjectName"].as_str().map(str::to_owned);
    match attestation["type"].as_str() {
        Some("symmetricKey") => "symmetric key".to_owned(),
        Some("x509") if x509["caReferences"].is_object() => {
            format!("X.509, CA {}", x509["caReferences"]["primary"].as_str().unwrap_or_default())
        }
        Some("x509") => {
            let pair = match x509["clientCertificates"].is_object() {
                true => &x509["clientCertificates"],
                false => &x509["signingCertificates"],
            };
            let subject = name(&pair["primary"]["info"]).or_else(|| name(&pair["secondary"]["info"]));
            format!("X.509 {}", subject.unwrap_or_default()).trim_end().to_owned()
        }
        other => other.unwrap_or_default().to_owned(),
    }
}
