//! `muster ca list`: what was issued, filtered.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::certificate::status;
use super::get;
use crate::cli::failure::Failure;
use crate::cli::show;
use crate::cli::target::Target;
use crate::client::segment;

/// Of one call; there may be fewer, though there are more.
const PAGE: usize = 1000;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster ca list --holder pump-7\n  \
    muster ca list --expires-before 2027-01-01T00:00:00Z --max 1000 --json")]
pub(crate) struct Arguments {
    /// Of this authority
    #[arg(long, value_name = "ID")]
    authority: Option<String>,
    /// By this profile, of whatever version
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Issued to this holder
    #[arg(long, value_name = "NAME")]
    holder: Option<String>,
    /// With this common name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// That end before: 2027-01-31T00:00:00Z
    #[arg(long, value_name = "INSTANT")]
    expires_before: Option<Timestamp>,
    /// That end after
    #[arg(long, value_name = "INSTANT")]
    expires_after: Option<Timestamp>,
    /// From this place in the log on
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    from: u64,
    /// As many at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    max: usize,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let client = arguments.target.ca()?;
    let filters = arguments.filters();
    let (mut all, mut next) = (Vec::new(), Some(arguments.from));
    while let Some(from) = next.filter(|_| all.len() < arguments.max) {
        let max = (arguments.max - all.len()).min(PAGE);
        let mut page =
            get(&client, format!("/ca/certificates?max={max}&continuation={from}{filters}")).await?;
        if let Value::Array(certificates) = page["certificates"].take() {
            all.extend(certificates);
        }
        next = page["continuation"].as_u64();
    }
    if arguments.target.json {
        show::json(&json!({ "certificates": all, "continuation": next }));
        return Ok(());
    }
    let now = Timestamp::now();
    let rows = all.iter().map(|one| {
        vec![
            show::text(&one["serial"]),
            show::text(&one["profile"]),
            show::text(&one["subject"]),
            show::text(&one["holder"]),
            status(one, now),
            show::instant(&one["notAfter"]),
            show::text(&one["logIndex"]),
        ]
    });
    show::table(
        &["SERIAL", "PROFILE", "SUBJECT", "HOLDER", "STATUS", "VALID UNTIL", "INDEX"],
        rows.collect(),
        "there are none",
    );
    if let Some(next) = next {
        show::line(format_args!("\nthere may be more: --from {next}"));
    }
    Ok(())
}

impl Arguments {
    fn filters(&self) -> String {
        let instant = |it: &Option<Timestamp>| it.map(|it| it.to_string());
        let given = [
            ("authority", self.authority.clone()),
            ("profile", self.profile.clone()),
            ("holder", self.holder.clone()),
            ("commonName", self.name.clone()),
            ("expiresBefore", instant(&self.expires_before)),
            ("expiresAfter", instant(&self.expires_after)),
        ];
        given.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", segment(&value?)))).collect()
    }
}
