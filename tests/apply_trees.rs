//! Needs the test bed.
//!
//! Checkouts that want to bring a foreign file, a credential or a program into the build: each is refused, and the cluster gets nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use support::cluster::Namespace;
use support::{Checkout, Ended, assert_no_leak};

const VALUE: &str = "value-canary-1c9a44";
/// What lies around and must not get in: outside of the checkout, in `.git`, in our environment, in the env file, in the kubeconfig.
const CANARIES: [&str; 5] = [
    "outside-canary-77aa01",
    "git-canary-77aa02",
    "environ-canary-77aa03",
    "envfile-canary-77aa04",
    "kube-canary-77aa05",
];
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  A: ${A}\n";
const PATCHES: &str = "patches:\n- path: ../../../config/demo-secret-config-patch.yml\n";

/// A checkout inside a directory that holds more.
struct Surroundings {
    directory: tempfile::TempDir,
    checkout: Checkout,
    namespace: Namespace,
}

impl Surroundings {
    /// The overlay's kustomization begins with the base and the patch.
    fn new(kustomization: &str) -> Self {
        let namespace = Namespace::new();
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("outside.txt"), CANARIES[0]).expect("written");
        std::fs::write(directory.path().join("outside.yml"), format!("a: {}\n", CANARIES[0])).expect("written");
        let checkout = Checkout::with(SECRET, SECRET).file(".env.k8s.demo", &format!("X={}\n", CANARIES[3]));
        let mut config = namespace.config();
        config["users"]
            .as_array_mut()
            .expect("users")
            .push(serde_json::json!({"name": "x", "user": {"token": CANARIES[4]}}));
        checkout.write("kubeconfig", config.to_string().as_bytes());
        checkout.git(&["config", "http.https://github.com/.extraheader", CANARIES[1]]);
        let surroundings = Self { directory, checkout, namespace };
        surroundings.overlay(&format!("resources: [../../base]\n{PATCHES}{kustomization}"))
    }

    fn overlay(self, text: &str) -> Self {
        let text = text.replace("$OUT", &self.outside()).replace("$TOP", &self.checkout.path().display().to_string());
        self.checkout.write("apps/overlays/demo/kustomization.yml", text.as_bytes());
        self
    }

    fn outside(&self) -> String {
        self.directory.path().display().to_string()
    }

    fn link(self, path: &str, to: &str) -> Self {
        let path = self.checkout.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        symlink(to.replace("$OUT", &self.outside()), path).expect("a link");
        self
    }

    fn file(self, path: &str, text: &str) -> Self {
        self.checkout.write(path, text.replace("$OUT", &self.outside()).as_bytes());
        self
    }

    fn apply(&self, more: &[&str]) -> Ended {
        let kubeconfig = self.checkout.path().join("kubeconfig").display().to_string();
        let words = [&["apply", "demo", "--yes", "--kubeconfig", &kubeconfig], more].concat();
        let run = self.checkout.program(&words).on_bed().env("A", VALUE).env("OTHER_TOKEN", CANARIES[2]);
        let ended = run.run().leaks_nothing(&CANARIES).leaks_nothing(&[VALUE]);
        self.assert_nothing_arrived();
        ended
    }

    /// No canary is in the cluster, and the patch is put back.
    fn assert_nothing_arrived(&self) {
        let live = self.namespace.kubectl(&["get", "configmap,secret", "-o", "json"]);
        assert_no_leak("the cluster", live.as_bytes(), &CANARIES);
        let data = serde_json::from_str::<serde_json::Value>(&live).expect("JSON");
        for item in data["items"].as_array().expect("items") {
            for value in item["data"].as_object().into_iter().flat_map(|data| data.values()) {
                assert_no_leak("the cluster", value.as_str().expect("text").as_bytes(), &CANARIES);
            }
        }
        assert!(!self.checkout.exists("config/demo-secret-config-patch.yml"), "the patch was left behind");
    }
}

/// Each of `kustomizations` ends the run with `kind`, before anything is sent.
#[track_caller]
fn refused(kind: &str, kustomizations: &[&str]) {
    for kustomization in kustomizations {
        let tree = Surroundings::new(kustomization)
            .link("apps/overlays/demo/out", "$OUT")
            .link("apps/overlays/demo/out.txt", "$OUT/outside.txt")
            .link("apps/overlays/demo/git", "../../../.git/config")
            .file("apps/overlays/demo/generator.yml", "{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: x}, name: x, files: [$OUT/outside.txt]}");
        let ended = tree.apply(&[]);
        assert!(ended.code == Some(1) && ended.stderr.contains(&format!("[{kind}]")), "{kustomization}: {ended:?}");
        tree.namespace.assert_empty();
    }
}

#[test]
fn no_field_brings_in_a_file_from_outside() {
    refused(
        "outside-checkout",
        &[
            "configMapGenerator: [{name: x, files: [$OUT/outside.txt]}]\n",
            "configMapGenerator: [{name: x, files: [k=out.txt]}]\n",
            "configMapGenerator: [{name: x, files: [k=$TOP/apps/overlays/demo/out/../outside.txt]}]\n",
            "secretGenerator: [{name: x, envs: [out/outside.txt]}]\n",
            "secretGenerator: [{name: x, env: out/outside.txt}]\n",
            "configMapGenerator: [{name: x, files: [/proc/self/environ]}]\n",
            "configMapGenerator: [{name: x, files: [/proc/self/root$OUT/outside.txt]}]\n",
            "configMapGenerator: [{name: x, files: [/proc/self/fd/0, /dev/stdin]}]\n",
            "components: [$OUT]\n",
            "crds: [$OUT/outside.yml]\n",
            "configurations: [out/outside.yml]\n",
            "openapi: {path: out/outside.yml}\n",
            "replacements: [{path: out/outside.yml}]\n",
            "patchesStrategicMerge: [out/outside.yml]\n",
            "patchesJson6902: [{target: {version: v1, kind: Secret, name: app}, path: out/outside.yml}]\n",
            "generators: [out/outside.yml]\n",
            "generators: [generator.yml]\n",
            "transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: x}, path: out/outside.yml}']\n",
            "validators: [out/outside.yml]\n",
            "CONFIGMAPGENERATOR: [{Name: x, Files: [out.txt]}]\n",
            "x: &a {files: [out.txt]}\nconfigMapGenerator: [{name: x, <<: *a}]\n",
        ],
    );
}

#[test]
fn no_field_brings_in_a_credential_of_the_checkout() {
    refused(
        "outside-checkout",
        &[
            "configMapGenerator: [{name: x, files: [../../../.git/config]}]\n",
            "configMapGenerator: [{name: x, files: [git]}]\n",
            "configMapGenerator: [{name: x, files: [../../../.GIT/../.git/config]}]\n",
            "configMapGenerator: [{name: x, files: [../../../kubeconfig]}]\n",
            "configMapGenerator: [{name: x, envs: [../../../.env.k8s.demo]}]\n",
        ],
    );
}

#[test]
fn nothing_is_fetched_and_no_program_is_run() {
    refused(
        "remote-resource",
        &[
            "components: [github.com/owner/name//x?ref=v1]\n",
            "components: ['gitHub.com:owner/name']\n",
            "components: ['git@host:owner/name.git']\n",
            "components: ['ssh://git@host/owner/name']\n",
            "components: ['git::https://host/owner/name']\n",
            "components: ['https://host/owner/name?timeout=1&ref=x']\n",
            "components: ['file:///srv/name']\n",
            "components: ['org-1234@host:owner/name']\n",
            "configMapGenerator: [{name: x, files: ['http://169.254.169.254/latest']}]\n",
            "openapi: {path: 'HTTPS://host/x'}\n",
        ],
    );
    refused(
        "plugin",
        &[
            "generators: ['{apiVersion: x/v1, kind: X, metadata: {name: x}}']\n",
            "transformers: ['{apiVersion: builtin, kind: X, metadata: {name: x, annotations: {config.kubernetes.io/function: \"exec: {path: ./x}\"}}}']\n",
            "validators: ['{apiVersion: v1, kind: X, metadata: {name: x, annotations: {config.k8s.io/function: \"container: {image: x}\"}}}']\n",
        ],
    );
    refused(
        "helm",
        &[
            "helmCharts: [{name: x, repo: 'https://host'}]\n",
            "helmGlobals: {chartHome: /}\n",
            "helmChartInflationGenerator: [{chartName: x}]\n",
            "generators: ['{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: x}, name: x}']\n",
        ],
    );
}

#[test]
fn what_two_readers_see_differently_is_refused() {
    let object = "x: y #\u{85}kind: ConfigMapGenerator\u{85}apiVersion: builtin\u{85}metadata: {name: x}\u{85}name: x\u{85}files: [k=";
    let tree = Surroundings::new("");
    let name = format!("{object}{}/outside.txt]", tree.outside());
    let escaped = name.replace('\u{85}', "\\N");
    let tree = tree.overlay(&format!("resources: [../../base]\n{PATCHES}generators: [\"{escaped}\"]\n"));
    let path = format!("apps/overlays/demo/{name}");
    let tree = tree.file(&path, "{apiVersion: builtin, kind: LabelTransformer, metadata: {name: x}}");
    tree.apply(&[]).failed(1, &["kustomization-syntax"]);
    refused(
        "kustomization-syntax",
        &[
            "configMapGenerator: [{name: x, files: [!!binary L3Byb2Mvc2VsZi9lbnZpcm9u]}]\n",
            "configMapGenerator: []\nconfigMapGenerator: [{name: x, files: [out.txt]}]\n",
            "#\u{85}configMapGenerator: [{name: x, files: [out.txt]}]\n",
            "---\nconfigMapGenerator: [{name: x, files: [out.txt]}]\n",
        ],
    );
}

#[test]
fn every_spelling_of_a_kustomization_is_walked() {
    let hostile = "configMapGenerator: [{name: x, files: [$OUT/outside.txt]}]\n";
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        for text in [hostile.to_owned(), format!("\u{feff}{hostile}"), hostile.replace('\n', "\r\n")] {
            Surroundings::new("")
                .overlay(&format!("resources: [../../base, ../../x]\n{PATCHES}"))
                .file(&format!("apps/x/{name}"), &text)
                .apply(&[])
                .failed(1, &["outside-checkout"]);
        }
    }
    let json = "{\"configMapGenerator\": [{\"name\": \"x\", \"f\\u0069les\": [\"$OUT/outside.txt\"]}]}";
    let tree = Surroundings::new("").overlay(&format!("resources: [../../base, ../../x]\n{PATCHES}"));
    tree.file("apps/x/kustomization.yaml", json).apply(&[]).failed(1, &["outside-checkout"]);
    let both = Surroundings::new("").file("apps/overlays/demo/Kustomization", hostile);
    both.apply(&[]).failed(1, &["kustomization-ambiguous"]);
    // A link to a kustomization elsewhere, a directory elsewhere, and an overlay elsewhere.
    let linked = Surroundings::new("").overlay(&format!("resources: [../../base, ../../x]\n{PATCHES}"));
    std::fs::write(linked.directory.path().join("kustomization.yml"), "resources: []\n").expect("written");
    linked.link("apps/x/kustomization.yml", "$OUT/kustomization.yml").apply(&[]).failed(1, &["outside-checkout"]);
    let linked = Surroundings::new("").link("apps/overlays/other", "$OUT");
    linked.apply(&["--overlay", "apps/overlays/other"]).failed(1, &["overlay-missing", "outside of the checkout"]);
}

#[test]
fn what_cannot_be_read_in_time_or_at_all_is_refused() {
    let tree = Surroundings::new("configMapGenerator: [{name: x, files: [pipe]}]\n");
    let pipe = tree.checkout.path().join("apps/overlays/demo/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    tree.apply(&[]).failed(1, &["not-a-file"]);
    let tree = Surroundings::new("configMapGenerator: [{name: x, files: [huge]}]\n");
    let huge = std::fs::File::create(tree.checkout.path().join("apps/overlays/demo/huge")).expect("a file");
    huge.set_len(1 << 40).expect("a sparse file");
    tree.apply(&[]).failed(1, &["too-large"]);
    let tree = Surroundings::new("").overlay(&format!("resources: [../demo]\n{PATCHES}"));
    tree.apply(&[]).failed(1, &["kustomization-cycle"]);
}

#[test]
fn a_template_that_is_a_link_to_elsewhere_is_refused() {
    let template = "config/demo-config-secret.example.yml";
    for (to, words) in [
        ("$OUT/outside.yml", "leads out of the checkout"),
        ("../.git/config", "is not for a template"),
        ("../kubeconfig", "is not for a template"),
    ] {
        let tree = Surroundings::new("");
        std::fs::remove_file(tree.checkout.path().join(template)).expect("removed");
        tree.link(template, to).apply(&[]).failed(1, &["outside-checkout", words]);
        let tree = Surroundings::new("").link("k8s/x.yml", to);
        tree.apply(&["--template", "k8s", "--overlay", "none"]).failed(1, &["outside-checkout", words]);
    }
}

/// The overlay of our own commit refers to a checkout of another repository inside it.
#[test]
fn a_checkout_inside_ours_is_not_built_from_under_actions() {
    let tree = Surroundings::new("").overlay(&format!("resources: [../../base, ../../../fork]\n{PATCHES}"));
    tree.checkout.commit();
    let fork = Checkout::empty().file("kustomization.yml", "configMapGenerator: [{name: x, literals: [a=b]}]\n");
    fork.commit();
    tree.checkout.git(&["clone", "-q", &fork.path().display().to_string(), "fork"]);
    tree.checkout.git(&["-C", "fork", "remote", "set-url", "origin", "https://host/mallory/name"]);
    let kubeconfig = std::fs::read_to_string(tree.checkout.path().join("kubeconfig")).expect("a file");
    let inputs = [("command", "apply"), ("environment", "demo"), ("kubeconfig", kubeconfig.as_str())];
    let run = tree.checkout.action(&inputs).env("PATH", &support::cluster::bed("PATH")).env("A", VALUE);
    let run = run.event("push", &tree.checkout.head(), &serde_json::json!({}));
    run.run()
        .failed(1, &["foreign-tree", "`fork` gets no values and no build", "`mallory/name`"])
        .leaks_nothing(&CANARIES);
    tree.namespace.assert_empty();
}

#[test]
fn an_env_file_that_is_committed_is_not_read() {
    let tree = Surroundings::new("").file(".env.k8s.demo", "A=from-the-tree\n");
    tree.checkout.git(&["add", "-f", ".env.k8s.demo"]);
    tree.apply(&["--dry-run"]).done().said(&["env-file-not-ignored", "it is committed"]);
}

/// The walk sees the file, the build a link that has taken its place: the kernel refuses it.
#[test]
fn a_file_that_changes_between_walk_and_build_brings_nothing_in() {
    let tree = Surroundings::new("configMapGenerator: [{name: x, files: [k=turning]}]\n");
    let directory = tree.checkout.path().join("apps/overlays/demo");
    let [turning, link, file] = ["turning", "link", "file"].map(|name| directory.join(name));
    let out = tree.directory.path().join("outside.txt");
    std::fs::write(&turning, "decoy").expect("written");
    let stop = AtomicBool::new(false);
    // Also where an assertion ends the test.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                symlink(&out, &link).expect("a link");
                std::fs::rename(&link, &turning).expect("turned");
                std::fs::write(&file, "decoy").expect("written");
                std::fs::rename(&file, &turning).expect("turned back");
            }
        });
        // Whatever each ends with: refused by the walk, refused by the kernel, or the decoy.
        let codes: Vec<_> = (0..12).map(|_| tree.apply(&[]).code).collect();
        assert!(codes.iter().all(|code| [Some(0), Some(1)].contains(code)), "{codes:?}");
    });
}

#[test]
fn an_honest_tree_with_every_kind_of_file_is_built_inside_the_fence() {
    let tree = Surroundings::new(
        "components: [../../part]\nconfigMapGenerator: [{name: made, files: [k=a.txt], envs: [pairs.env]}]\n\
         configurations: [config.yml]\nreplacements: [{path: replacement.yml}]\ncrds: [crd.json]\n",
    )
    .file("apps/part/kustomization.yml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yml}]\n")
    .file("apps/part/p.yml", "apiVersion: v1\nkind: Secret\nmetadata: {name: app, labels: {part: yes-it-is}}\n")
    .file("apps/overlays/demo/a.txt", "text")
    .file("apps/overlays/demo/pairs.env", "P=q\n")
    .file("apps/overlays/demo/config.yml", "nameReference: []\n")
    .file("apps/overlays/demo/crd.json", "{}")
    .file("apps/overlays/demo/replacement.yml", "source: {kind: Secret, name: app, fieldPath: metadata.name}\ntargets:\n- select: {kind: ConfigMap}\n  fieldPaths: [metadata.labels.of]\n  options: {create: true}\n");
    let ended = tree.apply(&[]).done();
    let live = tree.namespace.kubectl(&["get", "configmap,secret", "-l", "part=yes-it-is", "-o", "name"]);
    assert_eq!(live.trim(), "secret/app", "{ended:?}");
    assert!(
        tree.namespace.kubectl(&["get", "configmap", "-o", "jsonpath={.items[*].data}"]).contains(r#""P":"q""#),
        "{ended:?}"
    );
}
