//! First boot over HTTPS (contract §2).

use std::time::Instant;

use hyper::Method;
use serde_json::json;

use super::{Dps, Options, Outcome, ProvisionError, Reply, Step, Timings};
use crate::https::{Answer, Call, Connection};
use crate::{DeviceKey, Trust};

/// Boots one device over HTTPS; `dps.endpoint` is the HTTPS listener.
pub async fn provision_https(
    dps: &Dps,
    registration_id: &str,
    credential: &DeviceKey,
    trust: &Trust,
    options: &Options,
) -> Result<Outcome, ProvisionError> {
    let boot = boot(dps, registration_id, credential, trust, options);
    match tokio::time::timeout(options.deadline, boot).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ProvisionError::Late { after: options.deadline }),
    }
}

async fn boot(
    dps: &Dps,
    registration_id: &str,
    credential: &DeviceKey,
    trust: &Trust,
    options: &Options,
) -> Result<Outcome, ProvisionError> {
    let resource = format!("{}/registrations/{registration_id}", dps.scope);
    let token = credential.token(&resource, options.token_lifetime_s, Some("registration"));
    let headers: Vec<(&str, &str)> = token.iter().map(|token| ("authorization", token.as_str())).collect();
    let mut body = json!({ "registrationId": registration_id });
    if let Some(payload) = &options.payload {
        body["payload"] = payload.clone();
    }

    let mut timings = Timings::default();
    let begun = Instant::now();
    let mut connection = Connection::open(&dps.endpoint, &trust.presenting(credential)?).await?;
    timings.tls = begun.elapsed();
    let asked = Instant::now();
    let path = format!("/{resource}/register?api-version={}", options.api_version);
    let register = Call { method: Method::PUT, path: &path, headers: &headers, body: Some(&body) };
    let mut answer = connection.call(&dps.endpoint.host, &register).await?;
    timings.register = asked.elapsed();

    let asked = Instant::now();
    loop {
        timings.assign = asked.elapsed();
        timings.total = begun.elapsed();
        let reply = reply(answer);
        let retry_after_s = reply.retry_after_s;
        match reply.judge(timings)? {
            Step::Done(outcome) => return Ok(*outcome),
            Step::Wait { operation_id } => {
                let wait = options.polling.wait(retry_after_s, timings.polls);
                tokio::time::sleep(wait).await;
                timings.waited += wait;
                timings.polls += 1;
                let path =
                    format!("/{resource}/operations/{operation_id}?api-version={}", options.api_version);
                let poll = Call { method: Method::GET, path: &path, headers: &headers, body: None };
                answer = connection.call(&dps.endpoint.host, &poll).await?;
            }
        }
    }
}

fn reply(answer: Answer) -> Reply {
    let retry_after_s = answer.header("retry-after").and_then(|value| value.parse().ok());
    Reply { status: answer.status, retry_after_s, body: answer.body }
}
