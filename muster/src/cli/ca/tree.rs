//! `muster ca tree`: the authorities, drawn.

use clap::Args;
use serde_json::Value;

use super::get;
use crate::cli::failure::Failure;
use crate::cli::show;
use crate::cli::target::Target;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  muster ca tree\n\
    \nAn authority is pending, active, retiring (signs nothing new), crl-only (for good) or revoked.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(Arguments { target }: Arguments) -> Result<(), Failure> {
    let tree = get(&target.ca()?, "/ca/tree").await?;
    match target.json {
        true => show::json(&tree),
        false => drawn(&tree).iter().for_each(show::line),
    }
    Ok(())
}

/// Lines in columns: what is below what, its state, until when, and what is to be done about it.
fn drawn(tree: &Value) -> Vec<String> {
    let mut rows = Vec::new();
    for node in tree.as_array().into_iter().flatten() {
        draw(node, None, "", "", &mut rows);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |[name, state, subject, end]: &[String; 4]| {
        let [a, b, c, _] = widths;
        format!("{name:a$}  {state:b$}  {subject:c$}  {end}").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `above` is the one above that was revoked, and with it all that is below.
fn draw(node: &Value, above: Option<&str>, branch: &str, trunk: &str, rows: &mut Vec<[String; 4]>) {
    rows.push([
        format!("{branch}{}", show::text(&node["id"])),
        state(node, above),
        show::text(&node["subject"]),
        end(node),
    ]);
    let above = above.or_else(|| node["id"].as_str().filter(|_| node["state"] == "revoked"));
    let below = node["below"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (at, child) in below.iter().enumerate() {
        let (branch, more) = if at + 1 == below.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw(child, above, &format!("{trunk}{branch}"), &format!("{trunk}{more}"), rows);
    }
}

fn state(node: &Value, above: Option<&str>) -> String {
    let state = match (show::text(&node["state"]), above) {
        (own, Some(above)) if own != "revoked" => format!("revoked with {above}"),
        (own, _) => own,
    };
    // Nothing is signed with what is only trusted.
    if node["key"].is_null() { format!("{state}, key elsewhere") } else { state }
}

fn end(node: &Value) -> String {
    let until = match node["notAfter"].as_str() {
        Some(until) => format!("until {}", until.split('T').next().unwrap_or(until)),
        None => return "waits for its certificate".to_owned(),
    };
    let days = node["warning"]["daysLeft"].as_i64().unwrap_or_default();
    match node["warning"]["urgency"].as_str() {
        None => until,
        Some("expired") => format!("{until}  EXPIRED"),
        Some(urgency) => format!(
            "{until}  {urgency}: {} left",
            show::count(usize::try_from(days).unwrap_or_default(), "day", "days")
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_below_hangs_from_what_is_above() {
        let authority = |id: &str, below: Vec<Value>| {
            json!({ "id": id, "state": "active", "key": "file:x", "subject": format!("CN={id}"),
                "notAfter": "2028-11-19T12:00:00Z", "below": below })
        };
        let mut over = authority("over", vec![authority("under", vec![])]);
        over["state"] = json!("revoked");
        let mut late = authority("late", vec![]);
        late["warning"] = json!({ "urgency": "critical", "daysLeft": 12 });
        let mut partner = authority("partner", vec![]);
        partner.as_object_mut().unwrap().remove("key");
        let tree = json!([
            authority("root", vec![authority("plant", vec![late]), authority("issuing", vec![])]),
            partner,
            over,
            { "id": "asked", "state": "pending", "key": "file:y", "below": [] },
        ]);
        assert_eq!(
            drawn(&tree),
            [
                "root        active                 CN=root     until 2028-11-19",
                "├─ plant    active                 CN=plant    until 2028-11-19",
                "│  └─ late  active                 CN=late     until 2028-11-19  critical: 12 days left",
                "└─ issuing  active                 CN=issuing  until 2028-11-19",
                "partner     active, key elsewhere  CN=partner  until 2028-11-19",
                "over        revoked                CN=over     until 2028-11-19",
                "└─ under    revoked with over      CN=under    until 2028-11-19",
                "asked       pending                            waits for its certificate",
            ]
        );
    }
}
