//! The story of the `eso` commands: three hand-made Secrets of two namespaces move to Vault and ExternalSecrets while they are
//! read as fast as that goes, with runs killed at any instant.
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

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use support::assert_no_leak;
use support::cluster::{bed, random, real_kubectl};
use support::eso::{Scene, bao};

const STRIPE: [&str; 12] = [
    "secret_key",
    "webhook_secret",
    "api_base_url",
    "app_base_url",
    "price_starter_monthly",
    "price_starter_annual",
    "price_pro_monthly",
    "price_pro_annual",
    "price_autopilot_monthly",
    "price_autopilot_annual",
    "price_addon_channel_monthly",
    "price_addon_channel_annual",
];
const SES: [&str; 4] = ["access_key_id", "secret_access_key", "region", "from_email"];
const AUTH: [&str; 7] = [
    "azure_ad_client_id",
    "azure_ad_client_secret",
    "azure_ad_tenant_id",
    "google_client_id",
    "google_client_secret",
    "nextauth_secret",
    "nextauth_url",
];

/// Namespace, name and keys of each Secret.
fn secrets(environment: &str) -> [(String, &'static str, &'static [&'static str]); 3] {
    let api = format!("keybuzz-api-{environment}");
    [
        (api.clone(), "keybuzz-stripe", &STRIPE),
        (api, "keybuzz-ses", &SES),
        (format!("keybuzz-client-{environment}"), "keybuzz-auth", &AUTH),
    ]
}

fn canary(secret: &str, key: &str) -> String {
    format!("canary: {secret} \"{key}\" #1 ü")
}

fn canaries() -> Vec<String> {
    let of = |(_, name, keys): (String, &'static str, &'static [&'static str])| {
        keys.iter().map(move |key| canary(name, key))
    };
    secrets("dev").into_iter().flat_map(of).collect()
}

/// Makes the namespaces, the Secrets as a person does, and a Deployment that uses one.
fn hand_made(scene: &Scene, environment: &str) {
    for name in ["api", "client"] {
        scene.namespace.kubectl(&["create", "namespace", &format!("keybuzz-{name}-{environment}")]);
    }
    for (namespace, name, keys) in secrets(environment) {
        let literals: Vec<String> =
            keys.iter().map(|key| format!("--from-literal={key}={}", canary(name, key))).collect();
        let mut words = vec!["create", "secret", "generic", name, "-n", &namespace, "--save-config"];
        words.extend(literals.iter().map(String::as_str));
        scene.namespace.kubectl(&words);
    }
}

fn deployment() -> Value {
    let container = json!({"name": "api", "image": "api", "envFrom": [{"secretRef": {"name": "keybuzz-stripe"}}]});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "keybuzz-api", "namespace": "keybuzz-api-dev"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}},
            "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [container]}}},
    })
}

fn pods(scene: &Scene) -> String {
    let path = "jsonpath={range .items[*]}{.metadata.uid}{\"\\n\"}{end}";
    let text = scene.namespace.kubectl(&["get", "pods", "-n", "keybuzz-api-dev", "-l", "app=api", "-o", path]);
    let mut uids: Vec<&str> = text.lines().collect();
    uids.sort_unstable();
    uids.join("\n")
}

/// `kubectl proxy`, and readers behind it that hold against it whatever is not as it was.
struct Watcher {
    proxy: Child,
    stop: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    readers: Vec<JoinHandle<Vec<String>>>,
}

impl Watcher {
    fn start(scene: &Scene) -> Self {
        let mut command = Command::new(real_kubectl());
        command.args(["proxy", "--port=0"]).env("KUBECONFIG", scene.namespace.kubeconfig());
        let mut proxy = command.stdout(Stdio::piped()).spawn().expect("kubectl proxy");
        let mut line = String::new();
        BufReader::new(proxy.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let readers = secrets("dev").map(|(namespace, name, _)| {
            let (address, stop, reads) = (address.clone(), Arc::clone(&stop), Arc::clone(&reads));
            let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
            std::thread::spawn(move || {
                let first = read(&address, &path).expect("the Secret before everything");
                let mut wrong = Vec::new();
                while !stop.load(Ordering::Relaxed) && wrong.is_empty() {
                    let now = read(&address, &path);
                    wrong.extend(difference(&first, now.as_ref()).map(|what| format!("{name}: {what}")));
                    reads.fetch_add(1, Ordering::Relaxed);
                    // A little room for the rest of a small machine.
                    std::thread::sleep(Duration::from_millis(2));
                }
                wrong
            })
        });
        Self { proxy, stop, reads, readers: readers.into() }
    }

    /// How many reads there were, none of which saw anything else than the first.
    fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let wrong: Vec<String> = self.readers.drain(..).flat_map(|reader| reader.join().expect("read")).collect();
        self.proxy.kill().expect("killed");
        self.proxy.wait().expect("ended");
        assert!(wrong.is_empty(), "{wrong:?}");
        self.reads.load(Ordering::Relaxed)
    }
}

fn read(address: &str, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    head.lines().next().expect("a status").contains(" 200 ").then(|| serde_json::from_str(body).expect("JSON"))
}

/// Without a value: which part of the Secret is another.
fn difference(first: &Value, now: Option<&Value>) -> Option<&'static str> {
    let Some(now) = now else { return Some("not there") };
    let uid = |secret: &Value| secret["metadata"]["uid"].clone();
    if uid(first) != uid(now) {
        return Some("another uid");
    }
    (first["data"] != now["data"]).then_some("other data")
}

#[test]
fn three_secrets_move_in_place_while_they_are_read_and_runs_are_killed() {
    let scene = Scene::new();
    hand_made(&scene, "dev");
    scene.namespace.create(&deployment().to_string());
    scene.namespace.wait_for("pods", |_| pods(&scene).lines().count() == 2);
    scene.wait_for_store();
    let (pods_before, canaries) = (pods(&scene), canaries());
    let canaries: Vec<&str> = canaries.iter().map(String::as_str).collect();
    let namespaces = "keybuzz-api-dev,keybuzz-client-dev";
    let watcher = Watcher::start(&scene);

    let inventory =
        scene.program(&["eso", "inventory", "--namespaces", namespaces]).run().done().leaks_nothing(&canaries);
    inventory.said(&[
        "keybuzz-stripe",
        "manual",
        "Deployment keybuzz-api",
        "values in clear in last-applied-configuration",
    ]);
    let prefix = format!("{}/keybuzz", scene.prefix);
    let plan = ["eso", "plan", "--namespaces", namespaces, "--prefix", &prefix, "--store", &scene.store];
    scene.program(&plan).run().done().leaks_nothing(&canaries).said(&["Planned 3 Secrets", "still-applied"]);
    let planned = scene.checkout.read("eso-plan.yaml");

    // Killed at any instant of what takes a few seconds.
    let mut state = random();
    for _ in 0..8 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let started = scene.carry_out(&["--output", "k8s/dev"]).start();
        std::thread::sleep(Duration::from_millis(200 + (state >> 40) % 2800));
        started.kill();
    }
    let report =
        scene.carry_out(&["--output", "k8s/dev", "--format", "markdown"]).run().done().leaks_nothing(&canaries);
    for words in [
        "### In Vault",
        "### Checks",
        "| ExternalSecret ready and in sync with its spec (SecretSynced) | 3/3 |",
        "k8s/dev/keybuzz-auth-secrets.yaml",
    ] {
        assert!(report.stdout.contains(words), "{words}: {report:?}");
    }
    scene
        .carry_out(&["--output", "k8s/dev"])
        .run()
        .done()
        .leaks_nothing(&canaries)
        .said(&["Nothing to do: all 3 Secrets"]);
    // Planning again plans the same.
    scene.program(&plan).run().done();
    assert_eq!(scene.checkout.read("eso-plan.yaml"), planned);
    scene
        .verify(&["--max-age", "1h"])
        .run()
        .done()
        .leaks_nothing(&canaries)
        .said(&["3 in sync, 3 equal to Vault byte by byte"]);

    assert!(watcher.end() > 300);
    assert_eq!(pods(&scene), pods_before);
    scene.checkout.holds_nothing(&canaries, &[]);
    for (namespace, name, keys) in secrets("dev") {
        let short = name.trim_start_matches("keybuzz-");
        let path = format!("{prefix}/{name}");
        let kept: Value =
            serde_json::from_str(&bao(&["kv", "get", "-mount=secret", "-format=json", &path], "")).unwrap();
        assert!(keys.iter().all(|key| kept["data"]["data"][key] == canary(name, key)), "{short}: another value");
        assert_eq!(kept["data"]["metadata"]["version"], 1, "{short}: written twice");
        let object: Value =
            serde_json::from_str(&scene.namespace.kubectl(&["get", "secret", name, "-n", &namespace, "-o", "json"]))
                .unwrap();
        let annotations = object["metadata"]["annotations"].to_string();
        assert!(!annotations.contains("last-applied"), "{name}: values in clear");
        assert_no_leak("annotations", annotations.as_bytes(), &canaries);
        let names = scene.namespace.kubectl(&["get", "externalsecrets,secrets", "-n", &namespace, "-o", "name"]);
        assert!(!names.contains("-eso-check"), "{names}");
    }
    // Who applies the files later has no conflict.
    let directory = scene.checkout.path().join("k8s/dev");
    scene.namespace.kubectl(&["apply", "--server-side", "-f", &directory.display().to_string()]);
}

#[test]
fn the_next_environment_goes_below_its_own_prefix() {
    let scene = Scene::new();
    hand_made(&scene, "prod");
    scene.wait_for_store();
    let prefix = format!("{}/prod", scene.prefix);
    let plan = [
        "eso",
        "plan",
        "--namespaces",
        "keybuzz-api-prod,keybuzz-client-prod",
        "--prefix",
        &prefix,
        "--store",
        &scene.store,
    ];
    scene.program(&plan).run().done();
    scene.carry_out(&[]).run().done().said(&["Moved 3 of 3 Secrets"]);
    let listed = bao(&["kv", "list", "-mount=secret", &prefix], "");
    assert!(["keybuzz-stripe", "keybuzz-ses", "keybuzz-auth"].iter().all(|name| listed.contains(name)), "{listed}");
    assert!(scene.checkout.exists("external-secrets/keybuzz-stripe-secrets.yaml"));
    assert!(bed("BED_DIR").len() > 1);
}
