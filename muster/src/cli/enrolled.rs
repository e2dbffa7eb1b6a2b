//! What can be done alike to individual enrollments and to groups: get, list, change, delete, show keys.

use http::Method;
use serde_json::{Value, json};

use super::attestation;
use super::failure::{Failure, expect, expect_json};
use super::show;
use crate::client::{Call, Client, segment};

const API_VERSION: &str = "api-version=2021-10-01";
/// As many as the service gives at once (dps.md §7.2).
const PAGE: &str = "1000";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Individual,
    Group,
}

impl Kind {
    pub(crate) fn id_member(self) -> &'static str {
        match self {
            Self::Individual => "registrationId",
            Self::Group => "enrollmentGroupId",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Individual => "/enrollments",
            Self::Group => "/enrollmentGroups",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Individual => "enrollment",
            Self::Group => "group",
        }
    }

    fn path(self, id: &str) -> String {
        format!("{}/{}?{API_VERSION}", self.folder(), segment(id))
    }
}

/// A path of the provisioning service with its version.
pub(crate) fn versioned(path: &str) -> String {
    format!("{path}{}{API_VERSION}", if path.contains('?') { '&' } else { '?' })
}

pub(crate) async fn create(
    client: &Client,
    kind: Kind,
    id: &str,
    body: Value,
    json: bool,
) -> Result<(), Failure> {
    let answer = client.call(&Call::new(Method::PUT, kind.path(id)).body(body)).await?;
    let created = expect_json(answer)?;
    if json {
        show::json(&created);
        return Ok(());
    }
    show::line(format_args!("created {} `{id}`", kind.word()));
    show_keys(&created["attestation"]);
    Ok(())
}

pub(crate) async fn get(client: &Client, kind: Kind, id: &str, json: bool) -> Result<(), Failure> {
    let found = read(client, kind, id).await?;
    if json {
        show::json(&found);
        return Ok(());
    }
    let member = |name: &str| show::text(&found[name]);
    let state = &found["registrationState"];
    let reprovision = &found["reprovisionPolicy"];
    let hubs =
        found["iotHubs"].as_array().map(|hubs| hubs.iter().map(show::text).collect::<Vec<_>>().join(", "));
    show::facts(&[
        ("id", member(kind.id_member())),
        ("status", member("provisioningStatus")),
        ("attestation", attestation::summary(&found["attestation"])),
        ("device id", member("deviceId")),
        ("allocation", member("allocationPolicy")),
        ("hubs", hubs.unwrap_or_else(|| "all".to_owned())),
        ("on return", reprovisioning(reprovision).to_owned()),
        ("certificates", certificates(&found)),
        ("first twin", member("initialTwin")),
        ("edge", member_if_true(&found["capabilities"]["iotEdge"])),
        ("created", show::instant(&found["createdDateTimeUtc"])),
        ("updated", show::instant(&found["lastUpdatedDateTimeUtc"])),
        ("etag", member("etag")),
        ("registration", show::text(&state["status"])),
        ("assigned to", show::text(&state["assignedHub"])),
    ]);
    Ok(())
}

pub(crate) async fn list(client: &Client, kind: Kind, json: bool) -> Result<(), Failure> {
    let all = all(client, kind).await?;
    if json {
        show::json(&Value::Array(all));
        return Ok(());
    }
    let rows = all.iter().map(|one| {
        vec![
            show::text(&one[kind.id_member()]),
            show::text(&one["provisioningStatus"]),
            attestation::summary(&one["attestation"]),
            show::text(&one["allocationPolicy"]),
            show::instant(&one["lastUpdatedDateTimeUtc"]),
        ]
    });
    show::table(
        &["ID", "STATUS", "ATTESTATION", "ALLOCATION", "UPDATED"],
        rows.collect(),
        "there are none; `create` makes one",
    );
    Ok(())
}

pub(crate) async fn all(client: &Client, kind: Kind) -> Result<Vec<Value>, Failure> {
    query(client, &format!("{}/query?{API_VERSION}", kind.folder())).await
}

/// All pages of a query.
pub(crate) async fn query(client: &Client, path: &str) -> Result<Vec<Value>, Failure> {
    const CONTINUATION: &str = "x-ms-continuation";
    let mut all = Vec::new();
    let mut continuation: Option<String> = None;
    loop {
        let mut call =
            Call::new(Method::POST, path).header("x-ms-max-item-count", PAGE).body(json!({ "query": "" }));
        if let Some(continuation) = continuation {
            call = call.header(CONTINUATION, continuation);
        }
        let answer = expect(client.call(&call).await?)?;
        continuation = answer.headers.get(CONTINUATION).and_then(|it| it.to_str().ok()).map(str::to_owned);
        match expect_json(answer)? {
            Value::Array(page) => all.extend(page),
            _ => return Err(Failure::new("the server's answer is not a list")),
        }
        if continuation.is_none() {
            return Ok(all);
        }
    }
}

/// Reads, lets `change` work on it, and writes it back unless someone else was faster.
pub(crate) async fn update(
    client: &Client,
    kind: Kind,
    id: &str,
    change: impl FnOnce(&mut Value),
    json: bool,
) -> Result<(), Failure> {
    let mut body = read(client, kind, id).await?;
    let etag = show::text(&body["etag"]);
    change(&mut body);
    let call = Call::new(Method::PUT, kind.path(id)).header("if-match", etag).body(body);
    let updated = expect_json(client.call(&call).await?)?;
    match json {
        true => show::json(&updated),
        false => show::line(format_args!(
            "updated {} `{id}`: {}",
            kind.word(),
            show::text(&updated["provisioningStatus"])
        )),
    }
    Ok(())
}

pub(crate) async fn delete(client: &Client, kind: Kind, id: &str, json: bool) -> Result<(), Failure> {
    expect(client.call(&Call::new(Method::DELETE, kind.path(id))).await?)?;
    match json {
        true => show::json(&json!({ kind.id_member(): id, "deleted": true })),
        false => show::line(format_args!(
            "deleted {} `{id}`; devices it admitted stay where they are",
            kind.word()
        )),
    }
    Ok(())
}

pub(crate) async fn keys(client: &Client, kind: Kind, id: &str, json: bool) -> Result<(), Failure> {
    let path = format!("{}/{}/attestationmechanism?{API_VERSION}", kind.folder(), segment(id));
    let mechanism = expect_json(client.call(&Call::new(Method::POST, path)).await?)?;
    match json {
        true => show::json(&mechanism),
        false if mechanism["symmetricKey"].is_object() => show_keys(&mechanism),
        false => show::line(format_args!(
            "{} `{id}` has no keys: {}",
            kind.word(),
            attestation::summary(&mechanism)
        )),
    }
    Ok(())
}

async fn read(client: &Client, kind: Kind, id: &str) -> Result<Value, Failure> {
    expect_json(client.call(&Call::new(Method::GET, kind.path(id))).await?)
}

fn show_keys(attestation: &Value) {
    let keys = &attestation["symmetricKey"];
    show::facts(&[
        ("primary key", show::text(&keys["primaryKey"])),
        ("secondary key", show::text(&keys["secondaryKey"])),
    ]);
}

fn certificates(enrollment: &Value) -> String {
    let policy = show::text(&enrollment["credentialPolicyName"]);
    if enrollment["certificateRequired"] == true { format!("{policy}, required") } else { policy }
}

fn reprovisioning(policy: &Value) -> &'static str {
    match (policy["updateHubAssignment"].as_bool(), policy["migrateDeviceData"].as_bool()) {
        (Some(false), _) => "stays where it is",
        (_, Some(false)) => "allocated again, with a fresh twin",
        _ => "allocated again, with its data",
    }
}

fn member_if_true(value: &Value) -> String {
    if value.as_bool() == Some(true) { "yes".to_owned() } else { String::new() }
}
