//! A slower disk than this machine's, for all contenders alike: what is promised for one disk is measured on its like.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = include_str!("slow_disk.c");
const PRELOAD: &str = "LD_PRELOAD";
const SYNC_NS: &str = "MUSTER_LOAD_SYNC_NS";

/// Starts this benchmark anew on such a disk, with all that it starts; returns when it is on it already, or cannot be.
pub(crate) fn settle(syncs_per_s: f64, folder: &Path) -> Result<(), String> {
    if std::env::var_os(SYNC_NS).is_some() {
        return Ok(());
    }
    if !(1.0..=1e6).contains(&syncs_per_s) {
        return Err(format!("--syncs-per-s {syncs_per_s}: from 1 to 1000000"));
    }
    let (source, library) = (folder.join("slow_disk.c"), folder.join("slow_disk.so"));
    fs::write(&source, SOURCE).map_err(|error| format!("cannot write {}: {error}", source.display()))?;
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    let compiled = compiler.status().map_err(|error| format!("cc cannot be started: {error}"))?;
    if !compiled.success() {
        return Err(format!("cc ended with {compiled}"));
    }
    let binary = std::env::current_exe().map_err(|error| error.to_string())?;
    let sync_ns = (1e9 / syncs_per_s).round();
    let mut again = Command::new(binary);
    again.args(std::env::args_os().skip(1)).env(PRELOAD, &library).env(SYNC_NS, sync_ns.to_string());
    Err(again.exec().to_string())
}
