//! `muster explain`: why a device was let in or refused, step by step, or what would happen to one.

use std::path::PathBuf;

use clap::Args;
use http::Method;
use serde_json::Value;

use muster_dps::EnrollmentKind;
use muster_dps::explain::{Explanation, Question, Verdict};
use muster_dps::trace::{Outcome, StepOutcome, Trace};

use super::enrolled::versioned;
use super::failure::{Failure, expect_json};
use super::target::Target;
use super::{input, show};
use crate::client::{Call, Client, segment};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster explain 6f1c…-…                                    # the tracking id a device was told\n  \
    muster explain --registration-id pump-7                   # its last attempts\n  \
    muster explain --registration-id pump-7 --cert chain.pem  # without a device\n  \
    muster explain --registration-id pump-7 --symmetric-key")]
pub(crate) struct Arguments {
    /// The tracking id of an attempt
    #[arg(required_unless_present = "registration_id", conflicts_with = "registration_id")]
    tracking_id: Option<String>,
    /// The id a device asks with
    #[arg(long, value_name = "ID")]
    registration_id: Option<String>,
    /// The certificate chain it would present, its own first (PEM)
    #[arg(long, value_name = "FILE", requires = "registration_id")]
    cert: Option<PathBuf>,
    /// It would present a token instead
    #[arg(long, requires = "registration_id", conflicts_with = "cert")]
    symmetric_key: bool,
    #[command(flatten)]
    target: Target,
}

/// Attempts of one device that are shown.
const ATTEMPTS: usize = 3;

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let client = arguments.target.dps()?;
    let json = arguments.target.json;
    match (arguments.tracking_id, arguments.registration_id) {
        (Some(id), _) => {
            let call = Call::new(Method::GET, versioned(&format!("/traces/{}", segment(&id))));
            let found = expect_json(client.call(&call).await?)?;
            if json {
                show::json(&found);
                return Ok(());
            }
            show_trace(&read(found)?);
            Ok(())
        }
        (None, Some(id)) if arguments.cert.is_some() || arguments.symmetric_key => {
            let chain = arguments.cert.as_deref().map(input::text_file).transpose()?;
            let question = Question {
                registration_id: id,
                certificate_chain: chain.into_iter().collect(),
                symmetric_key: arguments.symmetric_key,
            };
            foresee(&client, &question, json).await
        }
        (None, id) => attempts(&client, &id.unwrap_or_default(), json).await,
    }
}

async fn attempts(client: &Client, id: &str, json: bool) -> Result<(), Failure> {
    let path = versioned(&format!("/traces?registrationId={}&top={ATTEMPTS}", segment(id)));
    let found = expect_json(client.call(&Call::new(Method::GET, path)).await?)?;
    if json {
        show::json(&found);
        return Ok(());
    }
    let Value::Array(traces) = found else { return Err(Failure::new("the server's answer is not a list")) };
    if traces.is_empty() {
        return Err(Failure::new(format!("`{id}` has not asked yet")).fix(
            "compare it with what the device sends; add --cert or --symmetric-key to see what would happen",
        ));
    }
    for trace in traces {
        show_trace(&read(trace)?);
        show::line("");
    }
    Ok(())
}

async fn foresee(client: &Client, question: &Question, json: bool) -> Result<(), Failure> {
    let body = serde_json::to_value(question).map_err(Failure::new)?;
    let call = Call::new(Method::POST, versioned("/explain")).body(body);
    let answer = expect_json(client.call(&call).await?)?;
    if json {
        show::json(&answer);
        return Ok(());
    }
    let explanation: Explanation = read(answer)?;
    let verdict = match explanation.verdict {
        Verdict::Admitted => "would be admitted",
        Verdict::Disabled => "would be refused: the enrollment that decides is disabled",
        Verdict::Refused => "would be refused",
        Verdict::DependsOnKey => "depends on the key it signs with",
    };
    show::line(format_args!("`{}` {verdict}", explanation.registration_id));
    show::line(format_args!("{}\n", explanation.summary));
    for one in &explanation.considered {
        let kind = match one.kind {
            EnrollmentKind::Individual => "enrollment",
            EnrollmentKind::Group => "group",
        };
        let mark = if one.matches { '✓' } else { '✗' };
        show::line(format_args!("{mark} {kind} `{}`: {}", one.id, one.why));
        if let Some(fix) = &one.fix {
            show::line(format_args!("    fix: {fix}"));
        }
    }
    Ok(())
}

fn show_trace(trace: &Trace) {
    let outcome = match trace.outcome {
        Outcome::Pending => "in progress",
        Outcome::Assigned => "assigned",
        Outcome::Disabled => "refused: disabled",
        Outcome::Failed => "failed",
        Outcome::Superseded => "given up: the device asked again meanwhile",
        Outcome::Refused => "refused",
    };
    show::facts(&[
        ("attempt", trace.tracking_id.to_string()),
        ("device", trace.registration_id.clone()),
        ("scope", trace.id_scope.clone()),
        ("from", format!("{} over {:?}", trace.address, trace.transport)),
        ("at", format!("{:.3}", trace.at)),
        ("outcome", outcome.to_owned()),
    ]);
    show::line("");
    let begun = trace.steps.first().map_or(0, |step| step.at_us);
    for step in &trace.steps {
        let mark = match step.outcome {
            StepOutcome::Passed => '✓',
            StepOutcome::Failed => '✗',
            StepOutcome::Noted => '·',
        };
        let ms = (step.at_us - begun) as f64 / 1000.0;
        show::line(format_args!("{mark} {:<18} {:>9} {}", step.step, format!("{ms:.1} ms"), step.compared));
        if let Some(fix) = &step.fix {
            show::line(format_args!("    fix: {fix}"));
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| {
        Failure::new(format!("the server's answer cannot be read: {error}"))
            .fix("use the `muster` of the same version as the server")
    })
}
