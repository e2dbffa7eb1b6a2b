//! The input: requests as lines, looked at before any is asked.

use std::collections::HashMap;

use serde::Deserialize;

use crate::cli::failure::Failure;

/// What the server takes in a line.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Of one call: half of what the server takes in a body, as it is configured without being told otherwise.
const PART_BYTES_MAX: usize = 512 * 1024;
/// The server answers as many at once.
const PART_LINES_MAX: usize = 128;

/// A request that is to be made.
#[derive(Debug, Clone)]
pub(super) struct Order<'t> {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) id: &'t str,
    pub(super) text: &'t str,
}

/// Ids are the caller's: plain ones need no copy.
#[derive(Deserialize)]
struct Named<'t> {
    #[serde(borrow)]
    id: &'t str,
}

/// All requests, or the first line that is none: a mistake in the middle is better found at the beginning.
pub(super) fn parse(text: &str) -> Result<Vec<Order<'_>>, Failure> {
    let refused = |line: usize, what: String| {
        Failure::new(format!("line {line}: {what}"))
            .fix("write one request as JSON on each line, each with an `id` of its own, of plain characters")
    };
    let mut seen = HashMap::new();
    let mut orders = Vec::new();
    for (at, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line = at + 1;
        if text.len() > LINE_BYTES_MAX {
            return Err(refused(line, format!("there are more than {LINE_BYTES_MAX} bytes")));
        }
        let Named { id } = serde_json::from_str(text)
            .map_err(|error| refused(line, format!("this is not a request: {error}")))?;
        if let Some(first) = seen.insert(id, line) {
            return Err(refused(line, format!("line {first} has the id `{id}`, too")));
        }
        orders.push(Order { line, id, text });
    }
    Ok(orders)
}

/// In parts that a call takes.
pub(super) fn parts<'o, 't>(mut orders: &'o [Order<'t>]) -> Vec<&'o [Order<'t>]> {
    let mut parts = Vec::new();
    while !orders.is_empty() {
        let mut bytes = 0;
        let fits = orders.iter().take(PART_LINES_MAX).take_while(|order| {
            bytes += order.text.len() + 1;
            bytes <= PART_BYTES_MAX
        });
        // A line alone always fits.
        let (part, rest) = orders.split_at(fits.count().max(1));
        parts.push(part);
        orders = rest;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named_before_anything_is_asked() {
        let good = parse("{\"id\":\"a\"}\n\n{\"csr\":\"x\",\"id\":\"b\"}\n").unwrap();
        assert_eq!(good.iter().map(|order| (order.line, order.id)).collect::<Vec<_>>(), [(1, "a"), (3, "b")]);
        for bad in ["{\"id\":\"a\"}\n{", "{\"id\":\"a\"}\n{\"csr\":1}", "{\"id\":\"a\"}\n{\"id\":\"a\"}"] {
            assert!(format!("{:?}", parse(bad).unwrap_err()).contains("line 2: "), "{bad}");
        }
    }

    #[test]
    fn parts_are_whole_and_within_what_the_server_takes() {
        let long = format!("{{\"id\":\"long\",\"csr\":\"{}\"}}", "x".repeat(60_000));
        let lines: Vec<_> = (0..300).map(|n| format!("{{\"id\":\"{n}\"}}")).collect();
        let longs: Vec<_> = (0..20).map(|n| long.replace("long", &format!("l{n}"))).collect();
        let text = [lines, longs].concat().join("\n");
        let orders = parse(&text).unwrap();
        let parts = parts(&orders);
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), 320);
        for part in parts {
            assert!(part.len() <= PART_LINES_MAX);
            assert!(part.iter().map(|order| order.text.len() + 1).sum::<usize>() <= PART_BYTES_MAX);
        }
    }
}
