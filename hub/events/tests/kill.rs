//! kill -9 at random points: what was acknowledged is there, exactly once and in order.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use events::{event, options};
use jiff::SignedDuration;
use muster_events::{Log, Retention};

const FOLDER: &str = "MUSTER_EVENTS_KILL_TEST_FOLDER";
const START: &str = "MUSTER_EVENTS_KILL_TEST_START";
const DEVICES: usize = 8;
const ROUNDS: usize = 10;

/// Not a test but the process that is killed: appends numbered events until then, and prints each device's next number after
/// every acknowledgement.
#[test]
fn child() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let starts: Vec<u64> =
        env::var(START).unwrap().split(',').map(|number| number.parse().unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let log = Log::open(&Path::new(&folder).join("events.db"), &options()).unwrap();
        let produce = async |log: Log, device: usize, mut next: u64| {
            loop {
                let count = 1 + next % 13;
                let numbers = next..next + count;
                let body = |number: u64| [&number.to_be_bytes()[..], &[0; 1_000]].concat();
                let events = numbers.map(|number| event(&format!("device-{device}"), &body(number)));
                log.append(events.collect()).await.unwrap();
                next += count;
                writeln!(std::io::stdout(), "acknowledged {device} {next}").unwrap();
            }
        };
        let producers =
            starts.into_iter().enumerate().map(|(device, next)| produce(log.clone(), device, next));
        futures::future::join_all(producers).await;
    });
}

fn start(folder: &Path, starts: &[u64]) -> Child {
    let starts: Vec<String> = starts.iter().map(u64::to_string).collect();
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .env(START, starts.join(","))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// When to kill.
struct Moment {
    acknowledgements: u64,
    delay_us: u64,
}

/// xorshift64*: a seed is a run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

/// Kills it at that moment, and reads what it had still said.
fn run(folder: &Path, starts: &[u64], moment: Moment) -> Vec<u64> {
    let mut child = start(folder, starts);
    let mut acknowledged = starts.to_vec();
    let mut seen = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(told) = line.strip_prefix("acknowledged ") else { continue };
        // The last line may be cut.
        let Some((device, next)) = told.split_once(' ') else { continue };
        let (Ok(device), Ok(next)) = (device.parse::<usize>(), next.parse::<u64>()) else { continue };
        acknowledged[device] = acknowledged[device].max(next);
        seen += 1;
        if seen == moment.acknowledgements {
            thread::sleep(Duration::from_micros(moment.delay_us));
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    assert!(seen >= moment.acknowledgements, "it ended by itself after {seen}");
    acknowledged
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_once_and_in_order() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut random = Random(7);
    // Each device's numbers that must be in the log, and each partition's first offset.
    let mut starts = vec![0; DEVICES];
    let mut firsts: BTreeMap<u16, u64> = BTreeMap::new();
    for round in 0..ROUNDS {
        let moment = Moment { acknowledgements: 1 + random.below(600), delay_us: random.below(3_000) };
        let acknowledged = run(dir.path(), &starts, moment);
        let log = Log::open(&dir.path().join("events.db"), &options()).unwrap();
        let mut next = starts.clone();
        for partition in 0..log.partitions() {
            let mut offset = *firsts.get(&partition).unwrap_or(&0);
            loop {
                let found = log.read(partition, offset, 10_000).await.unwrap();
                if found.is_empty() {
                    break;
                }
                for stored in found {
                    assert_eq!(stored.offset, offset, "no gap in partition {partition}");
                    offset += 1;
                    let device: usize = stored.event.device.strip_prefix("device-").unwrap().parse().unwrap();
                    let number = u64::from_be_bytes(stored.event.body[..8].try_into().unwrap());
                    assert_eq!(number, next[device], "round {round}, device {device}: once, in order");
                    next[device] += 1;
                }
            }
            assert_eq!(log.extent(partition).next, offset);
            firsts.insert(partition, offset);
        }
        for (device, acknowledged) in acknowledged.into_iter().enumerate() {
            assert!(
                next[device] >= acknowledged,
                "round {round}, device {device}: {} of {acknowledged}",
                next[device]
            );
        }
        starts = next;
        // Half of the rounds begin with an empty log, whose offsets must go on all the same.
        if round % 2 == 1 {
            let everything = Retention { age: SignedDuration::MAX, bytes: 0 };
            log.trim(&everything, events::at(0)).await.unwrap();
        }
        log.close().await;
    }
    assert!(starts.iter().sum::<u64>() > 1_000);
}
