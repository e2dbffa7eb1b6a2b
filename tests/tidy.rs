//! The rules of the house that a machine can check; ARCHITECTURE.md gives the reasons.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our packages each package may depend on: the arrows of ARCHITECTURE.md.
const ARROWS: &[(&str, &[&str])] = &[
    ("muster-mqtt", &[]),
    ("muster-sas", &[]),
    ("muster-x509", &[]),
    ("muster-store", &[]),
    ("muster-events", &[]),
    ("muster-identity", &["muster-sas", "muster-x509"]),
    ("muster-enrollment-policies", &["muster-identity"]),
    ("muster-ca", &["muster-store", "muster-x509"]),
    (
        "muster-dps",
        &[
            "muster-ca",
            "muster-enrollment-policies",
            "muster-identity",
            "muster-mqtt",
            "muster-sas",
            "muster-store",
            "muster-x509",
        ],
    ),
    (
        "muster-hub",
        &["muster-events", "muster-identity", "muster-mqtt", "muster-sas", "muster-store", "muster-x509"],
    ),
    (
        "muster-server",
        &[
            "muster-ca",
            "muster-dps",
            "muster-enrollment-policies",
            "muster-events",
            "muster-hub",
            "muster-identity",
            "muster-mqtt",
            "muster-sas",
            "muster-simulator", // `muster demo` boots devices: clients, over real sockets
            "muster-store",
            "muster-x509",
        ],
    ),
    ("muster-simulator", &["muster-mqtt", "muster-sas", "muster-x509"]),
    ("muster-load", &["muster-mqtt", "muster-sas", "muster-simulator", "muster-x509"]),
    ("muster-test-engines", &["muster-store"]),
];

/// Files over the usual length, each with its reason. The list only shrinks.
const LONG_FILES: &[(&str, &str)] = &[];

/// A file fits in the head; nothing is longer than this without standing in `LONG_FILES`.
const FILE_LINES_MAX: usize = 400;
/// Nothing at all is longer than this.
const FILE_LINES_LIMIT: usize = 800;
/// Half of the files are at most this long.
const FILE_LINES_MEDIAN_MAX: usize = 140;

const DRAWERS: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "shared"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file below the root that is ours, as path relative to it with `/`.
fn files(ending: &str) -> BTreeMap<String, String> {
    fn walk(dir: &Path, root: &Path, ending: &str, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    walk(&path, root, ending, found);
                }
            } else if name.ends_with(ending) {
                let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(relative, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&root(), &root(), ending, &mut found);
    found
}

/// The lines of a file that are product code: without comments and without what follows `#[cfg(test)]`.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/benches/")
        || path.contains("/examples/")
}

fn none(what: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{what}:\n  {}", offenders.join("\n  "));
}

#[test]
fn arrows_point_one_way() {
    let mut offenders = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in files("Cargo.toml") {
        let manifest: toml::Table = text.parse().unwrap();
        let Some(name) = manifest.get("package").and_then(|package| package.get("name")) else { continue };
        let name = name.as_str().unwrap();
        if name == "muster-tests" || path.starts_with("tests/fuzz") {
            continue; // it knocks on every door
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(package, _)| *package == name) else {
            offenders.push(format!("{path}: `{name}` has no row in ARROWS"));
            continue;
        };
        seen.insert(name.to_owned());
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for dependency in dependencies.into_iter().flat_map(toml::Table::keys) {
            if dependency.starts_with("muster") && !allowed.contains(&dependency.as_str()) {
                offenders.push(format!("{path}: `{name}` must not know `{dependency}`"));
            }
        }
    }
    for (package, _) in ARROWS {
        if !seen.contains(*package) {
            offenders.push(format!("`{package}` stands in ARROWS but there is no such package"));
        }
    }
    none("arrows that point the wrong way", &offenders);
}

#[test]
fn the_first_line_says_what_a_file_is() {
    let offenders: Vec<String> = files(".rs")
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    none("files whose first line is not a `//!` sentence", &offenders);
}

#[test]
fn a_file_fits_in_the_head() {
    let lengths: BTreeMap<String, usize> =
        files(".rs").into_iter().map(|(path, text)| (path, text.lines().count())).collect();
    let mut offenders = Vec::new();
    for (path, lines) in &lengths {
        let excused = LONG_FILES.iter().any(|(long, _)| long == path);
        if *lines > FILE_LINES_LIMIT || (*lines > FILE_LINES_MAX && !excused) {
            offenders.push(format!("{path}: {lines} lines"));
        }
        if excused && *lines <= FILE_LINES_MAX {
            offenders.push(format!("{path}: short again, take it out of LONG_FILES"));
        }
    }
    let mut sorted: Vec<usize> = lengths.values().copied().collect();
    sorted.sort_unstable();
    let median = sorted[sorted.len() / 2];
    if median > FILE_LINES_MEDIAN_MAX {
        offenders.push(format!("the median file has {median} lines, {FILE_LINES_MEDIAN_MAX} are wanted"));
    }
    none("files that are too long", &offenders);
}

#[test]
fn there_are_no_drawers() {
    let offenders: Vec<String> = [".rs", ".py", ".sql", ".toml", ".sh"]
        .iter()
        .flat_map(|ending| files(ending).into_keys())
        .filter(|path| path.split(['/', '.']).any(|part| DRAWERS.contains(&part)))
        .collect();
    none("drawers: name the concept instead", &offenders);
}

#[test]
fn sql_stands_in_sql_files_only() {
    let statements = ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE FROM", "\"CREATE TABLE", "\"WITH "];
    let mut offenders = Vec::new();
    for (path, text) in files(".rs") {
        let home = path.ends_with("/sql.rs") || path.starts_with("store/") || path.starts_with("hub/events/");
        if home || is_test_file(&path) || path.starts_with("tools/") {
            continue;
        }
        for (at, line) in code_lines(&text) {
            if statements.iter().any(|statement| line.contains(statement)) {
                offenders.push(format!("{path}:{at}: {}", line.trim()));
            }
        }
    }
    none("SQL outside sql.rs", &offenders);
}

#[test]
fn only_files_that_may_wait_are_async() {
    let folders = ["muster/", "store/", "tools/", "tests/", "hub/events/"];
    let mut offenders = Vec::new();
    for (path, text) in files(".rs") {
        let name = path.rsplit('/').next().unwrap_or_default();
        let may_wait = folders.iter().any(|folder| path.starts_with(folder))
            || path.contains("/api/")
            || path.contains("/protocol/http")
            || ["service.rs", "worker.rs", "sql.rs", "stream.rs"].contains(&name)
            || is_test_file(&path);
        if may_wait {
            continue;
        }
        for (at, line) in code_lines(&text) {
            let awaits = line.split(".await").skip(1).any(|rest| !rest.starts_with(char::is_alphanumeric));
            if line.contains("async fn") || line.contains("async move") || awaits {
                offenders.push(format!("{path}:{at}: {}", line.trim()));
            }
        }
    }
    none("waiting where rules live", &offenders);
}

#[test]
fn only_the_edges_read_a_clock() {
    let clocks = ["Timestamp::now", "SystemTime::now", "Instant::now", "Zoned::now"];
    let mut offenders = Vec::new();
    for (path, text) in files(".rs") {
        if ["muster/", "tools/", "tests/"].iter().any(|folder| path.starts_with(folder))
            || is_test_file(&path)
        {
            continue;
        }
        for (at, line) in code_lines(&text) {
            if clocks.iter().any(|clock| line.contains(clock)) {
                offenders.push(format!("{path}:{at}: {}", line.trim()));
            }
        }
    }
    none("a clock outside muster/", &offenders);
}

#[test]
fn nothing_is_unbounded_and_nothing_is_detached_from_its_promise() {
    // Spelled in halves, so that this file is not its own first finding.
    let marks = [
        concat!("unbounded", "_channel"),
        concat!("#[ig", "nore"),
        concat!("todo", "!("),
        concat!("dbg", "!("),
    ];
    let mut offenders = Vec::new();
    for (path, text) in files(".rs") {
        for (at, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                offenders.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    none("unbounded queues, skipped tests, left-overs", &offenders);
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<String> {
        fs::read_dir(root().join("migrations").join(engine))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn every_file_belongs_to_a_module() {
    let sources = files(".rs");
    let mut offenders = Vec::new();
    for path in sources.keys() {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        let stem = name.trim_end_matches(".rs");
        if !path.contains("/src/") || ["lib", "main"].contains(&stem) || folder.ends_with("/bin") {
            continue;
        }
        let (parent, module) = match stem {
            "mod" => folder.rsplit_once('/').unwrap(),
            _ => (folder, stem),
        };
        let declared = [
            format!("{parent}/mod.rs"),
            format!("{parent}/lib.rs"),
            format!("{parent}/main.rs"),
            format!("{parent}.rs"),
        ]
        .iter()
        .filter_map(|home| sources.get(home))
        .any(|text| text.contains(&format!("mod {module};")));
        if !declared {
            offenders.push(path.clone());
        }
    }
    none("files that no module declares", &offenders);
}
