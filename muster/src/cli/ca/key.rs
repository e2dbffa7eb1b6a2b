//! `muster ca key`: keys that get no certificate, because somebody else has them.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::json;

use muster_x509::Csr;

use super::certificate;
use crate::cli::failure::{Failure, expect};
use crate::cli::show;
use crate::cli::target::Target;
use crate::client::Call;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// No more certificates for a key; those that it has are revoked with `revoke`
    #[command(after_help = "Examples:\n  \
        muster ca key block pump-7.pem --reason 'published with the firmware'\n  \
        muster ca key block 5f1c…64 digits --reason 'weak'")]
    Block(Block),
    /// Certificates again
    Unblock(Unblock),
}

#[derive(Args, Debug)]
struct Block {
    /// A certificate or request with it (PEM or DER), or the SHA-256 of its SubjectPublicKeyInfo
    key: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Unblock {
    /// A certificate or request with it (PEM or DER), or the SHA-256 of its SubjectPublicKeyInfo
    key: String,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Block(Block { key, reason, target }) => {
            let sha256 = hash(&key)?;
            let call = Call::new(Method::PUT, path(&sha256)).body(json!({ "reason": reason }));
            expect(target.ca()?.call(&call).await?)?;
            match target.json {
                true => show::json(&json!({ "sha256": sha256, "blocked": true })),
                false => show::line(format_args!("blocked key `{sha256}`: it gets no certificate any more")),
            }
        }
        Action::Unblock(Unblock { key, target }) => {
            let sha256 = hash(&key)?;
            expect(target.ca()?.call(&Call::new(Method::DELETE, path(&sha256))).await?)?;
            match target.json {
                true => show::json(&json!({ "sha256": sha256, "blocked": false })),
                false => show::line(format_args!("key `{sha256}` is not blocked any more")),
            }
        }
    }
    Ok(())
}

fn hash(key: &str) -> Result<String, Failure> {
    const DIGITS: usize = 64;
    if key.len() == DIGITS && hex::decode(key).is_ok() {
        return Ok(key.to_ascii_lowercase());
    }
    let file = Path::new(key);
    let bytes = certificate::read_bytes(file)?;
    let spki = match Csr::parse(&bytes) {
        Ok(csr) => csr.spki_der().to_vec(),
        Err(_) => certificate::first(&bytes, &format!("`{key}`"))?.spki_der().to_vec(),
    };
    Ok(hex::encode(digest(&SHA256, &spki)))
}

fn path(sha256: &str) -> String {
    format!("/ca/blocked-keys/{sha256}")
}
