//! A namespace of its own on the test bed's API server, looked at with plain kubectl.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Run;

/// A number that no other test has.
pub fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// A variable of the bed.
pub fn bed(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}: run this under `bed run`"))
}

/// Where the bed's kubectl is.
pub fn real_kubectl() -> PathBuf {
    std::env::split_paths(&bed("PATH"))
        .map(|directory| directory.join("kubectl"))
        .find(|file| file.is_file())
        .expect("kubectl")
}

/// A namespace that the test shares with nobody.
pub struct Namespace {
    name: String,
    directory: TempDir,
}

impl Namespace {
    /// Created, with a kubeconfig whose context has it as its own.
    pub fn new() -> Self {
        Self::in_cluster(&bed("KUBECONFIG"))
    }

    /// The same in the cluster of this cluster-admin's kubeconfig.
    pub fn in_cluster(kubeconfig: &str) -> Self {
        let namespace = Self::named(kubeconfig);
        namespace.kubectl(&["create", "namespace", &namespace.name]);
        namespace
    }

    /// Only named.
    pub fn absent() -> Self {
        Self::named(&bed("KUBECONFIG"))
    }

    fn named(kubeconfig: &str) -> Self {
        let name = format!("t-{:016x}", random());
        let namespace = Self { name, directory: TempDir::new().expect("a temporary directory") };
        let admin = fs::read_to_string(kubeconfig).expect("the bed's kubeconfig");
        let mut config: Value = serde_json::from_str(&admin).expect("JSON");
        config["contexts"][0]["context"]["namespace"] = json!(namespace.name);
        namespace.write("kubeconfig", &config.to_string());
        namespace
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file beside the kubeconfig, outside of the checkout; its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    /// The cluster-admin's kubeconfig with this namespace.
    pub fn kubeconfig(&self) -> String {
        self.directory.path().join("kubeconfig").display().to_string()
    }

    /// The same as data, to be changed.
    pub fn config(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.kubeconfig()).expect("a file")).expect("JSON")
    }

    /// The kubeconfig of a new user, who may do what `rules` of a Role in this namespace say (JSON).
    pub fn user(&self, rules: &Value, expired: bool) -> String {
        let name = format!("user-{:016x}", random());
        let mut command = Command::new(bed("BED"));
        command.args(["user", &name]).args(expired.then_some("--expired"));
        let output = command.output().expect("bed user");
        let mut config: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        config["contexts"][0]["context"]["namespace"] = json!(self.name);
        self.grant(&json!({"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}), rules);
        self.write(&name, &config.to_string())
    }

    /// Lets `subject` do in this namespace what `rules` say.
    pub fn grant(&self, subject: &Value, rules: &Value) {
        let metadata = json!({"name": format!("role-{:016x}", random()), "namespace": self.name});
        let api_version = "rbac.authorization.k8s.io/v1";
        let role = json!({"apiVersion": api_version, "kind": "Role", "metadata": metadata, "rules": rules});
        let binding = json!({"apiVersion": api_version, "kind": "RoleBinding", "metadata": metadata, "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": metadata["name"]}});
        self.create(&json!({"apiVersion": "v1", "kind": "List", "items": [role, binding]}).to_string());
    }

    /// kubectl in this namespace as cluster-admin, which has to succeed; its stdout.
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.try_kubectl(arguments, "");
        assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub fn try_kubectl(&self, arguments: &[&str], stdin: &str) -> Output {
        use std::io::Write as _;
        let mut command = Command::new(real_kubectl());
        command.args(arguments).env_clear().env("KUBECONFIG", self.kubeconfig()).env("KUBECACHEDIR", "/dev/null");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl");
        child.stdin.take().expect("stdin").write_all(stdin.as_bytes()).expect("fed");
        child.wait_with_output().expect("ended")
    }

    /// `kubectl create -f -`.
    #[track_caller]
    pub fn create(&self, manifest: &str) {
        let output = self.try_kubectl(&["create", "-f", "-"], manifest);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A live object, such as `secret/app`.
    #[track_caller]
    pub fn object(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", what, "-o", "json"])).expect("JSON")
    }

    /// The bytes of each key of a live Secret or ConfigMap.
    #[track_caller]
    pub fn values(&self, what: &str) -> BTreeMap<String, Vec<u8>> {
        let object = self.object(what);
        let bytes = |value: &Value| {
            let text = value.as_str().expect("a string");
            if object["kind"] == "Secret" { STANDARD.decode(text).expect("base64") } else { text.as_bytes().to_vec() }
        };
        let data = object["data"].as_object().cloned().unwrap_or_default();
        data.iter().map(|(key, value)| (key.clone(), bytes(value))).collect()
    }

    /// One key's value as text.
    #[track_caller]
    pub fn value(&self, what: &str, key: &str) -> String {
        let values = self.values(what);
        let bytes = values.get(key).unwrap_or_else(|| panic!("{what} has no {key} but {:?}", values.keys()));
        String::from_utf8(bytes.clone()).expect("UTF-8")
    }

    /// Names and resourceVersions of what a test may have written here.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let kinds = "secrets,configmaps,deployments,jobs,services,serviceaccounts";
        let list: Value = serde_json::from_str(&self.kubectl(&["get", kinds, "-o", "json"])).expect("JSON");
        let of_the_cluster = |name: &str| matches!(name, "kube-root-ca.crt" | "default");
        let items = list["items"].as_array().expect("items").iter();
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        items
            .map(|item| (text(&item["kind"]), &item["metadata"]))
            .filter(|(_, metadata)| !of_the_cluster(&text(&metadata["name"])))
            .map(|(kind, metadata)| (format!("{kind}/{}", text(&metadata["name"])), text(&metadata["resourceVersion"])))
            .collect()
    }

    /// No object was written here.
    #[track_caller]
    pub fn assert_empty(&self) {
        assert_eq!(self.versions(), BTreeMap::new());
    }

    /// Asks again until `is_so`.
    #[track_caller]
    pub fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !is_so(self) {
            assert!(Instant::now() < deadline, "no {what} after 120 s");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A directory with a program `kubectl` that does what the shell lines in `before` say and then is the real one.
    ///
    /// `$calls` names a directory of its own; the environment is what a child of the program gets, so programs need absolute paths.
    pub fn wrapper(&self, before: &str) -> Wrapper {
        let directory = self.directory.path().join(format!("bin-{:016x}", random()));
        let calls = directory.join("calls");
        fs::create_dir_all(&calls).expect("a directory");
        let file = directory.join("kubectl");
        let told = directory.join("told");
        fs::create_dir_all(&told).expect("a directory");
        let script = format!(
            "#!/bin/sh\n/bin/cat /proc/$$/cmdline /proc/$$/environ >'{}'/$$\ncalls='{}'\n{before}\nexec '{}' \"$@\"\n",
            told.display(),
            calls.display(),
            real_kubectl().display()
        );
        fs::write(&file, script).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
        Wrapper { directory, calls, told }
    }
}

/// A program `kubectl` in a directory of its own.
pub struct Wrapper {
    pub directory: PathBuf,
    pub calls: PathBuf,
    /// Arguments and environment of each call.
    pub told: PathBuf,
}

impl Run {
    /// With the bed's kubectl, as cluster-admin in `namespace`.
    #[must_use]
    pub fn in_namespace(self, namespace: &Namespace) -> Self {
        self.env("PATH", &bed("PATH")).env("KUBECONFIG", &namespace.kubeconfig())
    }

    /// With `wrapper` for kubectl.
    #[must_use]
    pub fn through(mut self, wrapper: &Wrapper) -> Self {
        self.calls = Some(wrapper.told.clone());
        let path = format!("{}:/usr/bin:/bin", wrapper.directory.display());
        self.env("PATH", &path)
    }
}

/// Every file beneath `directory`, by its relative path, without what git keeps for itself.
pub fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                if path.file_name().is_none_or(|name| name != ".git") {
                    left.push(path);
                }
            } else {
                let name = path.strip_prefix(directory).expect("beneath").display().to_string();
                found.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    found
}
