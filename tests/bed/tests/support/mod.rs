//! Beds that tests start, and what is left of them.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part of it")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// `bed` with a directory for temporary files of its own, so that beds of others are not in sight.
pub fn bed(temporary: &TempDir, arguments: &[&str]) -> Command {
    let mut bed = Command::new(env!("CARGO_BIN_EXE_bed"));
    bed.args(arguments).env("TMPDIR", temporary.path());
    bed
}

/// What a script prints that runs in a bed with these parts and ends well.
pub fn run(parts: &str, script: &str) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let with: &[&str] = if parts.is_empty() { &[] } else { &["--with", parts] };
    let said = bed(&temporary, &[&["run"], with, &["--", "bash", "-c", script]].concat()).output().unwrap();
    let (status, stdout, stderr) = text(said);
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    stdout
}

/// The exit code, stdout and stderr.
pub fn text(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A bed whose command runs `script`, then waits; and its directory.
pub fn start_and_hold(temporary: &TempDir, arguments: &[&str], script: &str) -> (Child, String) {
    let script = format!(r#"{script}; echo "$BED_DIR"; exec sleep 1000"#);
    let arguments = [&["run"], arguments, &["--", "sh", "-c", &script]].concat();
    let mut bed = bed(temporary, &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut home = String::new();
    BufReader::new(bed.stdout.take().unwrap()).read_line(&mut home).unwrap();
    let home = home.trim().to_owned();
    assert!(processes_of(&home).len() >= 6, "{:?}", processes_of(&home));
    (bed, home)
}

/// Waits until no process of the bed is left.
#[track_caller]
pub fn assert_ends(home: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes_of(home).is_empty() {
        assert!(Instant::now() < deadline, "still running: {:?}", processes_of(home));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The command lines of processes that name the bed's directory, in them or in their environment.
pub fn processes_of(home: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|process| process.path());
    let text = |file: std::path::PathBuf| {
        let bytes = std::fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    let ours =
        processes.filter(|process| ["cmdline", "environ"].iter().any(|name| text(process.join(name)).contains(home)));
    ours.map(|process| text(process.join("cmdline"))).collect()
}
