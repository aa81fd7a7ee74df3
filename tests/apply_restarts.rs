//! Needs the test bed.
//!
//! What uses a changed Secret or ConfigMap is restarted: all of it, once, and nothing else.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use secret_patch_bed::proxy::{Plan, Proxy};
use serde_json::{Value, json};
use support::cluster::{Namespace, bed};
use support::{Checkout, Ended, Run};

const OBJECTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {A: \"${A}\", B: fixed}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {LEVEL: \"${LEVEL}\"}
";
/// A workload of the build; `TAG` is its image's.
const OWN: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: own}
spec:
  replicas: 2
  selector: {matchLabels: {app: own}}
  template:
    metadata: {labels: {app: own}}
    spec: {containers: [{name: c, image: \"web:TAG\", envFrom: [{secretRef: {name: app}}]}]}
";
const MARK: &str = "secret-patch.dev/revisions";

/// A workload of somebody else whose pods have this `spec`.
fn workload(kind: &str, name: &str, pod: Value, more: Value) -> Value {
    let mut pod = pod;
    if pod["containers"].is_null() {
        pod["containers"] = json!([{"name": "c", "image": "web"}]);
    }
    let mut spec = json!({"selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod}});
    if kind == "StatefulSet" {
        spec["serviceName"] = json!(name);
    }
    spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn from_secret() -> Value {
    json!({"containers": [{"name": "c", "image": "web", "envFrom": [{"secretRef": {"name": "app"}}]}]})
}

fn from_config() -> Value {
    json!({"volumes": [{"name": "v", "configMap": {"name": "config"}}]})
}

fn create(namespace: &Namespace, objects: Vec<Value>) {
    if objects.is_empty() {
        return settled(namespace);
    }
    namespace.create(&json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string());
    settled(namespace);
}

/// Waits until every workload has the pods that it wants, and no other.
#[track_caller]
fn settled(namespace: &Namespace) {
    namespace.wait_for("steady state", |namespace| {
        let all = list(namespace, "deployments,statefulsets,daemonsets");
        let wanted: BTreeMap<String, i64> = all
            .iter()
            .filter(|item| {
                item["spec"]["paused"] != true && item["metadata"]["generation"] == item["status"]["observedGeneration"]
            })
            .map(|item| {
                let replicas = item["spec"]["replicas"].as_i64().unwrap_or(1);
                (item["metadata"]["name"].as_str().unwrap().to_owned(), replicas)
            })
            .filter(|(_, replicas)| *replicas > 0)
            .collect();
        let pods = pods(namespace);
        let seen = all.iter().filter(|item| item["spec"]["paused"] != true).count();
        let zero = all.iter().filter(|item| item["spec"]["replicas"] == 0).count();
        wanted.len() + zero >= seen
            && wanted.iter().all(|(name, replicas)| pods.get(name).map_or(0, BTreeSet::len) as i64 == *replicas)
    });
}

fn list(namespace: &Namespace, kinds: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(&namespace.kubectl(&["get", kinds, "-o", "json"])).expect("JSON");
    list["items"].as_array().expect("items").clone()
}

/// The uids of the pods that run, by workload.
fn pods(namespace: &Namespace) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pod in list(namespace, "pods") {
        if pod["metadata"]["deletionTimestamp"].is_null() {
            let app = pod["metadata"]["labels"]["app"].as_str().expect("a label").to_owned();
            found.entry(app).or_default().insert(pod["metadata"]["uid"].as_str().expect("a uid").to_owned());
        }
    }
    found
}

/// How many pod templates each workload has had, gone ones included.
fn templates(namespace: &Namespace) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for past in list(namespace, "replicasets,controllerrevisions") {
        let owner = past["metadata"]["ownerReferences"][0]["name"].as_str().expect("an owner").to_owned();
        let number = match past["kind"].as_str() {
            Some("ReplicaSet") => past["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
                .as_str()
                .and_then(|number| number.parse().ok()),
            _ => past["revision"].as_u64().map(|number| number as usize),
        };
        let latest = found.entry(owner).or_default();
        *latest = number.unwrap_or_default().max(*latest);
    }
    found
}

/// The workloads in a namespace as they were, to be held against what they are.
struct Before {
    pods: BTreeMap<String, BTreeSet<String>>,
    templates: BTreeMap<String, usize>,
}

impl Before {
    fn of(namespace: &Namespace) -> Self {
        Self { pods: pods(namespace), templates: templates(namespace) }
    }

    /// These workloads had one new template since, and all their pods are new; the others are as they were.
    #[track_caller]
    fn assert_restarted(&self, namespace: &Namespace, names: &[&str]) {
        settled(namespace);
        let (pods, templates) = (pods(namespace), templates(namespace));
        let rolled: Vec<&str> = templates
            .iter()
            .filter(|(name, many)| self.templates.get(*name) != Some(many))
            .map(|(name, _)| name.as_str())
            .collect();
        let mut expected = names.to_vec();
        expected.sort_unstable();
        assert_eq!(rolled, expected);
        for (name, many) in &templates {
            let before = self.templates.get(name).copied().unwrap_or_default();
            assert!(many - before <= 1, "{name} was restarted {} times", many - before);
            let old = self.pods.get(name).cloned().unwrap_or_default();
            let now = pods.get(name).cloned().unwrap_or_default();
            if rolled.contains(&name.as_str()) {
                assert!(old.is_disjoint(&now), "{name} has old pods");
            } else {
                assert_eq!(old, now, "{name} has new pods");
            }
        }
    }
}

struct Scene {
    namespace: Namespace,
    checkout: Checkout,
}

impl Scene {
    /// The objects, applied with value `one`, and these workloads of others.
    fn with(own: &str, others: Vec<Value>) -> Self {
        let checkout = Checkout::with(OBJECTS, &format!("{OBJECTS}{}", own.replace("TAG", "1")));
        let scene = Self { namespace: Namespace::new(), checkout };
        scene.apply("canary-one", &[]).done();
        create(&scene.namespace, others);
        scene
    }

    fn run(&self, value: &str, more: &[&str]) -> Run {
        let arguments = [&["apply", "demo", "--yes", "--nonsensitive", "LEVEL"], more].concat();
        self.checkout.program(&arguments).in_namespace(&self.namespace).env("A", value).env("LEVEL", "info")
    }

    fn apply(&self, value: &str, more: &[&str]) -> Ended {
        self.run(value, more).run().leaks_nothing(&["canary-one", "canary-two", "canary-three"])
    }

    fn before(&self) -> Before {
        Before::of(&self.namespace)
    }

    /// Changes the image of the workload of the build.
    fn tag(&self, tag: &str) {
        self.checkout.write("apps/base/all.yml", format!("{OBJECTS}{}", OWN.replace("TAG", tag)).as_bytes());
    }

    fn mark(&self, workload: &str) -> Value {
        self.namespace.object(workload)["spec"]["template"]["metadata"]["annotations"][MARK].clone()
    }

    fn annotation(&self, name: &str) -> Value {
        self.namespace.object("secret/app")["metadata"]["annotations"][format!("secret-patch.dev/{name}")].clone()
    }
}

/// What a report in JSON says of restarts: workload, what for, how far.
fn restarts(ended: &Ended) -> Vec<(String, Vec<String>, String)> {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let restarts = report["restarts"].as_array().expect("restarts").iter();
    restarts
        .map(|restart| {
            let uses = restart["uses"].as_array().expect("uses").iter();
            let uses = uses.map(|used| format!("{} {}", text(&used["kind"]), text(&used["name"]))).collect();
            (format!("{}/{}", text(&restart["kind"]), text(&restart["name"])), uses, text(&restart["progress"]))
        })
        .collect()
}

fn names(restarts: &[(String, Vec<String>, String)]) -> Vec<&str> {
    restarts.iter().map(|(name, ..)| name.as_str()).collect()
}

#[test]
fn every_kind_and_way_of_use_is_restarted_once_as_announced_and_nothing_else() {
    let env = json!({"containers": [{"name": "c", "image": "web",
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "app", "key": "A"}}}]}]});
    let volume = json!({"volumes": [{"name": "v", "secret": {"secretName": "app"}}]});
    let projected = json!({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "app"}}]}}]});
    let init = json!({"initContainers": [{"name": "i", "image": "web", "envFrom": [{"secretRef": {"name": "app"}}]}]});
    let scene = Scene::with(
        OWN,
        vec![
            workload("Deployment", "by-env", env, json!({"replicas": 3})),
            workload("Deployment", "by-volume", volume, json!({})),
            workload("Deployment", "by-projection", projected, json!({})),
            workload("Deployment", "by-init", init, json!({})),
            workload("StatefulSet", "set", from_secret(), json!({"replicas": 2})),
            workload("DaemonSet", "daemon", from_secret(), json!({})),
            workload("Deployment", "by-pull-secret", json!({"imagePullSecrets": [{"name": "app"}]}), json!({})),
            workload("Deployment", "by-config-only", from_config(), json!({})),
            workload("Deployment", "unrelated", json!({}), json!({})),
        ],
    );
    let before = scene.before();
    let dry = scene.apply("canary-two", &["--dry-run", "--format", "json"]).done();
    before.assert_restarted(&scene.namespace, &[]);
    let wet = scene.apply("canary-two", &["--format", "json"]).done();
    let users = ["by-env", "by-init", "by-projection", "by-volume", "daemon", "own", "set"];
    before.assert_restarted(&scene.namespace, &users);
    let (announced, done) = (restarts(&dry), restarts(&wet));
    assert_eq!(names(&announced), names(&done));
    assert_eq!(done.len(), users.len());
    assert!(announced.iter().all(|(_, uses, how)| uses == &["Secret app"] && how == "planned"), "{announced:?}");
    assert!(done.iter().all(|(_, uses, how)| uses == &["Secret app"] && how == "done"), "{done:?}");
    let report: Value = serde_json::from_str(&wet.stdout).unwrap();
    let ready = report["rollouts"].as_array().unwrap().iter().filter(|rollout| rollout["ready"] == true).count();
    assert_eq!(ready, users.len(), "{report}");

    let (before, versions) = (scene.before(), scene.namespace.versions());
    scene.apply("canary-two", &[]).done().said(&["Nothing to apply: all 3 objects of demo are unchanged."]);
    before.assert_restarted(&scene.namespace, &[]);
    assert_eq!(scene.namespace.versions(), versions);
}

#[test]
fn two_changed_objects_are_one_restart_and_another_change_is_another() {
    let mut both = from_secret();
    both["volumes"] = from_config()["volumes"].clone();
    let scene = Scene::with("", vec![workload("Deployment", "both", both, json!({}))]);
    let before = scene.before();
    let run = scene.run("canary-two", &["--format", "json"]).env("LEVEL", "debug").run().done();
    assert_eq!(restarts(&run)[0].1, ["ConfigMap config", "Secret app"]);
    before.assert_restarted(&scene.namespace, &["both"]);
    let (mark, before) = (scene.mark("deployment/both"), scene.before());
    scene.run("canary-three", &[]).env("LEVEL", "debug").run().done().said(&["1 workload restarted, 1 workload ready"]);
    before.assert_restarted(&scene.namespace, &["both"]);
    let later = scene.mark("deployment/both");
    let part = |mark: &Value, at: usize| mark.as_str().unwrap().split(',').nth(at).unwrap().to_owned();
    assert_eq!(part(&mark, 0), part(&later, 0), "the ConfigMap did not change");
    assert_ne!(part(&mark, 1), part(&later, 1));
}

#[test]
fn what_changes_no_data_restarts_nothing() {
    let (namespace, checkout) =
        (Namespace::new(), Checkout::with(OBJECTS, &format!("{OBJECTS}{}", OWN.replace("TAG", "1"))));
    let scene = Scene { namespace, checkout };
    scene.namespace.kubectl(&[
        "create",
        "secret",
        "generic",
        "app",
        "--from-literal=A=canary-one",
        "--from-literal=B=fixed",
    ]);
    scene.namespace.kubectl(&["create", "configmap", "config", "--from-literal=LEVEL=info"]);
    scene.namespace.create(&workload("Deployment", "theirs", from_secret(), json!({})).to_string());
    let own = OWN.replace("TAG", "1").replace("---\n", "");
    let output = scene.namespace.try_kubectl(&["apply", "-f", "-"], &own);
    assert!(output.status.success());
    settled(&scene.namespace);
    let before = scene.before();
    scene.apply("canary-one", &[]).done().said(&["inherited from hand work"]);
    before.assert_restarted(&scene.namespace, &[]);
    // A label is no data.
    let labelled = OBJECTS.replace("{name: app}", "{name: app, labels: {tier: web}}");
    scene.checkout.write("config/demo-config-secret.example.yml", labelled.as_bytes());
    let ended = scene.apply("canary-one", &["--format", "json"]).done();
    assert_eq!(restarts(&ended), []);
    before.assert_restarted(&scene.namespace, &[]);
    assert_eq!(scene.annotation("revision"), Value::Null);
}

#[test]
fn what_was_left_by_hand_and_changes_now_is_inherited_and_restarted_once() {
    let (namespace, checkout) =
        (Namespace::new(), Checkout::with(OBJECTS, &format!("{OBJECTS}{}", OWN.replace("TAG", "1"))));
    let scene = Scene { namespace, checkout };
    scene.namespace.kubectl(&[
        "create",
        "secret",
        "generic",
        "app",
        "--from-literal=A=canary-one",
        "--from-literal=STALE=x",
    ]);
    let own = OWN.replace("TAG", "1").replace("---\n", "");
    assert!(scene.namespace.try_kubectl(&["apply", "-f", "-"], &own).status.success());
    settled(&scene.namespace);
    let before = scene.before();
    let dry = scene.apply("canary-one", &["--dry-run", "--format", "json"]).done();
    let wet = scene.apply("canary-one", &["--format", "json"]).done();
    assert_eq!(names(&restarts(&dry)), names(&restarts(&wet)));
    assert_eq!(names(&restarts(&wet)), ["Deployment/own"]);
    before.assert_restarted(&scene.namespace, &["own"]);
}

#[test]
fn a_workload_whose_own_template_changes_is_not_restarted_beside_that() {
    let scene = Scene::with(OWN, vec![workload("Deployment", "theirs", from_secret(), json!({}))]);
    let before = scene.before();
    scene.tag("2");
    let ended = scene.apply("canary-two", &["--format", "json"]).done();
    assert_eq!(names(&restarts(&ended)), ["Deployment/theirs"]);
    before.assert_restarted(&scene.namespace, &["own", "theirs"]);
    let before = scene.before();
    scene.apply("canary-two", &[]).done().said(&["Nothing to apply"]);
    before.assert_restarted(&scene.namespace, &[]);
}

#[test]
fn a_workload_that_also_changes_outside_of_its_template_keeps_that_and_is_restarted() {
    let scene = Scene::with(OWN, vec![]);
    let before = scene.before();
    scene.checkout.write(
        "apps/base/all.yml",
        format!("{OBJECTS}{}", OWN.replace("TAG", "1").replace("replicas: 2", "replicas: 3")).as_bytes(),
    );
    scene.apply("canary-two", &[]).done();
    before.assert_restarted(&scene.namespace, &["own"]);
    assert_eq!(scene.namespace.object("deployment/own")["spec"]["replicas"], 3);
}

#[test]
fn the_mark_survives_later_applies_of_the_workload_and_is_no_difference() {
    let scene = Scene::with(OWN, vec![]);
    scene.apply("canary-two", &[]).done();
    settled(&scene.namespace);
    let mark = scene.mark("deployment/own");
    assert!(mark.as_str().is_some_and(|mark| mark.starts_with("Secret/app=")), "{mark}");
    scene.tag("2");
    let ended = scene.apply("canary-two", &["--format", "json"]).done();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let own = report["objects"].as_array().unwrap().iter().find(|object| object["name"] == "own").unwrap();
    let keys: Vec<&str> = own["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["spec.template.spec.containers[c].image"]);
    assert_eq!(scene.mark("deployment/own"), mark);
}

#[test]
fn paused_scaled_to_none_and_on_delete_are_marked_and_not_awaited() {
    let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
    let scene = Scene::with(
        "",
        vec![
            workload("Deployment", "paused", from_secret(), json!({})),
            workload("Deployment", "none", from_secret(), json!({"replicas": 0})),
            workload("StatefulSet", "lazy-set", from_secret(), on_delete.clone()),
            workload("DaemonSet", "lazy-daemon", from_secret(), on_delete),
        ],
    );
    scene.namespace.kubectl(&["rollout", "pause", "deployment/paused"]);
    let before = pods(&scene.namespace);
    let ended = scene.apply("canary-two", &["--timeout", "5s"]).done();
    let ended = ended.said(&[
        "/paused: not awaited, it is paused: its pods change when it is resumed",
        "/none: not awaited, it has no pods (0 replicas)",
        "/lazy-set: not awaited, its pods change when they are deleted (OnDelete)",
        "/lazy-daemon: not awaited, its pods change when they are deleted (OnDelete)",
        "4 workloads restarted",
    ]);
    assert!(!ended.stdout.contains("ready"), "{ended:?}");
    assert_eq!(pods(&scene.namespace), before);
    for workload in ["deployment/paused", "deployment/none", "statefulset/lazy-set", "daemonset/lazy-daemon"] {
        assert!(scene.mark(workload).is_string(), "{workload}");
    }
    scene.apply("canary-two", &[]).done().said(&["Nothing to apply"]);
    scene.namespace.kubectl(&["rollout", "resume", "deployment/paused"]);
    scene.namespace.wait_for("new pods", |namespace| {
        let now = pods(namespace);
        now.get("paused").is_some_and(|now| now.len() == 1 && now.is_disjoint(&before["paused"]))
    });
}

#[test]
fn a_rollout_undone_by_hand_is_not_done_again() {
    let scene = Scene::with(
        "",
        vec![
            workload("Deployment", "theirs", from_secret(), json!({})),
            workload("StatefulSet", "set", from_secret(), json!({})),
            workload("DaemonSet", "daemon", from_secret(), json!({})),
        ],
    );
    scene.apply("canary-two", &[]).done().said(&["3 workloads restarted"]);
    settled(&scene.namespace);
    for workload in ["deployment/theirs", "statefulset/set", "daemonset/daemon"] {
        scene.namespace.kubectl(&["rollout", "undo", workload]);
        scene.namespace.kubectl(&["rollout", "status", workload, "--timeout=60s"]);
        assert_eq!(scene.mark(workload), Value::Null);
    }
    settled(&scene.namespace);
    let before = scene.before();
    scene.apply("canary-two", &[]).done().said(&["Nothing to apply"]);
    before.assert_restarted(&scene.namespace, &[]);
    scene.apply("canary-three", &[]).done().said(&["3 workloads restarted"]);
}

#[test]
fn none_and_wait_restart_nothing_and_a_later_run_makes_up_for_it() {
    let scene = Scene::with("", vec![workload("Deployment", "theirs", from_secret(), json!({}))]);
    let before = scene.before();
    for (rollout, value) in [("none", "canary-two"), ("wait", "canary-three")] {
        let ended = scene.apply(value, &["--rollout", rollout, "--format", "json"]).done();
        assert_eq!(restarts(&ended), []);
        ended.said(&["notice[not-restarted]", "/theirs`"]);
    }
    before.assert_restarted(&scene.namespace, &[]);
    let ended = scene.apply("canary-three", &[]).done();
    ended.said(&["Nothing to apply: all 2 objects of demo are unchanged, 1 workload restarted, 1 workload ready"]);
    before.assert_restarted(&scene.namespace, &["theirs"]);
}

#[test]
fn a_workload_made_after_the_change_is_not_restarted() {
    let scene = Scene::with("", vec![workload("Deployment", "old", from_secret(), json!({}))]);
    scene.apply("canary-two", &["--rollout", "none"]).done();
    create(&scene.namespace, vec![workload("Deployment", "new", from_secret(), json!({}))]);
    let before = scene.before();
    scene.apply("canary-two", &[]).done();
    before.assert_restarted(&scene.namespace, &["old"]);
}

#[test]
fn pods_that_do_not_become_ready_tell_why_and_the_next_run_waits_for_them_without_another_restart() {
    let scene = Scene::with(
        "",
        vec![
            workload("Deployment", "well", from_secret(), json!({})),
            workload("Deployment", "stuck", from_secret(), json!({})),
        ],
    );
    // Nothing more fits onto the node: the old pod stays, the new one waits.
    let before = scene.before();
    let cordon = scene
        .namespace
        .try_kubectl(&["patch", "deployment", "stuck", "--type=merge", "-p", r#"{"spec":{"paused":true}}"#], "");
    assert!(cordon.status.success());
    let selector = r#"{"spec":{"template":{"spec":{"nodeSelector":{"no":"such-node"}}}}}"#;
    scene.namespace.kubectl(&["patch", "deployment", "stuck", "--type=merge", "-p", selector]);
    scene.namespace.kubectl(&["patch", "deployment", "stuck", "--type=merge", "-p", r#"{"spec":{"paused":false}}"#]);
    let words = ["did not become ready: ", "Unschedulable: 0/1 nodes are available", "failed at rollout"];
    scene
        .apply("canary-two", &["--timeout", "3s"])
        .failed(1, &words)
        .said(&["2 workloads restarted", "1 of 2 workloads ready"]);
    let templates = templates(&scene.namespace);
    scene.apply("canary-two", &["--timeout", "3s"]).failed(1, &words).said(&["/stuck did not become ready"]);
    assert_eq!(self::templates(&scene.namespace), templates);
    scene.namespace.kubectl(&[
        "patch",
        "deployment",
        "stuck",
        "--type=json",
        "-p",
        r#"[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]"#,
    ]);
    scene.apply("canary-two", &[]).done().said(&["2 workloads ready"]);
    assert_ne!(pods(&scene.namespace), before.pods);
    scene.apply("canary-two", &[]).done().said(&["Nothing to apply: all 2 objects of demo are unchanged."]);
}

#[test]
fn who_has_no_right_on_workloads_is_warned_and_who_lacks_one_is_refused() {
    let scene = Scene::with("", vec![workload("Deployment", "theirs", from_secret(), json!({}))]);
    let data =
        json!({"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["get", "list", "create", "patch"]});
    let before = scene.before();
    let config = scene.namespace.user(&json!([data]), false);
    let ended = scene.run("canary-two", &[]).env("KUBECONFIG", &config).run().done();
    ended.said(&["warning[restarts-unknown]", "`rollout: wait` says that this is meant", "kind: Role"]);

    let verbs = ["get", "list", "watch", "patch"];
    for missing in verbs {
        let others: Vec<&str> = verbs.into_iter().filter(|verb| *verb != missing).collect();
        let some = json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": others});
        let config = scene.namespace.user(&json!([data, some]), false);
        let versions = scene.namespace.versions();
        let run = |more: &[&str]| scene.run("canary-three", more).env("KUBECONFIG", &config).run();
        let words = [&format!("verbs: [\"{missing}\"]"), "`deployments`", "nothing was written to the cluster"];
        run(&["--dry-run"]).failed(1, &words);
        run(&[]).failed(1, &words);
        assert_eq!(scene.namespace.versions(), versions);
    }
    before.assert_restarted(&scene.namespace, &[]);

    let enough = json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": verbs});
    let config = scene.namespace.user(&json!([data, enough]), false);
    let ended = scene.run("canary-three", &[]).env("KUBECONFIG", &config).run().done();
    ended.said(&["warning[restarts-unknown]", "`daemonsets`, `statefulsets`", "1 workload restarted"]);
    before.assert_restarted(&scene.namespace, &["theirs"]);
}

#[test]
fn a_workload_of_the_build_is_restarted_by_who_may_not_list_any() {
    let scene = Scene::with(OWN, vec![workload("Deployment", "theirs", from_secret(), json!({}))]);
    let before = scene.before();
    let verbs = ["get", "list", "watch", "patch"];
    let rules = json!([{"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": verbs},
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["own"], "verbs": verbs}]);
    let config = scene.namespace.user(&rules, false);
    let ended = scene.run("canary-two", &[]).env("KUBECONFIG", &config).run().done();
    ended.said(&["warning[restarts-unknown]", "1 workload restarted, 1 workload ready"]);
    before.assert_restarted(&scene.namespace, &["own"]);
}

#[test]
fn a_workload_that_its_controllers_write_to_is_patched_all_the_same() {
    let scene = Scene::with("", vec![workload("Deployment", "busy", from_secret(), json!({}))]);
    let before = scene.before();
    let (stop, stopped) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let namespace = &scene.namespace;
        scope.spawn(move || {
            for number in 0.. {
                if stopped.try_recv().is_ok() {
                    break;
                }
                namespace.kubectl(&["annotate", "--overwrite", "deployment/busy", &format!("n=x{number}")]);
                std::thread::sleep(Duration::from_millis(150));
            }
        });
        scene.apply("canary-two", &[]).done();
        stop.send(()).expect("told");
    });
    before.assert_restarted(&scene.namespace, &["busy"]);
}

#[test]
fn a_generated_object_needs_no_restart_of_ours() {
    let namespace = Namespace::new();
    let generator = "generatorOptions: {}\nsecretGenerator: [{name: gen, literals: [\"A=base\"]}]\n";
    let patch = "apiVersion: v1\nkind: Secret\nmetadata: {name: gen}\nstringData: {A: \"${A}\"}\n";
    let own = OWN.replace("TAG", "1").replace("name: app}", "name: gen}").replace("---\n", "");
    let checkout = Checkout::with(patch, &own);
    checkout.write("apps/base/kustomization.yml", format!("resources: [all.yml]\n{generator}").as_bytes());
    let scene = Scene { namespace, checkout };
    scene.apply("canary-one", &[]).done();
    settled(&scene.namespace);
    let before = scene.before();
    let ended = scene.apply("canary-two", &["--format", "json"]).done();
    assert_eq!(restarts(&ended), []);
    before.assert_restarted(&scene.namespace, &["own"]);
}

/// Starts a run whose way to the server goes through a proxy that kills it at its `nth` request; whether it got that far.
fn killed_at(scene: &Scene, value: &str, nth: usize) -> bool {
    let (tell, told) = mpsc::channel();
    let plan = Plan::parse("* * always latency 1", 1).expect("rules");
    let proxy = Proxy::start_with(&PathBuf::from(bed("BED_DIR")), &bed("BED_SERVER"), plan, move |_| {
        let _ = tell.send(());
    });
    let proxy = proxy.expect("a proxy");
    let mut config = scene.namespace.config();
    config["clusters"][0]["cluster"]["server"] = json!(proxy.url());
    let token = std::fs::read_to_string(format!("{}/admin.token", bed("BED_DIR"))).expect("a token");
    config["users"][0]["user"] = json!({"token": token.trim()});
    let config = scene.namespace.write("through", &config.to_string());
    let mut started = scene.run(value, &[]).env("KUBECONFIG", &config).start().feed(b"");
    for _ in 0..nth {
        while told.recv_timeout(Duration::from_millis(20)).is_err() {
            if started.has_ended() {
                assert_eq!(started.wait().code, Some(0));
                return false;
            }
        }
    }
    started.kill();
    true
}

/// Kills at request `first` and at every fourth after it; with `SOAK` at every second.
fn kills(first: usize) {
    let step = if std::env::var("SOAK").is_ok() { 2 } else { 4 };
    let set = workload("StatefulSet", "set", from_secret(), json!({}));
    let scene = Scene::with(OWN, vec![workload("Deployment", "theirs", from_secret(), json!({})), set]);
    for (round, nth) in (first..).step_by(step).enumerate() {
        let value = format!("canary-value-{first}-{round}");
        let changes_own_template = round % 2 == 1;
        if changes_own_template {
            scene.tag(&format!("{first}-{round}"));
        }
        let before = scene.before();
        let killed = killed_at(&scene, &value, nth);
        scene.run(&value, &[]).run().done();
        settled(&scene.namespace);
        let now = templates(&scene.namespace);
        for (name, many) in &now {
            assert_eq!(many - before.templates[name], 1, "{name}, killed at request {nth}");
        }
        before.assert_restarted(&scene.namespace, &["own", "set", "theirs"]);
        assert_eq!(scene.namespace.value("secret/app", "A"), value);
        assert_eq!(scene.annotation("restarts"), Value::Null);
        if !killed {
            assert!(round > 3, "no run was killed");
            scene.run(&value, &[]).run().done().said(&["Nothing to apply: all 3 objects of demo are unchanged."]);
            return;
        }
    }
}

#[test]
fn killed_at_any_request_the_next_run_restarts_each_once() {
    kills(1);
}

#[test]
fn killed_at_any_other_request_too() {
    kills(2);
}
