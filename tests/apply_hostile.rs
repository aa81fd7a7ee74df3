//! Needs the test bed.
//!
//! A checkout, a value or a server that would lead the run astray: each is refused or without effect.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use support::cluster::Namespace;
use support::{Checkout, Ended};

const CANARY: &str = "canary-in\ta-mine (e.g. here') tail";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  A: ${A}\n";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\ndata:\n  A: ${A}\n";

fn apply(checkout: &Checkout, namespace: &Namespace, template: &str, value: &str, more: &[&str]) -> Ended {
    checkout.write("t.yml", template.as_bytes());
    let words = [&["apply", "demo", "--yes", "--template", "t.yml", "--overlay", "none"], more].concat();
    checkout.program(&words).in_namespace(namespace).env("A", value).run().leaks_nothing(&[value])
}

/// kubectl 1.37 reads `.kube/kuberc` in the working directory where there is no home.
#[test]
fn a_kuberc_of_the_checkout_has_no_say() {
    let (checkout, namespace) = (Checkout::empty(), Namespace::new());
    let preference = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ndefaults:\n";
    let flag = |command: &str, flag: &str, value: &str| {
        format!("- command: {command}\n  options:\n  - name: {flag}\n    default: {value}\n")
    };
    let defaults = [
        flag("apply", "server", "https://127.0.0.1:1"),
        flag("version", "kubeconfig", "evil.kubeconfig"),
        flag("get", "server", "https://127.0.0.1:1"),
    ];
    checkout.write(".kube/kuberc", format!("{preference}{}", defaults.concat()).as_bytes());
    apply(&checkout, &namespace, SECRET, "plain-canary", &[]).done();
    assert_eq!(namespace.value("secret/app", "A"), "plain-canary");
}

#[test]
fn a_policys_words_hide_values_however_they_are_written() {
    let (checkout, namespace) = (Checkout::empty(), Namespace::new());
    apply(&checkout, &namespace, CONFIG, "old-live-canary (e.g. x') y", &[]).done();
    let name = namespace.name();
    namespace.create(&format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: quotes-{name}}}\n\
         spec:\n  matchConstraints:\n    resourceRules:\n    - {{apiGroups: [''], apiVersions: [v1], operations: [UPDATE], resources: [configmaps]}}\n\
         \x20 validations:\n  - expression: \"object.data['A'] == oldObject.data['A']\"\n\
         \x20   messageExpression: \"'was ' + oldObject.data['A'] + ' is ' + object.data['A']\"\n---\n\
         apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: quotes-{name}}}\n\
         spec: {{policyName: quotes-{name}, validationActions: [Deny], matchResources: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}}}\n"
    ));
    let refused = || apply(&checkout, &namespace, CONFIG, CANARY, &["--dry-run"]);
    let since = std::time::Instant::now();
    // A policy takes effect a moment after it was made.
    let mut ended = refused();
    while ended.code == Some(0) && since.elapsed().as_secs() < 30 {
        ended = refused();
    }
    let ended = ended.failed(1, &["admission-refused"]);
    ended.leaks_nothing(&["old-live-canary", "canary-in", "a-mine", "tail"]);
    namespace.kubectl(&[
        "delete",
        "validatingadmissionpolicy,validatingadmissionpolicybinding",
        &format!("quotes-{name}"),
    ]);
}

#[test]
fn what_would_be_deployed_as_text_is_refused_before_anything_is_sent() {
    let (checkout, namespace) = (Checkout::empty(), Namespace::new());
    let misspelt = SECRET.replace("${A}", "${A@url}");
    apply(&checkout, &namespace, &misspelt, "x-canary", &[]).failed(1, &["`${A@url}` names no encoding", "t.yml:6:6"]);
    apply(&checkout, &namespace, "# nothing\n", "x-canary", &[]).failed(1, &["patch-empty", "t.yml:1:1"]);
    apply(&checkout, &namespace, SECRET, "x-canary", &["--kinds", "Secrets"])
        .failed(1, &["kinds-match-nothing", "`Secret`"]);
    let nameless = format!("{SECRET}---\nkind: ConfigMap\napiVersion: v1\ndata: {{x: y}}\n");
    apply(&checkout, &namespace, &nameless, "x-canary", &[]).failed(1, &["object-incomplete", "t.yml:8:1"]);
    let named = SECRET.replace("name: app", &format!("name: app\n  namespace: {}", namespace.name()));
    apply(&checkout, &namespace, &format!("{named}---\n{SECRET}"), "x-canary", &[]).failed(1, &["object-twice"]);
    namespace.assert_empty();
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_object() {
    let (checkout, namespace) = (Checkout::empty(), Namespace::new());
    apply(&checkout, &namespace, &format!("\u{feff}{}", SECRET.replace('\n', "\r\n")), "x-canary", &[]).done();
    assert_eq!(namespace.value("secret/app", "A"), "x-canary");
}

#[test]
fn a_workload_that_failed_fails_the_next_run_too() {
    let (checkout, namespace) = (Checkout::empty(), Namespace::new());
    let deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec:\n  progressDeadlineSeconds: 2\n\
                      \x20 selector: {matchLabels: {app: stuck}}\n  template:\n    metadata: {labels: {app: stuck}}\n\
                      \x20   spec: {nodeSelector: {no: where}, containers: [{name: c, image: x}]}\n";
    let template = format!("{SECRET}{deployment}");
    for _ in 0..2 {
        apply(&checkout, &namespace, &template, "x-canary", &["--timeout", "8s"])
            .failed(1, &["rollout-failed", "stuck"]);
    }
    let paused = template.replace("spec:\n  progress", "spec:\n  paused: true\n  progress");
    apply(&checkout, &namespace, &paused, "x-canary", &["--timeout", "8s"]).done().said(&["not awaited, it is paused"]);
}
