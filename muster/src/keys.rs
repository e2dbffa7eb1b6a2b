//! The keys of this installation: ID scope and access policies, made at random once and kept in `keys.json`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use muster_identity::{AccessPolicy, Entropy, Rights};
use muster_sas::Key;

use crate::data_folder::{Readers, replace_file};

pub(crate) struct Keys {
    pub(crate) id_scope: String,
    pub(crate) dps: Vec<AccessPolicy>,
    pub(crate) ca: Vec<AccessPolicy>,
    /// By hub name. A hub that left the configuration keeps its keys: it may come back.
    pub(crate) hubs: BTreeMap<String, Vec<AccessPolicy>>,
}

#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("cannot read or write `keys.json`: {0}")]
    Io(#[from] io::Error),
    #[error("`keys.json` is damaged: {0}; restore it from a backup, the keys in it cannot be made again")]
    Damaged(String),
}

impl Keys {
    /// Reads the file; makes what is missing in it, and writes it back before anything uses it.
    pub(crate) fn open(path: &Path, hubs: &[String], entropy: &Entropy) -> Result<Self, KeysError> {
        let found = match std::fs::read(path).map(Zeroizing::new) {
            Ok(text) => Some(File::parse(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let mut made = found.is_none();
        let mut keys = match found {
            Some(file) => file.keys()?,
            None => {
                Self { id_scope: id_scope(entropy), dps: Vec::new(), ca: Vec::new(), hubs: BTreeMap::new() }
            }
        };
        made |= complete(&mut keys.dps, vec![AccessPolicy::provisioning_service_owner(entropy)]);
        made |= complete(&mut keys.ca, vec![AccessPolicy::ca_owner(entropy)]);
        for hub in hubs {
            let policies = keys.hubs.entry(hub.clone()).or_default();
            made |= complete(policies, AccessPolicy::hub_defaults(entropy));
        }
        if made {
            let text = serde_json::to_vec_pretty(&File::of(&keys)).map_err(io::Error::from)?;
            replace_file(path, &Zeroizing::new(text), Readers::Owner)?;
        }
        Ok(keys)
    }
}

/// Adds the defaults that are not there, by name; tells whether there were any.
fn complete(policies: &mut Vec<AccessPolicy>, defaults: Vec<AccessPolicy>) -> bool {
    let before = policies.len();
    for policy in defaults {
        if policies.iter().all(|it| it.name != policy.name) {
            policies.push(policy);
        }
    }
    policies.len() != before
}

/// As Azure's look: `0ne` and eight hexadecimal digits (dps.md §0).
fn id_scope(entropy: &Entropy) -> String {
    let mut bytes = [0; 4];
    entropy(&mut bytes);
    format!("0ne{:08X}", u32::from_be_bytes(bytes))
}

/// The file as written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    id_scope: String,
    dps: Vec<Policy>,
    /// Not there in files from before there was an authority to ask.
    #[serde(default)]
    ca: Vec<Policy>,
    hubs: BTreeMap<String, Vec<Policy>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Policy {
    name: String,
    rights: Rights,
    primary_key: Zeroizing<String>,
    secondary_key: Option<Zeroizing<String>>,
}

impl File {
    fn parse(text: &[u8]) -> Result<Self, KeysError> {
        serde_json::from_slice(text).map_err(|error| KeysError::Damaged(error.to_string()))
    }

    fn keys(self) -> Result<Keys, KeysError> {
        let read = |policies: Vec<Policy>| {
            policies.into_iter().map(Policy::read).collect::<Result<Vec<_>, KeysError>>()
        };
        let mut hubs = BTreeMap::new();
        for (hub, policies) in self.hubs {
            hubs.insert(hub, read(policies)?);
        }
        Ok(Keys { id_scope: self.id_scope, dps: read(self.dps)?, ca: read(self.ca)?, hubs })
    }

    fn of(keys: &Keys) -> Self {
        let write = |policies: &Vec<AccessPolicy>| policies.iter().map(Policy::write).collect();
        Self {
            id_scope: keys.id_scope.clone(),
            dps: write(&keys.dps),
            ca: write(&keys.ca),
            hubs: keys.hubs.iter().map(|(hub, policies)| (hub.clone(), write(policies))).collect(),
        }
    }
}

impl Policy {
    fn read(self) -> Result<AccessPolicy, KeysError> {
        let key = |text: &Zeroizing<String>| {
            Key::from_base64(text)
                .map_err(|error| KeysError::Damaged(format!("policy `{}`: {error}", self.name)))
        };
        let (primary, secondary) =
            (key(&self.primary_key)?, self.secondary_key.as_ref().map(key).transpose()?);
        Ok(AccessPolicy { name: self.name, primary, secondary, rights: self.rights })
    }

    fn write(policy: &AccessPolicy) -> Self {
        Self {
            name: policy.name.clone(),
            rights: policy.rights,
            primary_key: policy.primary.to_base64(),
            secondary_key: policy.secondary.as_ref().map(Key::to_base64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_a_restart_and_a_new_hub_gets_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let entropy = crate::entropy::system();
        let first = Keys::open(&path, &["a".to_owned()], &entropy).unwrap();
        let second = Keys::open(&path, &["a".to_owned(), "b".to_owned()], &entropy).unwrap();
        assert_eq!(first.id_scope, second.id_scope);
        assert_eq!(first.id_scope.len(), 11);
        assert_eq!(first.hubs["a"], second.hubs["a"]);
        assert_ne!(second.hubs["a"][0].primary, second.hubs["b"][0].primary);
        assert_eq!(first.dps, second.dps);
        assert_eq!(second.hubs["b"][0].name, "iothubowner");
    }

    #[test]
    fn a_file_without_policies_of_the_authority_gets_its_owner_and_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let entropy = crate::entropy::system();
        let first = Keys::open(&path, &[], &entropy).unwrap();
        let mut file: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        file.as_object_mut().unwrap().remove("ca").unwrap();
        std::fs::write(&path, file.to_string()).unwrap();
        let second = Keys::open(&path, &[], &entropy).unwrap();
        assert_eq!(first.dps, second.dps);
        assert_eq!(second.ca[0].name, "caowner");
        assert_eq!(second.ca, Keys::open(&path, &[], &entropy).unwrap().ca, "written");
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        std::fs::write(&path, "{").unwrap();
        assert!(Keys::open(&path, &[], &crate::entropy::system()).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"{");
    }
}
