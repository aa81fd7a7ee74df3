//! Needs the test bed.
//!
//! Two that want the same object at the same moment: one gets it, the other is told, and nothing is written over.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use serde_json::json;
use support::cluster::{Namespace, Wrapper, real_kubectl};
use support::{Checkout, Ended, Run};

const SET: &str = "secret-patch.dev/set";
const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {A: \"${A}\"}
";
const HANDS: &str = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"A": "canary-by-hand", "B": "canary-by-hand"}}"#;

fn run(checkout: &Checkout, namespace: &Namespace, repository: &str) -> Run {
    let run = checkout.program(&["apply", "demo", "--yes", "--overlay", "none"]).in_namespace(namespace);
    run.env("GITHUB_REPOSITORY", repository).env("A", &value(repository))
}

fn value(repository: &str) -> String {
    format!("canary-of-{repository}")
}

fn set(repository: &str) -> String {
    format!("{repository}//.//demo")
}

/// A kubectl that writes only when `many` programs are about to.
fn all_at_once(namespace: &Namespace, many: usize) -> Wrapper {
    namespace.wrapper(&format!(
        "case \"$*\" in *dry-run*) ;; apply*) : > \"$calls/$$\"; \
         while [ \"$(/bin/ls \"$calls\" | /usr/bin/wc -l)\" -lt {many} ]; do /bin/sleep 0.01; done ;; esac"
    ))
}

/// What happens when kubectl is about to write; `each` time or once.
fn before_the_write(namespace: &Namespace, happens: &str, each: bool) -> Wrapper {
    let guard = if each { "" } else { r#"! [ -e "$calls/done" ] && : > "$calls/done" &&"# };
    let kubectl = real_kubectl();
    namespace.wrapper(&format!(
        "kubectl='{}'\ncase \"$*\" in *dry-run*) ;; apply*) {guard} {{ {happens}; }} >/dev/null ;; esac",
        kubectl.display()
    ))
}

fn at_once(runs: Vec<Run>) -> Vec<Ended> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = runs.iter().map(|run| scope.spawn(|| run.run())).collect();
        threads.into_iter().map(|thread| thread.join().expect("ended")).collect()
    })
}

const REPOSITORIES: [&str; 3] = ["one/app", "two/app", "three/app"];

/// Exactly one of the runs has the object, and the others say so.
#[track_caller]
fn one_wins(namespace: &Namespace, ended: Vec<Ended>) {
    let winner = REPOSITORIES.iter().zip(&ended).find(|(_, ended)| ended.code == Some(0)).map(|(name, _)| *name);
    let winner = winner.unwrap_or_else(|| panic!("nobody won: {ended:?}"));
    assert_eq!(namespace.value("secret/app", "A"), value(winner));
    assert_eq!(namespace.object("secret/app")["metadata"]["annotations"], json!({SET: set(winner)}));
    let values = REPOSITORIES.map(value);
    for (repository, ended) in REPOSITORIES.iter().zip(ended) {
        if *repository != winner {
            let lost = format!("error[other-set]: `Secret app` was taken by the set `{}` meanwhile", set(winner));
            let words = [&lost, "0 objects written, 1 refused, 0 not reached"];
            ended.failed(1, &words).leaks_nothing(&values.each_ref().map(String::as_str));
        }
    }
}

#[test]
fn of_sets_that_create_one_object_at_once_one_gets_it() {
    for _ in 0..3 {
        let (namespace, checkout) = (Namespace::new(), Checkout::with(SECRET, ""));
        let wrapper = all_at_once(&namespace, REPOSITORIES.len());
        let runs = REPOSITORIES.map(|repository| run(&checkout, &namespace, repository).through(&wrapper));
        one_wins(&namespace, at_once(runs.into()));
        assert_eq!(namespace.values("secret/app").len(), 1);
    }
}

#[test]
fn of_sets_that_inherit_one_object_at_once_one_gets_it() {
    for manager in ["kubectl-create", "a-controller"] {
        let (namespace, checkout) = (Namespace::new(), Checkout::with(SECRET, ""));
        let arguments = ["create", "-f", "-", "--field-manager", manager];
        assert!(namespace.try_kubectl(&arguments, HANDS).status.success());
        let wrapper = all_at_once(&namespace, REPOSITORIES.len());
        let runs = REPOSITORIES.map(|repository| {
            let mut run = run(&checkout, &namespace, repository).through(&wrapper);
            run.arguments.extend(["--force-conflicts".to_owned(), "Secret/app".to_owned()]);
            run
        });
        one_wins(&namespace, at_once(runs.into()));
    }
}

#[test]
fn what_a_hand_makes_meanwhile_is_not_written_over() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(SECRET, ""));
    let file = namespace.write("hands", &HANDS.replace("\"A\"", "\"C\""));
    let wrapper = before_the_write(&namespace, &format!("\"$kubectl\" create -f '{file}'"), false);
    let ended = run(&checkout, &namespace, "one/app").through(&wrapper).run();
    let words = ["error[object-modified]: `Secret app` was made by another meanwhile", "run this again"];
    ended.failed(1, &words).leaks_nothing(&[&value("one/app"), "canary-by-hand"]);
    assert_eq!(namespace.values("secret/app").into_keys().collect::<Vec<_>>(), ["B", "C"]);
    run(&checkout, &namespace, "one/app").run().done().said(&["inherited from hand work"]);
    assert_eq!(namespace.values("secret/app").len(), 1);
}

#[test]
fn what_changes_meanwhile_without_being_taken_is_tried_again() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(SECRET, ""));
    namespace.create(HANDS);
    let annotate = "\"$kubectl\" annotate secret app \"raced-$$=x\" --field-manager=a-controller";
    run(&checkout, &namespace, "one/app").through(&before_the_write(&namespace, annotate, false)).run().done();
    assert_eq!(namespace.values("secret/app").len(), 1);
    assert_eq!(namespace.object("secret/app")["metadata"]["annotations"].as_object().expect("a mapping").len(), 2);

    // Taken over from another set, on which somebody else has an eye too.
    let mut taking = run(&checkout, &namespace, "two/app").through(&before_the_write(&namespace, annotate, true));
    taking.arguments.push("--take-over".to_owned());
    let ended = taking.run().failed(1, &["error[object-modified]: `Secret app` keeps being changed by another"]);
    ended.leaks_nothing(&[&value("one/app"), &value("two/app")]);
    assert_eq!(namespace.value("secret/app", "A"), value("one/app"));
    let theirs = json!({"apiVersion": "v1", "kind": "Secret", "data": {"A": "Y2FuYXJ5LW9mLXRocmVl"},
        "metadata": {"name": "app", "annotations": {SET: "three//.//demo"}}});
    let file = namespace.write("theirs", &theirs.to_string());
    let take = format!("\"$kubectl\" apply --server-side --field-manager=secret-patch -f '{file}'");
    let mut taking = taking.through(&before_the_write(&namespace, &take, false));
    taking.run().failed(1, &["error[other-set]: `Secret app` was taken by the set `three//.//demo` meanwhile"]);
    assert_eq!(namespace.value("secret/app", "A"), "canary-of-three");
    // Deleted meanwhile: it is made anew.
    taking = taking.through(&before_the_write(&namespace, "\"$kubectl\" delete secret app", false));
    taking.run().done();
    assert_eq!(namespace.value("secret/app", "A"), value("two/app"));
}

#[test]
fn what_is_of_this_set_already_is_written_whatever_changed() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(SECRET, ""));
    run(&checkout, &namespace, "one/app").run().done();
    let annotate = "\"$kubectl\" annotate secret app \"raced-$$=x\" --field-manager=a-controller";
    let wrapper = before_the_write(&namespace, annotate, true);
    run(&checkout, &namespace, "one/app").through(&wrapper).env("A", "canary-new").run().done();
    assert_eq!(namespace.value("secret/app", "A"), "canary-new");
}

/// A Namespace with these labels, and a Secret in it by this name.
fn app(namespace: &Namespace, secret: &str, labels: &str) -> Checkout {
    let space =
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}, labels: {labels}}}\n", namespace.name());
    let secret = SECRET.replace("name: app", &format!("name: {secret}"));
    Checkout::with(&format!("{space}---\n{secret}"), "")
}

#[test]
fn a_namespace_that_two_apps_want_alike_belongs_to_the_first() {
    let namespace = Namespace::absent();
    let (one, two) = (app(&namespace, "one", "{team: a}"), app(&namespace, "two", "{team: a}"));
    run(&one, &namespace, "one/app").run().done();
    let space = format!("namespace/{}", namespace.name());
    let before = namespace.object(&space);
    for _ in 0..2 {
        let notice =
            format!("`Namespace {}` is kept by the set `one/app//.//demo`, as this build wants it", namespace.name());
        run(&two, &namespace, "two/app").run().done().said(&["notice[shared]: ", &notice]);
        run(&one, &namespace, "one/app").run().done().said(&["Nothing to apply"]);
    }
    assert_eq!(namespace.object(&space), before);
    assert_eq!(namespace.value("secret/two", "A"), value("two/app"));

    // Another wish is a dispute.
    let other = app(&namespace, "two", "{team: b}");
    let refused = run(&other, &namespace, "two/app").env("A", "canary-other").run();
    refused.failed(1, &["error[other-set]: `Namespace ", "nothing was written to the cluster"]);
    assert_eq!(namespace.value("secret/two", "A"), value("two/app"));
    namespace.kubectl(&["delete", "namespace", namespace.name(), "--wait=false"]);
}

#[test]
fn a_namespace_that_two_apps_bring_at_once_serves_both() {
    let namespace = Namespace::absent();
    let (one, two) = (app(&namespace, "one", "{team: a}"), app(&namespace, "two", "{team: a}"));
    let wrapper = all_at_once(&namespace, 2);
    let runs = [run(&one, &namespace, "one/app").through(&wrapper), run(&two, &namespace, "two/app").through(&wrapper)];
    let ended = at_once(runs.into());
    let told: Vec<bool> = ended.iter().map(|ended| format!("{ended:?}").contains("notice[shared]")).collect();
    assert!(told == [true, false] || told == [false, true], "{ended:?}");
    ended.into_iter().for_each(|ended| drop(ended.done()));
    assert_eq!(namespace.value("secret/one", "A"), value("one/app"));
    assert_eq!(namespace.value("secret/two", "A"), value("two/app"));
    namespace.kubectl(&["delete", "namespace", namespace.name(), "--wait=false"]);
}

#[test]
fn a_namespace_that_a_controller_keeps_as_it_is_wanted_is_left_to_it() {
    let namespace = Namespace::new();
    let space = format!("namespace/{}", namespace.name());
    namespace.kubectl(&["label", &space, "team=a", "kustomize.toolkit.fluxcd.io/name=apps", "--field-manager=flux"]);
    let before = namespace.object(&space);
    let ended = run(&app(&namespace, "one", "{team: a}"), &namespace, "one/app").run().done();
    ended.said(&["is kept by Flux (`apps`), as this build wants it: it is left alone"]);
    assert_eq!(namespace.object(&space), before);
    let refused = run(&app(&namespace, "one", "{team: b}"), &namespace, "one/app").run();
    refused.failed(1, &["error[tracked-by-other]: `Namespace "]);
}
