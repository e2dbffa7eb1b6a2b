//! A closed loop: so many workers, each doing one thing after the other, counted for a while.

use std::future::Future;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::process::{Process, own_cpu_s};

/// Latencies up to a minute, to three digits.
const LATENCY_MAX_US: u64 = 60_000_000;

/// From here to there is counted; what ends before or after only keeps the pressure up.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Window {
    pub(crate) fn after(warm_up: Duration, measured: Duration) -> Window {
        let from = Instant::now() + warm_up;
        Window { from, to: from + measured }
    }

    pub(crate) fn counts(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }

    pub(crate) fn is_over(&self, at: Instant) -> bool {
        at >= self.to
    }

    /// CPU seconds of the server and of this process, inside the window.
    pub(crate) async fn watch(&self, server: &Process) -> (f64, f64) {
        tokio::time::sleep_until(self.from.into()).await;
        let before = (server.cpu_s(), own_cpu_s());
        tokio::time::sleep_until(self.to.into()).await;
        (server.cpu_s() - before.0, own_cpu_s() - before.1)
    }
}

/// What a window saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) server_cpu_us: f64,
    pub(crate) client_cpu_us: f64,
}

impl Taken {
    pub(crate) fn new(latencies_us: &[u32], window: &Window, cpu: (f64, f64)) -> Result<Taken, String> {
        let mut histogram =
            Histogram::<u64>::new_with_bounds(1, LATENCY_MAX_US, 3).map_err(|error| error.to_string())?;
        for latency in latencies_us {
            histogram.saturating_record(u64::from(*latency).max(1));
        }
        let count = histogram.len();
        if count == 0 {
            return Err("nothing was completed while it was measured".to_owned());
        }
        let seconds = (window.to - window.from).as_secs_f64();
        let per_operation = |cpu_s: f64| cpu_s * 1e6 / count as f64;
        Ok(Taken {
            per_s: count as f64 / seconds,
            p50_ms: histogram.value_at_quantile(0.5) as f64 / 1e3,
            p99_ms: histogram.value_at_quantile(0.99) as f64 / 1e3,
            server_cpu_us: per_operation(cpu.0),
            client_cpu_us: per_operation(cpu.1),
        })
    }
}

pub(crate) struct Pressure {
    pub(crate) workers: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Pressure {
    /// `act` is done again and again by every worker; one failure fails the measurement.
    pub(crate) async fn apply<Act, Acting>(&self, server: &Process, act: Act) -> Result<Taken, String>
    where
        Act: Fn() -> Acting + Clone + Send + 'static,
        Acting: Future<Output = Result<(), String>> + Send,
    {
        let window = Window::after(self.warm_up, self.measured);
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            let act = act.clone();
            workers.spawn(async move {
                let mut latencies_us = Vec::new();
                loop {
                    let begun = Instant::now();
                    if window.is_over(begun) {
                        return Ok(latencies_us);
                    }
                    act().await?;
                    let ended = Instant::now();
                    if window.counts(ended) {
                        latencies_us.push(micros(ended - begun));
                    }
                }
            });
        }
        let cpu = window.watch(server).await;
        Taken::new(&gather(workers).await?, &window, cpu)
    }
}

pub(crate) async fn gather(mut workers: JoinSet<Result<Vec<u32>, String>>) -> Result<Vec<u32>, String> {
    let mut all = Vec::new();
    while let Some(worker) = workers.join_next().await {
        all.extend(worker.map_err(|error| error.to_string())??);
    }
    Ok(all)
}

pub(crate) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
