//! Needs the test bed.
//!
//! What left the build: told always, deleted where that is asked for, and nothing else ever.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::cluster::{Namespace, Wrapper, random, real_kubectl};
use support::{Checkout, Ended, Run};

const SET: &str = "secret-patch.dev/set";
const CANARY: &str = "canary-of-a-value";
const NOTHING: &str = "nothing was written to the cluster";
const TEMPLATE: &str = "config/demo-config-secret.example.yml";

fn holder(kind: &str, name: &str) -> String {
    let field = if kind == "Secret" { "stringData" } else { "data" };
    format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{field}: {{A: \"${{A}}\"}}\n---\n")
}

fn deployment(name: &str, more: &str, pod: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  {more}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: web, image: web}}], {pod}}}
---
"
    )
}

fn volume(secret: &str) -> String {
    format!("volumes: [{{name: v, secret: {{secretName: {secret}}}}}]")
}

/// Secrets and ConfigMaps `kept` and those named, each as `Kind/name`.
fn build(more: &[&str]) -> String {
    let names = ["Secret/kept", "ConfigMap/kept"].iter().chain(more);
    names.filter_map(|name| name.split_once('/')).map(|(kind, name)| holder(kind, name)).collect()
}

fn run(checkout: &Checkout, namespace: &Namespace, more: &[&str]) -> Run {
    let arguments = ["apply", "demo", "--yes", "--overlay", "none", "--nonsensitive", "A", "--format", "json"];
    checkout.program(&[&arguments[..], more].concat()).in_namespace(namespace).env("A", CANARY)
}

/// What was tested before is applied as `objects`.
fn applied(checkout: &Checkout, namespace: &Namespace, objects: &str) {
    checkout.write(TEMPLATE, objects.as_bytes());
    run(checkout, namespace, &[]).run().done();
}

/// `Kind/name` of all that is there of our kinds, but what the cluster itself puts into a namespace.
fn there(namespace: &Namespace) -> BTreeSet<String> {
    let names = namespace.versions().into_keys();
    names.filter(|name| name.starts_with("Secret/") || name.starts_with("ConfigMap/")).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The report's list: `Kind/name`, whether it is deleted, and what is said of it.
#[track_caller]
fn left_over(ended: &Ended) -> Vec<(String, bool, String)> {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = report["leftOver"].as_array().expect("a list").iter();
    let one = |left: &Value| {
        (format!("{}/{}", text(&left["kind"]), text(&left["name"])), left["pruned"] == true, text(&left["note"]))
    };
    list.map(one).collect()
}

#[track_caller]
fn pruned(ended: &Ended) -> Vec<String> {
    left_over(ended).into_iter().filter(|(_, pruned, _)| *pruned).map(|(name, ..)| name).collect()
}

#[test]
fn what_left_the_build_is_told_and_deleted_where_that_is_asked_for() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(
        &checkout,
        &namespace,
        &(build(&["Secret/gone", "ConfigMap/gone"]) + &deployment("web", "replicas: 1", "")),
    );
    applied(&checkout, &namespace, &build(&[]));
    let before = namespace.versions();
    let both = ["Secret/gone", "ConfigMap/gone"];

    let told = run(&checkout, &namespace, &[]).run().done();
    let told = told
        .said(&["notice[left-over]: no longer in the build, but still of its set: `Secret ", "`prune: true` deletes"]);
    assert_eq!(left_over(&told).len(), 2);
    assert_eq!((pruned(&told), namespace.versions()), (vec![], before.clone()));

    let dry = run(&checkout, &namespace, &["--prune", "--dry-run"]).run().done().said(&["would be removed"]);
    assert_eq!((pruned(&dry), namespace.versions()), (both.map(str::to_owned).to_vec(), before));
    let wet =
        run(&checkout, &namespace, &["--prune"]).run().done().said(&["deleted", "2 objects removed, 2 unchanged"]);
    assert_eq!(left_over(&wet), left_over(&dry));
    assert_eq!(there(&namespace), set(&["Secret/kept", "ConfigMap/kept"]));
    // Nothing but the two kinds is ever deleted.
    namespace.object("deployment/web");
    let again = run(&checkout, &namespace, &["--prune"]).run().done().said(&["Nothing to apply"]);
    assert_eq!(left_over(&again), []);
    for ended in [told, dry, wet, again] {
        ended.leaks_nothing(&[CANARY]);
    }
}

#[test]
fn nothing_that_this_set_did_not_apply_is_ever_deleted() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(
        &checkout,
        &namespace,
        &build(&["Secret/gone", "Secret/eso", "Secret/helm", "Secret/unmarked", "ConfigMap/taken"]),
    );
    // Another repository, root and environment.
    checkout.write("other/config/demo-config-secret.example.yml", holder("Secret", "of-another-root").as_bytes());
    checkout.write("other/apps/kustomization.yml", b"");
    checkout.write("config/prod-config-secret.example.yml", holder("Secret", "of-another-environment").as_bytes());
    run(&checkout, &namespace, &["--root", "other"]).run().done();
    let mut prod = run(&checkout, &namespace, &[]);
    prod.arguments[1] = "prod".to_owned();
    prod.run().done();
    // By hand, a copy with all its marks, and what others do to ours.
    namespace.kubectl(&["create", "secret", "generic", "by-hand", "--from-literal=A=x"]);
    let mut copy = namespace.object("secret/gone");
    copy["metadata"] =
        json!({"name": "copy", "annotations": copy["metadata"]["annotations"], "labels": copy["metadata"]["labels"]});
    namespace.create(&copy.to_string());
    namespace.kubectl(&["label", "secret", "eso", "reconcile.external-secrets.io/managed=true"]);
    namespace.kubectl(&["label", "secret", "helm", "owner=helm"]);
    namespace.kubectl(&["annotate", "secret", "unmarked", &format!("{SET}-")]);
    namespace.kubectl(&["annotate", "--overwrite", "configmap", "taken", &format!("{SET}=theirs//.//demo")]);
    // The same set somewhere else.
    let elsewhere = Namespace::new();
    applied(&checkout, &elsewhere, &build(&["Secret/gone"]));

    applied(&checkout, &namespace, &build(&[]));
    let ended = run(&checkout, &namespace, &["--prune"]).run().done();
    let ended = ended.said(&[
        "notice[left-over]: `Secret ",
        "eso` is no longer in the build, and stays: it is kept by External Secrets",
    ]);
    assert_eq!(pruned(&ended), ["Secret/gone"]);
    let stays = [
        "Secret/kept",
        "ConfigMap/kept",
        "Secret/eso",
        "Secret/helm",
        "Secret/unmarked",
        "ConfigMap/taken",
        "Secret/by-hand",
        "Secret/copy",
        "Secret/of-another-root",
        "Secret/of-another-environment",
    ];
    assert_eq!(there(&namespace), set(&stays));
    assert_eq!(there(&elsewhere), set(&["Secret/kept", "ConfigMap/kept", "Secret/gone"]));
}

#[test]
fn what_left_a_build_of_many_objects_is_found_among_them() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    let many: Vec<String> = (0..61).map(|number| format!("Secret/many-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let more = ["Secret/gone", "ConfigMap/gone", "Secret/helm"];
    applied(&checkout, &namespace, &build(&[&many[..], &more].concat()));
    namespace.kubectl(&["create", "secret", "generic", "by-hand", "--from-literal=A=x"]);
    namespace.kubectl(&["label", "secret", "helm", "owner=helm"]);
    checkout.write(TEMPLATE, build(&many).as_bytes());
    let ended = run(&checkout, &namespace, &["--prune"]).run().done();
    assert_eq!(pruned(&ended), ["Secret/gone", "ConfigMap/gone"]);
    let stays = ["Secret/kept", "ConfigMap/kept", "Secret/by-hand", "Secret/helm"];
    assert_eq!(there(&namespace), set(&[&many[..], &stays].concat()));
    let again = run(&checkout, &namespace, &["--prune"]).run().done().said(&["Nothing to apply"]);
    assert_eq!(left_over(&again), []);
}

/// A cluster-wide object that the whole build comes with.
struct ClusterWide<'a>(&'a Namespace);

impl ClusterWide<'_> {
    fn manifest(&self) -> String {
        format!(
            "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {{name: {}}}\nvalue: 7\n---\n",
            self.0.name()
        )
    }
}

impl Drop for ClusterWide<'_> {
    fn drop(&mut self) {
        self.0.try_kubectl(&["delete", "priorityclass", self.0.name(), "--ignore-not-found"], "");
    }
}

#[test]
fn a_namespace_that_the_build_left_is_not_looked_at_whatever_lies_in_none() {
    let (left, namespace, checkout) = (Namespace::new(), Namespace::new(), Checkout::with("", ""));
    let cluster_wide = ClusterWide(&namespace);
    applied(&checkout, &left, &(build(&[]) + &cluster_wide.manifest()));
    let name = format!("metadata: {{namespace: {}, name: kept}}", namespace.name());
    let moved = build(&[]).replace("metadata: {name: kept}", &name) + &cluster_wide.manifest();
    checkout.write(TEMPLATE, moved.as_bytes());
    let ended = run(&checkout, &left, &["--prune"]).run().done().said(&["2 objects added, 1 unchanged"]);
    assert_eq!(left_over(&ended), []);
    assert_eq!((there(&left), there(&namespace)), (set(&["Secret/kept", "ConfigMap/kept"]), there(&left)));
}

#[test]
fn only_the_given_kinds_are_pruned() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(&checkout, &namespace, &build(&["Secret/gone", "ConfigMap/gone"]));
    checkout.write(TEMPLATE, build(&[]).as_bytes());
    run(&checkout, &namespace, &["--prune", "--kinds", "ConfigMap"]).run().done();
    assert_eq!(there(&namespace), set(&["Secret/kept", "ConfigMap/kept", "Secret/gone"]));
    run(&checkout, &namespace, &["--prune", "--kinds", "secret"]).run().done();
    assert_eq!(there(&namespace), set(&["Secret/kept", "ConfigMap/kept"]));
}

#[test]
fn what_a_workload_uses_stays_until_it_does_not() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    let mine = |secret: &str| deployment("mine", "replicas: 1", &volume(secret));
    applied(&checkout, &namespace, &(build(&["Secret/gone", "Secret/theirs"]) + &mine("gone")));
    // Another team's, which nobody asks.
    let pod = json!({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "theirs"}}]}}], "containers": [{"name": "c", "image": "c"}]});
    let theirs = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "theirs"}, "spec": {"selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}}});
    namespace.create(&theirs.to_string());

    // Its Deployment leaves the build too, and goes on.
    checkout.write(TEMPLATE, build(&[]).as_bytes());
    let ended = run(&checkout, &namespace, &["--prune"]).run().done();
    let words = ["gone` is no longer in the build, and stays: `Deployment ", "mine` uses it", "theirs` uses it"];
    assert_eq!(left_over(&ended.said(&words)).len(), 2);
    assert!(there(&namespace).is_superset(&set(&["Secret/gone", "Secret/theirs"])));

    // In the build again, with another Secret: announced, and done once its pods are new.
    checkout.write(TEMPLATE, (build(&[]) + &mine("kept")).as_bytes());
    let dry = run(&checkout, &namespace, &["--prune", "--dry-run"]).run().done();
    let wet = run(&checkout, &namespace, &["--prune"]).run().done();
    assert_eq!((pruned(&dry), left_over(&wet)), (vec!["Secret/gone".to_owned()], left_over(&dry)));
    assert_eq!(there(&namespace), set(&["Secret/kept", "ConfigMap/kept", "Secret/theirs"]));
}

#[test]
fn what_pods_without_a_workload_and_old_controllers_use_stays() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    let names = ["Secret/of-pod", "Secret/of-controller", "Secret/of-template", "ConfigMap/of-pod", "Secret/gone"];
    applied(&checkout, &namespace, &build(&names));
    let spec = |secret: &str, config: &str| {
        let env = json!([{"secretRef": {"name": secret}}, {"configMapRef": {"name": config}}]);
        json!({"containers": [{"name": "c", "image": "c", "envFrom": env}]})
    };
    let template = |secret: &str| json!({"metadata": {"labels": {"a": secret}}, "spec": spec(secret, "none")});
    let theirs = [
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, "spec": spec("of-pod", "of-pod")}),
        json!({"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "old"},
            "spec": {"selector": {"a": "of-controller"}, "template": template("of-controller")}}),
        json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "stencil"}, "template": template("of-template")}),
    ];
    theirs.iter().for_each(|object| namespace.create(&object.to_string()));

    checkout.write(TEMPLATE, build(&[]).as_bytes());
    let dry = run(&checkout, &namespace, &["--prune", "--dry-run"]).run().done();
    let wet = run(&checkout, &namespace, &["--prune"]).run().done();
    let said = ["bare` uses it", "`ReplicationController ", "old` uses it", "`PodTemplate ", "stencil` uses it"];
    assert_eq!(left_over(&wet.said(&said)), left_over(&dry));
    assert_eq!(pruned(&dry), ["Secret/gone"]);
    let kept = ["Secret/kept", "ConfigMap/kept", "Secret/of-pod", "Secret/of-controller", "Secret/of-template"];
    assert_eq!(there(&namespace), set(&[&kept[..], &["ConfigMap/of-pod"]].concat()));
}

/// A generator's build whose Deployment uses what is generated.
fn generator(namespace: &Namespace, history: u32) -> Checkout {
    let _ = namespace;
    let template = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {A: \"${A}\"}\n";
    let base = deployment("web", &format!("revisionHistoryLimit: {history}"), &volume("app"));
    Checkout::with(template, &base).file(
        "apps/base/kustomization.yml",
        "resources: [all.yml]\nsecretGenerator:\n- name: app\n  literals: [A=old]\n",
    )
}

fn generate(checkout: &Checkout, namespace: &Namespace, value: &str, more: &[&str]) -> Ended {
    let arguments = ["apply", "demo", "--yes", "--format", "json", "--prune"];
    let ended = checkout.program(&[&arguments[..], more].concat()).in_namespace(namespace).env("A", value).run().done();
    let names = there(namespace);
    let hashes: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("Secret/app-")).collect();
    ended.leaks_nothing(&[&hashes[..], &[value]].concat())
}

#[test]
fn a_generated_object_stays_as_long_as_its_history() {
    let namespace = Namespace::new();
    let checkout = generator(&namespace, 1);
    let values = ["canary-1", "canary-2", "canary-3", "canary-4"];
    generate(&checkout, &namespace, values[0], &[]);
    let first = there(&namespace);
    // The ReplicaSet of now is the one to go back to.
    let dry = generate(&checkout, &namespace, values[1], &["--dry-run"]);
    let wet = generate(&checkout, &namespace, values[1], &[]);
    assert_eq!(left_over(&wet), left_over(&dry));
    let (name, pruned, note) = left_over(&wet).remove(0);
    assert_eq!((name.as_str(), pruned), ("Secret/app-<hash>", false));
    assert_eq!(note, "a ReplicaSet of web may go back to it", "its own name ends in a hash of what it holds");
    assert!(there(&namespace).is_superset(&first) && there(&namespace).len() == 2);
    namespace.kubectl(&["rollout", "undo", "deployment/web"]);
    namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);

    // One is remembered, the ones before are not.
    for value in [values[1], values[2], values[3]] {
        generate(&checkout, &namespace, value, &[]);
    }
    let history = || namespace.kubectl(&["get", "replicasets", "-o", "jsonpath={.items[*].metadata.name}"]);
    namespace.wait_for("shorter history", |_| history().split(' ').count() == 2);
    let dry = generate(&checkout, &namespace, values[3], &["--dry-run"]);
    let wet = generate(&checkout, &namespace, values[3], &[]);
    assert_eq!(left_over(&wet), left_over(&dry));
    assert_eq!(there(&namespace).len(), 2, "the one in use and the one to go back to: {wet:?}");
    assert!(there(&namespace).is_disjoint(&first));
    let (name, _, note) =
        left_over(&dry).into_iter().find(|(_, pruned, _)| *pruned).unwrap_or_else(|| panic!("{dry:?}"));
    assert_eq!((name.as_str(), note.as_str()), ("Secret/app-<hash>", "its generator has made another"));
    let used =
        namespace.object("deployment/web")["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"].clone();
    assert!(there(&namespace).contains(&format!("Secret/{}", used.as_str().expect("a name"))));
}

#[test]
fn a_rollout_that_fails_prunes_nothing() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(&checkout, &namespace, &build(&["Secret/gone"]));
    namespace.create(r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}"#);
    namespace.wait_for("quota", |namespace| namespace.object("quota/none")["status"]["hard"]["pods"] == "0");
    checkout.write(TEMPLATE, (build(&[]) + &deployment("web", "replicas: 1", "")).as_bytes());
    for _ in 0..2 {
        let ended = run(&checkout, &namespace, &["--prune", "--timeout", "2s"]).run();
        ended.failed(1, &["error[rollout-failed]", "failed at rollout: "]);
        assert!(there(&namespace).contains("Secret/gone"));
    }
    namespace.kubectl(&["delete", "quota", "none"]);
    namespace.kubectl(&["rollout", "restart", "deployment/web"]);
    let ended = run(&checkout, &namespace, &["--prune"]).run().done();
    assert_eq!(pruned(&ended), ["Secret/gone"]);
    assert_eq!(there(&namespace), set(&["Secret/kept", "ConfigMap/kept"]));
}

#[test]
fn a_refused_write_prunes_nothing() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(&checkout, &namespace, &build(&["Secret/gone"]));
    namespace.create(r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"secrets": "3"}}}"#);
    namespace.wait_for("quota", |namespace| namespace.object("quota/few")["status"]["used"]["secrets"] == "2");
    checkout.write(TEMPLATE, build(&["Secret/one", "Secret/two"]).as_bytes());
    let ended = run(&checkout, &namespace, &["--prune"]).run();
    ended.failed(1, &["error[quota-exceeded]", "1 refused, 1 not reached"]);
    assert!(there(&namespace).contains("Secret/gone"));
}

#[test]
fn a_build_without_anything_to_compare_with_prunes_nothing() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(&checkout, &namespace, &(build(&[]) + &deployment("web", "replicas: 1", "")));
    let before = namespace.versions();
    checkout.write(TEMPLATE, deployment("web", "replicas: 2", "").as_bytes());
    for more in [&["--prune"][..], &["--prune", "--dry-run"]] {
        let ended = run(&checkout, &namespace, more).run();
        let words = [
            "error[prune-all]: the build has no Secret and no ConfigMap, and `prune` would delete 2 objects of the set `owner/name//.//demo`",
            NOTHING,
        ];
        assert_eq!(pruned(&ended.failed(1, &words)), [""; 0]);
        assert_eq!(namespace.versions(), before);
    }
    run(&checkout, &namespace, &[]).run().done().said(&["notice[left-over]"]);
    assert_eq!(there(&namespace).len(), 2);
}

/// What happens before each deletion, or before the first one.
fn before_deleting(namespace: &Namespace, happens: &str, each: bool) -> Wrapper {
    let guard = if each { "" } else { r#"! [ -e "$calls/done" ] && : > "$calls/done" &&"# };
    let kubectl = real_kubectl();
    namespace.wrapper(&format!(
        "kubectl='{}'\ncase \"$*\" in delete*) {guard} {{ {happens}; }} >/dev/null ;; esac",
        kubectl.display()
    ))
}

#[test]
fn what_another_does_to_it_meanwhile_is_looked_at_again() {
    let scene = || {
        let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
        applied(&checkout, &namespace, &build(&["Secret/gone"]));
        checkout.write(TEMPLATE, build(&[]).as_bytes());
        (namespace, checkout)
    };
    // Only touched.
    let (namespace, checkout) = scene();
    let touch = before_deleting(&namespace, "\"$kubectl\" annotate secret gone \"raced-$$=x\"", false);
    run(&checkout, &namespace, &["--prune"]).through(&touch).run().done();
    assert_eq!(there(&namespace).len(), 2);
    // Without an end.
    let (namespace, checkout) = scene();
    let touch = before_deleting(&namespace, "\"$kubectl\" annotate secret gone \"raced-$$=x\"", true);
    let ended = run(&checkout, &namespace, &["--prune"]).through(&touch).run().done();
    assert_eq!(
        pruned(&ended.said(&["notice[left-over]: `Secret ", "gone` is not deleted: another changed or deleted it"])),
        [""; 0]
    );
    assert_eq!(there(&namespace).len(), 3);
    // Taken by another set.
    let (namespace, checkout) = scene();
    let take = format!("\"$kubectl\" annotate --overwrite secret gone {SET}=theirs//.//demo");
    run(&checkout, &namespace, &["--prune"])
        .through(&before_deleting(&namespace, &take, false))
        .run()
        .done()
        .said(&["is not deleted"]);
    assert_eq!(namespace.object("secret/gone")["metadata"]["annotations"][SET], "theirs//.//demo");
    // Deleted, and made anew by hand under the same name.
    let (namespace, checkout) = scene();
    let anew = "\"$kubectl\" delete secret gone; \"$kubectl\" create secret generic gone --from-literal=A=theirs";
    run(&checkout, &namespace, &["--prune"])
        .through(&before_deleting(&namespace, anew, false))
        .run()
        .done()
        .said(&["is not deleted"]);
    assert_eq!(namespace.value("secret/gone", "A"), "theirs");
    // Deleted only.
    let (namespace, checkout) = scene();
    let delete = before_deleting(&namespace, "\"$kubectl\" delete secret gone", false);
    run(&checkout, &namespace, &["--prune"]).through(&delete).run().done();
    assert_eq!(there(&namespace).len(), 2);
}

/// What pruning and comparing Secrets and ConfigMaps takes, one rule a resource.
const ENOUGH: [(&str, &str, &[&str]); 12] = [
    ("", "secrets", &["get", "create", "patch", "list", "delete"]),
    ("", "configmaps", &["get", "create", "patch", "list", "delete"]),
    ("apps", "deployments", &["list"]),
    ("apps", "statefulsets", &["list"]),
    ("apps", "daemonsets", &["list"]),
    ("apps", "replicasets", &["list"]),
    ("apps", "controllerrevisions", &["list"]),
    ("batch", "jobs", &["list"]),
    ("batch", "cronjobs", &["list"]),
    ("", "pods", &["list"]),
    ("", "podtemplates", &["list"]),
    ("", "replicationcontrollers", &["list"]),
];

fn rules(rules: &[(&str, &str, &[&str])]) -> Value {
    let rule = |(group, resource, verbs): &(&str, &str, &[&str])| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    rules.iter().filter(|(.., verbs)| !verbs.is_empty()).map(rule).collect()
}

#[test]
fn each_right_that_pruning_needs_is_told_before_the_first_write() {
    let checkout = Checkout::with("", "");
    let needed = ENOUGH.iter().flat_map(|(_, resource, verbs)| verbs.iter().map(move |verb| (*resource, *verb)));
    for (resource, verb) in needed.filter(|(_, verb)| matches!(*verb, "list" | "delete")) {
        let namespace = Namespace::new();
        applied(&checkout, &namespace, &build(&["Secret/gone", "ConfigMap/gone"]));
        checkout.write(TEMPLATE, build(&["Secret/new"]).as_bytes());
        let before = namespace.versions();
        let at = ENOUGH.iter().position(|(_, name, _)| *name == resource).expect("a rule");
        let mut some = ENOUGH;
        let left: Vec<&str> = ENOUGH[at].2.iter().copied().filter(|other| *other != verb).collect();
        some[at].2 = &left;
        let user = namespace.user(&rules(&some), false);
        let apply = || run(&checkout, &namespace, &["--prune"]).env("KUBECONFIG", &user).run();
        let ended = apply().failed(1, &[&format!("{verb} on `{resource}` in namespace"), NOTHING]);
        assert_eq!(namespace.versions(), before, "{resource} {verb}");
        let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        let problems = report["problems"].as_array().expect("problems").iter();
        let help =
            problems.filter(|problem| problem["kind"] == "forbidden").find_map(|problem| problem["help"].as_str());
        let (_, role) = help.expect("a Role").split_once('\n').expect("a Role");
        let role: Value = serde_yaml::from_str(role).expect("YAML");
        let group = ENOUGH[at].0;
        assert_eq!(role["rules"], json!([{"apiGroups": [group], "resources": [resource], "verbs": [verb]}]));
        namespace.create(&role.to_string());
        let user_name = Path::new(&user).file_name().expect("a name").to_str().expect("UTF-8");
        let role = format!("--role={}", role["metadata"]["name"].as_str().expect("a name"));
        namespace.kubectl(&["create", "rolebinding", "more", &role, "--user", user_name]);
        apply().done();
        assert_eq!(there(&namespace), set(&["Secret/kept", "ConfigMap/kept", "Secret/new"]), "{resource} {verb}");
    }
}

#[test]
fn who_may_not_list_is_told_so_and_may_apply() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(&checkout, &namespace, &build(&["Secret/gone"]));
    checkout.write(TEMPLATE, build(&["Secret/new"]).as_bytes());
    let all: &[&str] = &["get", "create", "patch"];
    let user = namespace.user(&rules(&[("", "secrets", all), ("", "configmaps", all)]), false);
    let ended = run(&checkout, &namespace, &[]).env("KUBECONFIG", &user).run().done();
    assert_eq!(
        left_over(
            &ended.said(&["notice[left-over-unknown]: what left the build is not known: ", "may not list `secrets`"])
        ),
        []
    );
    assert_eq!(there(&namespace).len(), 4);
}

#[test]
fn no_value_of_others_is_read() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(&checkout, &namespace, &build(&["Secret/gone"]));
    checkout.write(TEMPLATE, build(&[]).as_bytes());
    namespace.kubectl(&["create", "secret", "generic", "theirs", "--from-literal=A=canary-of-others"]);
    let keep = namespace.wrapper(&format!(
        "'{}' \"$@\" > \"$calls/$$\"; code=$?; /bin/cat \"$calls/$$\"; exit $code",
        real_kubectl().display()
    ));
    run(&checkout, &namespace, &["--prune"]).through(&keep).run().done();
    for file in std::fs::read_dir(&keep.calls).expect("a directory") {
        let printed = std::fs::read(file.expect("an entry").path()).expect("a file");
        support::assert_no_leak("what kubectl printed", &printed, &["canary-of-others"]);
    }
    assert_eq!(there(&namespace), set(&["Secret/kept", "ConfigMap/kept", "Secret/theirs"]));
}

#[test]
fn the_summary_and_the_outputs_tell_it() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    applied(&checkout, &namespace, &build(&["Secret/gone"]));
    checkout.write(TEMPLATE, build(&[]).as_bytes());
    let config = std::fs::read_to_string(namespace.kubeconfig()).expect("a file");
    let inputs = [
        ("command", "apply"),
        ("environment", "demo"),
        ("kubeconfig", config.as_str()),
        ("overlay", "none"),
        ("nonsensitive", "A"),
        ("prune", "true"),
    ];
    let run = checkout.action(&inputs).in_namespace(&namespace).env("A", CANARY);
    let ended = run.run().done().said(&["::group::prune", "gone deleted"]);
    let (summary, outputs) = (checkout.summary(), checkout.outputs());
    assert!(summary.contains("gone</code> |  | removed, **no longer in the build** |"), "{summary}");
    let gone = format!("[\"Secret {}/gone\"]", namespace.name());
    assert!(outputs.contains(&gone) && outputs.contains("\ntrue\n"), "{outputs}");
    ended.leaks_nothing(&[CANARY]);
    assert_eq!(there(&namespace).len(), 2);
}

/// A small generator: the same seed gives the same instants.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn after_a_kill_at_any_instant_the_next_run_ends_in_the_wanted_state() {
    let rounds: u64 = std::env::var("SOAK").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12);
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(random).max(1);
    println!("SEED={seed}");
    let mut state = seed;
    let (namespace, checkout) = (Namespace::new(), Checkout::with("", ""));
    namespace.kubectl(&["create", "secret", "generic", "by-hand", "--from-literal=A=x"]);
    let objects = |round: u64| {
        let own = [format!("Secret/s{round}"), format!("ConfigMap/c{round}")];
        build(&[&own[0], &own[1]]) + &deployment("web", "revisionHistoryLimit: 0", &volume(&format!("s{round}")))
    };
    let clock = Instant::now();
    applied(&checkout, &namespace, &objects(0));
    let mut whole = clock.elapsed().as_micros() as u64;
    for round in 1..=rounds {
        checkout.write(TEMPLATE, objects(round).as_bytes());
        let instant = Duration::from_micros(next(&mut state) % (whole * 3 / 2));
        let started = run(&checkout, &namespace, &["--prune"]).start().feed(b"");
        std::thread::sleep(instant);
        started.kill();
        // What is in use is there at every moment.
        let used = namespace.object("deployment/web")["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"]
            .clone();
        let there_now = there(&namespace);
        assert!(
            there_now.contains(&format!("Secret/{}", used.as_str().expect("a name"))),
            "round {round}, killed after {instant:?}"
        );
        let clock = Instant::now();
        let ended = run(&checkout, &namespace, &["--prune"]).run();
        assert_eq!(ended.code, Some(0), "round {round}, killed after {instant:?} of {whole} us: {ended:?}");
        whole = whole.max(clock.elapsed().as_micros() as u64);
        let own = [format!("Secret/s{round}"), format!("ConfigMap/c{round}")];
        let wanted = set(&["Secret/kept", "ConfigMap/kept", "Secret/by-hand", &own[0], &own[1]]);
        assert_eq!(there(&namespace), wanted, "round {round}, killed after {instant:?} of {whole} us");
    }
}
