//! The `eso` commands where a server does not do its part: Vault is sealed in the middle, nobody runs External Secrets, or
//! one that is not of today.
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

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secret_patch_bed::proxy::{Plan, Proxy, Seen};
use serde_json::{Value, json};
use support::cluster::{Namespace, bed};
use support::eso::{Scene, of_vault, store_of_bed};
use support::own_bed::OwnBed;
use support::own_vault::OwnVault;

const CANARY: &str = "a canary of servers: #1 \"x\" ü\n";

/// The controller does one thing after another: a Vault that does not answer it keeps it from all else.
fn alone_with_the_controller() -> MutexGuard<'static, ()> {
    static CONTROLLER: Mutex<()> = Mutex::new(());
    CONTROLLER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn secrets(scene: &Scene) -> Vec<Value> {
    let of = |number| scene.namespace.object(&format!("secret/app-{number}"));
    (0..6).map(of).map(|secret: Value| json!([secret["data"], secret["metadata"]["uid"]])).collect()
}

fn with_secrets(scene: &Scene) -> Vec<Value> {
    for number in 0..6 {
        scene.secret(&format!("app-{number}"), "Opaque", &[("A", CANARY.as_bytes())]);
    }
    secrets(scene)
}

/// Before `vault`, doing something at each request.
fn before(vault: &OwnVault, tell: impl Fn(&Seen) + Send + Sync + 'static) -> Proxy {
    let nothing = Plan::parse("", 1).expect("a plan");
    Proxy::start_with(&PathBuf::from(bed("BED_DIR")), vault.address(), nothing, tell).expect("a proxy")
}

#[test]
fn a_vault_that_is_sealed_in_the_middle_stops_the_run_and_the_next_one_goes_on() {
    let _alone = alone_with_the_controller();
    let vault = Arc::new(OwnVault::start());
    let (sealing, armed) = (Arc::clone(&vault), Arc::new(AtomicBool::new(false)));
    let is_armed = Arc::clone(&armed);
    let reading = before(&vault, move |seen| {
        if seen.target.contains("/secret/data/") && is_armed.swap(false, Ordering::SeqCst) {
            sealing.seal();
        }
    });
    let scene = Scene::with_store(OwnVault::TOKEN, |spec| {
        let settings = spec["provider"]["vault"].as_object_mut().expect("settings");
        settings.insert("server".to_owned(), json!(reading.url()));
        settings.remove("caBundle");
    });
    let before_all = with_secrets(&scene);
    scene.wait_for_store();
    let of_its_own = |run: support::Run, address: &str| {
        run.env("VAULT_ADDR", address).env("SECRET_PATCH_VAULT_TOKEN", OwnVault::TOKEN)
    };
    scene.plan().run().done();

    // While the values are written.
    let (sealing, writes) = (Arc::clone(&vault), AtomicUsize::new(0));
    let writing = before(&vault, move |seen| {
        let is_write = seen.method == "POST" && seen.target.contains("/secret/data/");
        if is_write && writes.fetch_add(1, Ordering::SeqCst) == 3 {
            sealing.seal();
        }
    });
    let one_by_one = scene.carry_out(&["--vault-concurrency", "1"]);
    of_its_own(one_by_one, writing.url()).run().failed(1, &["vault-sealed", "unseal it"]).leaks_nothing(&[CANARY]);
    assert_eq!(scene.namespace.kubectl(&["get", "externalsecrets", "-o", "name"]), "");
    assert!(secrets(&scene) == before_all, "a Secret was changed");
    of_its_own(scene.verify(&[]), vault.address()).run().failed(1, &["not-made"]);
    vault.unseal();

    // While External Secrets reads them.
    armed.store(true, Ordering::SeqCst);
    let ended = of_its_own(scene.carry_out(&[]), vault.address()).run();
    ended.failed(1, &["not-synced", "the Secret is as it was"]).leaks_nothing(&[CANARY]);
    assert!(secrets(&scene) == before_all, "a Secret was changed");
    scene.assert_no_trial();
    of_its_own(scene.carry_out(&[]), vault.address()).run().failed(1, &["vault-sealed"]);
    vault.unseal();

    scene.wait_for_store();
    of_its_own(scene.carry_out(&[]), vault.address()).run().done().said(&["Moved 6 of 6 Secrets"]);
    of_its_own(scene.verify(&[]), vault.address()).run().done().said(&["6 equal to Vault byte by byte"]);
    assert!(secrets(&scene) == before_all, "a Secret was changed");
    (0..6).for_each(|number| assert_eq!(vault.version(&scene.path(&format!("app-{number}"))), 1, "written twice"));
}

#[test]
fn without_a_controller_nothing_is_taken_over() {
    let _alone = alone_with_the_controller();
    // One of a class that nobody serves is as one where nobody runs.
    let scene = Scene::with_store(&of_vault("token/reader"), |spec| spec["controller"] = json!("nobody"));
    let before = with_secrets(&scene);
    scene.plan().run().done().said(&["store-invalid", "no controller has looked at it"]);
    let ended = scene.carry_out(&[]).run();
    ended.failed(1, &["store-invalid", "no controller has looked at it", "that External Secrets runs"]);
    assert!(!scene.checkout.exists("external-secrets"), "manifests were written");

    // It has run once: the store says that it is valid, and nobody looks at what is asked of it.
    scene.say_that_the_store_is_valid();
    let ended = scene.program(&["eso", "run", "eso-plan.yaml", "--timeout", "5s"]).run();
    ended.failed(1, &["external-secrets-silent", "check that the controller"]).leaks_nothing(&[CANARY]);
    assert!(secrets(&scene) == before, "a Secret was changed");
    assert_eq!(scene.namespace.kubectl(&["get", "externalsecrets", "-o", "name"]), "");

    // Started again, it is asked again.
    scene.namespace.kubectl(&["patch", "clustersecretstore", &scene.store, "--type=json", "-p", REMOVE_CLASS]);
    scene.carry_out(&[]).run().done().said(&["Moved 6 of 6 Secrets"]);
    assert_eq!(scene.kept("app-0").1, 1, "written twice");
    assert!(secrets(&scene) == before, "a Secret was changed");
}

const REMOVE_CLASS: &str = r#"[{"op": "remove", "path": "/spec/controller"}]"#;

#[test]
fn a_cluster_that_serves_v1beta1_alone_is_spoken_to_in_it() {
    let own = OwnBed::start("external-secrets");
    let scene = Scene::without_store(Namespace::in_cluster(own.kubeconfig()));
    let of_today = "external-secrets.io/v1";
    scene.create_store(of_today, &of_vault("token/reader"), &store_of_bed(&scene.store));
    let before = with_secrets(&scene);
    scene.plan().run().done();
    for kind in ["externalsecrets", "secretstores", "clustersecretstores"] {
        let definition = format!("{kind}.external-secrets.io");
        scene.namespace.kubectl(&["patch", "customresourcedefinition", &definition, "--type=json", "-p", ONLY_V1BETA1]);
    }
    scene.namespace.wait_for("v1beta1", |namespace| {
        ["externalsecrets", "secretstores", "clustersecretstores"].iter().all(|kind| {
            let of = |version: &str| format!("/apis/external-secrets.io/{version}/{kind}?limit=1");
            let is_served = |version: &str| namespace.try_kubectl(&["get", "--raw", &of(version)], "").status.success();
            is_served("v1beta1") && !is_served("v1")
        })
    });
    scene.carry_out(&[]).run().failed(1, &["api-version", "`external-secrets.io/v1beta1`", "plan again"]);

    scene.plan().run().done();
    assert!(scene.checkout.read("eso-plan.yaml").contains("apiVersion: external-secrets.io/v1beta1\n"));
    scene.say_that_the_store_is_valid();
    // The controllers of the bed speak v1 alone: nobody answers in v1beta1.
    let ended = scene.program(&["eso", "run", "eso-plan.yaml", "--timeout", "5s"]).run();
    ended.failed(1, &["external-secrets-silent"]).leaks_nothing(&[CANARY]);
    assert!(!scene.checkout.exists("external-secrets"), "manifests were written");
    scene.carry_out(&["--write-only"]).run().done();
    let manifest = scene.checkout.read("external-secrets/app-0-secrets.yaml");
    assert!(manifest.starts_with("apiVersion: external-secrets.io/v1beta1\n"), "{manifest}");
    assert!(secrets(&scene) == before, "a Secret was changed");
    assert_eq!(scene.namespace.kubectl(&["get", "externalsecrets", "-o", "name"]), "");
}

const ONLY_V1BETA1: &str = r#"[
    {"op": "test", "path": "/spec/versions/0/name", "value": "v1"},
    {"op": "replace", "path": "/spec/versions/0/served", "value": false},
    {"op": "test", "path": "/spec/versions/1/name", "value": "v1beta1"},
    {"op": "replace", "path": "/spec/versions/1/served", "value": true}
]"#;
