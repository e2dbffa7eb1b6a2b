//! `muster ca inspect`: what a certificate says, and what is known of it here.

mod contents;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use muster_x509::{Certificate, read_certificates};

use super::certificate::{self, Named};
use crate::cli::failure::{Failure, expect_json};
use crate::cli::show;
use crate::cli::target::Target;
use crate::client::Call;

use contents::Contents;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster ca inspect pump-7.pem\n  \
    muster ca inspect 4a:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee --json\n\
    \nOf a file, what it says is shown also when no server is there to ask.")]
pub(crate) struct Arguments {
    /// The certificate: a file (PEM or DER), or its serial number; - for standard input
    certificate: String,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(Arguments { certificate, target }: Arguments) -> Result<(), Failure> {
    let named = Named::read(&certificate)?;
    let serial = named.serial();
    let asked = ask(&target, &serial).await;
    let (certificate, known) = match named {
        Named::File(certificate) => (*certificate, asked),
        Named::Serial(_) => {
            let known = asked?.ok_or_else(|| {
                Failure::new(format!("certificate `{serial}` is not there"))
                    .fix("`muster ca list` shows what was issued")
            })?;
            let text = show::text(&known["certificate"]);
            let read = read_certificates(&text).ok().and_then(|all| all.into_iter().next());
            let certificate =
                read.ok_or_else(|| Failure::new(format!("certificate `{serial}` was never signed")))?;
            (certificate, Ok(Some(known)))
        }
    };
    let contents = Contents::read(&certificate);
    let standing = standing(&certificate, known);
    match target.json {
        true => show::json(
            &json!({ "certificate": contents, "known": standing.known, "status": standing.status }),
        ),
        false => tell(&certificate, &contents, &standing),
    }
    Ok(())
}

/// None when it is not one of this authority.
async fn ask(target: &Target, serial: &str) -> Result<Option<Value>, Failure> {
    let answer = target.ca()?.call(&Call::new(http::Method::GET, certificate::path(serial))).await?;
    // A serial number of another length is another authority's.
    match answer.status.as_u16() {
        400 | 404 => Ok(None),
        _ => expect_json(answer).map(Some),
    }
}

/// What the server says of it.
struct Standing {
    status: String,
    known: Value,
}

fn standing(certificate: &Certificate, known: Result<Option<Value>, Failure>) -> Standing {
    let says = |status: &str| Standing { status: status.to_owned(), known: Value::Null };
    match known {
        Err(failure) => says(&format!("unknown: {}", failure.what())),
        Ok(None) => says("not issued here"),
        Ok(Some(known)) => {
            let text = show::text(&known["certificate"]);
            let same = read_certificates(&text).is_ok_and(|all| all.first() == Some(certificate));
            match same {
                true => Standing { status: certificate::status(&known, Timestamp::now()), known },
                false => says("not issued here: another certificate has its serial number"),
            }
        }
    }
}

fn tell(certificate: &Certificate, contents: &Contents, Standing { status, known }: &Standing) {
    let instant = |at: Timestamp| show::instant(&json!(at));
    let member = |name: &str| show::text(&known[name]);
    let list = |texts: &[String]| texts.join(", ");
    show::facts(&[
        ("status", status.clone()),
        ("revoked", show::instant(&known["revoked"]["at"])),
        ("subject", certificate.subject().to_owned()),
        ("names", list(&contents.names)),
        ("issuer", certificate.issuer().to_owned()),
        ("serial", hex::encode(certificate.serial())),
        ("valid from", instant(certificate.not_before())),
        ("valid until", instant(certificate.not_after())),
        ("key", contents.key.clone()),
        ("authority", contents.authority.clone().unwrap_or_default()),
        ("key usage", list(&contents.usages)),
        ("for", list(&contents.purposes)),
        ("policies", list(&contents.policies)),
        ("CRL at", list(&contents.crls)),
        ("OCSP at", list(&contents.responders)),
        ("more extensions", list(&contents.more)),
        ("SHA-256", contents.sha256.clone()),
        ("profile", member("profile")),
        ("issued by", member("authority")),
        (
            "holder",
            match (member("holder"), member("generation")) {
                (holder, _) if holder.is_empty() => holder,
                (holder, generation) => format!("{holder}, generation {generation}"),
            },
        ),
        ("asked for by", member("requestedBy")),
        ("recorded", show::instant(&known["recorded"])),
        ("log index", member("logIndex")),
    ]);
}
