//! `muster ca bulk`: certificates for many requests, in a file that says which are answered.
//!
//! Every line has an id, which makes asking again safe: the server gives the same certificate for it. So a run that was
//! killed is started again with the same words: what the output has is left out, the rest is asked.

mod answers;
mod orders;

use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::{StreamExt, stream};
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use answers::{Answers, is_for_later};
use orders::{Order, parse, parts};

use crate::cli::failure::{Failure, expect};
use crate::cli::target::Target;
use crate::cli::{input, show};
use crate::client::{Call, Client, segment};

const CALLS_AT_ONCE: usize = 4;
/// Who asks too fast, or while the same is being answered, waits.
const PAUSE: Duration = Duration::from_secs(2);
/// Rounds that answer nothing at all, until it is given up.
const FRUITLESS_ROUNDS_MAX: usize = 5;
/// Refusals shown one by one; the rest are counted.
const SHOWN_MAX: usize = 20;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster ca bulk requests.jsonl -o certificates.jsonl\n  \
    muster ca bulk requests.jsonl -o certificates.jsonl   # again: goes on where it was\n  \
    jq -r 'select(.certificate) | .certificate' certificates.jsonl\n\
    \nEach line of the input is a request:\n  \
    {\"id\": \"A-17\", \"csr\": \"-----BEGIN …\", \"subject\": {\"commonName\": \"pump-17\"}}\n\
    with `profile`, `authority`, `holder` and `notAfter` where they differ. The same id always gets\n\
    the same certificate.\n\
    \nEach line of the output is an answer, in the order in which they come:\n  \
    {\"line\": 1, \"id\": \"A-17\", \"outcome\": \"issued\", \"certificate\": …, \"chain\": …}\n\
    or `repeated`, what an earlier run was given; or `refused`, with `errorCode` and `message`. It\n\
    exits with 1 when any was refused.")]
pub(crate) struct Arguments {
    /// One request as JSON on each line; - for standard input
    file: PathBuf,
    /// Write answers here, and go on where this file ends [default: standard output, from the beginning]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Ask again for those that were refused before
    #[arg(long, requires = "out")]
    retry_refused: bool,
    /// The profile of those that name none
    #[arg(long, value_name = "NAME", default_value = "device")]
    profile: String,
    /// Who signs those that name none
    #[arg(long, value_name = "ID", default_value = "issuing")]
    authority: String,
    #[command(flatten)]
    target: Target,
}

/// What became of the lines.
#[derive(Default)]
struct Sum {
    issued: usize,
    refused: Vec<String>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let text = input::text_file(&arguments.file)?;
    let orders = parse(&text)?;
    let (mut answers, answered) = Answers::open(arguments.out.as_deref(), arguments.retry_refused)?;
    let client = arguments.target.ca()?;
    let open: Vec<Order<'_>> = orders.iter().filter(|order| !answered.contains(order.id)).cloned().collect();
    let (total, before) = (orders.len(), orders.len() - open.len());
    // Answers on standard output are the output.
    let quiet = arguments.target.json || arguments.out.is_none();
    let bar = bar(total, before, quiet || !std::io::stderr().is_terminal());
    let query = format!(
        "/ca/bulk?profile={}&authority={}",
        segment(&arguments.profile),
        segment(&arguments.authority)
    );
    let (sum, left) = ask_all(&client, &query, open, &mut answers, &bar).await?;
    bar.finish_and_clear();
    report(&arguments, &sum, before, left)
}

/// In rounds: what is to be asked again later is asked again later.
async fn ask_all(
    client: &Client,
    query: &str,
    mut open: Vec<Order<'_>>,
    answers: &mut Answers,
    bar: &ProgressBar,
) -> Result<(Sum, usize), Failure> {
    let (mut sum, mut fruitless) = (Sum::default(), 0);
    while !open.is_empty() && fruitless < FRUITLESS_ROUNDS_MAX {
        let mut done: HashSet<String> = HashSet::new();
        let calls = parts(&open).into_iter().map(|part| ask(client, query, part));
        let mut calls = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE);
        while let Some(given) = calls.next().await {
            for answer in given? {
                if is_for_later(&answer) {
                    continue;
                }
                answers.write(&answer)?;
                sum.count(&answer);
                done.extend(answer["id"].as_str().map(str::to_owned));
                bar.inc(1);
            }
            answers.flush()?;
        }
        drop(calls);
        open.retain(|order| !done.contains(order.id));
        fruitless = if done.is_empty() { fruitless + 1 } else { 0 };
        if !open.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok((sum, open.len()))
}

/// The answers to a part, each with the line that its request has in the file.
async fn ask(client: &Client, query: &str, part: &[Order<'_>]) -> Result<Vec<Value>, Failure> {
    let mut text = String::with_capacity(part.iter().map(|order| order.text.len() + 1).sum());
    for order in part {
        text.push_str(order.text);
        text.push('\n');
    }
    let call = Call::new(Method::POST, query).text("application/x-ndjson", text);
    let answer = expect(client.call(&call).await?)?;
    let unreadable = |error| Failure::new(format!("the server's answer is not lines of JSON: {error}"));
    let mut answers = Vec::with_capacity(part.len());
    for line in answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut answer: Value = serde_json::from_slice(line).map_err(unreadable)?;
        let asked = answer["line"].as_u64().and_then(|line| usize::try_from(line).ok()?.checked_sub(1));
        let Some(order) = asked.and_then(|at| part.get(at)) else { continue };
        answer["line"] = json!(order.line);
        answer["id"] = json!(order.id);
        answers.push(answer);
    }
    Ok(answers)
}

impl Sum {
    fn count(&mut self, answer: &Value) {
        match answer["outcome"].as_str() {
            Some("issued" | "repeated") => self.issued += 1,
            _ => self.refused.push(format!(
                "line {}: `{}`: {}",
                answer["line"],
                show::text(&answer["id"]),
                show::text(&answer["message"])
            )),
        }
    }
}

fn bar(total: usize, before: usize, hidden: bool) -> ProgressBar {
    if hidden {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} answers, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar.set_position(before as u64);
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn report(arguments: &Arguments, sum: &Sum, before: usize, left: usize) -> Result<(), Failure> {
    let refused = sum.refused.len();
    match (&arguments.out, arguments.target.json) {
        (None, _) => {}
        (Some(_), true) => show::json(&json!({
            "issued": sum.issued, "refused": refused, "answeredBefore": before, "unanswered": left,
        })),
        (Some(out), false) => {
            let before = match before {
                0 => String::new(),
                before => format!(", {before} answered before"),
            };
            show::line(format_args!(
                "{} in {}{before}",
                show::count(sum.issued, "certificate", "certificates"),
                out.display()
            ));
            sum.refused.iter().take(SHOWN_MAX).for_each(show::line);
        }
    }
    if left > 0 {
        return Err(Failure::new(show::count(
            left,
            "request was not answered",
            "requests were not answered",
        ))
        .fix("run it again: it goes on where it was"));
    }
    match refused {
        0 => Ok(()),
        n => Err(Failure::new(show::count(n, "request was refused", "requests were refused"))
            .fix("correct them, then run it again with --retry-refused")),
    }
}
