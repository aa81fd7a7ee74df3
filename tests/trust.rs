//! A run of the action gives values to this repository's own commits only, whichever event started it.
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

const CANARY: &str = "canary-9f31c0de";
const NO_COMMIT: &str = "9999999999999999999999999999999999999999";
const TEMPLATE: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  KEY: ${KEY}\n";
const PATCH: &str = "config/demo-secret-config-patch.yml";

fn checkout() -> Checkout {
    let ignored = "*-secret-config-patch.yml\n.runner/\n";
    let checkout = Checkout::with(TEMPLATE, "").file(".gitignore", ignored);
    checkout.commit();
    checkout
}

/// `command` on `demo` with a value, as a step of the action.
fn step(checkout: &Checkout, command: &str) -> Run {
    checkout.action(&[("command", command), ("environment", "demo")]).env("KEY", CANARY)
}

fn from(repository: &str, sha: &str) -> Value {
    let base = json!({"sha": NO_COMMIT, "repo": {"id": 1, "full_name": "owner/name"}});
    let head =
        json!({"sha": sha, "repo": {"id": if repository == "owner/name" { 1 } else { 2 }, "full_name": repository}});
    json!({"repository": {"id": 1, "full_name": "owner/name"}, "pull_request": {"number": 7, "base": base, "head": head}})
}

/// Refused with one error that says all of `words`, before a value was looked at.
#[track_caller]
fn refused(checkout: &Checkout, run: &Run, words: &[&str]) -> Ended {
    let ended = run.run().failed(1, words).leaks_nothing(&[CANARY]);
    let errors: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("::error")).collect();
    assert_eq!(errors.len(), 1, "{ended:?}");
    assert!(!ended.stdout.contains("add-mask") && !checkout.exists(PATCH), "{ended:?}");
    checkout.holds_nothing(&[CANARY], &[]);
    ended
}

#[test]
fn a_fork_gets_nothing_on_any_event_and_by_any_checkout() {
    let checkout = checkout();
    let head = checkout.head();
    let fork = from("mallory/name", &head);
    for command in ["render", "apply"] {
        for event in ["pull_request", "pull_request_target", "pull_request_review"] {
            let run = step(&checkout, command).event(event, NO_COMMIT, &fork);
            refused(&checkout, &run, &["foreign-tree", "pull request #7, which comes from `mallory/name`"]);
        }
        // The merge of a fork's pull request is the fork's too.
        let run = step(&checkout, command).event("pull_request", &head, &from("mallory/name", NO_COMMIT));
        refused(&checkout, &run, &["foreign-tree"]);
        // A comment tells nothing of the commit that the workflow has fetched.
        let comment = json!({"repository": {"id": 1, "full_name": "owner/name"}, "issue": {"number": 7}});
        let run = step(&checkout, command).event("issue_comment", NO_COMMIT, &comment);
        refused(&checkout, &run, &["unknown-tree", "which the event `issue_comment` does not vouch for", &head[..12]]);
        let run = step(&checkout, command).event("workflow_run", NO_COMMIT, &json!({}));
        refused(&checkout, &run, &["unknown-tree"]);
        checkout.git(&["update-ref", "refs/remotes/pull/7/merge", "HEAD"]);
        for event in ["workflow_dispatch", "issue_comment", "push"] {
            let run = step(&checkout, command).event(event, NO_COMMIT, &json!({}));
            refused(&checkout, &run, &["foreign-tree", "`refs/remotes/pull/7/merge`"]);
        }
        checkout.git(&["update-ref", "-d", "refs/remotes/pull/7/merge"]);
    }
}

#[test]
fn our_own_commits_get_their_values() {
    let checkout = checkout();
    let head = checkout.head();
    let own = from("owner/name", &head);
    let fork = from("mallory/name", NO_COMMIT);
    for (event, sha, payload) in [
        ("push", head.as_str(), &json!({})),
        ("pull_request", NO_COMMIT, &own),
        ("pull_request_target", NO_COMMIT, &own),
        // The default checkout is the base's commit, whoever asks to be merged.
        ("pull_request_target", &head, &fork),
        ("issue_comment", &head, &json!({})),
        ("workflow_run", &head, &json!({})),
        // A former commit, named by hand.
        ("workflow_dispatch", NO_COMMIT, &json!({})),
    ] {
        step(&checkout, "render").event(event, sha, payload).run().done();
        assert!(checkout.read(PATCH).contains(CANARY), "{event}");
    }
    checkout.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    step(&checkout, "render").event("issue_comment", NO_COMMIT, &json!({})).run().done();
}

#[test]
fn an_event_that_is_not_known_or_cannot_be_read_is_refused() {
    let checkout = checkout();
    let head = checkout.head();
    let run = step(&checkout, "render").event("some_future_event", &head, &json!({}));
    refused(&checkout, &run, &["unknown-tree", "the event `some_future_event`"]);
    let run = step(&checkout, "render").event("pull_request_target", &head, &json!({}));
    refused(&checkout, &run, &["unknown-tree", "holds no pull request"]);
    checkout.write(".runner/broken.json", b"{\"pull_request\": ");
    let broken = checkout.path().join(".runner/broken.json").display().to_string();
    let run = step(&checkout, "render").event("push", &head, &json!({})).env("GITHUB_EVENT_PATH", &broken);
    refused(&checkout, &run, &["unknown-tree", "payload"]);
    let other = json!({"repository": {"id": 3, "full_name": "other/name"}});
    let run = step(&checkout, "render").event("push", &head, &other);
    refused(&checkout, &run, &["unknown-tree", "another repository"]);
}

#[test]
fn another_repository_is_ours_only_if_the_workflow_trusts_it() {
    let checkout = checkout();
    checkout.git(&["remote", "set-url", "origin", "https://host/org/config"]);
    let run = step(&checkout, "render").event("push", NO_COMMIT, &json!({}));
    refused(&checkout, &run, &["foreign-tree", "is a checkout of `org/config`, and this run is of `owner/name`"]);
    run.env("INPUT_TRUSTED-REPOSITORIES", "Org/config").run().done();
}

#[test]
fn a_checkout_inside_another_is_judged_by_itself_and_a_submodule_by_the_whole() {
    let (outer, inner) = (checkout(), checkout().file("other", ""));
    inner.commit();
    let inside = |path: &str| {
        let inputs = [("command", "render"), ("environment", "demo"), ("root", path)];
        outer.action(&inputs).env("KEY", CANARY).event("issue_comment", &outer.head(), &json!({}))
    };
    let address = inner.path().display().to_string();
    outer.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", &address, "sub"]);
    inside("sub").run().done();
    outer.git(&["clone", "-q", &address, "fork"]);
    outer.git(&["-C", "fork", "remote", "set-url", "origin", "https://host/mallory/name"]);
    inside("fork")
        .run()
        .failed(1, &["foreign-tree", "`fork` gets no values", "`mallory/name`"])
        .leaks_nothing(&[CANARY]);
    assert!(!outer.exists(&format!("fork/{PATCH}")));
}

/// A checkout of `owner/name` after the shell's `steps`: `$FORK` is another repository, and `origin` has the fork's commit as
/// `refs/pull/7/head`, a branch `topic` and a tag `v1`.
fn after(steps: &str) -> Checkout {
    let (up, fork) = (checkout(), checkout());
    fork.git(&["commit", "-q", "--allow-empty", "-m", "theirs"]);
    up.git(&["checkout", "-q", "-b", "topic"]);
    up.git(&["commit", "-q", "--allow-empty", "-m", "ours"]);
    up.git(&["tag", "v1"]);
    up.git(&["checkout", "-q", "-"]);
    let (up_path, fork_path) = (up.path().display().to_string(), fork.path().display().to_string());
    up.git(&["fetch", "-q", &fork_path, "+HEAD:refs/pull/7/head"]);
    let checkout = checkout();
    checkout.git(&["remote", "set-url", "origin", &up_path]);
    let script = format!("set -e; MAIN=$(git -C '{up_path}' branch --show-current)\n{steps}");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(checkout.path()).env("FORK", &fork_path);
    for (name, value) in [
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@b"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@b"),
    ] {
        shell.env(name, value);
    }
    let ended = shell.output().expect("sh runs");
    assert!(ended.status.success(), "{steps}: {}", String::from_utf8_lossy(&ended.stderr));
    // As they are called on GitHub.
    for file in [".git/config", ".git/FETCH_HEAD"] {
        if checkout.exists(file) {
            let text = checkout.read(file).replace(&up_path, "https://github.com/owner/name");
            checkout.write(file, text.replace(&fork_path, "https://github.com/mallory/name").as_bytes());
        }
    }
    checkout
}

#[test]
fn what_a_workflow_fetches_from_others_is_not_ours_under_any_name() {
    let anybody = ["pull_request_target", "issue_comment"];
    let all = ["pull_request_target", "issue_comment", "workflow_dispatch"];
    for (steps, events) in [
        ("git fetch -q origin +refs/pull/7/head:refs/remotes/origin/pr/7; git checkout -qf origin/pr/7", &all[..]),
        ("git fetch -q --depth 9 origin pull/7/head:refs/remotes/origin/x; git checkout -qf origin/x", &all),
        ("git fetch -q origin pull/7/head:pr-7; git checkout -qf pr-7", &all),
        ("git fetch -q origin pull/7/head; git checkout -qf -b x FETCH_HEAD", &anybody),
        ("git fetch -q origin pull/7/head:refs/tags/pr-7; git checkout -qf pr-7", &anybody),
        ("git fetch -q origin; git reset -q --hard origin/$MAIN; git pull -q --no-rebase origin pull/7/head", &all),
        ("git pull -q --no-rebase --allow-unrelated-histories --no-edit $FORK HEAD", &all),
        ("git fetch -q $FORK HEAD:x; git checkout -qf x", &all),
        (
            "git fetch -q origin +refs/pull/7/head:x; git config branch.x.remote origin; \
             git config branch.x.merge refs/pull/7/head; rm -r .git/logs; git checkout -qf x",
            &all,
        ),
        ("git checkout -qf -b x; git commit -q --allow-empty -m x; git config branch.x.remote $FORK", &all),
    ] {
        // Another fetch writes `FETCH_HEAD` anew.
        let checkout = after(&format!("{steps}; git fetch -q origin $MAIN"));
        for event in events {
            let payload = if *event == "pull_request_target" { from("mallory/name", NO_COMMIT) } else { json!({}) };
            let run = step(&checkout, "render").event(event, NO_COMMIT, &payload);
            let ended = run.run().failed(1, &["-tree", "gets no values and no build"]).leaks_nothing(&[CANARY]);
            assert!(!checkout.exists(PATCH), "{event}: {steps}: {ended:?}");
        }
    }
}

#[test]
fn files_of_a_pull_request_over_our_own_commit_are_not_ours() {
    let checkout = after(
        "git fetch -q origin; git reset -q --hard origin/topic; git fetch -q origin pull/7/head; git checkout -q FETCH_HEAD -- .",
    );
    for event in ["issue_comment", "workflow_dispatch"] {
        let run = step(&checkout, "render").event(event, &checkout.head(), &json!({}));
        refused(&checkout, &run, &["unknown-tree", "may hold files of `refs/pull/7/head`", "FETCH_HEAD"]);
    }
    let checkout = after("git fetch -q $FORK HEAD; git checkout -qf FETCH_HEAD");
    let run = step(&checkout, "render").event("push", NO_COMMIT, &json!({}));
    refused(&checkout, &run, &["foreign-tree", "is a checkout of `mallory/name`"]);
    checkout.git(&["config", "url.https://github.com/mallory/.insteadOf", "https://github.com/owner/"]);
    let run = step(&checkout, "render").event("workflow_dispatch", NO_COMMIT, &json!({}));
    refused(&checkout, &run, &["foreign-tree", "`mallory/name`"]);
}

#[test]
fn the_branches_and_tags_of_an_ordinary_checkout_are_ours() {
    for steps in [
        // As actions/checkout fetches: a branch, a tag, everything.
        "git fetch -q --no-tags --prune --depth=1 origin '+refs/heads/topic*:refs/remotes/origin/topic*' \
         '+refs/tags/topic*:refs/tags/topic*'; git checkout -qf -B topic refs/remotes/origin/topic",
        "git fetch -q --no-tags --prune --depth=1 origin '+refs/heads/v1*:refs/remotes/origin/v1*' \
         '+refs/tags/v1*:refs/tags/v1*'; git checkout -qf refs/tags/v1",
        "git fetch -q --prune origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'; git checkout -qf v1",
        "git fetch -q origin topic; git checkout -qf FETCH_HEAD; git fetch -q origin $MAIN",
        "git fetch -q origin; git checkout -qf -b topic origin/topic; git pull -q origin topic",
    ] {
        let checkout = after(steps);
        for event in ["issue_comment", "pull_request_target", "workflow_dispatch"] {
            step(&checkout, "render").event(event, NO_COMMIT, &from("mallory/name", NO_COMMIT)).run().done();
            assert!(checkout.read(PATCH).contains(CANARY), "{event}: {steps}");
        }
    }
}

#[test]
fn on_the_command_line_whoever_calls_answers_for_the_tree() {
    let checkout = checkout();
    let run = checkout.program(&["render", "demo"]).env("KEY", CANARY);
    run.event("pull_request", NO_COMMIT, &from("mallory/name", &checkout.head())).run().done();
}
