//! A certificate that was asked for: how it is asked for only once, and where it goes.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use http::Method;
use serde_json::Value;

use super::certificate::read_bytes;
use crate::cli::failure::{Failure, expect_json};
use crate::cli::show;
use crate::client::{Call, Client};
use crate::entropy;

/// As every label of one in PEM ends (RFC 7468).
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(super) struct Output {
    /// Write the certificate here (PEM) [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// With its authorities' certificates after it, up to the one below the root
    #[arg(long)]
    chain: bool,
}

/// A request, PEM or DER, as the API takes it.
pub(super) fn request(file: &Path) -> Result<String, Failure> {
    public(file, "give the request only: openssl req -new -key KEY -subj /CN=NAME -out REQUEST")
}

/// What anybody may know, PEM or DER, as the API takes it.
pub(super) fn public(file: &Path, fix: &'static str) -> Result<String, Failure> {
    let bytes = read_bytes(file)?;
    if bytes.windows(PRIVATE_KEY.len()).any(|some| some == PRIVATE_KEY) {
        return Err(
            Failure::new(format!("`{}` has a private key in it: nothing was sent", file.display())).fix(fix)
        );
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(not_text) => BASE64_STANDARD.encode(not_text.into_bytes()),
    })
}

/// Asks under a key of its own, so that a call that is repeated for a broken connection is answered once.
pub(super) async fn ask(
    client: &Client,
    path: &str,
    body: Value,
    key: Option<String>,
) -> Result<Value, Failure> {
    let key = key.unwrap_or_else(|| {
        let mut bytes = [0; 16];
        entropy::system()(&mut bytes);
        hex::encode(bytes)
    });
    let call = Call::new(Method::POST, path).header("idempotency-key", key).body(body);
    expect_json(client.call(&call).await?)
}

impl Output {
    pub(super) fn deliver(&self, issued: &Value, json: bool) -> Result<(), Failure> {
        let pem = self.pem(issued);
        if let Some(out) = &self.out {
            std::fs::write(out, pem.as_bytes())
                .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", out.display())))?;
        }
        match (&self.out, json) {
            (_, true) => show::json(issued),
            (Some(out), false) => {
                show::facts(&[
                    ("certificate", out.display().to_string()),
                    ("subject", show::text(&issued["subject"])),
                    ("serial", show::text(&issued["serial"])),
                    ("profile", show::text(&issued["profile"])),
                    ("valid until", show::instant(&issued["notAfter"])),
                    ("renew after", show::instant(&issued["renewAfter"])),
                    ("log index", show::text(&issued["logIndex"])),
                ]);
            }
            (None, false) => show::line(pem.trim_end()),
        }
        for remark in issued["remarks"].as_array().into_iter().flatten() {
            eprintln!("note: {}", show::text(remark));
        }
        Ok(())
    }

    /// Without the root: whoever verifies it must have that from elsewhere.
    fn pem(&self, issued: &Value) -> String {
        let own = show::text(&issued["certificate"]);
        if !self.chain {
            return own;
        }
        let chain = show::text(&issued["chain"]);
        let ends: Vec<_> = chain.match_indices("-----BEGIN ").map(|(at, _)| at).collect();
        let root = ends.last().copied().unwrap_or_default();
        own + &chain[..root]
    }
}
