//! `muster device`: the identities in the hubs' registries.

use clap::{Args, Subcommand, ValueEnum};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::failure::{Failure, expect, expect_json, refused};
use super::show;
use super::target::{HubClient, Target};
use crate::client::{Call, segment};

pub(crate) const API_VERSION: &str = "api-version=2021-04-12";

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show the devices of all hubs, or of one
    #[command(visible_alias = "ls")]
    List(All),
    /// Show one
    #[command(after_help = "Example:\n  muster device get pump-7 --keys    # with its connection string")]
    Get(Get),
    /// Create one by hand (devices usually come through enrollments)
    #[command(after_help = "Examples:\n  \
        muster device create pump-7 --hub hub-1\n  \
        muster device create pump-7 --hub hub-1 --auth self-signed --thumbprint 0F1E…")]
    Create(Create),
    /// Delete one with its twin; its connection is cut
    #[command(visible_alias = "rm")]
    Delete(OneDevice),
    /// Let one connect again
    Enable(OneDevice),
    /// Refuse one; its connection is cut
    Disable(OneDevice),
}

#[derive(Args, Debug)]
struct All {
    #[command(flatten)]
    hub: WhichHub,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
pub(crate) struct WhichHub {
    /// The hub, by name or host name [default: the one that has the device]
    #[arg(long, value_name = "HUB")]
    pub(crate) hub: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct OneDevice {
    /// The device's id
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) hub: WhichHub,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Args, Debug)]
struct Get {
    #[command(flatten)]
    one: OneDevice,
    /// Show its keys too
    #[arg(long)]
    keys: bool,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Auth {
    /// By symmetric keys, made by the hub unless given
    Sas,
    /// By a certificate with one of two thumbprints
    SelfSigned,
    /// By a certificate of a CA that the hub trusts
    Ca,
}

#[derive(Args, Debug)]
struct Create {
    #[command(flatten)]
    one: OneDevice,
    /// How it proves who it is
    #[arg(long, value_enum, default_value_t = Auth::Sas)]
    auth: Auth,
    /// Both keys, base64
    #[arg(long, value_name = "KEY", requires = "secondary_key")]
    primary_key: Option<String>,
    /// The second of them
    #[arg(long, value_name = "KEY", requires = "primary_key")]
    secondary_key: Option<String>,
    /// SHA-1 or SHA-256 of its certificate, hexadecimal
    #[arg(long, value_name = "HEX", required_if_eq("auth", "self-signed"))]
    thumbprint: Option<String>,
    /// Of another one, while one takes over from the other
    #[arg(long, value_name = "HEX")]
    secondary_thumbprint: Option<String>,
    /// Create it disabled
    #[arg(long)]
    disabled: bool,
    /// It is an IoT Edge gateway
    #[arg(long)]
    edge: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::List(All { hub, target }) => list(&target.hubs(hub.hub.as_deref())?, target.json).await,
        Action::Get(get) => {
            let (hub, device) = find(&get.one).await?;
            show_device(&hub, &device, get.keys, get.one.target.json);
            Ok(())
        }
        Action::Create(create) => make(create).await,
        Action::Delete(one) => {
            let (hub, _) = find(&one).await?;
            let call = Call::new(Method::DELETE, path("devices", &one.id)).header("if-match", "*");
            expect(hub.client.call(&call).await?)?;
            match one.target.json {
                true => show::json(&json!({ "deviceId": one.id, "hub": hub.name, "deleted": true })),
                false => show::line(format_args!("deleted device `{}` from {}", one.id, hub.name)),
            }
            Ok(())
        }
        Action::Enable(one) => switch(one, "enabled").await,
        Action::Disable(one) => switch(one, "disabled").await,
    }
}

pub(crate) fn path(kind: &str, id: &str) -> String {
    format!("/{kind}/{}?{API_VERSION}", segment(id))
}

/// The device and the hub that has it.
pub(crate) async fn find(one: &OneDevice) -> Result<(HubClient, Value), Failure> {
    let hubs = one.target.hubs(one.hub.hub.as_deref())?;
    let names: Vec<_> = hubs.iter().map(|hub| hub.name.clone()).collect();
    for hub in hubs {
        let answer = hub.client.call(&Call::new(Method::GET, path("devices", &one.id))).await?;
        match answer.status {
            StatusCode::NOT_FOUND => {}
            _ => return Ok((hub, expect_json(answer)?)),
        }
    }
    Err(Failure::new(format!("there is no device `{}` at {}", one.id, names.join(", ")))
        .fix("`muster device list` shows all; ids are compared exactly"))
}

async fn list(hubs: &[HubClient], json: bool) -> Result<(), Failure> {
    let mut all = Vec::new();
    for hub in hubs {
        let call = Call::new(Method::GET, format!("/devices?top=1000&{API_VERSION}"));
        let Value::Array(devices) = expect_json(hub.client.call(&call).await?)? else {
            return Err(Failure::new(format!("{} did not answer with a list", hub.name)));
        };
        all.extend(devices.into_iter().map(|device| (hub.name.as_str(), device)));
    }
    if json {
        let devices = all.into_iter().map(|(hub, mut device)| {
            device["hub"] = json!(hub);
            device
        });
        show::json(&Value::Array(devices.collect()));
        return Ok(());
    }
    let rows = all.iter().map(|(hub, device)| {
        vec![
            show::text(&device["deviceId"]),
            (*hub).to_owned(),
            show::text(&device["status"]),
            show::text(&device["connectionState"]),
            show::text(&device["authentication"]["type"]),
            show::instant(&device["lastActivityTime"]),
        ]
    });
    show::table(
        &["ID", "HUB", "STATUS", "CONNECTION", "AUTHENTICATION", "LAST ACTIVITY"],
        rows.collect(),
        "there are no devices; they come through enrollments, or by `create`",
    );
    Ok(())
}

fn show_device(hub: &HubClient, device: &Value, keys: bool, json: bool) {
    if json {
        show::json(device);
        return;
    }
    let member = |name: &str| show::text(&device[name]);
    let authentication = &device["authentication"];
    let secret = |value: &Value| if keys { show::text(value) } else { String::new() };
    let primary = &authentication["symmetricKey"]["primaryKey"];
    let connection = match keys && primary.is_string() {
        true => {
            let (host, id, key) = (hub.client.host(), member("deviceId"), show::text(primary));
            format!("HostName={host};DeviceId={id};SharedAccessKey={key}")
        }
        false => String::new(),
    };
    show::facts(&[
        ("id", member("deviceId")),
        ("hub", format!("{} ({})", hub.name, hub.client.host())),
        ("status", member("status")),
        ("reason", member("statusReason")),
        ("connection", member("connectionState")),
        ("last activity", show::instant(&device["lastActivityTime"])),
        ("authentication", show::text(&authentication["type"])),
        ("thumbprint", show::text(&authentication["x509Thumbprint"]["primaryThumbprint"])),
        ("2nd thumbprint", show::text(&authentication["x509Thumbprint"]["secondaryThumbprint"])),
        ("primary key", secret(primary)),
        ("secondary key", secret(&authentication["symmetricKey"]["secondaryKey"])),
        ("connect with", connection),
        ("generation", member("generationId")),
        ("etag", member("etag")),
    ]);
}

async fn make(create: Create) -> Result<(), Failure> {
    let one = &create.one;
    let hub = one.target.hub(one.hub.hub.as_deref())?;
    let authentication = match create.auth {
        Auth::Sas => json!({
            "type": "sas",
            "symmetricKey": { "primaryKey": create.primary_key, "secondaryKey": create.secondary_key },
        }),
        Auth::SelfSigned => json!({
            "type": "selfSigned",
            "x509Thumbprint": {
                "primaryThumbprint": create.thumbprint,
                "secondaryThumbprint": create.secondary_thumbprint,
            },
        }),
        Auth::Ca => json!({ "type": "certificateAuthority" }),
    };
    let body = json!({
        "deviceId": one.id,
        "status": if create.disabled { "disabled" } else { "enabled" },
        "authentication": authentication,
        "capabilities": { "iotEdge": create.edge },
    });
    let call = Call::new(Method::PUT, path("devices", &one.id)).body(body);
    let created = expect_json(hub.client.call(&call).await?)?;
    show_device(&hub, &created, true, one.target.json);
    Ok(())
}

async fn switch(one: OneDevice, status: &str) -> Result<(), Failure> {
    let (hub, mut device) = find(&one).await?;
    device["status"] = json!(status);
    let etag = format!("\"{}\"", show::text(&device["etag"]));
    let call = Call::new(Method::PUT, path("devices", &one.id)).header("if-match", etag).body(device);
    let answer = hub.client.call(&call).await?;
    if !answer.status.is_success() {
        return Err(refused(&answer));
    }
    match one.target.json {
        true => show::json(&expect_json(answer)?),
        false => show::line(format_args!("device `{}` at {} is {status}", one.id, hub.name)),
    }
    Ok(())
}
