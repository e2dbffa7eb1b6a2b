//! The demo's last words: tables, or JSON.

use std::io::IsTerminal;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::figures::Figures;

/// Where there is no terminal to ask.
const COLUMNS: u16 = 120;

pub(super) fn tables(figures: &Figures, problems: &[String]) -> String {
    let mut text = String::new();
    for table in [hubs(figures), latency(figures), messages(figures), refused(figures)] {
        text.push_str(&table.to_string());
        text.push('\n');
    }
    let seconds = &figures.seconds;
    text.push_str(&format!(
        "{:.1} s in all: server ready in {:.2} s, enrollments {:.2} s, first boots {:.1} s, checks {:.1} s\n",
        seconds.total, seconds.start, seconds.enroll, seconds.boot, seconds.check
    ));
    match problems {
        [] => text.push_str("Every figure adds up.\n"),
        problems => {
            text.push_str("This does not add up:\n");
            for problem in problems {
                text.push_str(&format!("  - {problem}\n"));
            }
        }
    }
    text
}

pub(super) fn json(figures: &Figures, problems: &[String]) -> String {
    let mut value = serde_json::to_value(figures).unwrap_or_default();
    value["problems"] = problems.into();
    value.to_string()
}

fn table(header: &[&str], numbers_from: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_width(COLUMNS);
    }
    table.set_header(header.to_vec());
    for column in table.column_iter_mut().skip(numbers_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn hubs(figures: &Figures) -> Table {
    let mut table = table(&["hub", "weight", "devices", "expected", "off by"], 1);
    for hub in &figures.hubs {
        table.add_row([
            format!("{} ({})", hub.name, hub.host),
            hub.weight.to_string(),
            hub.devices.to_string(),
            format!("{:.0}", hub.expected),
            format!("{:+.1} %", hub.off_percent()),
        ]);
    }
    table
}

fn latency(figures: &Figures) -> Table {
    let mut table = table(&["first boot", "p50", "p99"], 1);
    for latency in &figures.latency {
        table.add_row([
            latency.step.to_owned(),
            format!("{:.1} ms", latency.p50_ms),
            format!("{:.1} ms", latency.p99_ms),
        ]);
    }
    table
}

fn messages(figures: &Figures) -> Table {
    let mut table = table(&["", "sent", "acknowledged", "read back"], 1);
    let messages = &figures.messages;
    table.add_row([
        "messages".to_owned(),
        messages.sent.to_string(),
        messages.acknowledged.to_string(),
        messages.read_back.to_string(),
    ]);
    let twins = &figures.twins;
    table.add_row([
        "reported properties".to_owned(),
        twins.reported.to_string(),
        twins.reported.to_string(),
        twins.shown.to_string(),
    ]);
    table.add_row([
        "registrations".to_owned(),
        figures.devices.to_string(),
        figures.assigned.to_string(),
        figures.recorded.to_string(),
    ]);
    table
}

fn refused(figures: &Figures) -> Table {
    let mut table = table(&["refused device", "was told", "why, by its trace", "what to do"], 4);
    for refusal in &figures.refused {
        table.add_row([
            format!("{}: {}", refusal.registration_id, refusal.flaw),
            refusal.told.clone().unwrap_or_else(|| "was let in".to_owned()),
            refusal.reason.clone().unwrap_or_else(|| "no trace".to_owned()),
            refusal.fix.clone().unwrap_or_default(),
        ]);
    }
    table
}
