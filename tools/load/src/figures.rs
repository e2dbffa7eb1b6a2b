//! What was measured, beside what it is measured against, and what was wanted.

use serde::Serialize;

use crate::Setting;

#[derive(Serialize)]
pub(crate) struct Figures {
    cores: usize,
    seconds_a_round: f64,
    rounds: usize,
    figures: Vec<Figure>,
}

/// One line of the table.
#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<Baseline>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
    /// For the reader: latencies, CPU.
    pub(crate) note: String,
}

#[derive(Serialize)]
pub(crate) struct Baseline {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) ratio: f64,
}

#[derive(Serialize)]
pub(crate) struct Target {
    pub(crate) wanted: &'static str,
    pub(crate) met: bool,
}

impl Figures {
    pub(crate) fn new(setting: &Setting) -> Figures {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Figures { cores, seconds_a_round: setting.seconds, rounds: setting.rounds, figures: Vec::new() }
    }

    pub(crate) fn add(&mut self, figure: Figure) {
        eprintln!("  {}", line(&figure).join("  "));
        self.figures.push(figure);
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub(crate) fn to_table(&self) -> String {
        let mut rows = vec![["what", "value", "baseline", "ratio", "wanted", "note"].map(str::to_owned)];
        rows.extend(self.figures.iter().map(line));
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut table = format!(
            "{} cores shared by server and client; medians of {} rounds of {} s, contenders in turns\n",
            self.cores, self.rounds, self.seconds_a_round
        );
        for row in &rows {
            for (cell, width) in row.iter().zip(&widths) {
                table.push_str(&format!("{cell:<width$}  "));
            }
            table.truncate(table.trim_end().len());
            table.push('\n');
        }
        table
    }
}

fn line(figure: &Figure) -> [String; 6] {
    let baseline = figure.baseline.as_ref();
    [
        figure.name.clone(),
        format!("{} {}", number(figure.value), figure.unit),
        baseline.map_or(String::new(), |it| format!("{} {}", number(it.value), it.name)),
        baseline.map_or(String::new(), |it| format!("{:.2}", it.ratio)),
        figure
            .target
            .as_ref()
            .map_or(String::new(), |it| format!("{} {}", it.wanted, if it.met { "yes" } else { "NO" })),
        figure.note.clone(),
    ]
}

pub(crate) fn number(value: f64) -> String {
    if value >= 1000.0 {
        let whole = format!("{value:.0}");
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        return grouped;
    }
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

pub(crate) fn baseline(name: &'static str, ours: f64, theirs: f64) -> Option<Baseline> {
    Some(Baseline { name, value: theirs, ratio: ours / theirs })
}

/// The middle one; every figure is taken in several rounds because a shared machine has moods.
pub(crate) fn median<T>(of: &[T], value: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = of.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        even if even.is_multiple_of(2) => f64::midpoint(values[even / 2 - 1], values[even / 2]),
        odd => values[odd / 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0], |it| *it), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0], |it| *it), 2.5);
        assert_eq!(median::<f64>(&[], |it| *it), 0.0);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(number(1_234_567.0), "1,234,567");
        assert_eq!(number(123.4), "123");
        assert_eq!(number(12.34), "12.3");
    }
}
