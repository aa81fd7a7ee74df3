use serde_json::{Value, json};

use super::*;

const OWN: &str = "1111111111111111111111111111111111111111";
const HEAD: &str = "2222222222222222222222222222222222222222";
const BASE: &str = "3333333333333333333333333333333333333333";
const MERGE: &str = "5555555555555555555555555555555555555555";
const OTHER: &str = "4444444444444444444444444444444444444444";

/// Whose, and a word of the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Own,
    Foreign(&'static str),
    Unknown(&'static str),
}
use Whose::{Foreign, Own, Unknown};

fn judged(name: &str, payload: &Value, head: &Head) -> Tree {
    let text = payload.to_string();
    let event = Event {
        on_runner: true,
        name: Some(name),
        sha: Some(OWN),
        git_ref: Some("refs/heads/main"),
        repository: Some("Owner/app"),
        repository_id: Some("7"),
        payload: Payload::Text(&text),
        trusted: &[],
    };
    Tree::of(&event, head)
}

#[track_caller]
fn assert_is(tree: &Tree, whose: Whose, case: &str) {
    let (same, word) = match (tree, whose) {
        (Tree::Own, Own) => (true, ""),
        (Tree::Foreign { .. }, Foreign(word)) | (Tree::Unknown { .. }, Unknown(word)) => (true, word),
        _ => (false, ""),
    };
    assert!(same, "{case}: {tree:?} is not {whose:?}");
    if let Some(problem) = tree.refusal("k8s") {
        assert!(problem.message.contains(word), "{case}: `{word}` is not said: {}", problem.message);
    }
}

/// The whole checkout as actions/checkout leaves it at `commit`, named by `refs`.
fn at(commit: &str, refs: &[&str]) -> Head {
    Head {
        commit: Some(commit.to_owned()),
        origin: Some("owner/app".to_owned()),
        refs: refs.iter().map(|&name| name.to_owned()).collect(),
        tracks_branches: true,
        ..Head::default()
    }
}

fn pull_request(id: u64, full_name: &str) -> Value {
    let base = json!({"sha": BASE, "repo": {"id": 7, "full_name": "Owner/app"}});
    let head = json!({"sha": HEAD, "repo": {"id": id, "full_name": full_name}});
    json!({"number": 5, "repository": {"id": 7, "full_name": "Owner/app"},
           "pull_request": {"number": 5, "base": base, "head": head, "merge_commit_sha": MERGE}})
}

fn repository() -> Value {
    json!({"repository": {"id": 7, "full_name": "Owner/app"}})
}

/// Commits as they are likely to lie there.
fn heads() -> [(&'static str, Head); 9] {
    [
        ("the event's commit", at(OWN, &[])),
        ("the pull request's head", at(HEAD, &[])),
        ("the pull request's base", at(BASE, &[])),
        ("a commit by its id", at(OTHER, &[])),
        ("a branch", at(OTHER, &["refs/heads/main", "refs/remotes/origin/main"])),
        ("a tag", at(OTHER, &["refs/tags/v1"])),
        ("a pull request by its ref", at(OTHER, &["refs/remotes/pull/6/head"])),
        (
            "the fork's repository",
            Head { origin: Some("mallory/app".to_owned()), ..at(HEAD, &["refs/remotes/origin/main"]) },
        ),
        ("no repository", Head::default()),
    ]
}

#[track_caller]
fn table(name: &str, payload: &Value, wanted: [Whose; 9]) {
    for ((case, head), whose) in heads().iter().zip(wanted) {
        assert_is(&judged(name, payload, head), whose, &format!("{name}, {case}"));
    }
}

#[test]
fn events_of_people_who_may_write_are_ours_but_for_what_is_plainly_anothers() {
    for name in ["push", "workflow_dispatch", "schedule", "release", "create", "merge_group"] {
        let pull = Foreign("refs/remotes/pull/6/head");
        let fork = Foreign("is a checkout of `mallory/app`, and this run is of `Owner/app`");
        table(name, &repository(), [Own, Own, Own, Own, Own, Own, pull, fork, Own]);
    }
}

#[test]
fn a_pull_request_of_a_branch_is_ours() {
    let payload = pull_request(7, "owner/APP");
    for name in ["pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"] {
        // The fork's checkout stands at a commit that the event vouches for, so it is the same tree.
        table(name, &payload, [Own, Own, Own, Own, Own, Own, Foreign("refs/remotes/pull/6"), Own, Own]);
        assert_is(&judged(name, &payload, &at(MERGE, &[])), Own, name);
        assert_is(&judged(name, &payload, &at(OTHER, &["refs/remotes/pull/5/head"])), Own, name);
    }
}

#[test]
fn a_pull_request_of_a_fork_is_not_ours_however_it_is_checked_out() {
    let payload = pull_request(8, "mallory/app");
    let fork = Foreign("pull request #5, which comes from `mallory/app`");
    for name in ["pull_request", "pull_request_review", "pull_request_review_comment"] {
        table(name, &payload, [fork, fork, Own, fork, Own, Own, fork, fork, fork]);
    }
    // Its commit is the default branch's.
    table("pull_request_target", &payload, [Own, fork, Own, fork, Own, Own, fork, fork, fork]);
}

#[test]
fn a_head_that_cannot_be_told_from_ours_is_not_ours() {
    let (own, head) = (at(OWN, &[]), "/pull_request/head/repo");
    let with = |repo: Value| {
        let mut payload = pull_request(8, "mallory/app");
        *payload.pointer_mut(head).unwrap() = repo;
        payload
    };
    for (case, repo, whose) in [
        ("deleted", Value::Null, Foreign("a deleted fork")),
        ("of our name, another number", json!({"id": 8, "full_name": "owner/app"}), Foreign("comes from")),
        ("of our number, another name", json!({"id": 7, "full_name": "mallory/app"}), Foreign("comes from")),
        ("empty", json!({}), Foreign("not named")),
        ("without a number", json!({"full_name": "owner/app"}), Own),
    ] {
        assert_is(&judged("pull_request", &with(repo), &own), whose, case);
    }
    let mut elsewhere = pull_request(7, "owner/app");
    *elsewhere.pointer_mut("/pull_request/base/repo").unwrap() = json!({"id": 9, "full_name": "other/app"});
    assert_is(&judged("pull_request", &elsewhere, &own), Unknown("not one into this repository"), "another base");
    for payload in [repository(), json!({"pull_request": 5})] {
        assert_is(&judged("pull_request_target", &payload, &own), Unknown("holds no pull request"), "no pull request");
    }
}

#[test]
fn what_anybody_can_cause_needs_a_commit_that_is_proved() {
    for name in [
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "check_run",
        "check_suite",
        "status",
        "fork",
        "watch",
        "gollum",
        "delete",
        "label",
        "repository_dispatch",
        "workflow_run",
    ] {
        let loose = Unknown("does not vouch for");
        let (pull, fork) = (Foreign("refs/remotes/pull/6/head"), Foreign("`mallory/app`"));
        table(name, &repository(), [Own, loose, loose, loose, Own, Own, pull, fork, Unknown("anybody can cause")]);
    }
}

#[test]
fn a_workflow_run_vouches_for_its_commit_where_the_run_was_of_our_own() {
    let payload = |id: u64, event: &str| {
        let run = json!({"event": event, "head_sha": HEAD, "head_repository": {"id": id, "full_name": if id == 7 {"Owner/app"} else {"mallory/app"}}});
        json!({"workflow_run": run, "repository": {"id": 7, "full_name": "Owner/app"}})
    };
    for (event, whose) in [
        ("push", Own),
        ("pull_request", Own),
        ("issue_comment", Unknown("vouch")),
        ("deployment_status", Unknown("vouch")),
    ] {
        assert_is(&judged("workflow_run", &payload(7, event), &at(HEAD, &[])), whose, event);
        assert_is(
            &judged("workflow_run", &payload(8, event), &at(HEAD, &[])),
            Foreign("a workflow run for `mallory/app`"),
            event,
        );
        assert_is(&judged("workflow_run", &payload(8, event), &at(OWN, &[])), Own, event);
    }
}

#[test]
fn a_deployment_vouches_for_a_branch_or_tag_alone() {
    for (git_ref, whose) in [
        (Some("refs/heads/x"), Own),
        (Some("refs/tags/v1"), Own),
        (Some(""), Unknown("vouch")),
        (Some("refs/pull/5/head"), Unknown("vouch")),
        (None, Unknown("vouch")),
    ] {
        for name in ["deployment", "deployment_status", "registry_package"] {
            let event = Event {
                on_runner: true,
                name: Some(name),
                sha: Some(OWN),
                git_ref,
                repository: Some("owner/app"),
                ..Event::default()
            };
            assert_is(&Tree::of(&event, &at(OWN, &[])), whose, &format!("{name} {git_ref:?}"));
        }
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let own = at(OWN, &["refs/remotes/origin/main"]);
    for name in ["dynamic", "workflow_call", "pull_request_comment", "", "PUSH"] {
        assert_is(&judged(name, &repository(), &own), Unknown("of which is not known"), name);
    }
    let of_other = json!({"repository": {"id": 9, "full_name": "other/app"}});
    assert_is(&judged("push", &of_other, &own), Unknown("another repository"), "another repository");
    let event = Event { on_runner: true, name: Some("push"), sha: Some(OWN), ..Event::default() };
    for payload in [Payload::Unreadable, Payload::Text("{"), Payload::Text("[]"), Payload::Text("")] {
        assert_is(&Tree::of(&Event { payload, ..event }, &own), Unknown("payload"), "an unreadable payload");
    }
    assert_is(&Tree::of(&Event { name: None, ..event }, &own), Unknown("no name"), "no name");
    assert_is(
        &Tree::of(&Event { name: Some("pull_request"), ..event }, &own),
        Unknown("no pull request"),
        "no payload",
    );
}

#[test]
fn whoever_calls_outside_of_actions_answers_for_the_tree() {
    let event = Event { name: Some("pull_request"), payload: Payload::Unreadable, ..Event::default() };
    assert_eq!(Tree::of(&event, &Head::default()), Tree::Own);
    assert_eq!(Tree::of(&Event { on_runner: true, ..Event::default() }, &Head::default()), Tree::Own);
}

#[test]
fn branches_prove_nothing_where_pull_requests_are_fetched_among_them() {
    let head = Head { tracks_branches: false, ..at(OTHER, &["refs/remotes/origin/pr/5"]) };
    assert_is(&judged("issue_comment", &repository(), &head), Unknown("vouch"), "a refspec for pull requests");
    let head = at(OTHER, &["refs/pull/5/head", "refs/remotes/origin/x"]);
    assert_is(&judged("issue_comment", &repository(), &head), Foreign("refs/pull/5/head"), "fetched as a pull request");
    let head = Head { origin: None, ..at(OTHER, &["refs/remotes/origin/x", "refs/tags/v1"]) };
    assert_is(&judged("issue_comment", &repository(), &head), Unknown("vouch"), "no origin");
    let head = at(OTHER, &["refs/remotes/fork/main", "refs/heads/main"]);
    assert_is(&judged("push", &repository(), &head), Foreign("refs/remotes/fork/main"), "another remote");
}

#[test]
fn a_repository_that_the_workflow_trusts_counts_as_this_one() {
    let trusted = ["Org/Config".to_owned()];
    let config = |refs: &[&str]| Head { origin: Some("org/config".to_owned()), ..at(OTHER, refs) };
    for (name, refs, whose) in [
        ("push", &[][..], Own),
        ("push", &["refs/remotes/pull/1/head"], Foreign("refs/remotes/pull/1/head")),
        ("issue_comment", &["refs/remotes/origin/main"], Own),
        ("issue_comment", &[], Unknown("vouch")),
    ] {
        let event = Event {
            on_runner: true,
            name: Some(name),
            sha: Some(OWN),
            repository: Some("owner/app"),
            trusted: &trusted,
            ..Event::default()
        };
        assert_is(&Tree::of(&event, &config(refs)), whose, name);
        let event = Event { trusted: &[], ..event };
        assert!(Tree::of(&event, &config(refs)) != Tree::Own, "{name}");
    }
}

#[test]
fn a_ref_that_another_commit_was_fetched_into_proves_nothing() {
    for name in ["refs/remotes/origin/x", "refs/tags/pr-7"] {
        let head = Head { unproved: vec![name.to_owned()], ..at(OTHER, &[name]) };
        assert_is(&judged("issue_comment", &repository(), &head), Unknown("vouch"), name);
        assert_is(&judged("pull_request_target", &pull_request(8, "mallory/app"), &head), Foreign("#5"), name);
        assert_is(&judged("workflow_dispatch", &repository(), &head), Own, name);
        let head = Head { refs: vec![name.to_owned(), "refs/remotes/origin/main".to_owned()], ..head };
        assert_is(&judged("issue_comment", &repository(), &head), Own, "a branch names it too");
    }
}

#[test]
fn a_commit_that_came_from_elsewhere_is_not_ours() {
    let head = Head { came_from: vec!["mallory/app".to_owned()], ..at(OTHER, &["refs/heads/main"]) };
    for name in ["push", "workflow_dispatch", "issue_comment"] {
        assert_is(&judged(name, &repository(), &head), Foreign("`mallory/app`"), name);
    }
}

#[test]
fn what_was_fetched_last_may_lie_there_instead_of_the_commit() {
    let with = |what: &str| Head { fetched: vec![what.to_owned()], ..at(OWN, &[]) };
    let (pull, fork) = (with("refs/pull/7/head"), with("mallory/app"));
    assert_is(&judged("issue_comment", &repository(), &pull), Unknown("may hold files of `refs/pull/7/head`"), "pull");
    assert_is(&judged("issue_comment", &repository(), &fork), Unknown("`mallory/app`"), "fork");
    assert_is(&judged("workflow_dispatch", &repository(), &pull), Unknown("`refs/pull/7/head`"), "dispatched");
    assert_is(&judged("push", &repository(), &fork), Own, "people who may write fetch what they like");
    assert_is(&judged("pull_request_target", &pull_request(8, "mallory/app"), &pull), Foreign("#5"), "a fork's");
    assert_is(&judged("pull_request", &pull_request(7, "owner/app"), &with("refs/pull/5/merge")), Own, "its own");
}

#[test]
fn a_run_dispatched_for_a_pull_request_vouches_for_nothing() {
    let event = Event {
        on_runner: true,
        name: Some("workflow_dispatch"),
        sha: Some(OWN),
        git_ref: Some("refs/pull/7/merge"),
        repository: Some("owner/app"),
        ..Event::default()
    };
    assert_is(&Tree::of(&event, &at(OWN, &[])), Unknown("`refs/pull/7/merge`"), "a pull request's ref");
}
