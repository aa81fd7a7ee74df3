//! Needs the test bed.
//!
//! What an apply writes: what differs, nothing else, and nothing twice.
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
use support::cluster::Namespace;
use support::{Checkout, Ended, Run};

const OBJECTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  A: ${A}
  B: ${B}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  LEVEL: ${LEVEL}
";
const REST: &str = "---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}], selector: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {creationTimestamp: null, labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
        envFrom: [{secretRef: {name: app}}]
        resources: {limits: {cpu: 1000m, memory: 1024Mi}}
";

fn checkout() -> Checkout {
    Checkout::with(OBJECTS, &format!("{OBJECTS}{REST}"))
}

fn run(checkout: &Checkout, namespace: &Namespace, more: &[&str]) -> Run {
    let run = checkout
        .program(&[&["apply", "demo", "--yes", "--nonsensitive", "LEVEL"], more].concat())
        .in_namespace(namespace);
    run.envs(&[("A", "canary-one"), ("B", "canary-two"), ("LEVEL", "verbose")])
}

/// What the report in JSON says of each object that is not unchanged: its name, its change and its changed keys.
fn changes(ended: &Ended) -> Vec<(String, String, Vec<String>)> {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let objects = report["objects"].as_array().expect("objects").iter();
    objects
        .filter(|object| object["change"] != "unchanged")
        .map(|object| {
            let keys = object["keys"].as_array().expect("keys").iter().filter(|key| key["change"] != "unchanged");
            let keys = keys.map(|key| format!("{} {}", text(&key["key"]), text(&key["change"])));
            (format!("{}/{}", text(&object["kind"]), text(&object["name"])), text(&object["change"]), keys.collect())
        })
        .collect()
}

#[test]
fn a_second_apply_writes_nothing() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    run(&checkout, &namespace, &[]).run().done().said(&["Applied demo: 4 objects added, 1 workload ready."]);
    let versions = namespace.versions();
    let again = run(&checkout, &namespace, &[]).run().done();
    again
        .said(&["Nothing to apply: all 4 objects of demo are unchanged."])
        .leaks_nothing(&["canary-one", "canary-two"]);
    assert_eq!(namespace.versions(), versions);
}

#[test]
fn one_changed_key_writes_its_object_alone_and_is_named() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    run(&checkout, &namespace, &[]).run().done();
    let mut versions = namespace.versions();
    let ended =
        run(&checkout, &namespace, &["--rollout", "wait", "--format", "json"]).env("B", "canary-three").run().done();
    assert_eq!(changes(&ended), [("Secret/app".to_owned(), "changed".to_owned(), vec!["B changed".to_owned()])]);
    ended.leaks_nothing(&["canary-one", "canary-two", "canary-three"]);
    let mut now = namespace.versions();
    assert_ne!(now.remove("Secret/app"), versions.remove("Secret/app"));
    assert_eq!(now, versions);
    assert_eq!(namespace.value("secret/app", "B"), "canary-three");
}

#[test]
fn a_removed_key_goes_and_a_key_of_others_stays() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    run(&checkout, &namespace, &[]).run().done();
    namespace.kubectl(&[
        "patch",
        "secret",
        "app",
        "--type=merge",
        "-p",
        r#"{"data":{"FOREIGN":"Zm9yZWlnbg=="}}"#,
        "--field-manager=a-controller",
    ]);
    let without = |text: &str| text.replace("  B: ${B}\n", "");
    checkout.write("config/demo-config-secret.example.yml", without(OBJECTS).as_bytes());
    checkout.write("apps/base/all.yml", without(&format!("{OBJECTS}{REST}")).as_bytes());
    let ended = run(&checkout, &namespace, &["--format", "json"]).run().done();
    assert_eq!(changes(&ended), [("Secret/app".to_owned(), "changed".to_owned(), vec!["B removed".to_owned()])]);
    assert_eq!(namespace.values("secret/app").into_keys().collect::<Vec<_>>(), ["A", "FOREIGN"]);
    assert_eq!(namespace.value("secret/app", "A"), "canary-one");
}

#[test]
fn a_dry_run_announces_what_the_apply_then_does_and_writes_nothing() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    for (number, value) in ["canary-two", "canary-four"].into_iter().enumerate() {
        let versions = namespace.versions();
        let dry = run(&checkout, &namespace, &["--rollout", "wait", "--dry-run", "--format", "json"])
            .env("B", value)
            .run()
            .done();
        assert_eq!(namespace.versions(), versions);
        let wet = run(&checkout, &namespace, &["--rollout", "wait", "--format", "json"]).env("B", value).run().done();
        assert_eq!(changes(&dry), changes(&wet));
        assert_eq!(changes(&wet).len(), if number == 0 { 4 } else { 1 });
    }
    let dry = run(&checkout, &namespace, &["--dry-run"]).env("B", "five").run().done();
    dry.said(&["Dry run of apply demo: 1 object would be changed, 3 unchanged, 1 workload would be restarted; nothing was written"]);
    run(&checkout, &namespace, &["--dry-run"])
        .env("B", "canary-four")
        .run()
        .done()
        .said(&["Dry run of apply demo: nothing would change"]);
}

/// A Namespace, a CRD and what needs them, named so that others are not in the way.
fn founded(namespace: &Namespace) -> String {
    let (name, group) = (namespace.name(), format!("{}.example.com", namespace.name()));
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "string"}}}}}});
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}});
    let widget = json!({"apiVersion": format!("{group}/v1"), "kind": "Widget", "metadata": {"name": "w", "namespace": name}, "spec": {"size": "big"}});
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let secret =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: app, namespace: {name}}}\nstringData: {{A: old}}\n");
    format!("{widget}\n---\n{secret}---\n{crd}\n---\n{space}\n")
}

#[test]
fn a_namespace_and_a_crd_come_before_what_needs_them() {
    let namespace = Namespace::absent();
    let template = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: app, namespace: {}}}\nstringData:\n  A: ${{A}}\n",
        namespace.name()
    );
    let checkout = Checkout::with(&template, &founded(&namespace));
    let run = |more: &[&str]| {
        checkout
            .program(&[&["apply", "demo", "--yes", "--format", "json"], more].concat())
            .in_namespace(&namespace)
            .env("A", "canary-one")
    };
    let dry = run(&["--dry-run"]).run().done().said(&["not-tried"]);
    let wet = run(&[]).run().done();
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(changes(&wet).len(), 4);
    assert_eq!(namespace.value("secret/app", "A"), "canary-one");
    assert_eq!(namespace.object(&format!("widgets.{}.example.com/w", namespace.name()))["spec"]["size"], "big");
    let versions = namespace.versions();
    assert_eq!(changes(&run(&[]).run().done()), []);
    assert_eq!(namespace.versions(), versions);
}

#[test]
fn a_workload_that_does_not_become_ready_is_told_with_what_was_applied() {
    let namespace = Namespace::new();
    namespace.create(r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}"#);
    namespace.wait_for("quota", |namespace| namespace.object("quota/none")["status"]["hard"]["pods"] == "0");
    let ended = run(&checkout(), &namespace, &["--timeout", "3s"]).run();
    ended.failed(
        1,
        &[
            "error[rollout-failed]: Deployment web did not become ready",
            "failed at rollout: 4 objects written, 0 refused, 0 not reached",
        ],
    );
    assert_eq!(namespace.value("secret/app", "A"), "canary-one");
    let ended = run(&checkout(), &namespace, &["--rollout", "none"]).run().done();
    ended.said(&["Nothing to apply"]);
}

#[test]
fn what_someone_changed_by_hand_is_put_right_or_told() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    run(&checkout, &namespace, &[]).run().done();
    namespace.kubectl(&["delete", "configmap", "config"]);
    let ended = run(&checkout, &namespace, &["--format", "json"]).run().done();
    assert_eq!(changes(&ended), [("ConfigMap/config".to_owned(), "added".to_owned(), vec!["LEVEL added".to_owned()])]);
    assert_eq!(namespace.value("configmap/config", "LEVEL"), "verbose");
}

#[test]
fn two_hundred_objects_are_applied_and_found_unchanged() {
    let namespace = Namespace::new();
    let objects: String = (0..200)
        .map(|number| format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s{number}}}\nstringData: {{A: \"${{A}}-{number}\"}}\n"))
        .collect();
    let checkout = Checkout::with(&objects, "");
    let apply = |value: &str| {
        checkout
            .program(&["apply", "demo", "--yes", "--overlay", "none"])
            .in_namespace(&namespace)
            .env("A", value)
            .run()
    };
    apply("canary-one").done();
    let versions = namespace.versions();
    assert_eq!(versions.len(), 200);
    apply("canary-one").done().said(&["Nothing to apply: all 200 objects"]);
    assert_eq!(namespace.versions(), versions);
    assert_eq!(namespace.value("secret/s117", "A"), "canary-one-117");
}
