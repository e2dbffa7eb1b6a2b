//! What profiles promise.

mod lives;
mod texts;

use super::Profile;

const DEVICE: &str = include_str!("../../../profiles/device.toml");

fn refusal(text: &str) -> String {
    Profile::parse(text, 1).unwrap_err().to_string()
}
