//! The bed itself: what it promises to the tests that run in it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// `bed` with a directory for temporary files of its own, so that beds of others are not in sight.
fn bed(temporary: &TempDir, arguments: &[&str]) -> Command {
    let mut bed = Command::new(env!("CARGO_BIN_EXE_bed"));
    bed.args(arguments).env("TMPDIR", temporary.path());
    bed
}

#[test]
fn a_deployment_rolls_out_and_a_new_user_may_do_nothing_and_the_exit_code_is_the_commands() {
    let script = r#"
        set -eu
        kubectl version | grep -q 'Server Version: v1.36.3'
        kubectl create deployment web --image=web --replicas=2
        kubectl rollout status deployment/web --timeout=60s
        kubectl create job once --image=once
        kubectl wait --for=condition=complete job/once --timeout=60s
        "$BED" user ada --group readers >"$BED_DIR/ada"
        KUBECONFIG=$BED_DIR/ada kubectl auth whoami -o json
        if KUBECONFIG=$BED_DIR/ada kubectl get secrets 2>&1; then exit 1; fi
        "$BED" user eve --expired >"$BED_DIR/eve"
        if KUBECONFIG=$BED_DIR/eve kubectl get secrets 2>&1; then exit 1; fi
        echo "$BED_DIR"
        exit 7
    "#;
    let temporary = tempfile::tempdir().unwrap();
    let said = bed(&temporary, &["run", "--", "sh", "-c", script]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert_eq!(said.status.code(), Some(7), "{stdout}{stderr}");
    assert!(stdout.contains(r#"deployment "web" successfully rolled out"#), "{stdout}");
    assert!(
        stdout.contains(r#""readers""#) && stdout.contains(r#"User "ada" cannot list resource "secrets""#),
        "{stdout}"
    );
    assert!(stdout.contains("You must be logged in to the server"), "{stdout}");
    let home = stdout.lines().last().unwrap();
    assert!(!Path::new(home).exists(), "`{home}` is still there");
    assert!(processes_of(home).is_empty(), "{:?}", processes_of(home));
    let logs = stderr.lines().find_map(|line| line.strip_prefix("bed: the servers' logs are in ")).expect(&stderr);
    assert!(Path::new(logs).join("kube-apiserver.log").is_file());
}

#[test]
fn a_killed_bed_leaves_no_process() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut bed, home) = start_and_hold(&temporary);
    bed.kill().unwrap();
    bed.wait().unwrap();
    assert_ends(&home);
    assert!(Path::new(&home).exists());
    // Its directory goes when the next one comes.
    let next = self::bed(&temporary, &["run", "--", "true"]).status().unwrap();
    assert!(next.success());
    assert!(!Path::new(&home).exists());
}

#[test]
fn a_terminated_bed_leaves_neither_process_nor_directory() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut bed, home) = start_and_hold(&temporary);
    assert!(Command::new("kill").arg(bed.id().to_string()).status().unwrap().success());
    assert_eq!(bed.wait().unwrap().code(), Some(128 + 15));
    assert_ends(&home);
    assert!(!Path::new(&home).exists());
}

#[test]
fn a_command_that_does_not_exist_is_an_error_of_its_own_kind() {
    let temporary = tempfile::tempdir().unwrap();
    let said = bed(&temporary, &["run", "--", "no-such-command"]).output().unwrap();
    assert_eq!(said.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&said.stderr).contains("cannot run `no-such-command`"));
}

/// A bed whose command waits, and its directory.
fn start_and_hold(temporary: &TempDir) -> (Child, String) {
    let script = r#"echo "$BED_DIR"; exec sleep 1000"#;
    let mut bed = bed(temporary, &["run", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut home = String::new();
    BufReader::new(bed.stdout.take().unwrap()).read_line(&mut home).unwrap();
    let home = home.trim().to_owned();
    assert!(processes_of(&home).len() >= 6, "{:?}", processes_of(&home));
    (bed, home)
}

fn assert_ends(home: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes_of(home).is_empty() {
        assert!(Instant::now() < deadline, "still running: {:?}", processes_of(home));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The command lines that name the bed's directory; each of its servers does.
fn processes_of(home: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let commands = commands.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    commands.filter(|line| line.contains(home)).collect()
}
