//! Needs the test bed.
//!
//! `on-failed-rollout: restore`: the values before come back, and the pods that read the new ones are replaced.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::cluster::Namespace;
use support::{Checkout, Ended, Run, Started};

const OLD: &str = "canary-old-value";
const NEW: &str = "canary-new-value";
const OBJECTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {A: \"${A}\"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {LEVEL: \"${LEVEL}\"}
";
/// What comes with the new values: a key, another label, a new object.
const MORE: &str = "apiVersion: v1
kind: Secret
metadata: {name: app, labels: {tier: web}}
stringData: {A: \"${A}\", ADDED: \"${A}\"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {LEVEL: \"${LEVEL}\"}
---
apiVersion: v1
kind: Secret
metadata: {name: extra}
stringData: {A: \"${A}\"}
";

/// A namespace in which a workload is ready with the old values, and can get no new pod any more.
struct Scene {
    namespace: Namespace,
    checkout: Checkout,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { namespace: Namespace::new(), checkout: Checkout::with(OBJECTS, "") };
        scene.run(OLD, &[]).run().done();
        let namespace = &scene.namespace;
        for name in ["web", "other"] {
            namespace.create(&deployment(name).to_string());
            namespace.kubectl(&["rollout", "status", &format!("deployment/{name}"), "--timeout=60s"]);
        }
        namespace.create(r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "2"}}}"#);
        namespace.wait_for("quota", |namespace| namespace.object("quota/full")["status"]["used"]["pods"] == "2");
        scene
    }

    fn run(&self, value: &str, more: &[&str]) -> Run {
        let arguments = ["apply", "demo", "--yes", "--overlay", "none", "--nonsensitive", "LEVEL"];
        let run = self.checkout.program(&[&arguments, more].concat()).in_namespace(&self.namespace);
        run.env("A", value).env("LEVEL", if value == OLD { "info" } else { "debug" })
    }

    /// A run with the new values that fails and goes back.
    fn failing(&self) -> Run {
        self.failing_after("3s")
    }

    fn failing_after(&self, timeout: &str) -> Run {
        self.run(NEW, &["--timeout", timeout, "--on-failed-rollout", "restore", "--format", "json"])
    }

    fn value(&self) -> String {
        self.namespace.value("secret/app", "A")
    }

    /// Lets new pods in.
    fn make_room(&self) {
        self.namespace.kubectl(&["delete", "quota", "full"]);
    }

    /// Lets new pods in as soon as the old value is back, as if only the new one kept them from being ready.
    fn make_room_when_restored(&self) {
        self.namespace.wait_for("new value", |_| self.value() == NEW);
        self.namespace.wait_for("old value", |_| self.value() == OLD);
        self.make_room();
    }

    fn pods(&self) -> BTreeSet<String> {
        let list: Value = serde_json::from_str(&self.namespace.kubectl(&["get", "pods", "-o", "json"])).expect("JSON");
        let items = list["items"].as_array().expect("items").iter();
        let running = items.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        running.map(|pod| pod["metadata"]["uid"].as_str().expect("a uid").to_owned()).collect()
    }
}

fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
            {"name": "c", "image": "web", "envFrom": [{"secretRef": {"name": "app"}}, {"configMapRef": {"name": "config"}}]}]}}}})
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn progress(report: &Value, name: &str) -> String {
    let objects = report["objects"].as_array().expect("objects").iter();
    let mut found = objects.filter(|object| object["name"] == name).map(|object| object["progress"].as_str().unwrap());
    found.next().unwrap_or_else(|| panic!("no {name} in {report}")).to_owned()
}

fn kinds(report: &Value) -> Vec<&str> {
    report["problems"].as_array().expect("problems").iter().map(|problem| problem["kind"].as_str().unwrap()).collect()
}

#[test]
fn the_values_before_are_put_back_and_rolled_and_the_run_fails() {
    let scene = Scene::new();
    let before = (scene.namespace.object("secret/app"), scene.pods());
    scene.checkout.write("config/demo-config-secret.example.yml", MORE.as_bytes());
    // The ReplicaSet controller tries again after growing pauses.
    let run = scene.failing_after("12s");
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| run.run());
        scene.make_room_when_restored();
        ended.join().expect("ended")
    });
    let ended = ended.failed(1, &["exceeded quota", "failed at rollout"]).leaks_nothing(&[OLD, NEW]);
    let report = report(&ended);
    for (name, how) in [("app", "restored"), ("config", "restored"), ("extra", "done")] {
        assert_eq!(progress(&report, name), how, "{ended:?}");
    }
    assert_eq!(kinds(&report), ["rollout-failed", "rollout-failed", "not-restored", "restored"], "{ended:?}");
    ended.said(&[
        "the values before were put back: `Secret app`, `ConfigMap config`; 2 workloads restarted with them",
        "as applied, since only values are put back: `Secret extra`",
        "1 object written, 0 refused, 0 not reached, 2 restored, 2 workloads restarted, 2 workloads ready",
    ]);
    let after = scene.namespace.object("secret/app");
    for part in ["/data", "/type", "/metadata/labels", "/metadata/uid", "/metadata/annotations/secret-patch.dev~1set"] {
        assert_eq!(after.pointer(part), before.0.pointer(part), "{part}");
    }
    assert_eq!(after["metadata"]["annotations"]["secret-patch.dev/restarts"], Value::Null);
    assert_eq!(scene.namespace.value("configmap/config", "LEVEL"), "info");
    assert_eq!(scene.namespace.value("secret/extra", "A"), NEW);
    assert!(before.1.is_disjoint(&scene.pods()));
    // Going on from there is an ordinary run.
    scene.run(NEW, &[]).run().done().said(&["2 objects changed", "2 workloads restarted, 2 workloads ready"]);
    assert_eq!(scene.value(), NEW);
}

#[test]
fn a_workload_of_the_build_goes_back_too_where_none_may_be_listed() {
    let scene = Scene::new();
    let template = format!("{OBJECTS}---\n{}\n", deployment("web"));
    scene.checkout.write("config/demo-config-secret.example.yml", template.as_bytes());
    scene.run(OLD, &[]).run().done();
    let verbs = ["get", "list", "watch", "patch"];
    let rules = json!([{"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": verbs},
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"], "verbs": verbs}]);
    let run = scene.failing_after("12s").env("KUBECONFIG", &scene.namespace.user(&rules, false));
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| run.run());
        scene.make_room_when_restored();
        ended.join().expect("ended")
    });
    let words = "the values before were put back: `Secret app`, `ConfigMap config`; 1 workload restarted with them";
    ended.failed(1, &["warning[restarts-unknown]", words]).leaks_nothing(&[OLD, NEW]);
}

#[test]
fn by_default_the_new_values_stay() {
    let scene = Scene::new();
    let ended = scene.run(NEW, &["--timeout", "3s"]).run().failed(1, &["rollout-failed", "exceeded quota"]);
    // The names of pods and ReplicaSets hold a hash of the pod template, which may hold values.
    let label = r"{range .items[*]}{.metadata.labels.pod-template-hash}{'\n'}{end}";
    let hashes = scene.namespace.kubectl(&["get", "replicasets", "-o", &format!("jsonpath={label}")]);
    ended.leaks_nothing(&[&hashes.lines().collect::<Vec<_>>()[..], &[OLD, NEW]].concat());
    assert_eq!(scene.value(), NEW);
}

#[test]
fn what_another_has_written_since_is_left_to_them_and_told() {
    let scene = Scene::new();
    let run = scene.failing();
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| run.run());
        scene.namespace.wait_for("new value", |_| scene.value() == NEW);
        scene.namespace.wait_for("restart", |namespace| {
            !namespace.object("deployment/web")["spec"]["template"]["metadata"]["annotations"].is_null()
        });
        let patch = r#"{"stringData":{"A":"theirs"}}"#;
        scene.namespace.kubectl(&["patch", "secret", "app", "-p", patch, "--field-manager=a-controller"]);
        scene.namespace.wait_for("old value", |namespace| namespace.value("configmap/config", "LEVEL") == "info");
        scene.make_room();
        ended.join().expect("ended")
    });
    let ended = ended
        .failed(1, &["`Secret app` was not put back: another has changed it", "were put back: `ConfigMap config`"]);
    assert_eq!(scene.value(), "theirs");
    let report = report(&ended);
    assert_eq!((progress(&report, "app"), progress(&report, "config")), ("done".to_owned(), "restored".to_owned()));
}

#[test]
fn what_is_gone_is_not_made_again() {
    let scene = Scene::new();
    let run = scene.failing();
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| run.run());
        scene.namespace.wait_for("restart", |namespace| {
            !namespace.object("deployment/web")["spec"]["template"]["metadata"]["annotations"].is_null()
        });
        scene.namespace.kubectl(&["delete", "configmap", "config"]);
        ended.join().expect("ended")
    });
    ended.failed(1, &["`ConfigMap config` was not put back", "were put back: `Secret app`"]);
    assert!(!scene.namespace.try_kubectl(&["get", "configmap", "config"], "").status.success());
}

#[test]
fn a_first_apply_has_nothing_to_go_back_to() {
    let scene = Scene { namespace: Namespace::new(), checkout: Checkout::with(OBJECTS, "") };
    scene.namespace.create(&deployment("web").to_string());
    scene.namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    scene.namespace.create(r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "1"}}}"#);
    scene.namespace.wait_for("quota", |namespace| namespace.object("quota/full")["status"]["used"]["pods"] == "1");
    scene.failing().run().failed(1, &["rollout-failed", "nothing-to-restore"]);
    assert_eq!(scene.value(), NEW);
}

#[test]
fn the_inputs_must_not_contradict_each_other() {
    let checkout = Checkout::with(OBJECTS, "");
    let run = checkout.program(&["apply", "demo", "--on-failed-rollout", "restore", "--rollout", "wait"]);
    run.run().failed(2, &["error[rollout-contradiction]"]);
}

/// Waits until the run has put the old value back.
fn until_restored(scene: &Scene) -> Started {
    let started = scene.failing().start().feed(b"");
    scene.namespace.wait_for("new value", |_| scene.value() == NEW);
    scene.namespace.wait_for("old value", |_| scene.value() == OLD);
    started
}

#[test]
fn a_signal_on_the_way_back_is_told_with_what_is_back() {
    let scene = Scene::new();
    let started = until_restored(&scene);
    std::thread::sleep(Duration::from_millis(700));
    started.signal("TERM");
    let ended = started.wait();
    assert_eq!(ended.code, Some(143));
    let report: Value = serde_json::from_str(&ended.stdout).expect("a report");
    assert_eq!(kinds(&report), ["rollout-failed", "rollout-failed", "stopped"], "{report}");
    assert_eq!(progress(&report, "app"), "restored", "{report}");
    scene.make_room();
    scene.run(NEW, &[]).run().done();
    assert_eq!(scene.value(), NEW);
}

#[test]
fn killed_on_the_way_back_the_next_run_ends_in_the_wanted_state() {
    for milliseconds in [0, 150, 400, 900] {
        let scene = Scene::new();
        let before = scene.pods();
        let started = until_restored(&scene);
        std::thread::sleep(Duration::from_millis(milliseconds));
        started.kill();
        scene.make_room();
        scene.run(NEW, &[]).run().done();
        assert_eq!(
            (scene.value(), scene.namespace.value("configmap/config", "LEVEL")),
            (NEW.to_owned(), "debug".to_owned())
        );
        let deadline = Instant::now() + Duration::from_secs(30);
        while scene.pods().len() != 2 {
            assert!(Instant::now() < deadline, "old pods stay");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(before.is_disjoint(&scene.pods()), "killed after {milliseconds} ms");
        let annotations = scene.namespace.object("secret/app")["metadata"]["annotations"].clone();
        assert_eq!(annotations["secret-patch.dev/restarts"], Value::Null);
    }
}
