//! `muster ca sign`: a certificate for a request.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use muster_x509::Csr;

use super::issued::{self, Output};
use crate::cli::failure::Failure;
use crate::cli::target::Target;

const HOURS_A_DAY: i64 = 24;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    openssl ecparam -name prime256v1 -genkey -noout -out pump-7.key\n  \
    openssl req -new -key pump-7.key -subj /CN=pump-7 -out pump-7.csr\n  \
    muster ca sign pump-7.csr --out pump-7.pem --chain\n  \
    muster ca sign - --profile tls-server --name plant.example --dns plant.example < plant.csr\n\
    \nOf a request only its key counts, and its common name if no other is given; the profile says what\n\
    of the rest stands in the certificate. See `muster ca profile list`.")]
pub(crate) struct Arguments {
    /// The request (PKCS #10, PEM or DER); - for standard input
    request: PathBuf,
    /// What the certificate may say [default: device]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Who signs it [default: issuing]
    #[arg(long, value_name = "ID")]
    authority: Option<String>,
    /// Whose it is: what is revoked together [default: its common name]
    #[arg(long, value_name = "NAME")]
    holder: Option<String>,
    /// Common name [default: the request's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Serial number of the device, not of the certificate
    #[arg(long, value_name = "TEXT")]
    serial_number: Option<String>,
    /// Organization in the subject
    #[arg(long, value_name = "TEXT")]
    organization: Option<String>,
    /// Organizational unit in the subject
    #[arg(long, value_name = "TEXT")]
    organizational_unit: Option<String>,
    /// A DNS name; several by several
    #[arg(long, value_name = "NAME")]
    dns: Vec<String>,
    /// An IP address; several by several
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<IpAddr>,
    /// A URI; several by several
    #[arg(long)]
    uri: Vec<String>,
    /// Kind and serial number of the hardware, for `idevid`: OID:HEX
    #[arg(long, value_name = "OID:HEX")]
    hardware: Option<String>,
    /// A fact that a profile of your own names: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE", value_parser = fact)]
    fact: Vec<(String, String)>,
    /// Valid for so many days, if that is less than what the profile gives
    #[arg(long)]
    days: Option<u16>,
    /// The same key gets the same certificate again [default: a new one]
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let body = arguments.body(&issued::request(&arguments.request)?)?;
    let client = arguments.target.ca()?;
    let issued = issued::ask(&client, "/ca/sign", body, arguments.idempotency_key).await?;
    arguments.output.deliver(&issued, arguments.target.json)
}

impl Arguments {
    fn body(&self, request: &str) -> Result<Value, Failure> {
        let mut body = Map::from_iter([("csr".to_owned(), json!(request))]);
        let mut put = |name: &str, value: Option<Value>| body.extend(value.map(|it| (name.to_owned(), it)));
        put("profile", self.profile.as_ref().map(|it| json!(it)));
        put("authority", self.authority.as_ref().map(|it| json!(it)));
        put("holder", self.holder.as_ref().map(|name| json!({ "name": name })));
        let end = |days| Timestamp::now() + SignedDuration::from_hours(HOURS_A_DAY * i64::from(days));
        put("notAfter", self.days.map(|days| json!(end(days))));
        put("subject", Some(self.subject(request)?));
        Ok(Value::Object(body))
    }

    fn subject(&self, request: &str) -> Result<Value, Failure> {
        // One that cannot be read is the server's to refuse, in its words.
        let asked = || Csr::parse(request.as_bytes()).ok()?.common_name().map(str::to_owned);
        let mut subject = json!({
            "commonName": self.name.clone().or_else(asked),
            "serialNumber": self.serial_number,
            "organization": self.organization,
            "organizationalUnit": self.organizational_unit,
            "dnsNames": self.dns,
            "ipAddresses": self.ip,
            "uris": self.uri,
            "more": self.fact.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>(),
        });
        if let Some(hardware) = &self.hardware {
            let Some((kind, serial)) = hardware.split_once(':') else {
                return Err(Failure::new(format!("hardware `{hardware}` is not OID:HEX"))
                    .fix("write it as in 1.3.6.1.4.1.32473.7.1:00a1b2"));
            };
            subject["hardware"] = json!({ "type": kind, "serial": serial });
        }
        Ok(subject)
    }
}

fn fact(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
