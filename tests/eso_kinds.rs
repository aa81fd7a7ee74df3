//! The `eso` commands on Secrets that are not easy, and on a Vault and a cluster that are not as they should be.
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

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secret_patch_bed::proxy::{Plan, Proxy};
use serde_json::{Value, json};
use support::cluster::bed;
use support::eso::{Scene, bao, of_vault, store_of_bed};

const CANARY: &str = "hand-made canary: #1 \"x\" ü\n";

/// What External Secrets would execute as a template: it names a value, and is no whole template.
const NOTE: &str = "use {{ .A }}, {{ if and {{{ end }}";

fn plain(scene: &Scene, name: &str) {
    scene.secret(name, "Opaque", &[("A", CANARY.as_bytes()), ("b.c", b"second-canary")]);
}

#[test]
fn binary_large_and_empty_values_and_every_type_arrive_byte_by_byte() {
    let scene = Scene::new();
    // A Secret takes a mebibyte in all, its key excluded.
    let large = "large canary ".repeat(80_659);
    let binary: Vec<u8> = (0..=255).collect();
    scene.secret(
        "mixed",
        "Opaque",
        &[
            ("bin", &binary),
            ("nul", b"a\0b"),
            ("empty", b""),
            ("on", b"yes"),
            ("n.1", b"1.10"),
            ("json", br#"{"a":"<&>"}"#),
        ],
    );
    scene.secret("large", "Opaque", &[("text", large.as_bytes())]);
    scene.secret("tls", "kubernetes.io/tls", &[("tls.crt", b"certificate-canary"), ("tls.key", b"key-canary")]);
    scene.secret(
        "pull",
        "kubernetes.io/dockerconfigjson",
        &[(".dockerconfigjson", br#"{"auths":{"r":{"auth":"canary-of-a-registry"}}}"#)],
    );
    let frozen = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "frozen", "labels": {"team": "a"}, "annotations": {"note": NOTE}}, "immutable": true, "stringData": {"A": CANARY}});
    scene.namespace.create(&frozen.to_string());
    scene.wait_for_store();
    let names = ["mixed", "large", "tls", "pull", "frozen"];
    let before: Vec<Value> = names.map(|name| scene.namespace.object(&format!("secret/{name}"))).into();
    let canaries = [CANARY, &large[..40], "certificate-canary", "canary-of-a-registry"];

    scene.plan().run().done().leaks_nothing(&canaries).said(&["Planned 5 Secrets", "immutable"]);
    scene.carry_out(&[]).run().done().leaks_nothing(&canaries).said(&["Moved 5 of 5 Secrets"]);
    for (name, before) in names.iter().zip(before) {
        let now = scene.namespace.object(&format!("secret/{name}"));
        for field in ["data", "type", "immutable"] {
            assert!(now[field] == before[field], "{name}: another {field}");
        }
        assert_eq!(now["metadata"]["uid"], before["metadata"]["uid"]);
        assert!(
            now["metadata"]["annotations"]["note"] == before["metadata"]["annotations"]["note"],
            "{name}: another note"
        );
    }
    assert_eq!(scene.kept("mixed").0["on"], "yes");
    scene.verify(&[]).run().done().leaks_nothing(&canaries).said(&["5 equal to Vault byte by byte"]);
    scene.assert_no_trial();
    scene.checkout.holds_nothing(&canaries, &[]);
    // One that somebody deletes is made anew with its type and labels.
    scene.namespace.kubectl(&["delete", "secret", "frozen"]);
    scene.verify(&[]).run().failed(1, &["secret-missing"]);
    scene.namespace.kubectl(&["annotate", "externalsecret", "frozen-secrets", "force-sync=1"]);
    scene.namespace.wait_for("Secret made anew", |namespace| {
        namespace.try_kubectl(&["get", "secret", "frozen"], "").status.success()
    });
    let anew = scene.namespace.object("secret/frozen");
    assert_eq!(anew["metadata"]["labels"]["team"], "a");
    assert!(anew["metadata"]["annotations"]["note"] == NOTE, "another annotation");
}

#[test]
fn what_others_own_stays_out_of_the_plan_and_out_of_a_run() {
    let scene = Scene::new();
    plain(&scene, "free");
    let owned = |name: &str, metadata: Value| {
        let mut metadata = metadata;
        metadata["name"] = json!(name);
        scene.namespace.create(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"A": CANARY}})
                .to_string(),
        );
    };
    owned(
        "charted",
        json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "web"}}),
    );
    owned("issued", json!({"annotations": {"cert-manager.io/certificate-name": "web"}}));
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    scene.namespace.create(&map.to_string());
    let uid = scene.namespace.object("configmap/owner")["metadata"]["uid"].clone();
    let reference =
        json!({"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]});
    scene.wait_for_store();
    owned("referred", json!({}));
    scene.plan().run().done().said(&["free", "owned by Helm web", "owned by cert-manager web"]);
    // The owner comes after the plan.
    scene.namespace.kubectl(&["patch", "secret", "referred", "-p", &json!({"metadata": reference}).to_string()]);
    let ended = scene.carry_out(&[]).run().failed(1, &["owned", "has an owner reference", "Moved 1 of 2 Secrets"]);
    ended.leaks_nothing(&[CANARY]);
    scene.plan().run().done().said(&["owned by ConfigMap owner"]);
    // Another ExternalSecret's Secret is left to it.
    scene.namespace.kubectl(&["delete", "externalsecret", "free-secrets"]);
    let other = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "theirs"},
        "spec": {"secretStoreRef": {"kind": "ClusterSecretStore", "name": scene.store}, "refreshInterval": "1h0m0s",
            "target": {"name": "free"}, "data": [{"secretKey": "A", "remoteRef": {"key": scene.path("free"), "property": "A"}}]}});
    scene.namespace.create(&other.to_string());
    scene.plan().run().done().said(&["the ExternalSecret theirs makes it already"]);
    scene.assert_no_trial();
}

#[test]
fn vault_is_never_overwritten_unless_that_is_asked_for_by_name() {
    let scene = Scene::new();
    ["equal", "other", "gone"].iter().for_each(|name| plain(&scene, name));
    scene.put("equal", &json!({"A": CANARY, "b.c": "second-canary"}).to_string());
    scene.put("other", r#"{"A": "somebody-elses-canary"}"#);
    scene.put("gone", r#"{"A": "a-deleted-canary"}"#);
    bao(&["kv", "delete", "-mount=secret", &scene.path("gone")], "");
    scene.wait_for_store();
    scene.plan().run().done();
    let canaries = [CANARY, "second-canary", "somebody-elses-canary", "a-deleted-canary"];
    let refused = ["vault-differs", "vault-deleted", "A, b.c"];
    scene.carry_out(&["--dry-run"]).run().failed(1, &refused).leaks_nothing(&canaries);
    let ended = scene.carry_out(&[]).run().failed(1, &refused).leaks_nothing(&canaries);
    assert!(ended.stdout.contains("Moved 1 of 3 Secrets to Vault and External Secrets, 2 refused"), "{ended:?}");
    assert_eq!((scene.kept("equal").1, scene.kept("other").1), (1, 1));
    let overwrite = format!("{},secret/{}", scene.path("other"), scene.path("gone"));
    scene.carry_out(&["--overwrite", &overwrite]).run().done().leaks_nothing(&canaries).said(&["overwritten"]);
    assert_eq!((scene.kept("equal").1, scene.kept("other").1, scene.kept("gone").1), (1, 2, 2));
    scene.checkout.holds_nothing(&canaries, &[]);
}

#[test]
fn a_store_that_is_not_valid_or_reads_something_else_takes_nothing_over() {
    let scene = Scene::with_store("no-token-of-this-vault", |_| {});
    plain(&scene, "app");
    scene.wait_for_store_to_be("False");
    scene.plan().run().done().said(&["store-invalid"]);
    scene.carry_out(&[]).run().failed(1, &["store-invalid", "nothing was done"]).leaks_nothing(&[CANARY]);
    let kept =
        std::process::Command::new("bao").args(["kv", "get", "-mount=secret", &scene.path("app")]).output().unwrap();
    assert!(!kept.status.success(), "something was written");

    // Valid over another mount than the one that is written: the trial finds it, and the Secret stays.
    let scene = Scene::with_store(&of_vault("team/token/reader"), |spec| {
        spec["provider"]["vault"]["namespace"] = json!("team");
    });
    plain(&scene, "app");
    scene.wait_for_store();
    scene.plan().run().done();
    let before = scene.namespace.object("secret/app");
    scene.carry_out(&[]).run().failed(1, &["not-synced"]).leaks_nothing(&[CANARY]);
    let now = scene.namespace.object("secret/app");
    assert!(
        now["data"] == before["data"] && now["metadata"]["uid"] == before["metadata"]["uid"],
        "the Secret was changed"
    );
    scene.assert_no_trial();
}

#[test]
fn a_vault_that_fails_in_the_middle_stops_the_run_and_the_next_one_goes_on() {
    let scene = Scene::new();
    (0..6).for_each(|number| plain(&scene, &format!("app-{number}")));
    scene.wait_for_store();
    scene.plan().run().done();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let plan = Plan::parse("POST /v1/secret/data/* 4- drop", 1).expect("a plan");
    let proxy = Proxy::start_with(&PathBuf::from(bed("BED_DIR")), &bed("VAULT_ADDR"), plan, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let proxy = proxy.expect("a proxy");
    let through = scene
        .carry_out(&["--vault-concurrency", "1"])
        .env("VAULT_ADDR", proxy.url())
        .run()
        .failed(1, &["vault-unreachable"])
        .leaks_nothing(&[CANARY]);
    assert!(seen.load(Ordering::Relaxed) > 3, "{through:?}");
    scene.carry_out(&[]).run().done().leaks_nothing(&[CANARY]);
    (0..6).for_each(|number| assert_eq!(scene.kept(&format!("app-{number}")).1, 1, "written twice"));
    scene.verify(&[]).run().done().said(&["6 equal to Vault byte by byte"]);
}

#[test]
fn verify_finds_what_ready_hides() {
    let scene = Scene::new();
    ["edited", "rotated", "emptied"].iter().for_each(|name| plain(&scene, name));
    scene.wait_for_store();
    scene.plan().run().done();
    scene.verify(&[]).run().failed(1, &["not-made"]);
    scene.carry_out(&[]).run().done();
    scene.verify(&["--max-age", "1h"]).run().done();
    let edit = json!({"stringData": {"A": "an-edited-canary"}}).to_string();
    std::thread::sleep(std::time::Duration::from_secs(1));
    scene.namespace.kubectl(&["patch", "secret", "edited", "-p", &edit]);
    scene.put("rotated", r#"{"A": "a-rotated-canary", "b.c": "second-canary"}"#);
    scene.put("emptied", "{}");
    scene.namespace.kubectl(&["annotate", "externalsecret", "emptied-secrets", "force-sync=1"]);
    scene.namespace.wait_for("refresh", |namespace| {
        namespace.object("externalsecret/emptied-secrets").to_string().contains("could not get")
            || namespace.object("externalsecret/emptied-secrets").to_string().contains("retained")
    });
    let canaries = [CANARY, "an-edited-canary", "a-rotated-canary", "second-canary"];
    let ended = scene
        .verify(&["--format", "json"])
        .run()
        .failed(1, &["changed-by-hand", "differs-from-vault"])
        .leaks_nothing(&canaries);
    let report: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    let kinds = |name: &str| {
        let all = report["eso"]["externalSecrets"].as_array().unwrap();
        let one = all.iter().find(|one| one["secret"] == name).unwrap();
        one["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("edited"), ["changed-by-hand", "differs-from-vault"]);
    assert_eq!(kinds("rotated"), ["differs-from-vault"]);
    assert!(kinds("emptied").iter().any(|kind| kind == "not-ready" || kind == "retained"), "{:?}", kinds("emptied"));
    // Without a Vault to compare with, the edit is seen all the same.
    let mut blind = scene.verify(&[]);
    blind.environment.remove("VAULT_ADDR");
    blind.run().failed(1, &["changed-by-hand"]);
}

#[test]
fn what_external_secrets_does_not_write_as_vault_holds_it_is_no_difference() {
    let scene = Scene::new();
    let reader = |name: &str, token: &str| {
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"token": token}});
        scene.namespace.create(&secret.to_string());
    };
    reader("of-root", &of_vault("token/reader"));
    reader("of-team", &of_vault("team/token/reader"));
    let store = |name: &str, token: &str, change: Value| {
        let mut spec = store_of_bed(token);
        let settings = spec["provider"]["vault"].as_object_mut().unwrap();
        settings.extend(change.as_object().unwrap().clone());
        settings.insert("auth".to_owned(), json!({"tokenSecretRef": {"name": token, "key": "token"}}));
        scene.namespace.create(&json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": name}, "spec": spec}).to_string());
    };
    store("newest", "of-root", json!({}));
    store("plain", "of-root", json!({"path": "kv1", "version": "v1"}));
    store("team", "of-team", json!({"namespace": "team"}));
    let path = scene.path("odd");
    scene.put("odd", r#"{"A": "the-first-canary"}"#);
    scene.put("odd", r#"{"A": "the-second-canary", "null": null, "object": {"b": "<&>", "a": 1.10}, "number": 1.10}"#);
    bao(&["kv", "put", &format!("kv1/{path}"), "A=a-plain-canary"], "");
    bao(&["kv", "put", "-namespace=team", "-mount=secret", &path, "A=a-canary-of-the-team"], "");
    let external = |name: &str, store: &str, sources: Value| {
        let mut spec = json!({"secretStoreRef": {"kind": "SecretStore", "name": store}, "refreshInterval": "1h0m0s", "target": {"creationPolicy": "Orphan"}});
        spec.as_object_mut().unwrap().extend(sources.as_object().unwrap().clone());
        let object = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": name}, "spec": spec});
        scene.namespace.create(&object.to_string());
    };
    let data = |property: &str| json!({"secretKey": property, "remoteRef": {"key": path, "property": property}});
    external(
        "single",
        "newest",
        json!({"data": [data("A"), data("null"), data("object"), data("number"), data("object.a")]}),
    );
    external("whole", "newest", json!({"dataFrom": [{"extract": {"key": path}}]}));
    external(
        "older",
        "newest",
        json!({"data": [{"secretKey": "A", "remoteRef": {"key": path, "property": "A", "version": "1"}}]}),
    );
    external("plain", "plain", json!({"data": [data("A")]}));
    external("team", "team", json!({"data": [data("A")]}));
    external("found", "newest", json!({"dataFrom": [{"find": {"path": scene.prefix, "name": {"regexp": "odd"}}}]}));
    scene.namespace.wait_for("all in sync", |namespace| {
        let reasons = "jsonpath={.items[*].status.conditions[0].reason}";
        namespace.kubectl(&["get", "externalsecrets", "-o", reasons]) == ["SecretSynced"; 6].join(" ")
    });
    let canaries = ["the-first-canary", "the-second-canary", "a-plain-canary", "a-canary-of-the-team"];
    let verify = ["eso", "verify", "--namespaces", scene.namespace.name()];
    scene.program(&verify).run().done().leaks_nothing(&canaries).said(&[
        "6 in sync, 4 equal to Vault byte by byte",
        "it is not compared with Vault: its store reads the namespace `team` of Vault",
        "it is not compared with Vault: what its `find` does is not followed",
    ]);
    // What differs is found there as elsewhere, and a key that is gone also without Vault.
    scene.put("odd", r#"{"A": "the-second-canary", "null": "", "object": {"b": "<&>", "a": 1.10}, "number": 2}"#);
    scene.namespace.kubectl(&[
        "patch",
        "secret",
        "plain",
        "--type=json",
        "-p",
        r#"[{"op": "remove", "path": "/data/A"}]"#,
    ]);
    let ended = scene.program(&verify).run().failed(1, &["changed-by-hand", "removed or added by hand: A"]);
    ended.leaks_nothing(&canaries).said(&["Secret `single` is not what Vault holds, in: number", "3 in sync, 1 equal"]);
    let mut blind = scene.program(&verify);
    blind.environment.remove("VAULT_ADDR");
    blind.run().failed(1, &["removed or added by hand: A", "5 in sync"]);
}

#[test]
fn a_plan_is_planned_again_with_its_edits_and_an_old_one_rewrites_nothing() {
    let scene = Scene::new();
    let made = |team: &str, immutable: bool| {
        let metadata = json!({"name": "marked", "labels": {"team": team}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "immutable": immutable, "stringData": {"A": CANARY}});
        scene.namespace.create(&secret.to_string());
    };
    made("a", true);
    plain(&scene, "stays");
    scene.wait_for_store();
    scene.plan().run().done();
    let plan = scene.checkout.read("eso-plan.yaml").replace("refresh: 1h0m0s", "refresh: 30m0s");
    std::fs::write(scene.checkout.path().join("eso-plan.yaml"), plan).unwrap();
    scene.namespace.kubectl(&["delete", "secret", "marked"]);
    made("b", false);
    let before = scene.namespace.object("secret/marked");
    let ended = scene.carry_out(&[]).run().failed(1, &["plan-outdated", "in: label team, immutable", "Moved 1 of 2"]);
    ended.leaks_nothing(&[CANARY]);
    assert!(scene.namespace.object("secret/marked")["metadata"] == before["metadata"], "something was rewritten");

    scene.plan().run().done();
    assert!(scene.checkout.read("eso-plan.yaml").contains("refresh: 30m0s"));
    scene.carry_out(&[]).run().done().said(&["Moved 2 of 2 Secrets"]);
    assert_eq!(scene.namespace.object("secret/marked")["metadata"]["labels"]["team"], "b");
    assert_eq!(scene.namespace.object("externalsecret/marked-secrets")["spec"]["refreshInterval"], "30m0s");
}

#[test]
fn rights_without_list_are_enough_for_a_run_and_rights_on_one_namespace_for_a_look() {
    let scene = Scene::new();
    plain(&scene, "app");
    scene.wait_for_store();
    scene.plan().run().done();
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let named = json!([
        rule("", &["secrets"], &["get", "patch"]),
        rule("external-secrets.io", &["externalsecrets"], &["get", "list", "create", "patch", "delete"]),
    ]);
    let user = scene.namespace.user(&named, false);
    scene
        .program(&["eso", "inventory", "--namespaces", scene.namespace.name()])
        .env("KUBECONFIG", &user)
        .run()
        .failed(1, &["forbidden", "secrets"]);
    scene.carry_out(&[]).env("KUBECONFIG", &user).run().done().leaks_nothing(&[CANARY]).said(&["Moved 1 of 1 Secret"]);
    let looking = scene.namespace.user(
        &json!([
            rule("", &["secrets"], &["list"]),
            rule("external-secrets.io", &["externalsecrets", "secretstores"], &["list"])
        ]),
        false,
    );
    let inventory = scene.program(&["eso", "inventory"]).env("KUBECONFIG", &looking).run().done();
    let inventory = inventory.said(&["some-namespaces", "ExternalSecret app-secrets", "there may be other stores"]);
    inventory.leaks_nothing(&[CANARY]);

    plain(&scene, "later");
    let (namespace, prefix, store) = (scene.namespace.name(), &scene.prefix, &scene.store);
    let plan =
        ["eso", "plan", "--namespaces", namespace, "--prefix", prefix, "--store", store, "--output", "again.yaml"];
    let again = || scene.program(&plan).env("KUBECONFIG", &looking).run();
    again().failed(1, &["store-missing", "there may be other stores"]);
    let metadata = json!({"name": store});
    let rules = json!([{"apiGroups": ["external-secrets.io"], "resources": ["clustersecretstores"],
        "resourceNames": [store], "verbs": ["get"]}]);
    let subject = json!({"kind": "User", "name": Path::new(&looking).file_name().unwrap().to_str(),
        "apiGroup": "rbac.authorization.k8s.io"});
    let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": store});
    let api_version = "rbac.authorization.k8s.io/v1";
    let role = json!({"apiVersion": api_version, "kind": "ClusterRole", "metadata": metadata, "rules": rules});
    let binding = json!({"apiVersion": api_version, "kind": "ClusterRoleBinding", "metadata": metadata,
        "subjects": [subject], "roleRef": reference});
    scene.namespace.create(&json!({"apiVersion": "v1", "kind": "List", "items": [role, binding]}).to_string());
    again().done().leaks_nothing(&[CANARY]).said(&["Planned 2 Secrets"]);
}

#[test]
fn a_terminal_gets_a_bar_and_a_pipe_gets_lines() {
    let scene = Scene::new();
    (0..3).for_each(|number| plain(&scene, &format!("app-{number}")));
    scene.wait_for_store();
    scene.plan().run().done();
    let ended = scene.carry_out(&["--yes"]).env("NO_COLOR", "1").on_terminal().done().leaks_nothing(&[CANARY]);
    let ended = ended.said(&["\r\u{1b}[2K[", " of 3 in sync", "\u{1b}[2Ksync\n  3 of 3 done\n"]);
    assert!(!ended.stdout.contains("\u{1b}[1m"), "colours: {ended:?}");
    let piped = scene.carry_out(&[]).run().done().said(&["  3 of 3 done\n"]);
    assert!(!piped.stderr.contains(['\r', '\u{1b}']), "{piped:?}");
}

#[test]
fn what_the_checkout_and_other_environments_still_have_is_told() {
    let scene = Scene::new();
    let (dev, prod) = (format!("{}-dev", scene.namespace.name()), format!("{}-prod", scene.namespace.name()));
    for namespace in [&dev, &prod] {
        scene.namespace.kubectl(&["create", "namespace", namespace]);
        let metadata = json!({"name": "app", "namespace": namespace,
            "annotations": {"secret-patch.dev/set": "owner/name//docker/k8//dev"}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"A": CANARY}});
        scene.namespace.create(&secret.to_string());
    }
    let checkout = &scene.checkout;
    let template = "kind: ConfigMap\nmetadata: {name: c}\ndata: {X: \"${X}\"}\n---\nkind: Secret\nmetadata: {name: app}\nstringData: {A: \"${APP_A}\"}\n";
    let workflow = "jobs:\n  d:\n    steps:\n    - uses: secret-patch/secret-patch@v0\n      with: {command: apply, environment: dev}\n      env:\n        APP_A: ${{ secrets.APP_A }}\n        X: ${{ vars.X }}\n";
    for (name, text) in [
        ("docker/k8/config/dev-config-secret.example.yml", template),
        ("docker/k8/apps/base/all.yml", "kind: Secret\nmetadata: {name: app}\n"),
        (".github/workflows/deploy.yml", workflow),
    ] {
        let path = checkout.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    checkout.commit();
    scene.wait_for_store();
    let prefix = format!("{}/shop", scene.prefix);
    let plan = ["eso", "plan", "--namespaces", &dev, "--prefix", &prefix, "--store", &scene.store];
    scene.program(&plan).run().done().said(&["still-applied"]);
    let ended = scene.carry_out(&["--write-only", "--format", "markdown"]).run().done();
    assert!(!ended.stdout.contains("Still in this checkout"), "{ended:?}");
    // Told by the run that moves it, and by the one that finds it moved.
    for sentence in ["Moved 1 of 1 Secret", "Nothing to do: the one Secret is"] {
        let ended = scene.carry_out(&["--format", "markdown"]).run().done().leaks_nothing(&[CANARY]).said(&[
            sentence,
            "### Still in this checkout, to be taken out before the next apply",
            "docker/k8/config/dev-config-secret.example.yml:5<",
            "docker/k8/apps/base/all.yml:1<",
            "APP_A of the step's env | <code>.github/workflows/deploy.yml:7<",
            "### Left for other environments",
            &format!("secret-patch eso plan --namespaces {prod} --prefix {prefix}/prod -o eso-plan-prod.yaml"),
        ]);
        assert!(!ended.stdout.contains("deploy.yml:8"), "{ended:?}");
    }
}
