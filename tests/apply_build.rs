//! Needs the test bed.
//!
//! What kustomize can do to the template on its way into the build: followed where it is meant, found where it is not.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use support::cluster::Namespace;
use support::{Checkout, Ended};

const CANARY: &str = "canary-in-a-mine";

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
";
const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  LEVEL: ${LEVEL}
";
const BASE: &str = "apiVersion: v1
kind: Secret
metadata:
  name: app
stringData:
  A: ${A}
  KEPT: kept
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  LEVEL: ${LEVEL}
";
const OVERLAY: &str = "apps/overlays/demo/kustomization.yml";
const KUSTOMIZATION: &str = "resources: [../../base]\npatches:\n- path: ../../../config/demo-secret-config-patch.yml\n";
const TEMPLATE: &str = "config/demo-config-secret.example.yml";

fn both() -> String {
    format!("{SECRET}---\n{CONFIG}")
}

fn apply(checkout: &Checkout, namespace: &Namespace, more: &[&str]) -> Ended {
    let run = checkout.program(&[&["apply", "demo", "--yes"], more].concat()).in_namespace(namespace);
    run.envs(&[("A", CANARY), ("LEVEL", "debug"), ("B", "b-value")]).run().leaks_nothing(&[CANARY])
}

/// The apply stops at the check of the build, says this, and the namespace stays empty.
#[track_caller]
fn refused(checkout: &Checkout, words: &[&str]) {
    let namespace = Namespace::new();
    apply(checkout, &namespace, &[]).failed(1, words).said(&["nothing was written to the cluster"]);
    namespace.assert_empty();
    assert!(!checkout.exists("config/demo-secret-config-patch.yml"));
}

#[test]
fn prefix_suffix_and_namespace_are_followed() {
    let namespace = Namespace::new();
    let more = format!("namePrefix: my-\nnameSuffix: -v1\nnamespace: {}\n", namespace.name());
    let checkout = Checkout::with(&both(), BASE).file(OVERLAY, &format!("{KUSTOMIZATION}{more}"));
    apply(&checkout, &namespace, &[]).done();
    assert_eq!(namespace.value("secret/my-app-v1", "A"), CANARY);
    assert_eq!(namespace.value("secret/my-app-v1", "KEPT"), "kept");
    assert_eq!(namespace.value("configmap/my-config-v1", "LEVEL"), "debug");
    assert_eq!(namespace.versions().len(), 2);
}

#[test]
fn generated_names_are_followed_and_never_shown_with_their_hash() {
    let namespace = Namespace::new();
    let generators = "secretGenerator:\n- name: app\n  literals: [A=old, KEPT=kept]\nconfigMapGenerator:\n- name: config\n  literals: [LEVEL=old]\n";
    let deployment = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, envFrom: [{secretRef: {name: app}}, {configMapRef: {name: config}}]}]}
";
    let checkout = Checkout::with(&both(), deployment)
        .file("apps/base/kustomization.yml", &format!("resources: [all.yml]\n{generators}"));
    let ended = apply(&checkout, &namespace, &[]).done();
    let names: Vec<String> = namespace.versions().into_keys().collect();
    let secret = names.iter().find(|name| name.starts_with("Secret/app-")).expect("a generated Secret");
    assert_eq!(namespace.value(secret, "A"), CANARY);
    assert_eq!(namespace.value(secret, "KEPT"), "kept");
    let used = namespace.object("deployment/web")["spec"]["template"]["spec"]["containers"][0]["envFrom"][0].clone();
    assert_eq!(used["secretRef"]["name"], secret["Secret/".len()..]);
    ended.said(&["Secret app-<hash>"]).leaks_nothing(&[&secret["Secret/app-".len()..]]);
    // Another value is another name, and the workload moves to it.
    let run = checkout.program(&["apply", "demo", "--yes"]).in_namespace(&namespace);
    run.envs(&[("A", "another"), ("LEVEL", "debug")]).run().done().said(&["Deployment web: "]);
    assert_eq!(namespace.versions().keys().filter(|name| name.starts_with("Secret/app-")).count(), 2);
}

#[test]
fn components_are_built() {
    let namespace = Namespace::new();
    let checkout = Checkout::with(&both(), BASE)
        .file(OVERLAY, "resources: [../../base]\ncomponents: [../../component]\n")
        .file(
            "apps/component/kustomization.yml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: ../../config/demo-secret-config-patch.yml\nlabels:\n- pairs: {part: x}\n",
        );
    apply(&checkout, &namespace, &[]).done();
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
    assert_eq!(namespace.object("secret/app")["metadata"]["labels"]["part"], "x");
}

#[test]
fn only_the_given_kinds_are_applied() {
    let namespace = Namespace::new();
    let checkout = Checkout::with(&both(), BASE);
    apply(&checkout, &namespace, &["--kinds", "secret"]).done();
    assert_eq!(namespace.versions().into_keys().collect::<Vec<_>>(), ["Secret/app"]);
    apply(&checkout, &namespace, &["--kinds", "Secret,Widget"]).done().said(&["warning[kind-unknown]", "`Widget`"]);
}

#[test]
fn several_template_files_and_a_directory_are_one_template() {
    for templates in [&["--template", "t/a.yml", "--template", "t/b.yml"][..], &["--template", "t"]] {
        let namespace = Namespace::new();
        let checkout = Checkout::with(SECRET, BASE).file("t/a.yml", SECRET).file("t/b.yml", CONFIG);
        apply(&checkout, &namespace, templates).done();
        assert_eq!(namespace.value("secret/app", "A"), CANARY);
        assert_eq!(namespace.value("configmap/config", "LEVEL"), "debug");
    }
}

#[test]
fn a_list_in_the_template_is_its_objects() {
    let items = |text: &str| text.trim_end().replace('\n', "\n  ");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n", items(SECRET), items(CONFIG));
    for more in [&[][..], &["--overlay", "none"]] {
        let namespace = Namespace::new();
        apply(&Checkout::with(&list, BASE), &namespace, more).done();
        assert_eq!(namespace.value("secret/app", "A"), CANARY);
        assert_eq!(namespace.value("configmap/config", "LEVEL"), "debug");
    }
}

#[test]
fn a_template_of_json_manifests_is_read() {
    let namespace = Namespace::new();
    let json = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"A": "${A}"}}"#;
    let base = BASE.replace("${LEVEL}", "info");
    apply(&Checkout::with(json, &base), &namespace, &[]).done();
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
}

#[test]
fn a_json6902_patch_fills_what_its_target_names() {
    let namespace = Namespace::new();
    let patch =
        "- op: replace\n  path: /stringData/A\n  value: ${A}\n- op: add\n  path: /stringData/B\n  value: ${B}\n";
    let overlay = KUSTOMIZATION.to_owned() + "  target: {kind: Secret, name: app}\n";
    let checkout = Checkout::with(patch, &BASE.replace("${LEVEL}", "info")).file(OVERLAY, &overlay);
    apply(&checkout, &namespace, &[])
        .done()
        .said(&["added        A      environment\n", "added        B      environment\n"]);
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
    assert_eq!(namespace.value("secret/app", "B"), "b-value");
}

#[test]
fn a_json6902_patch_whose_target_is_not_there_is_found() {
    let patch = "- op: replace\n  path: /stringData/A\n  value: ${A}\n";
    let overlay = KUSTOMIZATION.to_owned() + "  target: {kind: Secret, name: other}\n";
    let base = BASE.replace("${LEVEL}", "info").replace("A: ${A}", "A: old");
    let checkout = Checkout::with(patch, &base).file(OVERLAY, &overlay);
    refused(
        &checkout,
        &[
            "error[patch-not-applied]: `stringData.A` of the JSON6902 patch",
            "--> config/demo-config-secret.example.yml:3:",
            "`target:`",
        ],
    );
}

#[test]
fn an_object_without_an_overlay_is_the_build_itself() {
    let namespace = Namespace::new();
    apply(&Checkout::with(&both(), ""), &namespace, &["--overlay", "none"]).done();
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
    assert_eq!(namespace.values("secret/app").len(), 1);
}

#[test]
fn a_bases_string_data_that_beats_the_templates_data_is_found() {
    let template = SECRET.replace("stringData", "data").replace("${A}", "${A@base64}");
    let base = BASE.replace("A: ${A}", "A: old").replace("${LEVEL}", "info");
    refused(
        &Checkout::with(&template, &base),
        &[
            "error[key-overruled]: `data.A` of the template is without effect: `Secret app` has `stringData.A`",
            "--> config/demo-config-secret.example.yml:6:",
        ],
    );
}

#[test]
fn an_empty_template_is_found() {
    for template in ["", "# nothing\n", "---\n"] {
        refused(&Checkout::with(template, BASE), &["error[", TEMPLATE]);
    }
}

#[test]
fn a_patch_that_nothing_refers_to_is_found() {
    let checkout = Checkout::with(&both(), BASE).file(OVERLAY, "resources: [../../base]\n");
    refused(&checkout, &["error[patch-not-referenced]", OVERLAY, "path: ../../../config/demo-secret-config-patch.yml"]);
}

#[test]
fn a_target_that_matches_nothing_is_found() {
    let overlay = KUSTOMIZATION.to_owned() + "  target: {kind: Secret, name: other}\n";
    let checkout = Checkout::with(SECRET, BASE).file(OVERLAY, &overlay);
    refused(&checkout, &["error[", "`stringData.A`", "`Secret app`", "config/demo-config-secret.example.yml:"]);
}

#[test]
fn an_object_that_the_base_lacks_is_found() {
    let template = SECRET.replace("name: app", "name: apq");
    refused(&Checkout::with(&template, BASE), &["error[", "apq"]);
}

#[test]
fn directives_that_delete_are_found() {
    let template = SECRET.replace("stringData:", "stringData:\n  $patch: replace");
    refused(
        &Checkout::with(&template, BASE),
        &[
            "error[template-directive]: `$patch` in the template's `Secret app`",
            "--> config/demo-config-secret.example.yml:6:",
        ],
    );
    let template = format!("$patch: delete\n{SECRET}");
    refused(&Checkout::with(&template, BASE), &["`$patch`", "config/demo-config-secret.example.yml:1:"]);
}

#[test]
fn a_key_without_a_value_is_found() {
    for null in ["null", "~", ""] {
        let template = format!("{SECRET}  KEPT: {null}\n");
        refused(
            &Checkout::with(&template, BASE),
            &[
                "error[template-null]: `KEPT: null` in the template's `Secret app`",
                "--> config/demo-config-secret.example.yml:7:",
            ],
        );
    }
}

#[test]
fn values_of_the_base_that_are_no_texts_are_found_all_at_once() {
    let base = BASE.replace("KEPT: kept", "KEPT: 0777\n  FLAG: true\n  FLOAT: 1.0\n  DATE: 2024-01-01\n  NONE:");
    let at = |line: usize| format!("--> apps/base/all.yml:{line}:");
    let places: Vec<String> = [7, 8, 9, 10, 11].into_iter().map(at).collect();
    let mut words = vec![
        "`stringData.KEPT` of `Secret app` is a number, not a string",
        "`stringData.FLAG`",
        "`stringData.FLOAT`",
        "`stringData.DATE`",
        "`stringData.NONE`",
    ];
    words.extend(places.iter().map(String::as_str));
    refused(&Checkout::with(&both(), &base), &words);
}

#[test]
fn a_key_of_the_template_that_is_no_text_is_found() {
    let template = SECRET.replace("  A: ${A}", "  A: ${A}\n  8080: x");
    refused(
        &Checkout::with(&template, BASE),
        &[
            "error[data-key]: `8080` beneath `stringData` of `Secret app`",
            "--> config/demo-config-secret.example.yml:7:",
            "quote it: `\"8080\":`",
        ],
    );
}

#[test]
fn values_of_the_base_that_are_no_scalars_are_found() {
    let base = BASE.replace("KEPT: kept", "KEPT: {a: b}\n  LIST: [a]\n  8080: x");
    let words = [
        "error[data-not-string]: `stringData.KEPT` of `Secret app` is a mapping, not a string",
        "--> apps/base/all.yml:7:",
        "`stringData.LIST` of `Secret app` is a list",
        "--> apps/base/all.yml:8:",
        "error[data-key]: `8080` beneath `stringData` of `Secret app`",
        "--> apps/base/all.yml:9:",
    ];
    refused(&Checkout::with(&both(), &base), &words);
}

#[test]
fn a_key_twice_is_found_in_template_and_base() {
    let template = format!("{SECRET}  A: other\n");
    refused(
        &Checkout::with(&template, BASE),
        &["error[duplicate-key]: key `A` stands twice", "--> config/demo-config-secret.example.yml:7:"],
    );
    let base = BASE.replace("  KEPT: kept", "  KEPT: kept\n  KEPT: again");
    refused(
        &Checkout::with(&both(), &base),
        &["error[duplicate-key]: `stringData.KEPT` of `Secret app` stands twice", "--> apps/base/all.yml:8:"],
    );
}

#[test]
fn a_placeholder_of_the_base_that_nothing_fills_is_found() {
    let base = BASE.replace("KEPT: kept", "KEPT: ${KEPT}");
    refused(
        &Checkout::with(&both(), &base),
        &["error[placeholder-left]", "`stringData.KEPT`", "`Secret app`", "--> apps/base/all.yml:7:"],
    );
}

#[test]
fn a_later_patch_that_overrules_the_template_is_found() {
    let overlay = KUSTOMIZATION.to_owned()
        + "- patch: |-\n    {apiVersion: v1, kind: Secret, metadata: {name: app}, stringData: {A: later}}\n";
    refused(
        &Checkout::with(&both(), BASE).file(OVERLAY, &overlay),
        &[
            "error[value-differs]: `stringData.A` of the built `Secret app`",
            "--> config/demo-config-secret.example.yml:6:",
        ],
    );
}

#[test]
fn what_reaches_out_of_the_checkout_or_runs_a_program_is_refused() {
    for (more, word) in [
        ("secretGenerator:\n- name: x\n  files: [/etc/passwd]\n", "error[outside-checkout]"),
        ("configMapGenerator:\n- name: x\n  files: [../../../../outside.txt]\n", "error[outside-checkout]"),
        ("helmCharts:\n- name: x\n", "error[helm]"),
    ] {
        refused(&Checkout::with(&both(), BASE).file(OVERLAY, &format!("{KUSTOMIZATION}{more}")), &[word, OVERLAY]);
    }
}

#[test]
fn a_default_for_a_secret_is_refused_unless_allowed() {
    let template = SECRET.replace("${A}", "${UNSET:-fallback}");
    let checkout = Checkout::with(&template, &BASE.replace("${LEVEL}", "info"));
    refused(
        &checkout,
        &["error[default-in-secret]: `UNSET`", "--> config/demo-config-secret.example.yml:6:", "allow-default"],
    );
    let namespace = Namespace::new();
    apply(&checkout, &namespace, &["--allow-default", "UNSET"]).done();
    assert_eq!(namespace.value("secret/app", "A"), "fallback");
}
