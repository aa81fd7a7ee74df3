//! `eso run` that comes again: after edits of plan, Secret and Vault, after a kill, and beside another one.
//!
//! Needs the test bed with external-secrets and vault.
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
use support::eso::{Scene, bao, of_vault};

const CANARY: &str = "a canary of runs that come again: #1 \"x\" ü\n";
const EDITED: &str = "an edited canary";
const ROTATED: &str = "a rotated canary";
const CANARIES: [&str; 3] = [CANARY, EDITED, ROTATED];

/// A store that is valid, Secrets of these names, and a plan for them.
fn planned(names: &[&str]) -> Scene {
    let scene = Scene::new();
    for name in names {
        scene.secret(name, "Opaque", &[("A", CANARY.as_bytes())]);
    }
    scene.wait_for_store();
    scene.plan().run().done();
    scene
}

fn edit_plan(scene: &Scene, from: &str, to: &str) {
    let plan = scene.checkout.read("eso-plan.yaml");
    assert!(plan.contains(from), "{plan}");
    scene.checkout.write("eso-plan.yaml", plan.replace(from, to).as_bytes());
}

fn edit_secret(scene: &Scene, name: &str, value: &str) {
    let edit = json!({"stringData": {"A": value}}).to_string();
    scene.namespace.kubectl(&["patch", "secret", name, "-p", &edit]);
}

/// Edits the Secret in a later second than that of its refresh: the server's times have no fractions.
fn edit_after_refresh(scene: &Scene, name: &str) {
    let external = scene.namespace.object(&format!("externalsecret/{name}-secrets"));
    let refreshed = external["status"]["refreshTime"].as_str().unwrap().to_owned();
    let words = ["get", "secret", name, "-o", "json", "--show-managed-fields"];
    scene.namespace.wait_for("later second", |namespace| {
        edit_secret(scene, name, "another canary");
        edit_secret(scene, name, EDITED);
        let secret: Value = serde_json::from_str(&namespace.kubectl(&words)).unwrap();
        let entries = secret["metadata"]["managedFields"].as_array().unwrap().clone();
        entries.iter().any(|entry| entry["time"].as_str() > Some(&refreshed))
    });
}

#[test]
fn an_edited_plan_is_carried_out_again_and_a_finished_one_is_not() {
    let scene = planned(&["app"]);
    scene.carry_out(&["--dry-run"]).run().done().said(&["Dry run: 1 Secret could be moved; nothing was written"]);
    scene.carry_out(&[]).run().done();
    scene.carry_out(&["--dry-run"]).run().done().said(&["Dry run: nothing to do: the one Secret is in Vault"]);
    let before = scene.namespace.object("secret/app");

    edit_plan(&scene, "refresh: 1h0m0s", "refresh: 30m0s");
    edit_plan(&scene, &format!("path: {}\n", scene.path("app")), &format!("path: {}\n", scene.path("other")));
    scene.carry_out(&["--dry-run"]).run().done().said(&["1 Secret could be moved"]);
    scene.carry_out(&[]).run().done().leaks_nothing(&CANARIES).said(&["Moved 1 of 1 Secret"]);
    let spec = scene.namespace.object("externalsecret/app-secrets")["spec"].clone();
    assert_eq!(spec["refreshInterval"], "30m0s");
    assert_eq!(spec["data"][0]["remoteRef"]["key"], scene.path("other"));
    let now = scene.namespace.object("secret/app");
    assert!(now["data"] == before["data"] && now["metadata"]["uid"] == before["metadata"]["uid"], "changed");
    scene.carry_out(&[]).run().done().said(&["Nothing to do: the one Secret is"]);
}

#[test]
fn a_secret_that_is_not_what_vault_holds_is_never_called_done() {
    let scene = planned(&["app"]);
    scene.carry_out(&[]).run().done();
    edit_after_refresh(&scene, "app");
    let refused = ["changed-by-hand", "Moved 1 of 1 Secret to Vault and External Secrets, 1 refused"];
    scene.carry_out(&[]).run().failed(1, &refused).leaks_nothing(&CANARIES);
    assert_eq!(scene.kept("app").0["A"], CANARY);
    let asked = ["--overwrite", &scene.path("app"), "--format", "markdown"];
    let ended = scene.carry_out(&asked).run().done().leaks_nothing(&CANARIES).said(&["overwritten"]);
    assert!(ended.stdout.contains("| Secret unchanged byte by byte, with the same uid | 1/1 |"), "{ended:?}");
    assert_eq!((scene.kept("app").0["A"].as_str(), scene.kept("app").1), (EDITED, 2));
    scene.carry_out(&[]).run().done().said(&["Nothing to do: the one Secret is"]);

    // What is changed in Vault comes with the next refresh, and no run takes it back.
    scene.put("app", &json!({"A": ROTATED}).to_string());
    let ended = scene.carry_out(&["--format", "markdown"]).run().done().leaks_nothing(&CANARIES);
    let ended = ended.said(&["vault-ahead", "1 behind Vault until the next refresh"]);
    assert!(ended.stdout.contains("| Secret unchanged byte by byte, with the same uid | 0/1 |"), "{ended:?}");
    assert_eq!((scene.kept("app").0["A"].as_str(), scene.kept("app").1), (ROTATED, 3));
}

const REMOVE_CLASS: &str = r#"[{"op": "remove", "path": "/spec/controller"}]"#;

/// The same with a store that says that it is valid, and that nobody looks at: a trial goes on until it is ended.
fn planned_without_controller(names: &[&str]) -> Scene {
    let scene = Scene::with_store(&of_vault("token/reader"), |spec| spec["controller"] = json!("nobody"));
    for name in names {
        scene.secret(name, "Opaque", &[("A", CANARY.as_bytes())]);
    }
    scene.plan().run().done();
    scene.say_that_the_store_is_valid();
    scene
}

fn wait_for_trial(scene: &Scene, name: &str) {
    scene.namespace.wait_for("trial", |namespace| {
        namespace.try_kubectl(&["get", "externalsecret", &format!("{name}-secrets-eso-check")], "").status.success()
    });
}

#[test]
fn a_trial_that_does_not_go_away_is_named_beside_what_else_is_wrong() {
    let scene = planned_without_controller(&["app"]);
    let started = scene.program(&["eso", "run", "eso-plan.yaml", "--timeout", "5s"]).start();
    wait_for_trial(&scene, "app");
    let trial = ["patch", "externalsecret", "app-secrets-eso-check", "--type=merge", "-p"];
    let finalizers = |names: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{names}}}}}"#);
        scene.namespace.kubectl(&[&trial[..], &[&patch]].concat());
    };
    finalizers(r#"["example.com/held"]"#);
    let left = format!(
        "trials may be left, with the values of their Secrets: {}/app-secrets-eso-check",
        scene.namespace.name()
    );
    let ended = started.wait().failed(1, &["external-secrets-silent", "trial-stays", &left]);
    ended.leaks_nothing(&CANARIES);
    finalizers("null");
    scene.assert_no_trial();
}

#[test]
fn a_run_that_is_stopped_takes_its_trials_away_and_one_that_was_killed_leaves_them_to_the_next() {
    let scene = planned_without_controller(&["app"]);
    let started = scene.carry_out(&[]).start();
    wait_for_trial(&scene, "app");
    started.signal("TERM");
    let ended = started.wait().failed(143, &["stopped by SIGTERM"]).leaks_nothing(&CANARIES);
    assert!(!ended.stderr.contains("trial-stays"), "{ended:?}");
    scene.assert_no_trial();

    let started = scene.carry_out(&[]).start();
    wait_for_trial(&scene, "app");
    started.kill();
    let names = scene.namespace.kubectl(&["get", "externalsecrets", "-o", "name"]);
    assert!(names.contains("app-secrets-eso-check"), "{names}");
    // It makes its Secret now, and the other one is rotated: its step does not come to a trial.
    scene.namespace.kubectl(&["patch", "clustersecretstore", &scene.store, "--type=json", "-p", REMOVE_CLASS]);
    scene.wait_for_store();
    scene.namespace.kubectl(&["annotate", "externalsecret", "app-secrets-eso-check", "force-sync=1"]);
    scene.namespace.wait_for("Secret of the trial", |namespace| {
        namespace.try_kubectl(&["get", "secret", "app-eso-check"], "").status.success()
    });
    edit_secret(&scene, "app", EDITED);
    scene.carry_out(&[]).run().failed(1, &["vault-differs"]).leaks_nothing(&CANARIES);
    scene.assert_no_trial();
}

#[test]
fn the_trial_of_another_plan_in_another_namespace_stays() {
    let (scene, other) = (Scene::new(), Namespace::new());
    scene.wait_for_store();
    scene.secret("app", "Opaque", &[("A", CANARY.as_bytes())]);
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}, "stringData": {"A": CANARY}});
    let metadata = json!({"name": "app-secrets-eso-check", "annotations": {"secret-patch.dev/eso-plan": "another"}});
    let data = json!([{"secretKey": "A", "remoteRef": {"key": "nowhere", "property": "A"}}]);
    let spec = json!({"secretStoreRef": {"kind": "ClusterSecretStore", "name": scene.store}, "data": data,
        "target": {"name": "app-eso-check"}});
    let trial =
        json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": metadata, "spec": spec});
    other.create(&json!({"apiVersion": "v1", "kind": "List", "items": [secret, trial]}).to_string());
    let namespaces = format!("{},{}", scene.namespace.name(), other.name());
    let plan = ["eso", "plan", "--namespaces", &namespaces, "--prefix", &scene.prefix, "--store", &scene.store];
    scene.program(&plan).run().done();
    scene.carry_out(&[]).run().done().leaks_nothing(&CANARIES).said(&["Moved 2 of 2 Secrets"]);
    other.kubectl(&["get", "externalsecret", "app-secrets-eso-check"]);
}

#[test]
fn a_trial_that_somebody_takes_away_is_told_as_that() {
    let scene = planned_without_controller(&["app"]);
    let started = scene.carry_out(&[]).start();
    wait_for_trial(&scene, "app");
    scene.namespace.kubectl(&["delete", "externalsecret", "app-secrets-eso-check"]);
    let ended = started.wait().failed(1, &["gone-meanwhile", "app-secrets-eso-check", "two runs of one plan"]);
    ended.leaks_nothing(&CANARIES);
}

#[test]
fn without_the_right_to_take_a_trial_away_nothing_is_written() {
    let scene = planned(&["app"]);
    let rule = |group: &str, resource: &str, verbs: &[&str]| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    let all_but_delete = ["get", "list", "create", "patch"];
    let user = scene.namespace.user(
        &json!([rule("", "secrets", &["get"]), rule("external-secrets.io", "externalsecrets", &all_but_delete)]),
        false,
    );
    let ended =
        scene.carry_out(&[]).env("KUBECONFIG", &user).run().failed(1, &["forbidden", "delete on `externalsecrets`"]);
    ended.leaks_nothing(&CANARIES);
    assert!(!bao(&["kv", "list", "-mount=secret", "/"], "").contains(&scene.prefix), "something was written");
    scene.assert_no_trial();
    // What writes nothing to the cluster needs none of it.
    scene.carry_out(&["--write-only"]).env("KUBECONFIG", &user).run().done().said(&["Vault holds 1 of 1 Secret"]);
}

#[test]
fn a_manifest_is_written_only_where_applying_it_takes_no_value() {
    let scene = planned(&["fine", "differs"]);
    scene.put("differs", &json!({"A": ROTATED}).to_string());
    let ended = scene.carry_out(&["--write-only"]).run().failed(1, &["vault-differs", "1 refused"]);
    ended.said(&["external-secrets/fine-secrets.yaml"]).leaks_nothing(&CANARIES);
    assert!(!scene.checkout.exists("external-secrets/differs-secrets.yaml"), "written");
    scene.checkout.write("external-secrets/differs-secrets.yaml", b"of an earlier run");
    let refused = ["vault-differs", "manifest-of-refused", "external-secrets/differs-secrets.yaml"];
    scene.carry_out(&[]).run().failed(1, &refused).leaks_nothing(&CANARIES);
    scene.namespace.kubectl(&[
        "apply",
        "--server-side",
        "-f",
        &scene.checkout.path().join("external-secrets/fine-secrets.yaml").display().to_string(),
    ]);
    let asked = ["--overwrite", &scene.path("differs")];
    scene.carry_out(&asked).run().done().said(&["Moved 2 of 2 Secrets"]);
    assert!(scene.checkout.read("external-secrets/differs-secrets.yaml").contains("kind: ExternalSecret"));
}

#[test]
fn what_others_tell_of_a_path_in_its_metadata_stays() {
    let scene = planned(&["described", "deleted"]);
    let describe = |name: &str| {
        bao(&["kv", "metadata", "put", "-mount=secret", "-custom-metadata=owner=team-x", &scene.path(name)], "")
    };
    describe("described");
    scene.put("deleted", &json!({"A": ROTATED}).to_string());
    describe("deleted");
    bao(&["kv", "delete", "-mount=secret", &scene.path("deleted")], "");
    scene.carry_out(&["--overwrite", &scene.path("deleted")]).run().done().leaks_nothing(&CANARIES);
    for name in ["described", "deleted"] {
        let answer = bao(&["kv", "metadata", "get", "-mount=secret", "-format=json", &scene.path(name)], "");
        let told = serde_json::from_str::<Value>(&answer).unwrap()["data"]["custom_metadata"].clone();
        assert_eq!(
            (&told["owner"], &told["secret-patch-source"]),
            (&json!("team-x"), &json!(format!("{}/{name}", scene.namespace.name())))
        );
    }
}

#[test]
fn each_secret_that_is_refused_is_told_its_own_reason() {
    let scene = Scene::new();
    let namespaces = ["a", "b"].map(|end| format!("{}-{end}", scene.namespace.name()));
    for namespace in &namespaces {
        scene.namespace.kubectl(&["create", "namespace", namespace]);
        let of = |kind: &str, name: &str, more: Value| {
            let mut object =
                json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}});
            object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            scene.namespace.create(&object.to_string());
        };
        of("Secret", "app", json!({"stringData": {"A": CANARY}}));
        of("ResourceQuota", namespace, json!({"spec": {"hard": {"count/externalsecrets.external-secrets.io": "0"}}}));
        scene.namespace.wait_for("quota", |cluster| {
            let words = ["get", "resourcequota", namespace, "-n", namespace, "-o", "jsonpath={.status.hard}"];
            !cluster.kubectl(&words).is_empty()
        });
    }
    scene.wait_for_store();
    // Without a prefix the namespaces keep the paths apart.
    let plan = ["eso", "plan", "--namespaces", &namespaces.join(","), "--store", &scene.store];
    scene.program(&plan).run().done();
    let ended = scene.carry_out(&["--format", "json"]).run().failed(1, &["exceeded quota"]).leaks_nothing(&CANARIES);
    let report: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    for (namespace, secret) in namespaces.iter().zip(report["eso"]["secrets"].as_array().unwrap()) {
        let message = secret["problem"]["message"].as_str().unwrap();
        assert!(message.contains(&format!("exceeded quota: {namespace}")), "{message}");
    }
}
