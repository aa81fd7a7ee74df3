//! Needs the test bed.
//!
//! Whose an object is: inherited from hand work, shared with nobody's set, left to who keeps it, taken only if asked for.
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
use support::cluster::{Namespace, real_kubectl};
use support::{Checkout, Ended, Run};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const SET: &str = "secret-patch.dev/set";
const OLD: &str = "canary-old-value";
const STALE: &str = "canary-stale-value";
const NEW: &str = "canary-new-value";
const NOTHING: &str = "nothing was written to the cluster";

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: app, labels: {tier: web}}
stringData: {A: \"${A}\"}
";

fn checkout() -> Checkout {
    Checkout::with(SECRET, "")
}

fn run(checkout: &Checkout, namespace: &Namespace, more: &[&str]) -> Run {
    let arguments = [&["apply", "demo", "--yes", "--overlay", "none"], more].concat();
    checkout.program(&arguments).in_namespace(namespace).env("A", NEW)
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

/// The Secret by hand, with a key that the build lacks.
fn manifest(field: &str) -> String {
    let (old, stale) = match field {
        "data" => ("Y2FuYXJ5LW9sZC12YWx1ZQ==", "Y2FuYXJ5LXN0YWxlLXZhbHVl"),
        _ => (OLD, STALE),
    };
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "labels": {"gone": "x"}}, field: {"A": old, "STALE": stale}})
        .to_string()
}

#[track_caller]
fn kubectl(namespace: &Namespace, arguments: &[&str], stdin: &str) {
    let output = namespace.try_kubectl(arguments, stdin);
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A Secret that this kubectl left is announced, inherited and then unchanged.
#[track_caller]
fn inherits(what: &str, make: impl Fn(&Namespace)) {
    let (namespace, checkout) = (Namespace::new(), checkout());
    make(&namespace);
    let patch = r#"{"data":{"FOREIGN":"Zm9yZWlnbg=="},"metadata":{"annotations":{"theirs":"x"}}}"#;
    namespace.kubectl(&["patch", "secret", "app", "--type=merge", "-p", patch, "--field-manager=a-controller"]);
    let (uid, versions) = (namespace.object("secret/app")["metadata"]["uid"].clone(), namespace.versions());

    let dry = run(&checkout, &namespace, &["--dry-run", "--format", "json"]).run().done();
    assert_eq!(namespace.versions(), versions, "{what}");
    let keys = ["A changed", "STALE removed", "metadata.labels.gone removed", "metadata.labels.tier added"];
    let expected = [("Secret/app".to_owned(), "changed".to_owned(), keys.map(str::to_owned).to_vec())];
    assert_eq!(changes(&dry), expected, "{what}");

    let wet =
        run(&checkout, &namespace, &["--format", "json"]).run().done().said(&["inherited from hand work (`kubectl"]);
    assert_eq!(changes(&wet), expected, "{what}");
    let live = namespace.object("secret/app");
    assert_eq!(namespace.values("secret/app").into_keys().collect::<Vec<_>>(), ["A", "FOREIGN"], "{what}");
    assert_eq!(namespace.value("secret/app", "A"), NEW);
    assert_eq!(live["metadata"]["uid"], uid);
    assert_eq!(live["metadata"]["labels"], json!({"tier": "web"}), "{what}");
    assert_eq!(live["metadata"]["annotations"], json!({SET: "owner/name//.//demo", "theirs": "x"}), "{what}");

    let versions = namespace.versions();
    let again = run(&checkout, &namespace, &[]).run().done().said(&["Nothing to apply"]);
    assert_eq!(namespace.versions(), versions, "{what}");
    for ended in [dry, wet, again] {
        ended.leaks_nothing(&[OLD, STALE, NEW]);
    }
}

#[test]
fn what_kubectl_created_or_applied_is_inherited() {
    for field in ["data", "stringData"] {
        inherits("create", |namespace| kubectl(namespace, &["create", "-f", "-"], &manifest(field)));
        inherits("create --save-config", |namespace| {
            kubectl(namespace, &["create", "--save-config", "-f", "-"], &manifest(field))
        });
        inherits("apply", |namespace| kubectl(namespace, &["apply", "-f", "-"], &manifest(field)));
    }
    for field in ["data", "stringData"] {
        inherits("apply --server-side", |namespace| {
            kubectl(namespace, &["apply", "--server-side", "-f", "-"], &manifest(field))
        });
    }
    inherits("apply, then --server-side", |namespace| {
        kubectl(namespace, &["apply", "-f", "-"], &manifest("data"));
        kubectl(namespace, &["apply", "--server-side", "-f", "-"], &manifest("data"));
    });
}

#[test]
fn what_kubectl_changed_since_is_inherited() {
    let bare = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"A": "x"}})
        .to_string();
    inherits("patch and label", |namespace| {
        kubectl(namespace, &["apply", "-f", "-"], &bare);
        let patch = json!({"stringData": {"A": OLD, "STALE": STALE}}).to_string();
        namespace.kubectl(&["patch", "secret", "app", "-p", &patch]);
        namespace.kubectl(&["label", "secret", "app", "gone=x"]);
    });
    inherits("replace", |namespace| {
        kubectl(namespace, &["create", "-f", "-"], &bare);
        kubectl(namespace, &["replace", "-f", "-"], &manifest("data"));
    });
    inherits("replace --save-config", |namespace| {
        kubectl(namespace, &["apply", "-f", "-"], &bare);
        kubectl(namespace, &["replace", "--save-config", "-f", "-"], &manifest("data"));
    });
    inherits("edit", |namespace| {
        kubectl(namespace, &["create", "-f", "-"], &bare);
        let editor = namespace.write("editor", &format!("#!/bin/sh\n/bin/sed -i 's/^data:/stringData: {{A: {OLD}, STALE: {STALE}}}\\ndata:/; s/^metadata:/metadata:\\n  labels: {{gone: x}}/' \"$1\"\n"));
        std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = std::process::Command::new(real_kubectl());
        command.args(["edit", "secret", "app"]).env_clear().env("KUBECONFIG", namespace.kubeconfig());
        let output = command
            .env("KUBE_EDITOR", editor)
            .env("KUBECACHEDIR", "/dev/null")
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(namespace.value("secret/app", "STALE"), STALE);
    });
}

const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {A: \"${A}\"}
";

fn deployment(more: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  {more}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: web}}]}}
"
    )
}

/// Objects that are the build beside one Secret.
fn with(objects: &str) -> Checkout {
    Checkout::with(&format!("{SECRET}---\n{objects}"), "")
}

#[test]
fn labels_annotations_and_a_config_map_by_hand_are_inherited_as_announced() {
    let (namespace, checkout) = (Namespace::new(), with(CONFIG));
    namespace.kubectl(&["create", "configmap", "config", "--from-literal=A=x", "--from-literal=STALE=y"]);
    namespace.kubectl(&["annotate", "configmap", "config", "by-hand=x"]);
    namespace.kubectl(&["label", "configmap", "config", "by-hand=x"]);
    let nonsensitive = ["--nonsensitive", "A", "--kinds", "ConfigMap", "--format", "json"];
    let dry = run(&checkout, &namespace, &[&nonsensitive[..], &["--dry-run"]].concat()).run().done();
    let wet = run(&checkout, &namespace, &nonsensitive).run().done();
    let keys = ["A changed", "STALE removed", "metadata.annotations.by-hand removed", "metadata.labels removed"];
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(changes(&wet)[0].2.len(), keys.len(), "{wet:?}");
    assert_eq!(namespace.values("configmap/config").into_keys().collect::<Vec<_>>(), ["A"]);
    assert_eq!(namespace.object("configmap/config")["metadata"].get("labels"), None);
    assert_eq!(changes(&run(&checkout, &namespace, &nonsensitive).run().done()), []);
}

#[test]
fn a_deployment_by_hand_is_inherited_without_new_pods() {
    for how in [&["create", "-f", "-"][..], &["apply", "-f", "-"]] {
        let namespace = Namespace::new();
        kubectl(&namespace, how, &deployment("replicas: 3\n  revisionHistoryLimit: 4"));
        namespace.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
        let pods = || namespace.kubectl(&["get", "pods,replicasets", "-o", "jsonpath={.items[*].metadata.uid}"]);
        let before = pods();
        let checkout = with(&deployment("strategy: {type: RollingUpdate}"));
        let dry = run(&checkout, &namespace, &["--dry-run", "--format", "json"]).run().done();
        let wet = run(&checkout, &namespace, &["--format", "json"]).run().done();
        assert_eq!(changes(&dry), changes(&wet));
        // The server puts its default in the place of what is given up.
        assert_eq!(changes(&wet)[1].2, ["spec.revisionHistoryLimit changed"], "{wet:?}");
        assert_eq!(namespace.object("deployment/web")["spec"]["revisionHistoryLimit"], 10);
        assert_eq!(namespace.object("deployment/web")["spec"]["replicas"], 3, "nobody says how many");
        assert_eq!(pods(), before);
        run(&checkout, &namespace, &[]).run().done().said(&["Nothing to apply"]);
    }
}

#[test]
fn stale_parts_of_a_workload_go_as_announced() {
    let namespace = Namespace::new();
    kubectl(&namespace, &["create", "-f", "-"], &deployment("replicas: 1"));
    namespace.kubectl(&["set", "env", "deployment/web", "STALE=x"]);
    let checkout = with(&deployment("replicas: 1"));
    let dry = run(&checkout, &namespace, &["--dry-run", "--format", "json"]).run().done();
    let wet = run(&checkout, &namespace, &["--format", "json"]).run().done();
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(changes(&wet)[1].2, ["spec.template.spec.containers[web].env removed"], "{wet:?}");
    let container = &namespace.object("deployment/web")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container.get("env"), None);
}

#[test]
fn what_goes_is_announced_alike_while_controllers_write_to_the_object() {
    let namespace = Namespace::new();
    kubectl(&namespace, &["create", "-f", "-"], &deployment("replicas: 1"));
    namespace.kubectl(&["set", "env", "deployment/web", "STALE=x"]);
    let checkout = with(&deployment("replicas: 1"));
    let meanwhile = "annotate --overwrite --field-manager=controller deployment/web";
    let wrapper = namespace.wrapper(&format!(
        "case \"$*\" in patch*dry-run*) [ -e \"$calls/done\" ] || {{ : > \"$calls/done\"; '{}' {meanwhile} at=$$; }} >/dev/null ;; esac",
        real_kubectl().display()
    ));
    let dry = run(&checkout, &namespace, &["--dry-run", "--format", "json"]).through(&wrapper).run().done();
    assert!(wrapper.calls.join("done").exists(), "nobody wrote meanwhile");
    assert_eq!(changes(&dry)[1].2, ["spec.template.spec.containers[web].env removed"], "{dry:?}");
}

#[test]
fn a_typed_secret_keeps_its_type_where_the_build_says_nothing_of_it() {
    let namespace = Namespace::new();
    let manifest = r#"{"apiVersion": "v1", "kind": "Secret", "type": "example.com/own", "metadata": {"name": "app"}, "stringData": {"A": "x"}}"#;
    kubectl(&namespace, &["apply", "-f", "-"], manifest);
    run(&checkout(), &namespace, &[]).run().done();
    assert_eq!(namespace.object("secret/app")["type"], "example.com/own");
    assert_eq!(namespace.value("secret/app", "A"), NEW);
    run(&checkout(), &namespace, &[]).run().done().said(&["Nothing to apply"]);
}

/// The program killed, or another's write, when kubectl is about to make its first call of this kind.
fn at_first(namespace: &Namespace, call: &str, happens: &str) -> support::cluster::Wrapper {
    namespace.wrapper(&format!(
        r#"case "$*" in *dry-run*) ;; {call}*) if ! [ -e "$calls/done" ]; then : > "$calls/done"; {happens}; fi ;; esac"#
    ))
}

#[test]
fn a_kill_between_handover_and_apply_converges() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    kubectl(&namespace, &["apply", "-f", "-"], &manifest("stringData"));
    let wrapper = at_first(&namespace, "apply", "kill -9 $PPID; exit 1");
    let killed = run(&checkout, &namespace, &[]).through(&wrapper).run();
    assert_eq!(killed.code, None, "{killed:?}");
    let live = namespace.object("secret/app");
    assert_eq!(namespace.value("secret/app", "STALE"), STALE, "the handover changes no value");
    assert!(live["metadata"]["annotations"].get(LAST_APPLIED).is_some());
    let dry = run(&checkout, &namespace, &["--dry-run", "--format", "json"]).run().done();
    let wet = run(&checkout, &namespace, &["--format", "json"]).run().done();
    let keys = ["A changed", "STALE removed", "metadata.labels.gone removed", "metadata.labels.tier added"];
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(changes(&wet), [("Secret/app".to_owned(), "changed".to_owned(), keys.map(str::to_owned).to_vec())]);
    assert_eq!(namespace.object("secret/app")["metadata"]["annotations"], json!({SET: "owner/name//.//demo"}));
    run(&checkout, &namespace, &[]).run().done().said(&["Nothing to apply"]);
    for ended in [killed, dry, wet] {
        ended.leaks_nothing(&[OLD, STALE, NEW]);
    }
}

#[test]
fn what_moves_the_fields_holds_no_value() {
    let (namespace, checkout) = (Namespace::new(), with(&deployment("replicas: 1")));
    kubectl(&namespace, &["apply", "-f", "-"], &manifest("stringData"));
    kubectl(&namespace, &["create", "-f", "-"], &deployment("replicas: 1"));
    namespace.kubectl(&["set", "env", "deployment/web", &format!("STALE={STALE}")]);
    let keep = format!(
        r#"case "$*" in patch*) /bin/cat > "$calls/$$"; exec '{}' "$@" < "$calls/$$" ;; esac"#,
        real_kubectl().display()
    );
    let wrapper = namespace.wrapper(&keep);
    run(&checkout, &namespace, &[]).through(&wrapper).run().done().leaks_nothing(&[OLD, STALE, NEW]);
    let patches: Vec<_> =
        std::fs::read_dir(&wrapper.calls).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    // One on trial, for what has defaults; one for each object.
    assert_eq!(patches.len(), 3);
    patches.iter().for_each(|patch| support::assert_no_leak("a patch", patch, &[OLD, STALE, NEW]));
}

#[test]
fn another_set_that_is_faster_keeps_the_object() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    kubectl(&namespace, &["create", "-f", "-"], &manifest("data"));
    let annotate = format!("\"{}\" annotate secret app {SET}=other//.//demo >/dev/null", real_kubectl().display());
    let ended = run(&checkout, &namespace, &[]).through(&at_first(&namespace, "patch", &annotate)).run();
    ended.failed(1, &["error[other-set]: `Secret app` was taken by the set `other//.//demo` meanwhile"]);
    assert_eq!(namespace.value("secret/app", "A"), OLD);
}

#[test]
fn an_object_that_changes_while_it_is_taken_over_is_read_again_once() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    kubectl(&namespace, &["create", "-f", "-"], &manifest("data"));
    let annotate = format!("\"{}\" annotate secret app \"raced-$$=x\" >/dev/null", real_kubectl().display());
    let once = at_first(&namespace, "patch", &annotate);
    run(&checkout, &namespace, &[]).through(&once).run().done().leaks_nothing(&[OLD, STALE, NEW]);
    assert_eq!(namespace.values("secret/app").into_keys().collect::<Vec<_>>(), ["A"]);

    kubectl(&namespace, &["replace", "-f", "-"], &manifest("data"));
    let always = namespace.wrapper(&format!(r#"case "$*" in *dry-run*) ;; patch*) {annotate} ;; esac"#));
    let ended = run(&checkout, &namespace, &[]).through(&always).run();
    ended
        .failed(1, &["error[object-modified]: `Secret app` keeps being changed by another", "managedFields"])
        .leaks_nothing(&[OLD, STALE, NEW]);
    assert_eq!(namespace.value("secret/app", "A"), OLD);
}

#[test]
fn two_sets_that_meet_are_told_both_names() {
    let (namespace, checkout) = (Namespace::new(), with(CONFIG));
    run(&checkout, &namespace, &["--nonsensitive", "A"]).run().done();
    let versions = namespace.versions();
    let other = || {
        let mut other = run(&checkout, &namespace, &["--nonsensitive", "A"])
            .env("A", "another")
            .env("GITHUB_REPOSITORY", "Other/repo");
        other.arguments.extend(["--format".to_owned(), "json".to_owned()]);
        other
    };
    let ended = other().run().failed(
        1,
        &[
            "error[other-set]: `Secret app` belongs to the set `owner/name//.//demo`, and this is `other/repo//.//demo`",
            "error[other-set]: `ConfigMap config` belongs to the set",
            "`take-over: true`",
        ],
    );
    ended.leaks_nothing(&[NEW]);
    assert_eq!(namespace.versions(), versions);
    // Another environment's template in the same namespace.
    checkout.write("config/prod-config-secret.example.yml", SECRET.as_bytes());
    let mut prod = run(&checkout, &namespace, &[]);
    prod.arguments[1] = "prod".to_owned();
    prod.run().failed(1, &["`owner/name//.//demo`, and this is `owner/name//.//prod`", NOTHING]);
    assert_eq!(namespace.versions(), versions);

    // Another app of the same checkout, found by its root and by its template.
    checkout.write("b/config/demo-config-secret.example.yml", SECRET.as_bytes());
    checkout.write("b/apps/kustomization.yml", b"");
    for (path, root) in [(["--root", "b"], "b"), (["--template", "b/config"], "b/config")] {
        let words = [&format!("`owner/name//.//demo`, and this is `owner/name//{root}//demo`"), NOTHING];
        run(&checkout, &namespace, &path).run().failed(1, &words.map(|word: &str| word));
    }
    assert_eq!(namespace.versions(), versions);

    let mut taking = other();
    taking.arguments.push("--take-over".to_owned());
    let ended = taking.run().done().said(&[
        "warning[taken-over]: `Secret app` is taken over from the set `owner/name//.//demo` into `other/repo//.//demo`",
    ]);
    assert_eq!(changes(&ended).len(), 2);
    assert_eq!(namespace.object("secret/app")["metadata"]["annotations"], json!({SET: "other/repo//.//demo"}));
    run(&checkout, &namespace, &["--nonsensitive", "A"])
        .run()
        .failed(1, &["belongs to the set `other/repo//.//demo`", NOTHING]);
}

#[test]
fn an_object_of_ours_without_a_set_gets_it() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let bare = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "labels": {"tier": "web"}},
        "data": {"A": "Y2FuYXJ5LW5ldy12YWx1ZQ=="}});
    kubectl(&namespace, &["apply", "--server-side", "--field-manager=secret-patch", "-f", "-"], &bare.to_string());
    let ended = run(&checkout, &namespace, &["--format", "json"]).run().done();
    assert_eq!(changes(&ended), [], "what it holds is the same");
    assert_eq!(namespace.object("secret/app")["metadata"]["annotations"], json!({SET: "owner/name//.//demo"}));
}

#[test]
fn what_others_keep_is_refused_by_name() {
    let namespace = Namespace::new();
    let marks = [
        ("argo", json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/Secret:n/a"}}), "Argo CD (`shop`)"),
        ("flux", json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}), "Flux (`apps`)"),
        ("helm", json!({"annotations": {"meta.helm.sh/release-name": "web"}}), "Helm (`web`)"),
        ("eso", json!({"labels": {"reconcile.external-secrets.io/managed": "true"}}), "External Secrets"),
        ("sealed", json!({"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}), "Sealed Secrets"),
        ("cert", json!({"annotations": {"cert-manager.io/certificate-name": "web"}}), "cert-manager (`web`)"),
    ];
    let mut template = SECRET.to_owned();
    for (name, mut metadata, _) in marks.clone() {
        metadata["name"] = json!(name);
        namespace.create(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"A": OLD}}).to_string(),
        );
        template += &format!("---\n{}", SECRET.replace("name: app", &format!("name: {name}")));
    }
    let versions = namespace.versions();
    let checkout = Checkout::with(&template, "");
    let words: Vec<String> = marks
        .iter()
        .map(|(name, _, owner)| format!("error[tracked-by-other]: `Secret {name}` is kept by {owner}"))
        .collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(["= help: ", NOTHING]);
    for more in [&[][..], &["--take-over"], &["--force-conflicts", "Secret/argo"], &["--dry-run"]] {
        let ended = run(&checkout, &namespace, more).run();
        ended.failed(1, &words).leaks_nothing(&[OLD, NEW]);
        assert_eq!(namespace.versions(), versions);
    }
}

#[test]
fn fields_of_other_managers_are_taken_only_where_that_is_said() {
    let namespace = Namespace::new();
    let second = SECRET.replace("name: app", "name: second");
    let checkout = with(&second);
    for name in ["app", "second"] {
        let theirs = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"A": OLD, "THEIRS": STALE}});
        kubectl(&namespace, &["create", "-f", "-", "--field-manager=a-controller"], &theirs.to_string());
        // By hand too: that alone would be no conflict.
        namespace.kubectl(&["label", "secret", name, "tier=x"]);
    }
    let versions = namespace.versions();
    let refused = |more: &[&str]| run(&checkout, &namespace, more).run();
    let ended = refused(&["--force-conflicts", "Secret/app Secret/absent"]);
    let ended = ended.failed(
        1,
        &[
            "error[conflict]: `Secret second` has fields that others manage, with other values: `a-controller` owns `.data.A`",
            "`force-conflicts: Secret/second`",
            "warning[force-unmatched]: `force-conflicts` names `Secret/absent`",
            NOTHING,
        ],
    );
    assert!(!format!("{ended:?}").contains("kubectl-label` owns"), "{ended:?}");
    assert!(!format!("{ended:?}").contains("`Secret app` has"), "{ended:?}");
    ended.leaks_nothing(&[OLD, STALE, NEW]);
    refused(&[]).failed(1, &["`Secret app` has", "`Secret second` has", NOTHING]);
    assert_eq!(namespace.versions(), versions);

    let both = ["--force-conflicts", "Secret/app,Secret/second", "--format", "json"];
    let dry = run(&checkout, &namespace, &[&both[..], &["--dry-run"]].concat()).run().done();
    let wet = run(&checkout, &namespace, &both).run().done().leaks_nothing(&[OLD, STALE, NEW]);
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(namespace.value("secret/app", "A"), NEW);
    assert_eq!(namespace.value("secret/second", "THEIRS"), STALE, "only what the build says is taken");
    refused(&["--force-conflicts", "app"]).failed(2, &["`force-conflicts` holds `app`", "`Secret/app`"]);
}

/// The server does not see that one's `stringData` is the other's `data`.
#[test]
fn string_data_of_another_manager_is_taken_only_where_that_is_said() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let theirs = |value: &str| {
        let data = json!({"A": value, "THEIRS": STALE});
        let theirs = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": data});
        let apply = ["apply", "--server-side", "--field-manager=b-controller", "-f", "-"];
        kubectl(&namespace, &apply, &theirs.to_string());
    };
    theirs(OLD);
    let versions = namespace.versions();
    let words = [
        "error[conflict]: `Secret app` has fields that others manage, with other values: `b-controller` owns `.data.A`",
    ];
    for more in [&["--dry-run"][..], &[]] {
        let refused = run(&checkout, &namespace, more).run().failed(1, &[words[0], "`force-conflicts: Secret/app`"]);
        refused.said(&["kept by b-controller", NOTHING]).leaks_nothing(&[OLD, STALE, NEW]);
    }
    assert_eq!(namespace.versions(), versions);

    let forced = ["--force-conflicts", "Secret/app", "--format", "json"];
    let dry = run(&checkout, &namespace, &[&forced[..], &["--dry-run"]].concat()).run().done();
    let wet = run(&checkout, &namespace, &forced).run().done().leaks_nothing(&[OLD, STALE, NEW]);
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(namespace.value("secret/app", "A"), NEW);
    assert_eq!(namespace.value("secret/app", "THEIRS"), STALE, "only what the build says is taken");
    // Taken: another value is no conflict any more.
    run(&checkout, &namespace, &[]).env("A", "canary-of-the-next").run().done();
    assert_eq!(namespace.value("secret/app", "A"), "canary-of-the-next");

    // One that both set to the same value stays when it leaves the build.
    theirs("canary-of-the-next");
    checkout.write("config/demo-config-secret.example.yml", SECRET.replace("A: \"${A}\"", "B: \"${A}\"").as_bytes());
    let dry = run(&checkout, &namespace, &["--dry-run", "--format", "json"]).run().done();
    let wet = run(&checkout, &namespace, &["--format", "json"]).run().done();
    assert_eq!(changes(&wet), changes(&dry));
    assert_eq!(changes(&dry)[0].2, ["B added"]);
    assert_eq!(namespace.values("secret/app").into_keys().collect::<Vec<_>>(), ["A", "B", "THEIRS"]);
}

/// Makes an object as those are that were made before field managers were, or whose list another tool has emptied.
fn disown(namespace: &Namespace) {
    let nobody = r#"[{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]"#;
    namespace.kubectl(&["patch", "secret", "app", "--type=json", "-p", nobody]);
    assert_eq!(namespace.object("secret/app")["metadata"]["managedFields"], Value::Null);
}

#[test]
fn what_nobody_owns_is_inherited() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    kubectl(&namespace, &["create", "-f", "-"], &manifest("data"));
    disown(&namespace);
    let dry = run(&checkout, &namespace, &["--dry-run", "--format", "json"]).run().done();
    let wet = run(&checkout, &namespace, &["--format", "json"]).run().done().said(&["`before-first-apply`"]);
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(namespace.values("secret/app").into_keys().collect::<Vec<_>>(), ["A"]);
    assert_eq!(namespace.object("secret/app")["metadata"]["labels"], json!({"tier": "web"}));
    let versions = namespace.versions();
    run(&checkout, &namespace, &[]).run().done().said(&["Nothing to apply"]).leaks_nothing(&[OLD, STALE, NEW]);
    assert_eq!(namespace.versions(), versions);
}

#[test]
fn a_service_that_kubectl_exposed_is_inherited() {
    let namespace = Namespace::new();
    namespace.kubectl(&["create", "deployment", "app", "--image=x", "--replicas=0"]);
    namespace.kubectl(&["expose", "deployment", "app", "--port=80"]);
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec: {selector: {tier: web}, ports: [{port: 80}]}\n";
    let checkout = with(service);
    run(&checkout, &namespace, &[]).run().done().said(&["inherited from hand work (`kubectl-expose`"]);
    assert_eq!(namespace.object("service/app")["spec"]["selector"], json!({"tier": "web"}));
    run(&checkout, &namespace, &[]).run().done().said(&["Nothing to apply"]);
}

#[test]
fn a_copy_of_the_values_that_nobody_owns_goes() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let first = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"A": NEW}});
    kubectl(&namespace, &["apply", "-f", "-"], &first.to_string());
    disown(&namespace);
    run(&checkout, &namespace, &[]).run().done().leaks_nothing(&[NEW]);
    assert_eq!(namespace.object("secret/app")["metadata"]["annotations"], json!({SET: "owner/name//.//demo"}));
    assert_eq!(namespace.value("secret/app", "A"), NEW);
    run(&checkout, &namespace, &[]).run().done();
    let versions = namespace.versions();
    run(&checkout, &namespace, &[]).run().done().said(&["Nothing to apply"]);
    assert_eq!(namespace.versions(), versions);
}

#[test]
fn a_client_side_apply_of_another_manager_is_no_hand_work() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    kubectl(&namespace, &["apply", "-f", "-", "--field-manager=other-pipeline"], &manifest("data"));
    let versions = namespace.versions();
    run(&checkout, &namespace, &[]).run().failed(
        1,
        &[
            "error[conflict]: `Secret app` is applied client-side by `other-pipeline`",
            "`force-conflicts: Secret/app`",
            NOTHING,
        ],
    );
    assert_eq!(namespace.versions(), versions);
    let forced = ["--force-conflicts", "Secret/app", "--format", "json"];
    let dry = run(&checkout, &namespace, &[&forced[..], &["--dry-run"]].concat()).run().done();
    let wet = run(&checkout, &namespace, &forced).run().done();
    assert_eq!(changes(&dry), changes(&wet));
    assert_eq!(namespace.values("secret/app").into_keys().collect::<Vec<_>>(), ["A"]);
    assert_eq!(namespace.object("secret/app")["metadata"]["annotations"], json!({SET: "owner/name//.//demo"}));
    wet.leaks_nothing(&[OLD, STALE, NEW]);
}

#[test]
fn replicas_of_an_autoscaler_are_left_alone() {
    let namespace = Namespace::new();
    let checkout = with(&deployment("replicas: 2"));
    run(&checkout, &namespace, &[]).run().done();
    assert_eq!(namespace.object("deployment/web")["spec"]["replicas"], 2);
    namespace.kubectl(&["scale", "deployment/web", "--replicas=5"]);
    for number in 0..2 {
        let ended = run(&checkout, &namespace, &[]).env("A", &format!("canary-{number}")).run().done();
        ended.said(&[
            "notice[scaled-by-others]: `Deployment web` is scaled by others: its `spec.replicas` is left as it is",
        ]);
        assert_eq!(namespace.object("deployment/web")["spec"]["replicas"], 5);
    }
    run(&checkout, &namespace, &[]).env("A", "canary-1").run().done().said(&["Nothing to apply"]);
    // Taken over from hand work, with replicas that were scaled since.
    let other = Namespace::new();
    kubectl(&other, &["apply", "-f", "-"], &deployment("replicas: 2"));
    other.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    run(&checkout, &other, &[]).run().done();
    assert_eq!(other.object("deployment/web")["spec"]["replicas"], 4);
}
