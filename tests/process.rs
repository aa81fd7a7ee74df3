//! The process around a run: what it says where the program itself fails, and what of its memory others can get at.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::exit,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::io::{self, Read};
use std::process::Command;

use secret_patch::inputs::Terminals;
use secret_patch::run::{World, run};
use support::{Checkout, assert_no_leak};

const CANARY: &str = "canary-in-a-mine-7";
const TEMPLATE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {A: \"${A}\"}\n";

/// Set for the child that is to panic.
const FAULTY: &str = "SECRET_PATCH_TEST_FAULTY";

/// A world whose stdout panics, with a value in what it says.
struct Faulty;

impl io::Write for Faulty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(!bytes.starts_with(b"::notice"), "this is {CANARY}, and {:?} in quotes", format!("\"{CANARY}"));
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Not a test by itself: what the next one starts in a process of its own.
#[test]
fn a_faulty_run() {
    if std::env::var_os(FAULTY).is_none() {
        return;
    }
    let world = World {
        arguments: vec!["secret-patch".into()],
        environment: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect(),
        working_directory: std::env::current_dir(),
        executable: || None,
        terminals: Terminals::default(),
        stdin: Box::new(io::empty()) as Box<dyn Read + Send>,
        out: Faulty,
        err: io::stderr(),
    };
    std::process::exit(run(world).into());
}

#[test]
fn a_panic_is_told_without_values_and_the_summary_tells_it_too() {
    let checkout = Checkout::with(&format!("{TEMPLATE}---\n{}", TEMPLATE.replace("${A}", "${B}")), "")
        .file(".gitignore", "*-secret-config-patch.yml\n.runner/\n");
    let run = checkout.action(&[("command", "render"), ("environment", "demo")]);
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "a_faulty_run", "--nocapture"]).env_clear().envs(&run.environment);
    command.envs([(FAULTY, "1"), ("A", CANARY), ("B", "8080"), ("RUST_BACKTRACE", "full")]);
    let output = command.current_dir(checkout.path()).output().expect("ended");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("internal error: this is ***, and \"\\\"***\" in quotes (tests/process.rs:"), "{text}");
    assert!(!text.contains("stack backtrace"), "{text}");
    assert!(checkout.summary().contains("the program is at fault"), "{}", checkout.summary());
    let masked: Vec<u8> = output
        .stdout
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"::add-mask::"))
        .flatten()
        .copied()
        .collect();
    for (sink, bytes) in
        [("stderr", &output.stderr), ("stdout", &masked), ("summary", &checkout.summary().into_bytes())]
    {
        assert_no_leak(sink, bytes, &[CANARY]);
    }
}

#[test]
fn no_core_is_dumped_and_no_other_process_may_look() {
    let checkout = Checkout::with(TEMPLATE, "");
    let started = checkout.program(&["render", "demo", "--env-file", "-"]).hiding(&[CANARY]).start();
    let process = format!("/proc/{}", started.id());
    // It reads stdin some time after its first steps.
    let is_ready = || fs::read_to_string(format!("{process}/limits")).is_ok_and(|limits| core_limit(&limits) == "0 0");
    let since = std::time::Instant::now();
    while !is_ready() {
        assert!(since.elapsed().as_secs() < 30, "core dumps are not off");
        std::thread::yield_now();
    }
    let status = fs::read_to_string(format!("{process}/status")).expect("the state of the child");
    if let Some(line) = status.lines().find(|line| line.starts_with("CoreDumping:")) {
        assert_eq!(line.split_whitespace().nth(1), Some("0"));
    }
    started.feed(format!("A={CANARY}\n").as_bytes()).wait().done();
}

/// Soft and hard.
fn core_limit(limits: &str) -> String {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap_or_default();
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
