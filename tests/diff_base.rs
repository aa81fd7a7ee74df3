//! `diff` with `base`: what one checkout changes in the build of another, without a cluster and without values.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::{Checkout, Ended, Run};

const CANARY: &str = "canary-value-77";

const TEMPLATE: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  A: ${A}
  DSN: postgres://u:${PASSWORD}@${HOST}/db
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  LOG_LEVEL: info
  URL: ${URL}
";

fn checkout(template: &str) -> Checkout {
    let checkout = Checkout::with(template, "");
    checkout.commit();
    checkout
}

/// `diff` of `head` against `base`, with templates only.
fn run(head: &Checkout, base: &Checkout, more: &[&str]) -> Run {
    let base = base.path().display().to_string();
    head.program(&[&["diff", "demo", "--overlay", "none", "--base", &base], more].concat())
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// `Kind/name change`, then `key change: before > after`, of all that is not unchanged.
fn told(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut told = Vec::new();
    for object in report["objects"].as_array().unwrap().iter().filter(|object| object["change"] != "unchanged") {
        told.push(format!("{}/{} {}", text(&object["kind"]), text(&object["name"]), text(&object["change"])));
        for key in object["keys"].as_array().unwrap().iter().filter(|key| key["change"] != "unchanged") {
            let shown = format!("{} > {}", text(&key["before"]), text(&key["after"]));
            told.push(format!("{} {}: {shown}", text(&key["key"]), text(&key["change"])));
        }
    }
    told
}

#[test]
fn the_same_tree_changes_nothing_and_needs_neither_values_nor_kubeconfig() {
    let (base, head) = (checkout(TEMPLATE), checkout(TEMPLATE));
    let same = run(&head, &base, &["--exit-code"]).run().done();
    same.said(&["Nothing changes: all 2 objects of demo are unchanged."]);
}

#[test]
fn keys_placeholders_literals_objects_and_names_are_told() {
    let changed = TEMPLATE
        .replace("  A: ${A}\n", "  B: ${B}\n")
        .replace("${PASSWORD}", "${NEW_PASSWORD}")
        .replace("LOG_LEVEL: info", "LOG_LEVEL: ${LOG_LEVEL}")
        .replace("URL: ${URL}", "URL: https://${URL}")
        + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {X: one}\n";
    let (base, head) = (checkout(TEMPLATE), checkout(&changed));
    let values = [("A", CANARY), ("B", CANARY), ("URL", CANARY), ("LOG_LEVEL", "debug")];
    let diff =
        run(&head, &base, &["--format", "json", "--exit-code", "--nonsensitive", "LOG_LEVEL"]).envs(&values).run();
    let diff = diff.leaks_nothing(&[CANARY]);
    assert_eq!(diff.code, Some(1), "{diff:?}");
    let expected = [
        "Secret/app changed",
        "A removed: ${A} > -",
        "B added: - > ${B}",
        // The literal parts of a Secret's value are not to be spread.
        "DSN changed: - > -",
        "ConfigMap/config changed",
        "LOG_LEVEL changed: info > debug",
        "URL changed: ${URL} > https://${URL}",
        "ConfigMap/more added",
        "X added: - > one",
    ];
    assert_eq!(told(&report(&diff)), expected);
    let names = json!({"gained": ["B", "LOG_LEVEL", "NEW_PASSWORD"], "lost": ["A", "PASSWORD"]});
    assert_eq!(report(&diff)["base"], names);
    assert_eq!(report(&diff)["target"], json!(null));
    let back = run(&base, &head, &["--format", "json"]).run().done();
    assert_eq!(report(&back)["counts"]["removed"], 1, "{back:?}");
    let text = run(&head, &base, &[]).run().done();
    text.said(&[
        "The workflows' `env:` must gain: B, LOG_LEVEL, NEW_PASSWORD",
        "would add 1 object and change 2 objects (5 keys)",
    ]);
}

#[test]
fn what_lies_there_uncommitted_is_not_shown() {
    let (base, head) = (checkout(TEMPLATE), checkout(TEMPLATE));
    let written = TEMPLATE.replace("LOG_LEVEL: info", &format!("LOG_LEVEL: {CANARY}"));
    head.write("config/demo-config-secret.example.yml", written.as_bytes());
    let diff = run(&head, &base, &["--format", "json"]).run().done().leaks_nothing(&[CANARY]);
    assert_eq!(told(&report(&diff)), ["ConfigMap/config changed", "LOG_LEVEL changed: - > -"]);
}

#[test]
fn a_base_without_the_environment_makes_all_of_it_new() {
    let (base, head) = (Checkout::empty(), checkout(TEMPLATE));
    base.commit();
    let diff =
        run(&head, &base, &["--format", "json"]).run().done().said(&["the base has no `demo`, so all of it is new"]);
    assert_eq!(report(&diff)["counts"]["added"], 2);
    assert_eq!(report(&diff)["base"]["gained"], json!(["A", "HOST", "PASSWORD", "URL"]));
}

#[test]
fn a_base_that_fails_is_a_warning_and_a_head_that_fails_an_error() {
    let broken = TEMPLATE.replace("kind: ConfigMap", "kind: \"\"");
    let (good, bad) = (checkout(TEMPLATE), checkout(&broken));
    let diff = run(&good, &bad, &["--format", "json"]).run().done().said(&["warning[base-fails]"]);
    assert_eq!((&report(&diff)["compared"], &report(&diff)["counts"]["unknown"]), (&json!(false), &json!(2)));
    run(&good, &bad, &[]).run().done().said(&["would leave open what becomes of 2 objects"]);
    run(&bad, &good, &[]).run().failed(1, &["Diff of demo failed at"]);
    run(&bad, &good, &["--exit-code"]).run().failed(2, &[]);
    let absent = good.program(&["diff", "demo", "--overlay", "none", "--base", "not-there"]).run();
    absent.failed(1, &["error[no-base]", "actions/checkout"]);
}
