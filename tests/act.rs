//! Needs the test bed with docker, external-secrets and vault, and the image.
//!
//! The example workflows, and those of `tests/act`, run by act with the built image: main and post stage, against the bed's API server.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::cluster::{Namespace, bed, random};
use support::eso::{Scene as Migrated, bao, of_vault};
use support::github::{GitHub, WORKFLOW_TOKEN};
use support::issuer::Issuer;
use support::{Checkout, Ended};
use tempfile::TempDir;

const ACTION: &str = "secret-patch/secret-patch@0000000000000000000000000000000000000000";
const IMAGE: &str = "localhost/secret-patch:act";
const PATCH: &str = "docker/k8/config/staging-secret-config-patch.yml";
const REMOVED: &str = "`docker/k8/config/staging-secret-config-patch.yml` is removed";

/// act names the containers of a job after its workflow, so they run one after another.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const CANARIES: [(&str, &str); 6] = [
    ("LIVEKIT_URL", "wss://canary-7c1e.livekit.example.com"),
    ("LIVEKIT_API_KEY", "APIcanary \"first\" #1"),
    ("LIVEKIT_API_SECRET", "canary-secret\\not-a-newline-$HOME-100%"),
    ("CARTESIA_API_KEY", "canary: it's {not} [a] real key"),
    ("OPENAI_API_KEY", "sk-canary-0000-as-it-is"),
    ("DEEPGRAM_API_KEY", "deepgram-canary-31337"),
];

/// The example's repository with the example workflows, whose environments have namespaces of their own.
struct Scene {
    checkout: Checkout,
    staging: Namespace,
    prod: Namespace,
    action: TempDir,
    options: Vec<String>,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    fn new() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let checkout = Checkout::example();
        let [staging, prod] = ["staging", "prod"].map(|environment| namespace_of(environment, &checkout));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        checkout.git(&["remote", "set-url", "origin", "https://github.com/owner/name.git"]);
        for name in ["deploy-staging", "deploy-prod", "pr-diff", "render-and-kubectl", "verify-secrets"] {
            let text = fs::read(root.join(format!("examples/workflows/{name}.yml"))).expect("read");
            checkout.write(&format!(".github/workflows/{name}.yml"), &text);
        }
        checkout.commit();
        // What a release makes of it.
        let action = TempDir::new().expect("a directory");
        let copied = Command::new("cp").arg("-r").arg(root.join("setup")).arg(action.path()).status().expect("cp");
        assert!(copied.success());
        let text = fs::read_to_string(root.join("action.yml")).expect("action.yml");
        let released = text.replace("image: Dockerfile", &format!("image: docker://{IMAGE}"));
        fs::write(action.path().join("action.yml"), released).expect("written");
        Self { checkout, staging, prod, action, options: Vec::new(), _alone: alone }
    }

    /// With workflows of `tests/act`.
    fn with(self, names: &[&str]) -> Self {
        for name in names {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/act/{name}.yml"));
            self.checkout.write(&format!(".github/workflows/{name}.yml"), &fs::read(file).expect("read"));
        }
        self.checkout.commit();
        self
    }

    fn option(mut self, words: &[&str]) -> Self {
        self.options.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    fn command(&self, event: &str, workflow: &str, secrets: &[(&str, &str)]) -> Command {
        let mut act = Command::new("act");
        act.current_dir(self.checkout.path()).args([event, "-W", &format!(".github/workflows/{workflow}.yml")]);
        act.args(["--pull=false", "--action-offline-mode", "--no-cache-server", "--container-daemon-socket", "-"]);
        act.args(["--local-repository", &format!("{ACTION}={}", self.action.path().display())]);
        if !self.options.iter().any(|word| word == "-P") {
            act.args(["-P", "ubuntu-24.04=localhost/job:1"]);
        }
        act.args(&self.options);
        for (name, value) in secrets {
            // By name only: the value is in act's environment, as it would be in the runner's.
            act.args(["-s", name]).env(name, value);
        }
        act.stdin(Stdio::null());
        act
    }

    fn run(&self, event: &str, workflow: &str, secrets: &[(&str, &str)]) -> Ended {
        let ended = ended(self.command(event, workflow, secrets).output().expect("act"));
        ended.leaks_nothing(&CANARIES.map(|(_, value)| value))
    }

    fn dispatch(&self, workflow: &str, secrets: &[(&str, &str)]) -> Ended {
        self.run("workflow_dispatch", workflow, secrets)
    }
}

/// A new namespace, put into the overlay in place of the one that it names.
fn namespace_of(environment: &str, checkout: &Checkout) -> Namespace {
    let namespace = Namespace::new();
    let overlay = format!("docker/k8/apps/overlays/{environment}/kustomization.yml");
    let text = fs::read_to_string(checkout.path().join(&overlay)).expect("an overlay");
    let named = format!("namespace: livekit-{environment}\n");
    assert!(text.contains(&named), "{text}");
    checkout.write(&overlay, text.replace(&named, &format!("namespace: {}\n", namespace.name())).as_bytes());
    namespace
}

fn ended(output: Output) -> Ended {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn kubectl(arguments: &[&str]) -> String {
    let output = Command::new("kubectl").args(arguments).output().expect("kubectl");
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn kubeconfig() -> String {
    fs::read_to_string(bed("KUBECONFIG")).expect("the bed's kubeconfig")
}

/// The secrets of the repository, but those named.
fn secrets<'a>(kubeconfig: &'a str, without: &[&str]) -> Vec<(&'a str, &'a str)> {
    let (_, url) = CANARIES[0];
    let mut all = CANARIES[1..].to_vec();
    all.extend([("LIVEKIT_URL_STAGING", url), ("LIVEKIT_URL_PROD", url), ("GITHUB_TOKEN", WORKFLOW_TOKEN)]);
    let mut all: Vec<(&str, &str)> = all;
    let names = ["KUBECONFIG_STAGING", "KUBECONFIG_PROD", "KUBECONFIG_STAGING_READ"];
    all.extend(names.map(|name| (name, kubeconfig)));
    all.retain(|(name, _)| !without.contains(name));
    all
}

/// Whether every value is in the namespace.
#[track_caller]
fn assert_deployed(namespace: &Namespace) {
    let secrets: Value = serde_json::from_str(&namespace.kubectl(&["get", "secrets", "-o", "json"])).expect("JSON");
    let live = |name: &str| {
        let items = secrets["items"].as_array().expect("items");
        let encoded = items.iter().find_map(|item| item["data"][name].as_str()).unwrap_or_default();
        STANDARD.decode(encoded).expect("base64")
    };
    for (name, value) in &CANARIES[1..] {
        assert!(live(name) == value.as_bytes(), "{name} is not as it should be");
    }
}

#[test]
fn deploy_staging_deploys_and_a_second_run_changes_nothing() {
    let scene = Scene::new();
    let kubeconfig = kubeconfig();
    let said = scene.dispatch("deploy-staging", &secrets(&kubeconfig, &[])).done();
    said.said(&["Applied staging: 7 objects added, 2 workloads ready", "nothing to remove", "Job succeeded"]);
    assert_deployed(&scene.staging);
    let push = scene.run("push", "deploy-staging", &secrets(&kubeconfig, &[])).done();
    push.said(&["7 objects", "unchanged", "::set-output:: changed=false"]);
}

#[test]
fn deploy_prod_deploys_a_published_release() {
    let scene = Scene::new();
    let kubeconfig = kubeconfig();
    let event =
        json!({"action": "published", "release": {"tag_name": "v1.0.0"}, "repository": {"full_name": "owner/name"}});
    scene.checkout.write(".runner/event.json", event.to_string().as_bytes());
    let scene = scene.option(&["-e", ".runner/event.json"]);
    scene.run("release", "deploy-prod", &secrets(&kubeconfig, &[])).done().said(&["Applied prod: 7 objects added"]);
    assert_deployed(&scene.prod);
}

/// A pull request from a branch of `head`.
fn pull_request(scene: &Scene, head: &str) -> Value {
    let repository = |name: &str| json!({"full_name": name, "id": if name == "owner/name" { 1 } else { 2 }});
    json!({"action": "synchronize", "number": 5, "repository": repository("owner/name"), "pull_request": {
        "number": 5,
        "head": {"ref": "topic", "sha": scene.checkout.head(), "repo": repository(head)},
        "base": {"ref": "main", "sha": scene.checkout.head(), "repo": repository("owner/name")}}})
}

#[test]
fn pr_diff_checks_and_comments_without_values() {
    let mut github = GitHub::start();
    let scene = Scene::new();
    let kubeconfig = kubeconfig();
    scene.checkout.write(".runner/event.json", pull_request(&scene, "owner/name").to_string().as_bytes());
    let api = format!("GITHUB_API_URL={}", github.api_url);
    let scene = scene.option(&["-e", ".runner/event.json", "--env", &api]);
    let ended = scene.run("pull_request", "pr-diff", &secrets(&kubeconfig, &[])).done();
    ended.said(&["Check", "An apply of staging would add 7 objects", "Job succeeded"]);
    let comments = github.comments();
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.contains("agent-secrets"), "{}", comments[0].body);
}

#[test]
fn pr_diff_of_a_fork_checks_and_asks_no_cluster() {
    let mut github = GitHub::start();
    let scene = Scene::new();
    scene.checkout.write(".runner/event.json", pull_request(&scene, "someone/name").to_string().as_bytes());
    let api = format!("GITHUB_API_URL={}", github.api_url);
    let scene = scene.option(&["-e", ".runner/event.json", "--env", &api]);
    let ended = scene.run("pull_request", "pr-diff", &[("GITHUB_TOKEN", WORKFLOW_TOKEN)]).done();
    ended.said(&["Job succeeded"]);
    assert_eq!(github.comments(), []);
}

#[test]
fn the_two_step_form_hands_the_patch_to_kubectl_and_it_is_gone_afterwards() {
    let scene = Scene::new().option(&["-P", &format!("ubuntu-24.04={}", image_with_kubectl())]);
    let kubeconfig = kubeconfig();
    scene.dispatch("render-and-kubectl", &secrets(&kubeconfig, &[])).done().said(&[REMOVED, "Job succeeded"]);
    assert_deployed(&scene.staging);
}

/// The job's image with a kubectl, as GitHub's own runners have one.
fn image_with_kubectl() -> String {
    let kubectl = format!("COPY --from={IMAGE} /usr/local/bin/kubectl /bin/kubectl\n");
    job_image("kubectl", &kubectl, TempDir::new().expect("a directory").path())
}

/// The job's image with more in it, of `context`.
fn job_image(tag: &str, more: &str, context: &Path) -> String {
    let name = format!("localhost/job:{tag}");
    fs::write(context.join("Dockerfile"), format!("FROM localhost/job:1\n{more}")).expect("written");
    let mut docker = Command::new("docker");
    docker.env("DOCKER_BUILDKIT", "0").args(["build", "--quiet", "--tag", &name]).arg(context);
    assert!(docker.stdout(Stdio::null()).status().expect("docker").success());
    name
}

#[test]
fn a_job_that_fails_after_the_render_leaves_no_patch() {
    // The job's image has no kubectl.
    let scene = Scene::new();
    let kubeconfig = kubeconfig();
    scene.dispatch("render-and-kubectl", &secrets(&kubeconfig, &[])).failed(1, &["kubectl: not found", REMOVED]);
}

#[test]
fn a_missing_secret_fails_the_step_by_its_name_and_nothing_is_written() {
    let scene = Scene::new();
    let kubeconfig = kubeconfig();
    let ended = scene.dispatch("deploy-staging", &secrets(&kubeconfig, &["OPENAI_API_KEY"]));
    ended.failed(1, &["OPENAI_API_KEY", "Post secret-patch"]);
    assert_eq!(scene.staging.kubectl(&["get", "secrets", "-o", "name"]), "");
}

#[test]
fn what_an_earlier_step_set_for_all_processes_changes_nothing() {
    let scene = Scene::new().with(&["hostile"]);
    let kubeconfig = kubeconfig();
    let ended =
        scene.dispatch("hostile", &secrets(&kubeconfig, &[])).done().said(&["Applied staging", "Job succeeded"]);
    // act shows the script itself, so only a line that it printed counts.
    assert!(!ended.stdout.lines().any(|line| line.ends_with("| hijacked")), "{ended:?}");
    assert_deployed(&scene.staging);
}

#[test]
fn a_kubeconfig_that_an_earlier_step_left_is_used() {
    let shared = TempDir::new().expect("a directory");
    let mount = format!("--volume={}:/tmp", shared.path().display());
    let scene = Scene::new().with(&["kubeconfig"]).option(&["--container-options", &mount]);
    let kubeconfig = kubeconfig();
    scene.dispatch("kubeconfig", &secrets(&kubeconfig, &[])).done().said(&["Applied staging"]);
    assert_deployed(&scene.staging);
}

#[test]
fn a_job_in_a_container_and_a_called_workflow_deploy_too() {
    let scene = Scene::new().with(&["container", "caller", "called"]);
    let kubeconfig = kubeconfig();
    scene.dispatch("container", &secrets(&kubeconfig, &[])).done().said(&["Applied staging: 7 objects added"]);
    assert_deployed(&scene.staging);
    scene.dispatch("caller", &secrets(&kubeconfig, &[])).done().said(&["unchanged", "Job succeeded"]);
}

#[test]
fn a_workspace_that_outlives_the_job_keeps_its_owner() {
    let scene = Scene::new().with(&["leftovers"]).option(&["--bind"]);
    let kubeconfig = kubeconfig();
    let (user, group) = (1234, 2345);
    everything_beneath(scene.checkout.path())
        .iter()
        .for_each(|path| chown(path, Some(user), Some(group)).expect("given"));
    scene.dispatch("leftovers", &secrets(&kubeconfig, &[])).done().said(&["left 1234:2345 600", REMOVED]);
    assert!(!scene.checkout.exists(PATCH));
    for path in everything_beneath(scene.checkout.path()) {
        let owner = path.symlink_metadata().expect("there");
        assert_eq!((owner.uid(), owner.gid()), (user, group), "{}", path.display());
    }
    scene.checkout.holds_nothing(&CANARIES.map(|(_, value)| value), &[]);
}

fn everything_beneath(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let beneath = entries.flat_map(|entry| match entry.file_type().expect("a type").is_dir() {
        true => everything_beneath(&entry.path()),
        false => vec![entry.path()],
    });
    beneath.chain([directory.to_owned()]).collect()
}

/// The workflow `cancelled` up to where its second step waits, then `act` is what happens to it: it has to end soon, and nothing is left.
fn interrupted(act: impl FnOnce(&Child)) -> Ended {
    let vault = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("VAULT_URL=http://{}", vault.local_addr().expect("an address"));
    let scene = Scene::new().with(&["cancelled"]).option(&["--bind", "--var", &url]);
    let kubeconfig = kubeconfig();
    let mut secrets = secrets(&kubeconfig, &[]);
    secrets.push(("VAULT_TOKEN", "hvs.canary-token-0123"));
    let mut command = scene.command("workflow_dispatch", "cancelled", &secrets);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("act");
    let connection = vault.accept().expect("asked");
    assert!(scene.checkout.exists(PATCH), "the first step has written it");
    let began = Instant::now();
    act(&child);
    let ended = ended(child.wait_with_output().expect("ended"));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    drop(connection);
    assert_ne!(ended.code, Some(0));
    assert!(!scene.checkout.exists(PATCH), "{ended:?}");
    let canaries = CANARIES.map(|(_, value)| value);
    scene.checkout.holds_nothing(&[&canaries[..], &["hvs.canary-token-0123"]].concat(), &[]);
    ended.leaks_nothing(&canaries)
}

#[test]
fn a_cancelled_job_ends_soon_and_leaves_nothing() {
    interrupted(|act| {
        let killed = Command::new("kill").args(["-INT", &act.id().to_string()]).status().expect("kill");
        assert!(killed.success());
    });
}

#[test]
fn a_main_stage_that_is_killed_leaves_nothing_after_the_post_stage() {
    let ended = interrupted(|_| {
        let script = format!("docker kill --signal KILL $(docker ps --quiet --filter ancestor={IMAGE})");
        assert!(Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status().expect("sh").success());
    });
    ended.said(&[REMOVED]);
}

#[test]
fn the_schedule_tells_whether_secrets_are_in_sync_and_where_not() {
    let (request_token, jwt) = ("runner-request-t0ken", of_vault("jwt/reader"));
    let issuer = Issuer::start(request_token, jwt.clone(), 0);
    let role = r#"{"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["https://github.com/owner"],
        "bound_claims": {"repository": "owner/name"}, "token_policies": ["reader"]}"#;
    bao(&["write", "auth/jwt/role/verify-secrets", "-"], role);
    let (name, value) = CANARIES[4];
    let migrated = Migrated::new();
    migrated.put("app", &json!({name: value}).to_string());
    migrated.namespace.create(&external_secret(&migrated, name));
    migrated.namespace.wait_for("Secret from OpenBao", |namespace| {
        let keys = namespace.kubectl(&["get", "secret", "app", "--ignore-not-found", "-o", "jsonpath={.data}"]);
        keys.contains(name)
    });
    let authority = fs::read_to_string(format!("{}/vault/ca.crt", bed("BED_DIR"))).expect("a file of the bed");
    let scene = Scene::new()
        .option(&[
            "--var",
            &format!("VAULT_URL={}", bed("BED_VAULT_TLS_ADDR")),
            "--var",
            &format!("VAULT_CA={authority}"),
        ])
        .option(&["--env", &format!("ACTIONS_ID_TOKEN_REQUEST_URL={}", issuer.url)])
        .option(&["--env", &format!("ACTIONS_ID_TOKEN_REQUEST_TOKEN={request_token}")]);
    let reader = reader();
    let verify =
        || scene.run("schedule", "verify-secrets", &[("KUBECONFIG_READ", &reader), ("GITHUB_TOKEN", WORKFLOW_TOKEN)]);
    let path = format!("{}/app", migrated.namespace.name());
    verify().leaks_nothing(&[&jwt]).done().said(&[
        migrated.namespace.name(),
        "1 in sync, 1 equal to Vault byte by byte",
        "Job succeeded",
    ]);
    assert_eq!(issuer.seen().len(), 1);
    migrated.put("app", &json!({name: CANARIES[5].1}).to_string());
    verify().leaks_nothing(&[&jwt]).failed(1, &["Error", &path, "differs-from-vault"]);
}

/// The Secret `app` of Vault's path of the same name.
fn external_secret(migrated: &Migrated, key: &str) -> String {
    let of_path = json!({"key": migrated.path("app"), "property": key});
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "app"},
        "spec": {
            "refreshInterval": "1h0m0s",
            "secretStoreRef": {"name": migrated.store, "kind": "ClusterSecretStore"},
            "target": {"name": "app"},
            "data": [{"secretKey": key, "remoteRef": of_path}],
        },
    })
    .to_string()
}

/// The kubeconfig of an account that may look at Secrets and ExternalSecrets, and change nothing.
fn reader() -> String {
    let name = format!("reader-{:016x}", random());
    let output = Command::new(bed("BED")).args(["user", &name]).output().expect("bed user");
    assert!(output.status.success());
    let resources = "secrets,namespaces,events,externalsecrets.external-secrets.io,secretstores.external-secrets.io,clustersecretstores.external-secrets.io";
    kubectl(&["create", "clusterrole", &name, "--verb=get,list", "--resource", resources]);
    kubectl(&["create", "clusterrolebinding", &name, "--clusterrole", &name, "--user", &name]);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_runner_without_containers_gets_the_release_and_runs_it_in_its_steps() {
    let published = TempDir::new().expect("a directory");
    let mount = format!("--volume={0}:{0}:ro", published.path().display());
    let scene = Scene::new().with(&["setup"]).option(&["-P", &format!("ubuntu-24.04={}", image_with_bash_and_curl())]);
    publish(published.path(), &scene.action.path().join("setup/release.txt"));
    let scene = scene.option(&["--container-options", &mount]);
    let kubeconfig = kubeconfig();
    let ended = scene.dispatch("setup", &secrets(&kubeconfig, &[])).done();
    ended.said(&[
        "secret-patch v0.1.0",
        "Applied staging: 7 objects added, 2 workloads ready",
        "version v0.1.0, changed true",
        REMOVED,
    ]);
    assert_deployed(&scene.staging);
    let ended = scene.dispatch("setup", &secrets(&kubeconfig, &["OPENAI_API_KEY"]));
    ended.failed(1, &["::error title=empty-value,file=docker/k8/config/", "`OPENAI_API_KEY` is empty"]);
    let release = scene.action.path().join("setup/release.txt");
    let changed = fs::read_to_string(&release).expect("read").replace(" linux-amd64 ", " linux-amd64 0");
    fs::write(&release, changed).expect("written");
    scene.dispatch("setup", &secrets(&kubeconfig, &[])).failed(1, &["its checksum differs"]);
}

/// The image's two programs in `directory` as a release has them, and `release.txt` that lists them.
fn publish(directory: &Path, release: &Path) {
    let script = format!(
        r#"set -eu
        id=$(docker create {IMAGE}) && trap 'docker rm "$id" >/dev/null' EXIT
        for program in secret-patch kubectl; do
          docker cp "$id:/usr/local/bin/$program" "$1/$program-linux-amd64" >/dev/null
          sum=$(sha256sum <"$1/$program-linux-amd64")
          echo "$program v0.1.0 linux-amd64 ${{sum%% *}} file://$1/$program-linux-amd64" >>"$2"
        done"#
    );
    let mut sh = Command::new("sh");
    assert!(sh.args(["-c", &script, "sh"]).arg(directory).arg(release).status().expect("sh").success());
}

/// The job's image with this machine's bash and curl, as every runner has them.
fn image_with_bash_and_curl() -> String {
    let context = TempDir::new().expect("a directory");
    let script = r#"set -eu
        for program in bash curl; do
          file=$(readlink -f "$(command -v "$program")")
          install -D "$file" "$1/root/bin/$program"
          ldd "$file" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$1/root$library"; done
        done
        mkdir -p "$1/root/usr/bin" && ln -s /bin/busybox "$1/root/usr/bin/env""#;
    let mut sh = Command::new("sh");
    assert!(sh.args(["-c", script, "sh"]).arg(context.path()).status().expect("sh").success());
    job_image(
        "setup",
        "COPY root /
",
        context.path(),
    )
}
