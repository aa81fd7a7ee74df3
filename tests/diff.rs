//! Needs the test bed.
//!
//! `diff` says what an apply then does, to a reader who may see no value; and writes nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use support::cluster::Namespace;
use support::{Checkout, Ended, Run};

const OLD: &str = "canary-old-value";
const NEW: &str = "canary-new-value";
const TOKEN: &str = "canary-token-4f2a";

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  A: ${A}
  B: literal-of-b
";
const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  LOG_LEVEL: ${LOG_LEVEL}
  MODE: blue
";
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'web:1', env: [{name: COLOUR, value: blue}]}]}
";

fn tree() -> String {
    [SECRET, CONFIG, DEPLOYMENT].join("---\n")
}

/// The tree without kustomize, committed.
fn checkout(template: &str) -> Checkout {
    let checkout = Checkout::with(template, "");
    checkout.commit();
    checkout
}

fn rewrite(checkout: &Checkout, template: &str) {
    checkout.write("config/demo-config-secret.example.yml", template.as_bytes());
    checkout.commit();
}

fn run(checkout: &Checkout, namespace: &Namespace, command: &str, more: &[&str]) -> Run {
    let yes: &[&str] = if command == "apply" { &["--yes", "--rollout", "none"] } else { &[] };
    let arguments = [&[command, "demo", "--overlay", "none", "--nonsensitive", "LOG_LEVEL"], yes, more].concat();
    let run = checkout.program(&arguments).in_namespace(namespace);
    run.env("A", NEW).env("LOG_LEVEL", "info").env("TOKEN", TOKEN)
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// Each object that is not unchanged with its keys that are not, as `A changed`, and what is shown of them.
fn told(report: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let objects = report["objects"].as_array().expect("objects").iter();
    let objects = objects.filter(|object| object["change"] != "unchanged");
    let keys = |object: &Value| -> Vec<String> {
        let keys = object["keys"].as_array().expect("keys").iter().filter(|key| key["change"] != "unchanged");
        keys.map(|key| {
            let shown = ["before", "after"].map(|side| key[side].as_str().unwrap_or("-"));
            let shown = if shown == ["-", "-"] { String::new() } else { format!(": {} > {}", shown[0], shown[1]) };
            format!("{} {}{shown}", text(&key["key"]), text(&key["change"]))
        })
        .collect()
    };
    objects
        .map(|object| {
            (format!("{}/{} {}", text(&object["kind"]), text(&object["name"]), text(&object["change"])), keys(object))
        })
        .collect()
}

fn lines(told: &[(String, Vec<String>)]) -> Vec<&str> {
    told.iter().flat_map(|(object, keys)| std::iter::once(object).chain(keys)).map(String::as_str).collect()
}

/// What may be read in the namespace, and nothing more.
fn reader(namespace: &Namespace) -> String {
    let rule = |group: &str, resources: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": ["get", "list"]});
    namespace.user(&json!([rule("", &["secrets", "configmaps"]), rule("apps", &["deployments"])]), false)
}

/// Of a Deployment its generation: its status goes on changing by itself.
fn versions(namespace: &Namespace) -> BTreeMap<String, String> {
    let mut versions = namespace.versions();
    if let Some(version) = versions.get_mut("Deployment/web") {
        *version = namespace.object("deployment/web")["metadata"]["generation"].to_string();
    }
    versions
}

/// Applies the tree, lets `change` happen to checkout, cluster or values, and compares what `diff` announces with what `apply` does.
#[track_caller]
fn announces(what: &str, change: impl Fn(&Checkout, &Namespace), values: &[(&str, &str)], expected: &[&str]) {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).env("A", OLD).run().done();
    change(&checkout, &namespace);
    let versions = versions(&namespace);
    let with_values = |run: Run| run.env("A", OLD).envs(values);

    let diff = with_values(run(&checkout, &namespace, "diff", &["--format", "json", "--exit-code"])).run();
    assert_eq!(diff.code, Some(i32::from(!expected.is_empty())), "{what}: {diff:?}");
    let announced = told(&report(&diff));
    assert_eq!(lines(&announced), expected, "{what}: {diff:?}");

    let read_only = run(&checkout, &namespace, "diff", &["--format", "json"]).env("KUBECONFIG", &reader(&namespace));
    let read_only = with_values(read_only).run().done();
    assert_eq!(told(&report(&read_only)), announced, "{what}, with read-only rights: {read_only:?}");
    assert_eq!(self::versions(&namespace), versions, "{what}: a diff wrote");

    let apply = with_values(run(&checkout, &namespace, "apply", &["--format", "json"])).run().done();
    assert_eq!(told(&report(&apply)), announced, "{what}: {apply:?}");
    let again = with_values(run(&checkout, &namespace, "diff", &["--exit-code"])).run().done();
    for ended in [diff, read_only, apply, again.said(&["Nothing to apply"])] {
        ended.leaks_nothing(&[OLD, NEW, TOKEN]);
    }
}

#[test]
fn what_the_tree_and_the_values_change_is_announced_and_happens() {
    announces("nothing", |_, _| {}, &[], &[]);
    announces("a value", |_, _| {}, &[("A", NEW)], &["Secret/app changed", "A changed"]);
    announces(
        "a value that may be shown",
        |_, _| {},
        &[("LOG_LEVEL", "debug")],
        &["ConfigMap/config changed", "LOG_LEVEL changed: info > debug"],
    );
    announces(
        "keys, literals, labels and fields",
        |checkout, _| {
            let template = tree()
                .replace("  B: literal-of-b", "  C: ${A}")
                .replace("MODE: blue", "MODE: green")
                .replace("metadata: {name: config}", "metadata: {name: config, labels: {tier: web}}")
                .replace(
                    "web:1', env: [{name: COLOUR, value: blue}]",
                    "web:2', env: [{name: COLOUR, value: green}, {name: MORE, value: x}]",
                )
                .replace("replicas: 2", "replicas: 3");
            rewrite(checkout, &template);
        },
        &[],
        &[
            "Secret/app changed",
            "B removed",
            "C added",
            "ConfigMap/config changed",
            "MODE changed: blue > green",
            "metadata.labels.tier added: - > web",
            "Deployment/web changed",
            "spec.replicas changed: 2 > 3",
            "spec.template.spec.containers[web].env[COLOUR].value changed: blue > green",
            "spec.template.spec.containers[web].env[MORE] added: - > x",
            "spec.template.spec.containers[web].image changed: web:1 > web:2",
        ],
    );
}

#[test]
fn what_others_changed_is_announced_and_set_right() {
    announces(
        "kubectl edit",
        |_, namespace| {
            let patch =
                json!({"stringData": {"A": NEW, "MORE": NEW}, "metadata": {"labels": {"by": "hand"}}}).to_string();
            namespace.kubectl(&[
                "patch",
                "secret",
                "app",
                "--type=merge",
                "-p",
                &patch,
                "--field-manager=kubectl-edit",
            ]);
            let patch = json!({"data": {"MODE": TOKEN}}).to_string();
            namespace.kubectl(&[
                "patch",
                "configmap",
                "config",
                "--type=merge",
                "-p",
                &patch,
                "--field-manager=kubectl-edit",
            ]);
        },
        &[],
        &[
            "Secret/app changed",
            "A changed",
            "MORE removed",
            "metadata.labels.by removed",
            "ConfigMap/config changed",
            // What hands wrote may be anything.
            "MODE changed: - > blue",
        ],
    );
    announces(
        "an autoscaler",
        |_, namespace| drop(namespace.kubectl(&["scale", "deployment/web", "--replicas=5"])),
        &[],
        &[],
    );
    announces(
        "a controller's own key",
        |_, namespace| {
            let patch = json!({"stringData": {"THEIRS": TOKEN}}).to_string();
            namespace.kubectl(&[
                "patch",
                "secret",
                "app",
                "--type=merge",
                "-p",
                &patch,
                "--field-manager=a-controller",
            ]);
        },
        &[],
        &[],
    );
    announces(
        "deleted",
        |_, namespace| drop(namespace.kubectl(&["delete", "configmap", "config"])),
        &[],
        &["ConfigMap/config added", "LOG_LEVEL added: - > info", "MODE added: - > blue"],
    );
}

#[test]
fn what_a_sensitive_value_once_filled_is_never_shown() {
    let (namespace, checkout) = (Namespace::new(), checkout(&CONFIG.replace("blue", "${TOKEN}")));
    run(&checkout, &namespace, "apply", &[]).run().done();
    rewrite(&checkout, CONFIG);
    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).run().done().leaks_nothing(&[TOKEN]);
    assert_eq!(lines(&told(&report(&diff))), ["ConfigMap/config changed", "MODE changed: - > blue"]);

    // Nor one that another wrote, or that an apply from an uncommitted file wrote.
    run(&checkout, &namespace, "apply", &[]).run().done();
    checkout.write("config/demo-config-secret.example.yml", CONFIG.replace("blue", TOKEN).as_bytes());
    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).run().done().leaks_nothing(&[TOKEN]);
    assert_eq!(lines(&told(&report(&diff))), ["ConfigMap/config changed", "MODE changed"]);
    let unset = run(&checkout, &namespace, "apply", &["--format", "json"]).env("TOKEN", "").run();
    unset.done().leaks_nothing(&[TOKEN]);
    rewrite(&checkout, CONFIG);
    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).env("TOKEN", "").run().done();
    let diff = diff.leaks_nothing(&[TOKEN]);
    assert_eq!(lines(&told(&report(&diff))), ["ConfigMap/config changed", "MODE changed: - > blue"]);
}

#[test]
fn a_key_that_moves_between_a_secret_and_a_config_map_is_told_as_such() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).run().done();
    rewrite(
        &checkout,
        &tree().replace("  B: literal-of-b\n", "").replace("  MODE: blue", "  MODE: blue\n  B: literal-of-b"),
    );
    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).run().done();
    let report = report(&diff);
    let key = |object: usize, name: &str| {
        let keys = report["objects"][object]["keys"].as_array().unwrap().clone();
        keys.into_iter().find(|key| key["key"] == name).unwrap()
    };
    assert_eq!((&key(0, "B")["change"], &key(0, "B")["moved"]["kind"]), (&json!("removed"), &json!("ConfigMap")));
    assert_eq!((&key(1, "B")["change"], &key(1, "B")["moved"]["kind"]), (&json!("added"), &json!("Secret")));
    run(&checkout, &namespace, "diff", &[]).run().done().said(&["moves to ConfigMap config", "comes from Secret app"]);
}

#[test]
fn a_secret_that_becomes_a_config_map_of_its_name_takes_its_keys_along() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).run().done();
    let config_map = SECRET.replace("kind: Secret", "kind: ConfigMap").replace("stringData", "data");
    rewrite(&checkout, &[&config_map, CONFIG, DEPLOYMENT].join("---\n"));
    let diff = run(&checkout, &namespace, "diff", &[]).run().done().leaks_nothing(&[NEW, TOKEN]);
    diff.said(&["comes from Secret", "and stays: its keys are now in ConfigMap"]);
    // One key goes elsewhere: the other is told by its name.
    rewrite(&checkout, &[&config_map.replace("  B: literal-of-b\n", ""), CONFIG, DEPLOYMENT].join("---\n"));
    let pruned = run(&checkout, &namespace, "diff", &["--prune"]).run().done();
    pruned.said(&["comes from Secret", "no longer in the build: its key A is now in ConfigMap"]);
}

#[test]
fn values_that_are_not_given_are_unknown_and_all_else_is_compared() {
    let template =
        tree().replace("replicas: 2", "replicas: ${REPLICAS}").replace("  B: literal-of-b", "  B: ${B:-fallback}");
    let (namespace, checkout) = (Namespace::new(), checkout(&template));
    let applied = run(&checkout, &namespace, "apply", &["--allow-default", "B"]).env("REPLICAS", "2").run();
    applied.done();
    let without = |more: &[&str]| {
        let mut run = run(&checkout, &namespace, "diff", more);
        run.environment.remove("A");
        run.env("LOG_LEVEL", "debug").env("REPLICAS", "")
    };
    let diff = without(&["--format", "json"]).run().done().said(&["not given here: `A`, `B`, `REPLICAS`"]);
    let unknown = [
        "Secret/app unknown",
        "A unknown",
        "B unknown",
        "ConfigMap/config changed",
        "LOG_LEVEL changed: info > debug",
        "Deployment/web unknown",
        "spec.replicas unknown",
    ];
    assert_eq!(lines(&told(&report(&diff))), unknown);
    assert_eq!(report(&diff)["objects"][0]["keys"][0]["values"][0]["source"], "not given");
    let diff = without(&["--format", "json", "--allow-default", "B"]).run().done();
    assert!(!lines(&told(&report(&diff))).contains(&"B unknown"), "{diff:?}");

    // A new key, a new object and a key that goes are known all the same.
    rewrite(&checkout, &template.replace("  B: ${B:-fallback}", "  C: ${C}").replace("name: config", "name: other"));
    let diff = without(&["--format", "json"]).run().done().leaks_nothing(&[NEW]);
    let told = told(&report(&diff));
    let lines = lines(&told);
    assert_eq!(lines[..5], ["Secret/app changed", "A unknown", "B removed", "C added", "ConfigMap/other added"]);
    without(&[]).run().done().said(&["leave open what becomes of 2 keys", "unknown      A"]);
}

#[test]
fn a_generated_name_that_hangs_on_a_value_is_unknown() {
    let (namespace, checkout) = (Namespace::new(), Checkout::empty());
    let checkout = checkout
        .file(
            "config/demo-config-secret.example.yml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {A: \"${A}\"}\n",
        )
        .file("apps/base/d.yml", &DEPLOYMENT.replace("env: [", "envFrom: [{secretRef: {name: app}}], env: ["))
        .file(
            "apps/base/kustomization.yml",
            "resources: [d.yml]\nsecretGenerator: [{name: app, literals: [\"A=x\"]}]\n",
        )
        .file(
            "apps/overlays/demo/kustomization.yml",
            "resources: [../../base]\npatches:\n- path: ../../../config/demo-secret-config-patch.yml\n",
        )
        .file(".gitignore", "*-secret-config-patch.yml\n");
    checkout.commit();
    let run = |command: &str, more: &[&str]| {
        let yes: &[&str] = if command == "apply" { &["--yes", "--rollout", "none"] } else { &[] };
        checkout.program(&[&[command, "demo"], yes, more].concat()).in_namespace(&namespace)
    };
    run("apply", &[]).env("A", NEW).run().done();
    let diff = run("diff", &["--format", "json"]).env("A", NEW).run().done();
    assert_eq!(lines(&told(&report(&diff))), [] as [&str; 0]);
    let diff = run("diff", &["--format", "json", "--exit-code"]).run().done();
    let expected = [
        "Secret/app-<hash> unknown",
        "A unknown",
        "Deployment/web unknown",
        "spec.template.spec.containers[web].envFrom[0].secretRef.name unknown",
    ];
    assert_eq!(lines(&told(&report(&diff))), expected);
    // What is there may be what the build makes: nothing has left it that is known of.
    for more in [&["--format", "json"][..], &["--format", "json", "--prune"]] {
        let diff = run("diff", more).run().done();
        assert_eq!(report(&diff)["leftOver"], json!([]), "{diff:?}");
    }
}

#[test]
fn a_conflict_names_manager_and_field_and_ends_as_kubectl_diff_does() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).run().done();
    let patch = json!({"stringData": {"A": OLD}}).to_string();
    namespace.kubectl(&["patch", "secret", "app", "--type=merge", "-p", &patch, "--field-manager=a-controller"]);
    let conflict = json!([{"manager": "a-controller", "fields": ["data.A"], "forced": false}]);

    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).env("LOG_LEVEL", "debug").run();
    let diff = diff.failed(1, &["error[conflict]", "a-controller"]).leaks_nothing(&[OLD, NEW]);
    let expected = ["Secret/app changed", "A changed", "ConfigMap/config changed", "LOG_LEVEL changed: info > debug"];
    assert_eq!(
        (lines(&told(&report(&diff))).as_slice(), &report(&diff)["objects"][0]["conflicts"]),
        (&expected[..], &conflict)
    );
    run(&checkout, &namespace, "diff", &["--exit-code"]).run().failed(2, &["An apply of demo would be refused"]);
    run(&checkout, &namespace, "apply", &[]).run().failed(1, &["error[conflict]"]);

    let forced = ["--force-conflicts", "Secret/app", "--format", "json"];
    let diff = run(&checkout, &namespace, "diff", &forced).run().done();
    assert_eq!(report(&diff)["objects"][0]["conflicts"][0]["forced"], true);
    let apply = run(&checkout, &namespace, "apply", &forced).run().done();
    assert_eq!(told(&report(&apply)), told(&report(&diff)));

    // Who may only look sees it too.
    namespace.kubectl(&["patch", "secret", "app", "--type=merge", "-p", &patch, "--field-manager=a-controller"]);
    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).env("KUBECONFIG", &reader(&namespace)).run();
    let diff = diff.failed(1, &["error[conflict]", "`a-controller` keeps data.A"]);
    assert_eq!(report(&diff)["objects"][0]["conflicts"], conflict);
}

#[test]
fn an_immutable_secret_is_told_with_its_key() {
    let immutable = SECRET.replace("metadata:", "immutable: true\nmetadata:");
    let (namespace, checkout) = (Namespace::new(), checkout(&immutable));
    run(&checkout, &namespace, "apply", &[]).env("A", OLD).run().done();
    run(&checkout, &namespace, "diff", &["--exit-code"]).env("A", OLD).run().done();
    let diff = run(&checkout, &namespace, "diff", &["--format", "json", "--exit-code"]).run();
    let diff = diff.failed(2, &["immutable"]).leaks_nothing(&[OLD, NEW]);
    assert_eq!(lines(&told(&report(&diff))), ["Secret/app changed", "A changed"]);
    let refused = "would be refused; it was to change 1 object (1 key)";
    run(&checkout, &namespace, "diff", &[]).run().failed(1, &[refused]);
    let read_only = run(&checkout, &namespace, "diff", &[]).env("KUBECONFIG", &reader(&namespace)).run();
    read_only.failed(1, &[refused, "error[immutable-field]", "it is `immutable`"]).leaks_nothing(&[OLD, NEW]);
}

#[test]
fn taking_over_from_kubectl_apply_is_told_alike_with_every_right_and_with_few() {
    let resources = "resources: {requests: {cpu: 1000m, memory: 1Gi}}, env:";
    let tree = tree().replace("env:", resources);
    let (namespace, checkout) = (Namespace::new(), checkout(&tree));
    let filled = tree.replace("${A}", NEW).replace("${LOG_LEVEL}", "info");
    let applied = namespace.try_kubectl(&["apply", "-f", "-"], &filled);
    assert!(applied.status.success(), "kubectl apply");
    for kubeconfig in [namespace.kubeconfig(), reader(&namespace)] {
        let diff =
            run(&checkout, &namespace, "diff", &["--format", "json"]).env("KUBECONFIG", &kubeconfig).run().done();
        assert_eq!(told(&report(&diff)), [], "{diff:?}");
        assert_eq!(report(&diff)["summary"], "An apply of demo would take over 3 objects.");
        assert_eq!(
            (&report(&diff)["changed"], &report(&diff)["objects"][0]["takenOver"]),
            (&json!(false), &json!(true))
        );
    }
    rewrite(&checkout, &tree.replace("replicas: 2", "replicas: 3"));
    for kubeconfig in [namespace.kubeconfig(), reader(&namespace)] {
        let diff =
            run(&checkout, &namespace, "diff", &["--format", "json"]).env("KUBECONFIG", &kubeconfig).run().done();
        assert_eq!(
            lines(&told(&report(&diff))),
            ["Deployment/web changed", "spec.replicas changed: - > 3"],
            "{diff:?}"
        );
    }
}

#[test]
fn in_a_namespace_that_is_missing_all_is_new_and_the_apply_would_be_refused() {
    let (namespace, checkout) = (Namespace::absent(), checkout(&tree()));
    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).run().failed(1, &[namespace.name()]);
    let objects = ["Secret/app added", "ConfigMap/config added", "Deployment/web added"];
    assert_eq!(told(&report(&diff)).iter().map(|(object, _)| object.as_str()).collect::<Vec<_>>(), objects);
    run(&checkout, &namespace, "diff", &["--exit-code"]).run().failed(2, &["error[namespace-not-found]"]);
    // Who may only look, but everywhere, sees that too.
    let there = Namespace::new();
    let kubeconfig = there.user(&json!([]), false);
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&kubeconfig).expect("a file")).expect("JSON");
    config["contexts"][0]["context"]["namespace"] = json!(namespace.name());
    let (role, user) = (format!("look-{}", namespace.name()), config["contexts"][0]["context"]["user"].clone());
    let resources = "--resource=secrets,configmaps,deployments.apps,namespaces";
    there.kubectl(&["create", "clusterrole", &role, "--verb=get,list", resources]);
    let user = format!("--user={}", user.as_str().expect("a name"));
    there.kubectl(&["create", "clusterrolebinding", &role, &format!("--clusterrole={role}"), &user]);
    let looker = there.write("looker", &config.to_string());
    let looks = run(&checkout, &namespace, "diff", &[]).env("KUBECONFIG", &looker).run();
    looks.failed(1, &["error[namespace-not-found]", namespace.name()]);
}

#[test]
fn without_the_right_to_read_nothing_is_compared_and_nothing_is_called_the_same() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).run().done();
    let blind =
        namespace.user(&json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]), false);
    let diff = |more: &[&str]| run(&checkout, &namespace, "diff", more).env("KUBECONFIG", &blind).run();
    let failed = diff(&["--format", "json"]).failed(1, &["error[forbidden]", "secrets", "verbs: [\"get\""]);
    let report = report(&failed.leaks_nothing(&[NEW]));
    assert_eq!(
        (&report["result"], &report["compared"], &report["changed"]),
        (&json!("failed"), &json!(false), &json!(false))
    );
    let changes = ["unknown", "unchanged", "unknown"].map(|change| json!(change));
    assert_eq!([0, 1, 2].map(|object: usize| report["objects"][object]["change"].clone()), changes, "{report}");
    diff(&["--exit-code"]).failed(2, &["Diff of demo failed at compare: not all was compared"]);
}

#[test]
fn read_only_rights_are_enough_and_a_notice_says_what_is_not_seen() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).run().done();
    let diff = run(&checkout, &namespace, "diff", &[]).env("KUBECONFIG", &reader(&namespace)).env("A", OLD).run();
    let diff = diff.done().said(&["notice[not-tried]", "this account may look, but not try an apply"]);
    let diff =
        diff.said(&["notice[only-looks]", "an apply takes rights that this account has not: patch on `secrets` in"]);
    assert!(!diff.stderr.contains("kind: Role"), "nobody has to grant more: {diff:?}");
    let same = run(&checkout, &namespace, "diff", &["--exit-code"]).env("KUBECONFIG", &reader(&namespace)).run();
    assert!(!same.done().stderr.contains("not-tried"), "what is provably unchanged needs no trial");
}

#[test]
fn who_may_write_some_of_it_is_told_which_rights_the_rest_takes() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).run().done();
    let rule = |group: &str, resource: &str, verbs: &[&str]| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    let rules = [
        rule("", "secrets", &["get", "list", "patch"]),
        rule("", "configmaps", &["get", "list"]),
        rule("apps", "deployments", &["get", "list"]),
    ];
    let writer = namespace.user(&json!(rules), false);
    let run = |command: &str, more: &[&str], a: &str| {
        let run = run(&checkout, &namespace, command, more).env("KUBECONFIG", &writer);
        run.env("A", a).env("LOG_LEVEL", "debug").run()
    };
    // Whether or not what it may write changes too.
    for a in [OLD, NEW] {
        for command in ["diff", "apply"] {
            let ended = run(command, &[], a);
            ended.failed(1, &["error[forbidden]", "lacks rights: patch on `configmaps`", "verbs: [\"patch\"]"]);
        }
    }
    let diff = run("diff", &["--format", "json"], OLD).failed(1, &["kind: Role"]).leaks_nothing(&[OLD, NEW]);
    let expected = ["Secret/app changed", "A changed", "ConfigMap/config changed", "LOG_LEVEL changed: info > debug"];
    assert_eq!(lines(&told(&report(&diff))), expected);
}

#[test]
fn another_set_or_tool_is_told_and_the_rest_compared() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    run(&checkout, &namespace, "apply", &[]).run().done();
    namespace.kubectl(&["annotate", "--overwrite", "configmap", "config", "secret-patch.dev/set=other//.//demo"]);
    let diff = run(&checkout, &namespace, "diff", &["--format", "json"]).env("A", OLD).run();
    let diff = diff.failed(1, &["error[other-set]", "`other//.//demo`"]);
    assert_eq!(lines(&told(&report(&diff)))[..2], ["Secret/app changed", "A changed"]);
}

#[test]
fn a_redirected_report_is_the_report_alone() {
    let (namespace, checkout) = (Namespace::new(), checkout(&tree()));
    let run =
        run(&checkout, &namespace, "diff", &["--format", "markdown", "--add-masks", "--nonsensitive", "LOG_LEVEL"]);
    let run = run.env("GITHUB_ACTIONS", "true").env("GITHUB_REPOSITORY", "owner/name").env("GITHUB_EVENT_NAME", "push");
    let head =
        std::process::Command::new("git").args(["rev-parse", "HEAD"]).current_dir(checkout.path()).output().unwrap();
    let run = run.env("GITHUB_SHA", String::from_utf8(head.stdout).unwrap().trim());
    let diff = run.run().done();
    assert!(diff.stdout.starts_with("✅ **An apply of demo would add 3 objects.**\n"), "{diff:?}");
    assert!(!diff.stdout.contains("::add-mask::") && diff.stderr.contains("::add-mask::"), "{diff:?}");
}
