//! How fast events become durable, next to what the disk itself does: `cargo bench -p muster-events`,
//! one row of it with `-- 50x16`; `SECONDS_EACH=20` for longer.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run may say so like this")]

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use muster_events::{Event, Log, Options, Source};

const BODY_BYTES: usize = 256;

struct Load {
    producers: usize,
    events_per_call: usize,
    seconds: u64,
}

fn main() {
    let seconds = std::env::var("SECONDS_EACH").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!("disk: write + fdatasync to a growing file, and over what is there");
    for kib in [4, 16, 64, 256] {
        let (growing, over) = disk(dir.path(), kib * 1024);
        println!("  {kib:>4} KiB  {growing:>6.0} /s  {over:>6.0} /s");
    }
    println!("append, {BODY_BYTES} B bodies, a call waits until its events are durable");
    println!(
        "  producers  events/call    events/s  commits/s  p50 ms  p99 ms  max ms  CPU us/event  B/event on disk"
    );
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    for (producers, events_per_call) in [(50, 16), (800, 1), (1000, 1), (50, 1), (1, 1), (1, 64)] {
        if only.as_ref().is_some_and(|only| *only != format!("{producers}x{events_per_call}")) {
            continue;
        }
        run(dir.path(), &Load { producers, events_per_call, seconds });
    }
}

fn disk(dir: &Path, bytes: usize) -> (f64, f64) {
    let path = dir.join("disk");
    let block = vec![0x5a; bytes];
    let rate = |file: &mut File, count: u32| {
        let start = Instant::now();
        for _ in 0..count {
            file.write_all(&block).unwrap();
            file.sync_data().unwrap();
        }
        f64::from(count) / start.elapsed().as_secs_f64()
    };
    let growing = rate(&mut File::create(&path).unwrap(), 400);
    let over = rate(&mut File::options().write(true).open(&path).unwrap(), 400);
    fs::remove_file(path).unwrap();
    (growing, over)
}

fn run(dir: &Path, load: &Load) {
    let path = dir.join("events.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let log = Log::open(&path, &Options::default()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let cpu = cpu_s();
    let start = Instant::now();
    let (mut waits, commits) = runtime.block_on(async {
        let producers: Vec<_> = (0..load.producers)
            .map(|number| tokio::spawn(produce(log.clone(), stop.clone(), number, load.events_per_call)))
            .collect();
        tokio::time::sleep(Duration::from_secs(load.seconds)).await;
        stop.store(true, Ordering::Relaxed);
        let mut waits = Vec::new();
        for producer in producers {
            waits.extend(producer.await.unwrap());
        }
        let commits = *log.changed().borrow();
        (waits, commits)
    });
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = cpu_s() - cpu;
    runtime.block_on(log.close());
    let events = (waits.len() * load.events_per_call) as f64;
    waits.sort_unstable();
    let ms =
        |share: f64| waits.get(((waits.len() - 1) as f64 * share) as usize).unwrap().as_secs_f64() * 1000.0;
    println!(
        "  {:>9}  {:>11}  {:>10.0}  {:>9.0}  {:>6.2}  {:>6.2}  {:>6.1}  {:>12.2}  {:>15.0}",
        load.producers,
        load.events_per_call,
        events / elapsed,
        commits as f64 / elapsed,
        ms(0.5),
        ms(0.99),
        ms(1.0),
        cpu * 1e6 / events,
        fs::metadata(&path).unwrap().len() as f64 / events,
    );
    fs::remove_file(path).unwrap();
}

async fn produce(log: Log, stop: Arc<AtomicBool>, number: usize, events_per_call: usize) -> Vec<Duration> {
    let device: Arc<str> = format!("device-{number}").into();
    let generation: Arc<str> = "638673512340000000".into();
    let auth_method: Arc<str> =
        r#"{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}"#.into();
    let body = Bytes::from(vec![b'x'; BODY_BYTES]);
    let properties = Bytes::from_static(b"%24.ct=application%2Fjson&%24.ce=utf-8");
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let event = || Event {
            enqueued: Timestamp::now(),
            device: device.clone(),
            module: None,
            generation: generation.clone(),
            auth_method: auth_method.clone(),
            source: Source::Telemetry,
            properties: properties.clone(),
            body: body.clone(),
        };
        let events = (0..events_per_call).map(|_| event()).collect();
        let start = Instant::now();
        log.append(events).await.unwrap();
        waits.push(start.elapsed());
    }
    waits
}

/// Processor time of this process, all threads. In clock ticks of 10 ms.
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
