//! Needs the test bed.
//!
//! Values as nasty as they come, and a server that answers with what it was sent: nothing of them is shown, and all else stays readable.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::cluster::{Namespace, bed};
use support::nasty::{CONFIG, SECRET, Scene, secret_values};
use support::webhook::{Verdict, Webhook};
use support::{Checkout, Run};

#[test]
fn no_value_is_shown_where_all_goes_well() {
    let mut scene = Scene::new();
    scene.template(&format!("{SECRET}---\n{CONFIG}"));
    for command in ["render", "diff", "apply", "apply"] {
        scene.run(command).done();
    }
    let old: Vec<String> = secret_values().into_iter().filter(|value| value.len() < 1000).collect();
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    scene.values.iter_mut().for_each(|(_, value)| value.insert_str(0, "changed-"));
    scene.action("diff").hiding(&old).run().done();
    scene.action("apply").hiding(&old).env("RUST_LOG", "trace").run().done();
}

#[test]
fn no_value_is_shown_whatever_the_server_answers() {
    let scene = Scene::new();
    for (object, words) in [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: l{n}, labels: {x: '{v}'}}\n", &["l0"][..]),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: n{n}, annotations: {x: '{v}'}, namespace: absent}\n",
            &["absent"],
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: e{n}}\nspec: {type: ExternalName, externalName: '{v}'}\n",
            &["e0"],
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x{n}}\ndata: {A: {b: '{v}'}}\n", &["x0"]),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d{n}}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, \
          spec: {containers: [{name: c, image: i, env: [{name: A, value: {user: '{v}'}}]}]}}}\n",
            &["d0"],
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: r{n}}\nspec: {replicas: '{v}', selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, \
          spec: {containers: [{name: c, image: i}]}}}\n",
            &["r0"],
        ),
        (
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i{n}}\nspec: {rules: [{host: '{v}'}]}\n",
            &["i0"],
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: j{n}}\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: '{v}'}\n",
            &["j0"],
        ),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: b{n}}\ndata: {A: '{v}'}\n", &["base64"]),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: k{n}}\nstringData: {'not a key': '{v}'}\n", &["k0"]),
        ("apiVersion: example.org/v1\nkind: Unknown\nmetadata: {name: u{n}}\nspec: {a: '{v}'}\n", &["Unknown"]),
        ("apiVersion: v1\nmetadata: {name: o{n}}\ndata: {A: '{v}'}\n", &["kind"]),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: '{v}'}\nstringData: {A: '{v}'}\n",
            &["name", "refused", "***"],
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f{n}}\ndata: {A: '{v}'}\nspec: {x: '{v}'}\n", &["f0"]),
    ] {
        scene.refuses(object, words);
    }
    scene.namespace.assert_empty();
}

#[test]
fn no_value_is_shown_by_what_keeps_objects_as_they_are() {
    let mut scene = Scene::new();
    let immutable = SECRET.replace("stringData", "immutable: true\nstringData");
    scene.template(&immutable);
    scene.run("apply").done();
    scene.values.iter_mut().for_each(|(_, value)| value.insert_str(0, "other-"));
    scene.refuses(&immutable, &["immutable"]);
    scene.refuses(&format!("{SECRET}type: kubernetes.io/basic-auth\n"), &["immutable", "type"]);
    let name = scene.namespace.name();
    scene.namespace.create(
        &json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "1"}}}).to_string(),
    );
    scene.namespace.wait_for("quota", |namespace| namespace.object("resourcequota/q")["status"]["hard"].is_object());
    scene.refuses(CONFIG, &["quota"]);
    assert!(!name.is_empty());
}

/// A policy that quotes what it is given, for every Secret and ConfigMap of the namespace.
fn policy(namespace: &Namespace, actions: &Value) {
    let name = namespace.name();
    let api_version = "admissionregistration.k8s.io/v1";
    let resources = json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets", "configmaps"]}]);
    let message = "'::error title=x::' + object.data['A'] + ' ##[add-matcher]x <!-- secret-patch @octocat ' + object.metadata.name";
    let policy = json!({"apiVersion": api_version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": {"matchConstraints": {"resourceRules": resources},
        "validations": [{"expression": "!('A' in object.data)", "messageExpression": message}]}});
    let selector = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}});
    let binding = json!({"apiVersion": api_version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": actions, "matchResources": selector}});
    namespace.create(&json!({"apiVersion": "v1", "kind": "List", "items": [policy, binding]}).to_string());
    let probe =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}, "data": {"A": "probed"}})
            .to_string();
    namespace.wait_for("policy", |namespace| {
        let answer = namespace.try_kubectl(&["create", "--dry-run=server", "-f", "-"], &probe);
        String::from_utf8_lossy(&answer.stderr).contains("::probed")
    });
}

#[test]
fn no_value_is_shown_by_a_policy_that_refuses_with_it() {
    let scene = Scene::new();
    policy(&scene.namespace, &json!(["Deny"]));
    scene.refuses(&format!("{SECRET}---\n{CONFIG}"), &["refused by the admission policy"]);
    scene.namespace.kubectl(&["delete", "validatingadmissionpolicybinding", scene.namespace.name()]);
}

#[test]
fn no_value_is_shown_by_a_policy_that_warns_with_it() {
    let scene = Scene::new();
    policy(&scene.namespace, &json!(["Warn"]));
    scene.template(&format!("{SECRET}---\n{CONFIG}"));
    for command in ["diff", "apply", "apply"] {
        scene.run(command).done();
    }
    scene.namespace.kubectl(&["delete", "validatingadmissionpolicybinding", scene.namespace.name()]);
}

/// A webhook that quotes what it is given, for every Secret and ConfigMap of the namespace.
fn webhook(namespace: &Namespace, verdict: Verdict) {
    let webhook = Webhook::start(bed("BED_DIR").as_ref(), verdict);
    namespace.create(&webhook.configuration(namespace.name()).to_string());
    let probe = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}, "data": {"A": "probed"}}"#;
    namespace.wait_for("webhook", |namespace| {
        let answer = namespace.try_kubectl(&["create", "--dry-run=server", "-f", "-"], probe);
        String::from_utf8_lossy(&answer.stderr).contains("::probed")
    });
}

#[test]
fn no_value_is_shown_by_a_webhook_that_refuses_with_it() {
    let scene = Scene::new();
    webhook(&scene.namespace, Verdict::Denies);
    scene.refuses(&format!("{SECRET}---\n{CONFIG}"), &["refused by the admission webhook"]);
    scene.namespace.kubectl(&["delete", "validatingwebhookconfiguration", scene.namespace.name()]);
}

#[test]
fn no_value_is_shown_by_a_webhook_that_warns_with_it() {
    let scene = Scene::new();
    webhook(&scene.namespace, Verdict::Warns);
    scene.template(&format!("{SECRET}---\n{CONFIG}"));
    for command in ["diff", "apply", "apply"] {
        scene.run(command).done();
    }
    scene.namespace.kubectl(&["delete", "validatingwebhookconfiguration", scene.namespace.name()]);
}

/// Of more than 4,096 characters of warnings the server cuts each, wherever that is in a value.
#[test]
fn no_piece_of_a_value_is_shown_by_warnings_that_the_server_cuts() {
    let (namespace, checkout) = (Namespace::new(), Checkout::empty());
    webhook(&namespace, Verdict::Warns);
    let values: Vec<(String, String)> =
        (0..12).map(|number| (format!("V{number}"), format!("sk-canary-{number:05}").repeat(25))).collect();
    let keys: String = values.iter().map(|(name, _)| format!("  {name}: ${{{name}}}\n")).collect();
    let secret = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: app}}\nstringData:\n{keys}");
    checkout.write("t.yml", secret.as_bytes());
    checkout.write(".gitignore", b"*-patch.yml\n");
    let kubeconfig = std::fs::read_to_string(namespace.kubeconfig()).expect("a file");
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for command in ["diff", "apply"] {
        let mut inputs = vec![("command", command), ("environment", "demo"), ("template", "t.yml")];
        inputs.extend([("overlay", "none"), ("output", "demo-secret-config-patch.yml"), ("kubeconfig", &kubeconfig)]);
        let ended = checkout.action(&inputs).env("PATH", &bed("PATH")).envs(&values).run();
        ended.done().said(&["::warning title=server-warning::", "the server has cut them"]);
    }
    namespace.kubectl(&["delete", "validatingwebhookconfiguration", namespace.name()]);
}

#[test]
fn no_value_is_shown_by_a_schema_that_quotes_it() {
    let scene = Scene::new();
    let group = format!("{}.example.org", scene.namespace.name());
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "one": {"type": "string", "enum": ["fixed"]}, "two": {"type": "string", "pattern": "^fixed$"}, "three": {"type": "integer"}}}}});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("things.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
    scene.namespace.create(&definition.to_string());
    scene.namespace.kubectl(&["wait", "--for=condition=Established", &format!("crd/things.{group}"), "--timeout=30s"]);
    let thing = format!("apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: t{{n}}}}\nspec: ");
    for spec in ["{one: '{v}'}", "{two: '{v}'}", "{three: '{v}'}", "{one: 'a {v}', two: 'b {v}'}"] {
        scene.refuses(&format!("{thing}{spec}\n"), &["t0"]);
    }
    scene.namespace.kubectl(&["delete", "crd", &format!("things.{group}")]);
}

/// Whatever a run names is hidden where it is a value: so every sink that takes text as it is shows in this test.
#[test]
fn no_value_is_shown_where_every_name_is_one() {
    const NAME: &str = "canary-of-names-7f3a9c";
    let (namespace, checkout) = (Namespace::new(), Checkout::empty());
    let mut config = namespace.config();
    config["contexts"][0]["name"] = json!(NAME);
    config["current-context"] = json!(NAME);
    let kubeconfig = namespace.write("named", &config.to_string());
    let objects = ["Secret", "ConfigMap"].map(|kind| {
        let data = if kind == "Secret" { "stringData" } else { "data" };
        format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {NAME}, labels: {{{NAME}: {NAME}}}}}\n{data}:\n  {NAME}: ${{V}}\n  literal: {NAME}\n")
    });
    let template = format!("{NAME}/{NAME}.yml");
    checkout.write(&template, objects.join("---\n").as_bytes());
    checkout.write(".gitignore", b"*-patch.yml\n");
    // What is wrong with an input is told before any value is read: that is not tried here.
    // The output `patch` is a path that later steps open: it stays as it is.
    let output = "demo-secret-config-patch.yml";
    for (command, more, code) in [
        ("render", ("format", "text"), 0),
        ("diff", ("format", "json"), 0),
        ("apply", ("format", "markdown"), 0),
        ("apply", ("overlay", NAME), 1),
    ] {
        let mut inputs = vec![("command", command), ("environment", NAME), ("template", &template), ("output", output)];
        inputs.extend([("overlay", "none"), ("kubeconfig", kubeconfig.as_str()), more]);
        let run = checkout.action(&inputs).env("PATH", &bed("PATH")).env("V", NAME).env("RUST_LOG", "trace");
        let ended = Run { names_values: true, ..run }.run();
        assert_eq!(ended.code, Some(code), "{command} with {}: {ended:?}", more.0);
    }
    checkout.write(&template, objects.join("---\n").replace("${V}", "${V} ${LACKING} ${V@none}").as_bytes());
    let inputs = [
        ("command", "render"),
        ("environment", NAME),
        ("template", &*template),
        ("output", output),
        ("overlay", "none"),
    ];
    assert_eq!(checkout.action(&inputs).env("V", NAME).run().code, Some(1));
}
