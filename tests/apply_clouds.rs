//! Needs the test bed.
//!
//! Kubeconfigs as the tools of the clouds write them, by a path in `KUBECONFIG`, with and without `kube-token`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use support::cluster::{Namespace, bed};
use support::{Checkout, Run};

const TEMPLATE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {PASSWORD: \"${PASSWORD}\"}\n";
const PASSWORD: &str = "canary-4e8d20b7";

struct Scene {
    namespace: Namespace,
    checkout: Checkout,
    token: String,
}

impl Scene {
    /// A service account that may deploy, with a token of its own.
    fn new() -> Self {
        let namespace = Namespace::new();
        namespace.kubectl(&["create", "serviceaccount", "deployer"]);
        let account = json!({"kind": "ServiceAccount", "name": "deployer", "namespace": namespace.name()});
        namespace.grant(&account, &json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]));
        let token = namespace.kubectl(&["create", "token", "deployer"]).trim().to_owned();
        let checkout =
            Checkout::with(TEMPLATE, TEMPLATE).file(".gitignore", "*-secret-config-patch.yml\n.runner/\ngha-*\n");
        checkout.commit();
        Self { namespace, checkout, token }
    }

    /// The bed's cluster under the names that a cloud gives, with another user, in JSON, which is YAML.
    fn kubeconfig(&self, cluster: &str, context: &str, user: &Value) -> String {
        let config = self.namespace.config();
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "preferences": {},
            "clusters": [{"name": cluster, "cluster": config["clusters"][0]["cluster"]}],
            "users": [{"name": cluster, "user": user}],
            "contexts": [{"name": context, "context": {"cluster": cluster, "user": cluster, "namespace": self.namespace.name()}}],
            "current-context": context,
        })
        .to_string()
    }

    /// The step, after one that has left `kubeconfig` at `path` and said so in `KUBECONFIG`.
    fn after(&self, path: &str, kubeconfig: &str, more: &[(&str, &str)]) -> Run {
        fs::write(path, kubeconfig).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its owner's alone");
        let inputs = [&[("command", "apply"), ("environment", "demo")], more].concat();
        let run = self.checkout.action(&inputs).env("PATH", &bed("PATH")).env("PASSWORD", PASSWORD);
        run.env("KUBECONFIG", path)
    }

    #[track_caller]
    fn deployed(&self, run: &Run) {
        run.run().done().leaks_nothing(&[PASSWORD, &self.token]);
        assert!(self.namespace.value("secret/app", "PASSWORD") == PASSWORD, "another value");
    }

    /// As `RUNNER_TEMP`, which lies outside of the checkout.
    fn in_runner_temp(&self, name: &str) -> String {
        self.namespace.write(name, "")
    }
}

/// `exec` as a cloud's tool writes it.
fn exec(command: &str, version: &str, arguments: &[&str]) -> Value {
    json!({"exec": {
        "apiVersion": format!("client.authentication.k8s.io/{version}"),
        "command": command,
        "args": arguments,
        "env": null,
        "provideClusterInfo": false,
        "interactiveMode": "IfAvailable",
    }})
}

#[test]
fn eks_runs_aws_whose_place_a_token_takes() {
    let scene = Scene::new();
    let name = "arn:aws:eks:eu-central-1:123456789012:cluster/staging";
    let user = exec("aws", "v1beta1", &["--region", "eu-central-1", "eks", "get-token", "--cluster-name", "staging"]);
    let (path, config) = (scene.in_runner_temp("eks-kubeconfig"), scene.kubeconfig(name, name, &user));
    let refused = scene.after(&path, &config, &[]).run().failed(1, &["exec-refused", "`aws`", "aws eks get-token"]);
    refused.leaks_nothing(&[PASSWORD]);
    scene.deployed(&scene.after(&path, &config, &[("kube-token", &scene.token)]));
}

#[test]
fn gke_leaves_a_token_in_a_file_of_the_workspace() {
    let scene = Scene::new();
    let config = scene.kubeconfig("staging", "gke_project_europe-west3_staging", &json!({"token": scene.token}));
    let path = scene.checkout.path().join("gha-kubeconfig-0a1b2c3d4e5f6071").display().to_string();
    scene.deployed(&scene.after(&path, &config, &[]));
    let plugin = scene.kubeconfig("staging", "gke", &json!({"auth-provider": {"name": "gcp"}}));
    scene.after(&path, &plugin, &[]).run().failed(1, &["auth-provider", "gcloud auth print-access-token"]);
    scene.deployed(&scene.after(&path, &plugin, &[("kube-token", &scene.token)]));
}

#[test]
fn aks_brings_a_certificate_and_a_token_or_runs_kubelogin() {
    let scene = Scene::new();
    let path = scene.in_runner_temp("kubeconfig_1789000000000");
    let mut local = scene.namespace.config()["users"][0]["user"].clone();
    local["token"] = json!(scene.token);
    scene.deployed(&scene.after(&path, &scene.kubeconfig("staging", "staging-admin", &local), &[]));
    let entra = exec(
        "kubelogin",
        "v1beta1",
        &["get-token", "--login", "azurecli", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
    );
    let config = scene.kubeconfig("staging", "staging", &entra);
    scene.after(&path, &config, &[]).run().failed(1, &["exec-refused", "`kubelogin`", "kubelogin get-token ARGUMENTS"]);
    scene.deployed(&scene.after(&path, &config, &[("kube-token", &scene.token)]));
}
