//! Needs the test bed.
//!
//! An `apply` that is stopped at any instant: what lay there is back, and the next run ends in the wanted state.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::cluster::{Namespace, bed, files, random};
use support::{Checkout, Run, Started, assert_no_leak};

const OBJECTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  A: ${A}
---
apiVersion: v1
kind: Secret
metadata: {name: second}
stringData:
  A: ${A}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  NUMBER: ${NUMBER}
";
const PATCH: &str = "config/demo-secret-config-patch.yml";
const BEFORE: &str = "# what a developer left here\n";

struct Scene {
    namespace: Namespace,
    checkout: Checkout,
}

impl Scene {
    fn new() -> Self {
        let namespace = Namespace::new();
        let foreign =
            r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "foreign"}, "stringData": {"A": "theirs"}}"#;
        namespace.create(foreign);
        let checkout = Checkout::with(OBJECTS, OBJECTS).file(PATCH, BEFORE);
        checkout.commit();
        Self { namespace, checkout }
    }

    fn run(&self, number: u64) -> Run {
        let run = self
            .checkout
            .program(&["apply", "demo", "--yes", "--nonsensitive", "NUMBER"])
            .in_namespace(&self.namespace);
        run.env("A", &canary(number)).env("NUMBER", &number.to_string())
    }

    fn files(&self) -> Vec<String> {
        files(self.checkout.path()).into_keys().filter(|name| !name.starts_with(".runner")).collect()
    }

    #[track_caller]
    fn assert_wanted(&self, number: u64) {
        for secret in ["secret/app", "secret/second"] {
            assert_eq!(self.namespace.value(secret, "A"), canary(number));
        }
        assert_eq!(self.namespace.value("configmap/config", "NUMBER"), number.to_string());
    }
}

fn canary(number: u64) -> String {
    format!("canary-number-{number}-of-many")
}

/// A small generator: the same seed gives the same instants.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn kills(rounds: u64) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(random).max(1);
    println!("SEED={seed}");
    let mut state = seed;
    let scene = Scene::new();
    let clock = Instant::now();
    scene.run(1).run().done();
    let whole = clock.elapsed().as_micros() as u64;
    let (names, foreign) = (scene.files(), scene.namespace.versions()["Secret/foreign"].clone());
    for round in 2..rounds + 2 {
        let instant = Duration::from_micros(next(&mut state) % whole);
        let started = scene.run(round).start().feed(b"");
        std::thread::sleep(instant);
        started.kill();
        for (name, contents) in files(scene.checkout.path()) {
            assert_no_leak(&format!("{name} after a kill at {instant:?}"), &contents, &[&canary(round)]);
        }
        let ended = scene.run(round).run();
        assert_eq!(ended.code, Some(0), "round {round}, killed after {instant:?} of {whole} us: {ended:?}");
        scene.assert_wanted(round);
        assert_eq!(scene.checkout.read(PATCH), BEFORE, "round {round}, killed after {instant:?}");
        assert_eq!(scene.files(), names, "round {round}, killed after {instant:?}");
        assert_eq!(scene.namespace.versions()["Secret/foreign"], foreign);
    }
    assert_eq!(scene.namespace.versions().len(), 4);
}

fn rounds() -> u64 {
    std::env::var("SOAK").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(25)
}

#[test]
fn after_a_kill_at_any_instant_the_next_run_ends_in_the_wanted_state() {
    kills(rounds().div_ceil(2));
}

#[test]
fn after_a_kill_at_any_other_instant_too() {
    kills(rounds() / 2);
}

/// Starts `run` with a kubectl that waits when its arguments fit the shell pattern, and returns when it does, with kubectl's process id.
fn started_until(scene: &Scene, run: &Run, pattern: &str) -> (Started, u32) {
    let wrapper = scene.namespace.wrapper(&format!("case \"$*\" in *dry-run*) ;; {pattern}) /bin/cat >/dev/null; echo $$ >\"$calls/new\"; /bin/mv \"$calls/new\" \"$calls/waits\"; exec /bin/sleep 60 ;; esac"));
    let started = run.clone().through(&wrapper).start().feed(b"");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(text) = fs::read_to_string(wrapper.calls.join("waits")) {
            return (started, text.trim().parse().expect("a number"));
        }
        assert!(Instant::now() < deadline, "no call of kubectl fits {pattern}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends when `process` is no more, or is one that nobody has waited for yet.
fn assert_gone(process: u32) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let lives = || fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while lives() {
        assert!(Instant::now() < deadline, "process {process} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signal_puts_everything_back_and_is_told() {
    for (name, code, pattern, stage) in [
        ("TERM", 143, "kustomize*", "build"),
        ("INT", 130, "kustomize*", "build"),
        ("TERM", 143, "version*", "build"),
        ("TERM", 143, "get*", "compare"),
    ] {
        let scene = Scene::new();
        let (versions, names) = (scene.namespace.versions(), scene.files());
        let kubeconfig = fs::read_to_string(scene.namespace.kubeconfig()).expect("a file");
        let inputs = [("command", "apply"), ("environment", "demo"), ("kubeconfig", kubeconfig.as_str())];
        let run = scene.checkout.action(&inputs).env("A", &canary(1)).env("NUMBER", "1").env("PATH", &bed("PATH"));
        let (started, kubectl) = started_until(&scene, &run, pattern);
        started.signal(name);
        let ended = started.wait();
        let said = ended.stdout;
        assert_eq!(ended.code, Some(code), "{said}");
        assert_gone(kubectl);
        assert_eq!(scene.checkout.read(PATCH), BEFORE);
        assert_eq!(scene.files(), names);
        assert_eq!(scene.namespace.versions(), versions);
        let summary = scene.checkout.summary();
        for text in [&said, &summary] {
            assert!(text.contains(&format!("stopped by SIG{name}")), "{text}");
            assert!(text.contains(&format!("failed at {stage}: nothing was written to the cluster")), "{text}");
        }
        assert_no_leak("summary", summary.as_bytes(), &[&canary(1)]);
    }
}

#[test]
fn a_signal_while_the_server_writes_leaves_no_doubt_unsaid() {
    let scene = Scene::new();
    let (started, kubectl) = started_until(&scene, &scene.run(1), "apply*");
    started.signal("TERM");
    let ended = started.wait();
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(143), "{said}");
    assert_gone(kubectl);
    assert!(!said.contains("nothing was written"), "{said}");
    assert!(said.contains("0 objects written, 0 refused, 3 not answered, 0 not reached"), "{said}");
    scene.run(1).run().done();
    scene.assert_wanted(1);
}

#[test]
fn a_killed_program_leaves_no_kubectl_that_waits_for_it() {
    let scene = Scene::new();
    let (started, kubectl) = started_until(&scene, &scene.run(1), "kustomize*");
    assert!(Path::new(&format!("/proc/{kubectl}")).exists());
    started.kill();
    // The stand-in sleeps on; it holds no value, and the next run is not in its way.
    scene.run(1).run().done();
    scene.assert_wanted(1);
    assert_eq!(scene.checkout.read(PATCH), BEFORE);
    let status = Command::new("kill").args(["-KILL", &kubectl.to_string()]).status().expect("kill");
    assert!(status.success());
}

#[test]
fn a_closed_output_stops_no_apply() {
    let scene = Scene::new();
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    let other = write.try_clone().expect("a descriptor");
    let started = scene.run(1).start_with(|command| command.stdout(write).stderr(other));
    assert_eq!(started.feed(b"").wait().code, Some(1));
    scene.assert_wanted(1);
    assert_eq!(scene.checkout.read(PATCH), BEFORE);
}

#[test]
fn a_second_apply_in_the_same_checkout_is_told_of_the_first() {
    let scene = Scene::new();
    let (started, kubectl) = started_until(&scene, &scene.run(1), "kustomize*");
    scene
        .run(2)
        .run()
        .failed(1, &["error[other-run]: another run is writing in `config`", "nothing was written to the cluster"]);
    started.signal("TERM");
    assert_eq!(started.wait().code, Some(143));
    assert_gone(kubectl);
    scene.run(2).run().done();
    scene.assert_wanted(2);
    assert_eq!(scene.checkout.read(PATCH), BEFORE);
}

#[test]
fn two_applies_at_once_end_in_the_wanted_state_of_one_of_them() {
    let scene = Scene::new();
    let other = Checkout::with(OBJECTS, OBJECTS);
    let run = scene.run(1);
    let elsewhere = Run { directory: other.path().to_owned(), ..scene.run(1) };
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| run.run());
        let two = scope.spawn(|| elsewhere.run());
        (one.join().expect("ended"), two.join().expect("ended"))
    });
    one.done();
    two.done();
    scene.assert_wanted(1);
}
