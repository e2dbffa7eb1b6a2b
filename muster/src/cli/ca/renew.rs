//! `muster ca renew`: another certificate for the identity of one.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use muster_x509::to_pem;

use super::certificate::Named;
use super::issued::{self, Output};
use crate::cli::failure::Failure;
use crate::cli::target::Target;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    openssl req -new -key pump-7.key -subj / -out pump-7.csr\n  \
    muster ca renew pump-7.pem pump-7.csr --out pump-7-next.pem\n\
    \nNames, profile and holder stay as they are; whether the key may, the profile says.")]
pub(crate) struct Arguments {
    /// The certificate: a file, or its serial number
    certificate: String,
    /// The new request (PKCS #10, PEM or DER), with the same names or with none
    request: PathBuf,
    /// Who signs it [default: who signed the old one]
    #[arg(long, value_name = "ID")]
    authority: Option<String>,
    /// The same key gets the same certificate again [default: a new one]
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let named = Named::read(&arguments.certificate)?;
    let request = issued::request(&arguments.request)?;
    let client = arguments.target.ca()?;
    let old = to_pem(named.certificate(&client).await?.der());
    let mut body = json!({ "certificate": old, "csr": request });
    if let Some(authority) = &arguments.authority {
        body["authority"] = json!(authority);
    }
    let issued = issued::ask(&client, "/ca/renew", body, arguments.idempotency_key).await?;
    arguments.output.deliver(&issued, arguments.target.json)
}
