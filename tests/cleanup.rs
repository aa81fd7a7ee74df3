//! The action's post stage from outside: what `render` left is gone, whatever became of the main stage, and nothing else is.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::time::{Duration, Instant};

use support::{Checkout, Ended, Run, assert_no_leak};

const PATCH: &str = "config/demo-secret-config-patch.yml";
const WORD: &str = "p4ssw0rd-8d1e77aa";

const TEMPLATE: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: app-secrets
stringData:
  DB_PASSWORD: ${DB_PASSWORD}
";

fn checkout() -> Checkout {
    Checkout::with(TEMPLATE, "").file(".gitignore", "*-secret-config-patch.yml\n.runner/\n")
}

/// A step of the action with these inputs, and a state file.
fn step(checkout: &Checkout, inputs: &[(&str, &str)]) -> Run {
    let state = checkout.path().join(".runner/state");
    let run = checkout.action(inputs).env("GITHUB_STATE", &state.display().to_string());
    fs::write(state, "").expect("written");
    run
}

fn render(checkout: &Checkout, more: &[(&str, &str)]) -> Run {
    let inputs: Vec<(&str, &str)> =
        [("command", "render"), ("environment", "demo")].iter().chain(more).copied().collect();
    step(checkout, &inputs).env("DB_PASSWORD", WORD)
}

/// What main left for its post stage, as the runner reads it.
fn state(checkout: &Checkout) -> Vec<(String, String)> {
    let text = checkout.read(".runner/state");
    let mut lines = text.lines();
    let mut pairs = Vec::new();
    while let Some(line) = lines.next() {
        let (key, delimiter) = line.split_once("<<").expect("a heredoc");
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        pairs.push((key.to_owned(), value.join("\n")));
    }
    pairs
}

/// The post stage of `main`: the same inputs and environment, the state that main left, the program by its other name.
fn post(checkout: &Checkout, main: &Run) -> Ended {
    let saved = state(checkout);
    end(&saved.iter().fold(main.clone(), |run, (key, value)| run.env(&format!("STATE_{key}"), value)))
}

fn end(run: &Run) -> Ended {
    for file in ["output", "summary", "state"] {
        fs::write(run.directory.join(".runner").join(file), "").expect("written");
    }
    let ended =
        run.clone().reading_no_value().start_with(|command| command.arg0("/usr/local/bin/cleanup")).feed(b"").wait();
    for file in ["output", "summary", "state"] {
        assert_eq!(fs::read_to_string(run.directory.join(".runner").join(file)).expect("read"), "", "{file}");
    }
    ended.leaks_nothing(&[WORD])
}

#[test]
fn what_render_left_is_gone_after_the_job() {
    let checkout = checkout();
    let main = render(&checkout, &[]);
    main.run().done();
    assert!(checkout.read(PATCH).contains(WORD));
    assert_eq!(state(&checkout), [("patch".to_owned(), PATCH.to_owned())]);
    assert_no_leak("the state", checkout.read(".runner/state").as_bytes(), &[WORD]);
    let ended = post(&checkout, &main).done();
    assert_eq!(ended.stdout, format!("::group::cleanup\n`{PATCH}` is removed\n::endgroup::\n"));
    checkout.holds_nothing(&[WORD], &[]);
    // The post stage of an earlier step of the same job finds nothing more.
    post(&checkout, &main).done().said(&["nothing to remove"]);
}

#[test]
fn act_gives_no_state_and_other_names_and_the_patch_is_gone_all_the_same() {
    let checkout = checkout();
    render(&checkout, &[]).run().done();
    end(&step(&checkout, &[("environment", "demo")]).env("INPUT_KEEP_PATCH", "false")).done();
    checkout.holds_nothing(&[WORD], &[]);
}

#[test]
fn a_patch_that_is_to_be_kept_stays_and_so_does_one_that_replaced_another() {
    let checkout = checkout();
    let main = render(&checkout, &[]);
    main.run().done();
    let kept = render(&checkout, &[("keep-patch", "true")]);
    kept.run().done();
    post(&checkout, &kept).done().said(&["stays"]);
    post(&checkout, &main).done();
    assert!(checkout.read(PATCH).contains(WORD));
}

#[test]
fn the_patch_is_found_when_later_steps_have_taken_the_layout_away() {
    let checkout = checkout();
    let main = render(&checkout, &[]);
    main.run().done();
    fs::remove_dir_all(checkout.path().join("apps")).expect("removed");
    post(&checkout, &main).done().said(&["is removed"]);
    checkout.holds_nothing(&[WORD], &[]);
    // Nor is it an error that the whole checkout is gone.
    fs::remove_dir_all(checkout.path().join("config")).expect("removed");
    end(&main).done().said(&["nothing to remove"]);
}

#[test]
fn the_output_input_is_followed() {
    let checkout = checkout().file("elsewhere/.gitignore", "*\n");
    let main = render(&checkout, &[("output", "elsewhere/p.yml")]);
    main.run().done();
    end(&main).done().said(&["`elsewhere/p.yml` is removed"]);
    checkout.holds_nothing(&[WORD], &[]);
}

#[test]
fn what_others_put_there_stays() {
    let checkout = checkout();
    checkout.write(PATCH, b"by hand\n");
    // Main fails before it writes.
    let mut main = render(&checkout, &[]);
    main.environment.remove("DB_PASSWORD");
    main.run().failed(1, &["DB_PASSWORD"]);
    post(&checkout, &main).done();
    assert_eq!(checkout.read(PATCH), "by hand\n");
    // A step after main writes something of its own: that is worth a warning.
    let main = render(&checkout, &[]);
    main.run().done();
    checkout.write(PATCH, b"by a later step\n");
    post(&checkout, &main).done().said(&["::warning title=patch-changed-since::", "keep-patch: true"]);
    assert_eq!(checkout.read(PATCH), "by a later step\n");
}

#[test]
fn a_variable_of_an_earlier_step_leads_to_no_other_file() {
    let checkout = checkout().file("src/main.rs", "fn main() {}\n").file(".runner/token", "t\n");
    let main = render(&checkout, &[]);
    for path in ["src/main.rs", ".git/config", ".runner/token", "/etc/hostname", "..", "config", ""] {
        let before = fs::read(checkout.path().join(path)).ok();
        let ended = end(&main.clone().env("STATE_patch", path));
        assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
        assert_eq!(fs::read(checkout.path().join(path)).ok(), before, "{path}");
    }
}

#[test]
fn a_main_stage_with_wrong_inputs_has_said_so_and_the_post_stage_is_silent() {
    let checkout = checkout();
    for inputs in [&[][..], &[("command", "rendr"), ("environment", "a/b")], &[("command", "render")]] {
        let main = step(&checkout, inputs);
        main.run().failed(1, &["::error"]);
        let ended = post(&checkout, &main).done();
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    }
}

#[test]
fn nothing_but_the_patch_is_read_for_it() {
    let checkout = checkout();
    let main = render(&checkout, &[("secrets", "{not json"), ("timeout", "never"), ("vault-url", "http://[")]);
    main.run().failed(1, &["secrets"]);
    end(&main).done().said(&["nothing to remove"]);
}

#[test]
fn a_main_stage_that_is_killed_while_it_waits_leaves_nothing_behind() {
    for signal in ["KILL", "TERM", "INT"] {
        let checkout = checkout();
        // A Vault that takes the connection and never answers.
        let vault = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", vault.local_addr().expect("an address"));
        let asked = "secret/data/app password | DB_PASSWORD ;";
        let mut main =
            render(&checkout, &[("vault-url", &url), ("vault-token", "t0k3n-aaaa"), ("vault-secrets", asked)]);
        main.environment.remove("DB_PASSWORD");
        let started = main.start();
        let connection = vault.accept().expect("asked");
        let began = Instant::now();
        started.signal(signal);
        let ended = started.wait();
        // The runner waits this long between SIGINT and SIGTERM.
        assert!(began.elapsed() < Duration::from_millis(7500), "{signal}: {:?}", began.elapsed());
        assert_ne!(ended.code, Some(0));
        drop(connection);
        post(&checkout, &main).done();
        assert!(!checkout.exists(PATCH), "{signal}");
        assert_eq!(fs::read_dir(checkout.path().join("config")).expect("read").count(), 1, "{signal}");
    }
}

#[test]
fn a_render_that_is_killed_at_any_instant_leaves_nothing_after_the_post_stage() {
    let checkout = checkout();
    let main = render(&checkout, &[]);
    let began = Instant::now();
    let mut started = main.start().feed(b"");
    while !started.has_ended() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let whole = began.elapsed();
    started.wait().done();
    assert!(checkout.exists(PATCH));
    post(&checkout, &main).done();
    for round in 0..40 {
        let main = render(&checkout, &[]);
        let started = main.start();
        std::thread::sleep(whole * round / 40);
        started.kill();
        post(&checkout, &main).done();
        assert!(!checkout.exists(PATCH), "killed in round {round} of 40");
        checkout.holds_nothing(&[WORD], &[]);
        assert_eq!(fs::read_dir(checkout.path().join("config")).expect("read").count(), 1, "killed in round {round}");
    }
}

#[test]
fn the_containers_root_leaves_files_to_the_workspaces_owner_and_removes_them_again() {
    if fs::metadata("/proc/self").expect("read").uid() != 0 {
        return;
    }
    let checkout = checkout();
    chown(checkout.path(), Some(1234), Some(2345)).expect("given away");
    let main = render(&checkout, &[]).env("GIT_CONFIG_COUNT", "0");
    main.run().done();
    let patch = fs::metadata(checkout.path().join(PATCH)).expect("there");
    assert_eq!((patch.uid(), patch.gid(), patch.mode() & 0o7777), (1234, 2345, 0o600));
    post(&checkout, &main).done().said(&["is removed"]);
    checkout.holds_nothing(&[WORD], &[]);
}

#[test]
fn on_the_command_line_cleanup_takes_back_a_render() {
    let checkout = checkout();
    checkout.program(&["render", "demo"]).env("DB_PASSWORD", WORD).run().done();
    let ended = checkout.program(&["cleanup", "demo"]).run().done();
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", &*format!("cleanup\n  `{PATCH}` is removed\n")));
    checkout.holds_nothing(&[WORD], &[]);
    checkout.program(&["render", "demo", "--keep-patch"]).env("DB_PASSWORD", WORD).run().done();
    checkout.program(&["cleanup", "demo"]).run().done().said(&["stays"]);
    assert!(checkout.exists(PATCH));
    checkout.program(&["cleanup"]).run().failed(2, &["<ENV>"]);
    checkout.program(&["cleanup", "../demo"]).run().failed(1, &["../demo"]);
}
