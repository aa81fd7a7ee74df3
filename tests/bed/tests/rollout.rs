//! The bed itself: what it promises to the tests that run in it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use support::{assert_ends, bed, processes_of, start_and_hold, text};

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
    let (status, stdout, stderr) = text(said);
    assert_eq!(status, Some(7), "{stdout}{stderr}");
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
    let (mut bed, home) = start_and_hold(&temporary, &["--with", "external-secrets,vault"], "true");
    for server in ["etcd", "kwok", "bao", "external-secrets"] {
        assert!(processes_of(&home).iter().any(|line| line.contains(server)), "{:?}", processes_of(&home));
    }
    bed.kill().unwrap();
    bed.wait().unwrap();
    assert_ends(&home);
    assert!(Path::new(&home).exists());
    // Its directory goes when the next one comes.
    let next = support::bed(&temporary, &["run", "--", "true"]).status().unwrap();
    assert!(next.success());
    assert!(!Path::new(&home).exists());
}

#[test]
fn a_terminated_bed_leaves_neither_process_nor_directory() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut bed, home) = start_and_hold(&temporary, &[], "true");
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

#[test]
fn two_beds_side_by_side_do_not_see_each_other() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut bed, home) = start_and_hold(&temporary, &["--with", "vault"], "kubectl create namespace mine >&2");
    let script =
        "kubectl get namespaces -o name; bao kv get -mount=secret app >&2 || true; kubectl create namespace other";
    let said = support::bed(&temporary, &["run", "--with", "vault", "--", "sh", "-c", script]).output().unwrap();
    let (status, stdout, stderr) = text(said);
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    assert!(!stdout.contains("namespace/mine") && stdout.contains("namespace/other"), "{stdout}");
    assert!(processes_of(&home).len() >= 7, "{:?}", processes_of(&home));
    bed.kill().unwrap();
    bed.wait().unwrap();
    assert_ends(&home);
}

#[test]
fn down_stops_the_bed_that_it_is_told_and_no_other() {
    let temporary = tempfile::tempdir().unwrap();
    let mut beds: Vec<_> = (0..2).map(|_| bed(&temporary, &["up"]).stdout(Stdio::piped()).spawn().unwrap()).collect();
    let homes: Vec<String> = beds.iter_mut().map(home_of).collect();
    let down = |arguments: &[&str]| bed(&temporary, &[&["down"], arguments].concat()).output().unwrap();
    assert!(down(&[&homes[0]]).status.success());
    assert_ends(&homes[0]);
    assert!(Path::new(&homes[1]).exists() && processes_of(&homes[1]).len() >= 6);
    assert_eq!(down(&[&homes[0]]).status.code(), Some(125));
    // As if it were of another checkout.
    let person = Path::new(&homes[1]).join("person");
    let ours = fs::read_to_string(&person).unwrap();
    fs::write(&person, format!("{}\n/another/checkout", ours.lines().next().unwrap())).unwrap();
    assert!(down(&[]).status.success());
    assert!(processes_of(&homes[1]).len() >= 6);
    fs::write(&person, ours).unwrap();
    assert!(down(&[]).status.success());
    assert_ends(&homes[1]);
    for mut bed in beds {
        bed.wait().unwrap();
    }
}

/// What a bed of `bed up` says its directory is; its other lines are read too, since it would end at a closed pipe.
fn home_of(bed: &mut Child) -> String {
    let lines = BufReader::new(bed.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| !line.starts_with("export PATH=")).collect();
    let mut homes = lines.iter().filter_map(|line| line.strip_prefix("export BED_DIR='"));
    homes.next().unwrap().trim_end_matches('\'').to_owned()
}
