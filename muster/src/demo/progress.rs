//! What the demo shows while it runs: bars on a terminal, a line now and then elsewhere, nothing when asked for JSON.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Progress {
    look: Look,
    booted: ProgressBar,
    messages: ProgressBar,
    reported: ProgressBar,
}

enum Look {
    Bars(MultiProgress),
    Lines(Mutex<Instant>),
    Silent,
}

impl Progress {
    pub(super) fn new(silent: bool) -> Progress {
        let look = match (silent, std::io::stderr().is_terminal()) {
            (true, _) => Look::Silent,
            (false, true) => Look::Bars(MultiProgress::new()),
            (false, false) => Look::Lines(Mutex::new(Instant::now())),
        };
        let bar = |name: &'static str| {
            let style =
                ProgressStyle::with_template("  {msg:<22} {bar:40.cyan/blue} {pos:>7}/{len} in {elapsed}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = match &look {
                Look::Bars(bars) => bars.add(ProgressBar::no_length()),
                Look::Lines(_) | Look::Silent => {
                    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
                }
            };
            bar.with_style(style).with_message(name)
        };
        let (booted, messages, reported) =
            (bar("devices assigned"), bar("messages acknowledged"), bar("properties reported"));
        Progress { look, booted, messages, reported }
    }

    /// A sentence that stays.
    pub(super) fn say(&self, text: &str) {
        match &self.look {
            // A terminal that went away takes nothing of the demo with it.
            Look::Bars(bars) => drop(bars.println(text)),
            Look::Lines(_) => eprintln!("{text}"),
            Look::Silent => {}
        }
    }

    pub(super) fn begin(&self, devices: u64, messages: u64) {
        self.booted.set_length(devices);
        self.reported.set_length(devices);
        self.messages.set_length(messages);
    }

    pub(super) fn assigned(&self) {
        self.booted.inc(1);
        self.line();
    }

    pub(super) fn acknowledged(&self, count: u64) {
        self.messages.inc(count);
    }

    pub(super) fn reported(&self) {
        self.reported.inc(1);
        self.line();
    }

    pub(super) fn end(&self) {
        for bar in [&self.booted, &self.messages, &self.reported] {
            bar.finish_and_clear();
        }
    }

    fn line(&self) {
        let Look::Lines(last) = &self.look else { return };
        // Whoever holds the lock is writing the line.
        let Ok(mut last) = last.try_lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            eprintln!(
                "  {} devices assigned, {} messages acknowledged, {} properties reported",
                self.booted.position(),
                self.messages.position(),
                self.reported.position()
            );
        }
    }
}
