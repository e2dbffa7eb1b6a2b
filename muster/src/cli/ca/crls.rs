//! `muster ca crls`: the revocation lists as they are published.

use clap::Args;
use serde_json::Value;

use super::get;
use crate::cli::failure::Failure;
use crate::cli::show;
use crate::cli::target::Target;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  muster ca crls --authority issuing\n\
    \nEach certificate names the list it would be on; anybody fetches that over plain HTTP.")]
pub(crate) struct Arguments {
    /// Of this authority
    #[arg(long, value_name = "ID")]
    authority: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(Arguments { authority, target }: Arguments) -> Result<(), Failure> {
    let mut all = get(&target.ca()?, "/ca/crls").await?;
    if let (Some(authority), Value::Array(all)) = (&authority, &mut all) {
        all.retain(|crl| crl["authority"] == **authority);
    }
    if target.json {
        show::json(&all);
        return Ok(());
    }
    let row = |crl: &Value| {
        let member = |name: &str| show::text(&crl[name]);
        let (made, next) = (show::instant(&crl["thisUpdate"]), show::instant(&crl["nextUpdate"]));
        vec![
            member("authority"),
            member("shard"),
            member("number"),
            member("entries"),
            member("bytes"),
            made,
            next,
        ]
    };
    let rows = all.as_array().into_iter().flatten().map(row).collect();
    let header = ["AUTHORITY", "SHARD", "NUMBER", "REVOKED", "BYTES", "MADE", "NEXT"];
    show::table(&header, rows, "there are none yet");
    Ok(())
}
