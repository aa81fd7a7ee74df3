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
use support::eso::Scene;

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
