//! What commands read: JSON from an argument, a file or standard input.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::failure::Failure;

/// Nothing a person hands to a command is larger.
const INPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// `{…}` itself, `@FILE`, or `-` for standard input.
pub(crate) fn json(argument: &str) -> Result<Value, Failure> {
    let text = match (argument, argument.strip_prefix('@')) {
        ("-", _) => standard_input()?,
        (_, Some(file)) => text_file(Path::new(file))?,
        (text, None) => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("this is not JSON: {error}")).fix("quote it for the shell: '{\"interval\": 30}'")
    })
}

pub(crate) fn text_file(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        return standard_input();
    }
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", path.display())))
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(INPUT_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    Ok(text)
}
