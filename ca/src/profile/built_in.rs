//! The profiles that are there from the beginning: version 1 of their names.

use super::{Profile, ProfileError};

const TEXTS: [&str; 5] = [
    include_str!("../../profiles/device.toml"),
    include_str!("../../profiles/idevid.toml"),
    include_str!("../../profiles/edge-server.toml"),
    include_str!("../../profiles/tls-server.toml"),
    include_str!("../../profiles/sub-ca.toml"),
];

impl Profile {
    pub(crate) fn built_in() -> Result<Vec<Self>, ProfileError> {
        TEXTS.iter().map(|text| Self::parse(text, 1)).collect()
    }
}
