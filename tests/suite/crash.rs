//! kill -9 at seeded random points while a fleet boots and sends: nothing acknowledged is lost, nothing is half done.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::binaries::{Serve, binary, configuration};

/// Enough to hit every stage of a first boot; a round is a few hundred milliseconds.
const KILLS: usize = 15;
const FLEET_ENDS_WITHIN: Duration = Duration::from_secs(180);

/// A small generator (SplitMix64), so that a failing run can be repeated by its seed.
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn of_environment() -> Self {
        let seed = std::env::var("MUSTER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_120);
        println!("MUSTER_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[test]
fn a_server_killed_again_and_again_loses_nothing_it_acknowledged() {
    let mut random = Seeded::of_environment();
    let seed = random.0;
    let folder = tempfile::tempdir().unwrap();
    let (data, acked) = (folder.path().join("data"), folder.path().join("acked"));
    let configuration = configuration(folder.path(), "");

    let mut serve = Serve::start(&data, &configuration);
    let mut fleet = Command::new(binary("muster-fleet"))
        .arg("--endpoints")
        .arg(&serve.endpoints)
        .arg("--acked")
        .arg(&acked)
        .args(["--devices", "120", "--messages", "25", "--concurrency", "40", "--pause-ms", "40"])
        .args(["--seed", &seed.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    let mut kills = 0;
    while kills < KILLS && fleet.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20 + random.below(900)));
        serve.kill();
        kills += 1;
        serve = Serve::start(&data, &configuration);
    }
    assert!(kills > KILLS / 2, "the fleet was done after {kills} kills: give it more to do");

    let deadline = Instant::now() + FLEET_ENDS_WITHIN;
    while fleet.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the fleet does not come to its end");
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = fleet.wait_with_output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "seed {seed}, {kills} kills: {said}");

    // One more, so that the databases are looked at as a crash leaves them.
    serve.kill();
    let mut databases = vec![data.join("muster.db")];
    databases.extend(
        std::fs::read_dir(data.join("events"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "db")),
    );
    assert!(databases.len() > 1, "no event log found");
    for database in databases {
        let connection = rusqlite::Connection::open(&database).unwrap();
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "{}", database.display());
    }
}
