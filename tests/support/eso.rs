//! Secrets, a store and paths in Vault that a test shares with nobody, on the test bed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cluster::{Namespace, bed, random};
use super::{Checkout, Run};

/// A namespace with a store, and a prefix in Vault.
pub struct Scene {
    pub namespace: Namespace,
    pub checkout: Checkout,
    /// Of the ClusterSecretStore.
    pub store: String,
    /// First segment of every path.
    pub prefix: String,
}

/// OpenBao's own program, as root; its stdout.
#[track_caller]
pub fn bao(arguments: &[&str], stdin: &str) -> String {
    let mut child =
        Command::new("bao").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bao");
    child.stdin.take().expect("stdin").write_all(stdin.as_bytes()).expect("fed");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "bao {}", arguments.first().unwrap_or(&""));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A file of the bed's Vault.
pub fn of_vault(name: &str) -> String {
    fs::read_to_string(format!("{}/vault/{name}", bed("BED_DIR"))).expect("a file of the bed").trim().to_owned()
}

/// What a ClusterSecretStore of the bed's Vault says: it logs in with `token` and reads the mount `secret`.
pub fn store_of_bed(token: &str) -> Value {
    let authority = fs::read(format!("{}/vault/ca.crt", bed("BED_DIR"))).expect("a file of the bed");
    json!({"provider": {"vault": {
        "server": bed("BED_VAULT_TLS_ADDR"), "path": "secret", "version": "v2", "caBundle": STANDARD.encode(authority),
        "auth": {"tokenSecretRef": {"name": token, "namespace": "default", "key": "token"}},
    }}})
}

impl Scene {
    /// With a store that reads the bed's Vault.
    pub fn new() -> Self {
        Self::with_store(&of_vault("token/reader"), |_| {})
    }

    /// With a store that logs in with `token`, and that `change` makes another one of.
    pub fn with_store(token: &str, change: impl FnOnce(&mut Value)) -> Self {
        let scene = Self::without_store(Namespace::new());
        let mut spec = store_of_bed(&scene.store);
        change(&mut spec);
        scene.create_store("external-secrets.io/v1", token, &spec);
        scene
    }

    /// With the name of a store that is still to be made.
    pub fn without_store(namespace: Namespace) -> Self {
        let store = format!("store-{:x}", random());
        Self { namespace, checkout: Checkout::empty(), prefix: format!("t{:x}", random()), store }
    }

    /// Makes the store, which logs in with `token`.
    pub fn create_store(&self, api_version: &str, token: &str, spec: &Value) {
        let credential = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.store, "namespace": "default"}, "stringData": {"token": token},
        });
        let store = json!({
            "apiVersion": api_version, "kind": "ClusterSecretStore", "metadata": {"name": self.store}, "spec": spec,
        });
        self.namespace.create(&json!({"apiVersion": "v1", "kind": "List", "items": [credential, store]}).to_string());
    }

    /// Lets the store say that it is valid, whoever looks at it.
    pub fn say_that_the_store_is_valid(&self) {
        let condition =
            json!({"type": "Ready", "status": "True", "reason": "Valid", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let status = json!({"status": {"conditions": [condition]}}).to_string();
        let store = ["patch", "clustersecretstore", self.store.as_str()];
        self.namespace.kubectl(&[&store[..], &["--subresource=status", "--type=merge", "-p", &status]].concat());
    }

    /// Waits until the controller has found the store valid.
    pub fn wait_for_store(&self) {
        self.wait_for_store_to_be("True");
    }

    /// Waits until the controller has said `status` of the store.
    pub fn wait_for_store_to_be(&self, status: &str) {
        let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
        self.namespace.wait_for("status of the store", |namespace| {
            namespace.kubectl(&["get", "clustersecretstore", &self.store, "-o", path]) == status
        });
    }

    /// Creates a Secret as a person does.
    pub fn secret(&self, name: &str, kind: &str, values: &[(&str, &[u8])]) -> &Self {
        let data: BTreeMap<&str, String> = values.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "data": data});
        self.namespace.create(&secret.to_string());
        self
    }

    /// The program with what it needs for cluster and Vault.
    pub fn program(&self, arguments: &[&str]) -> Run {
        let run = self.checkout.program(arguments).in_namespace(&self.namespace);
        run.env("VAULT_ADDR", &bed("VAULT_ADDR")).env("SECRET_PATCH_VAULT_TOKEN", &of_vault("token/writer"))
    }

    /// `eso plan` of the namespace into `eso-plan.yaml`.
    pub fn plan(&self) -> Run {
        let (namespace, prefix, store) = (self.namespace.name(), self.prefix.as_str(), self.store.as_str());
        self.program(&["eso", "plan", "--namespaces", namespace, "--prefix", prefix, "--store", store])
    }

    /// `eso run` of that plan with more flags.
    pub fn carry_out(&self, flags: &[&str]) -> Run {
        self.program(&[&["eso", "run", "eso-plan.yaml", "--timeout", "60s"], flags].concat())
    }

    /// `eso verify` of that plan with more flags.
    pub fn verify(&self, flags: &[&str]) -> Run {
        self.program(&[&["eso", "verify", "eso-plan.yaml"], flags].concat())
    }

    /// The path of a Secret in the mount.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    /// Puts JSON at the path of a Secret.
    pub fn put(&self, name: &str, json: &str) {
        bao(&["kv", "put", "-mount=secret", &self.path(name), "-"], json);
    }

    /// What Vault has for a Secret, with its version.
    pub fn kept(&self, name: &str) -> (BTreeMap<String, String>, u64) {
        let answer = bao(&["kv", "get", "-mount=secret", "-format=json", &self.path(name)], "");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let data = serde_json::from_value(answer["data"]["data"].clone()).expect("texts");
        (data, answer["data"]["metadata"]["version"].as_u64().expect("a number"))
    }

    /// Nothing of a trial is left.
    #[track_caller]
    pub fn assert_no_trial(&self) {
        let names = self.namespace.kubectl(&["get", "externalsecrets,secrets", "-o", "name"]);
        assert!(!names.contains("-eso-check"), "{names}");
    }
}
