//! Why a configuration was refused: the key, the line, the fix.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file `{}`: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// Not TOML, an unknown key, or a value of another kind.
    #[error("line {line}: {message}")]
    Syntax { line: usize, message: String },
    /// A value that cannot be meant.
    #[error("line {line}: `{key}`: {problem}")]
    Value { line: usize, key: String, problem: String },
}
