//! Why a command failed: what, and how to fix it, in two lines.

use std::fmt::Display;

use serde_json::Value;

use crate::client::{Answer, ClientError};

#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    fix: Option<String>,
}

impl Failure {
    pub(crate) fn new(what: impl Display) -> Self {
        Self { what: what.to_string(), fix: None }
    }

    pub(crate) fn fix(mut self, fix: impl Display) -> Self {
        self.fix = Some(fix.to_string());
        self
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    pub(crate) fn print(&self) {
        eprintln!("error: {}", self.what);
        if let Some(fix) = &self.fix {
            eprintln!("  fix: {fix}");
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let fix = match &error {
            ClientError::Connect { .. } => {
                "start it with `muster serve`, or name another with --data or MUSTER_CONNECTION_STRING"
            }
            ClientError::Tls { .. } | ClientError::CaFile { .. } => {
                "give the CA that issued its certificate with --ca-file"
            }
            ClientError::Host(_) => "correct HostName in the connection string",
            ClientError::Timeout { .. } | ClientError::Broken { .. } => "try again; its log tells more",
            ClientError::Keep { .. } => "make room for it, or write it elsewhere",
        };
        Self::new(&error).fix(fix)
    }
}

/// A refusal by the server, in its own words.
pub(crate) fn refused(answer: &Answer) -> Failure {
    let json = answer.json().unwrap_or(Value::Null);
    let message = ["message", "Message"].iter().find_map(|name| json[*name].as_str());
    let message = message.map_or_else(|| "no reason given".to_owned(), |text| text.trim().to_owned());
    let message_exists = message.contains("exists already") || message.contains("already registered");
    let failure = Failure::new(format!("{message} ({})", answer.status));
    match answer.status.as_u16() {
        401 => failure
            .fix("use the connection string of a policy with this right; `endpoints.json` has the owner's"),
        409 if message_exists => failure.fix("choose another name, or delete the existing one first"),
        412 => failure.fix("someone else changed it meanwhile; read it again"),
        421 => failure.fix("the server knows other host names; its `endpoints.json` has them"),
        _ => failure,
    }
}

/// The answer, if it is a good one.
pub(crate) fn expect(answer: Answer) -> Result<Answer, Failure> {
    match answer.status.is_success() {
        true => Ok(answer),
        false => Err(refused(&answer)),
    }
}

pub(crate) fn expect_json(answer: Answer) -> Result<Value, Failure> {
    let answer = expect(answer)?;
    answer.json().ok_or_else(|| Failure::new("the server's answer is not JSON"))
}
