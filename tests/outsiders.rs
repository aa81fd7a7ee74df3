//! Pull requests of forks and of Dependabot: their jobs are given nothing, and tell what can be told without.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::{Checkout, Ended, Run};

/// In the environment by mistake, or sent to forks on purpose: a tree of another's gets it in neither case.
const CANARY: &str = "canary-5d1b77aa";
const NO_COMMIT: &str = "9999999999999999999999999999999999999999";
const TEMPLATE: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {KEY: \"${KEY}\"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {LEVEL: info}
";
const BASE: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
";

fn checkout(template: &str) -> Checkout {
    let ignored = "*-secret-config-patch.yml\n.runner/\n";
    let checkout = Checkout::with(template, BASE).file(".gitignore", ignored);
    checkout.commit();
    checkout
}

/// The payload of a pull request whose commits lie in `repository`.
fn request(repository: &str, author: &str, sha: &str) -> Value {
    let (own, number) = (json!({"id": 1, "full_name": "owner/name"}), if repository == "owner/name" { 1 } else { 2 });
    json!({
        "repository": own,
        "pull_request": {
            "number": 7,
            "user": {"login": author},
            "base": {"sha": NO_COMMIT, "repo": own},
            "head": {"sha": sha, "repo": {"id": number, "full_name": repository}},
        },
    })
}

fn of_fork(sha: &str) -> Value {
    request("mallory/name", "mallory", sha)
}

fn of_dependabot(sha: &str) -> Value {
    request("owner/name", "dependabot[bot]", sha)
}

fn step(checkout: &Checkout, inputs: &[(&str, &str)], event: &str, payload: &Value) -> Run {
    let inputs: Vec<(&str, &str)> = [("environment", "demo")].iter().chain(inputs).copied().collect();
    checkout.action(&inputs).reading_no_value().env("KEY", CANARY).env("LEVEL", CANARY).event(event, NO_COMMIT, payload)
}

/// Ended well, with one notice of what was not given and `words`, and not with a value.
#[track_caller]
fn looked(checkout: &Checkout, run: &Run, words: &[&str]) -> Ended {
    let ended = run.run().done().leaks_nothing(&[CANARY]).said(words);
    let notices = ended.stdout.lines().filter(|line| line.contains("no-access")).count();
    assert_eq!((notices, ended.stdout.matches("::error").count()), (1, 0), "{ended:?}");
    checkout.holds_nothing(&[CANARY], &[]);
    ended
}

#[test]
fn the_checks_are_made_and_the_summary_tells_of_them() {
    let checkout = checkout(&TEMPLATE.replace("LEVEL: info", "LEVEL: \"${LEVEL}\""));
    let head = checkout.head();
    for payload in [of_fork(&head), of_dependabot(&head)] {
        for event in ["pull_request", "pull_request_review"] {
            for inputs in [&[("command", "diff")][..], &[("command", "apply"), ("dry-run", "true")]] {
                looked(
                    &checkout,
                    &step(&checkout, inputs, event, &payload),
                    &["no secrets, no OIDC token", "with `base` a diff as well"],
                );
                let summary = checkout.summary();
                assert!(summary.contains("Checked demo: ") && summary.contains("no OIDC token"), "{summary}");
            }
        }
    }
}

#[test]
fn with_a_base_the_templates_are_compared_as_well() {
    let (base, head) =
        (checkout(TEMPLATE), checkout(&TEMPLATE.replace("LEVEL: info", "LEVEL: debug, MORE: \"${MORE}\"")));
    let of_base = base.path().display().to_string();
    let inputs = [("command", "diff"), ("base", of_base.as_str()), ("nonsensitive", "MORE"), ("overlay", "none")];
    let words = ["Compared with the base, demo would change 1 object (2 keys)", "must gain: MORE"];
    for payload in [of_fork(&head.head()), of_dependabot(&head.head())] {
        let run = step(&head, &inputs, "pull_request", &payload).env("MORE", CANARY);
        looked(&head, &run, &words);
        let summary = head.summary();
        assert!(
            summary.contains("<code>info</code> → <code>debug</code>") && summary.contains("&#36;{MORE}"),
            "{summary}"
        );
    }
}

#[test]
fn what_is_wrong_is_a_warning_that_fails_nobody() {
    let checkout = checkout(&TEMPLATE.replace("kind: ConfigMap", "kind: \"\""));
    let inputs = [("command", "diff"), ("base", "not-there")];
    let run = step(&checkout, &inputs, "pull_request", &of_fork(&checkout.head()));
    looked(&checkout, &run, &["::warning", "no-base"]);
}

#[test]
fn secrets_that_are_sent_to_forks_do_not_reach_their_trees() {
    let checkout = checkout(TEMPLATE);
    let kubeconfig = format!("apiVersion: v1\nkind: Config\nusers: [{{name: a, user: {{token: {CANARY}}}}}]\n");
    let inputs = [("command", "diff"), ("kubeconfig", kubeconfig.as_str()), ("vault-secrets", "secret/a KEY | KEY")];
    let run = step(&checkout, &inputs, "pull_request", &of_fork(&checkout.head()));
    looked(&checkout, &run, &["Checked demo"]);
}

#[test]
fn who_would_write_is_refused_as_ever() {
    let checkout = checkout(TEMPLATE);
    let head = checkout.head();
    for inputs in [&[("command", "apply")][..], &[("command", "render")]] {
        let run = step(&checkout, inputs, "pull_request", &of_fork(&head));
        run.run().failed(1, &["foreign-tree"]).leaks_nothing(&[CANARY]);
    }
    // With the rights of the base, a fork's tree is an attack.
    let run = step(&checkout, &[("command", "diff")], "pull_request_target", &of_fork(&head));
    run.run().failed(1, &["foreign-tree"]).leaks_nothing(&[CANARY]);
}
