//! What commands print: tables for people, JSON for programs.

use std::io::{ErrorKind, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

/// Prints a line. A reader that has seen enough (`| head`) ends the program quietly.
pub(crate) fn line(text: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush())
        && error.kind() == ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

pub(crate) fn json(value: &Value) {
    line(format_args!("{value:#}"));
}

/// `none` is said when there are no rows.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, none: &str) {
    if rows.is_empty() {
        line(none);
        return;
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    line(table.trim_fmt());
}

/// The facts about one thing, a line each; empty ones are left out.
pub(crate) fn facts(facts: &[(&str, String)]) {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        line(format_args!("{name:width$}  {value}"));
    }
}

/// A member as text: strings bare, the rest as JSON, nothing for null.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An instant without its fraction of a second. The year 1 is how Azure says never.
pub(crate) fn instant(value: &Value) -> String {
    let text = text(value);
    if text.starts_with("0001-01-01") {
        return "never".to_owned();
    }
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// "3 devices", "1 device".
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
