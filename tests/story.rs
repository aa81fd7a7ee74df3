//! One true story: the example deployed to staging while External Secrets serves a Secret from OpenBao beside it, then a
//! key changed in both places.
//!
//! Needs the test bed with external-secrets and vault.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads files, starts programs, and panics where it fails"
)]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::Checkout;
use support::cluster::{Namespace, bed};

const STAGING: &str = "livekit-staging";
const CHANGED: &str = "sk-demo-1111 \"changed\": yes # it is";
const TOKEN: &str = "hook-9f2c: 100% \"true\" #1";
const ROTATED: &str = "hook-rotated-5a17\nwith a second line";

#[test]
fn the_example_is_deployed_and_changed_beside_a_secret_that_comes_from_openbao() {
    let cluster = Namespace::absent();
    cluster.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STAGING}}).to_string());
    put_in_openbao(TOKEN);
    cluster.create(&store().to_string());
    cluster.create(&external_secret().to_string());
    wait_for_token(&cluster, TOKEN);

    let checkout = Checkout::example();
    let apply = || checkout.program(&["apply", "staging", "--env-file", "demo.env", "--yes"]).on_bed().run().done();
    let values = demo_values(&checkout);
    let secrets = values.iter().filter(|(name, _)| name.contains("_API_"));
    let canaries: Vec<&str> = secrets.map(|(_, value)| value.as_str()).collect();
    assert_eq!(canaries.len(), 5);
    apply().leaks_nothing(&canaries).said(&["Applied staging: 7 objects added, 2 workloads ready"]);
    assert_eq!(live(&cluster, "agent-secrets", "OPENAI_API_KEY"), value_of(&values, "OPENAI_API_KEY"));
    assert_eq!(live(&cluster, "shared-secrets", "LIVEKIT_API_KEY"), value_of(&values, "LIVEKIT_API_KEY"));
    let served = uid(&cluster, "webhook");

    let env_file = checkout.read("demo.env");
    let others = env_file.lines().filter(|line| !line.starts_with("OPENAI_API_KEY="));
    let changed = others.chain([format!("OPENAI_API_KEY='{CHANGED}'").as_str()]).collect::<Vec<_>>().join("\n");
    checkout.write("demo.env", changed.as_bytes());
    apply().leaks_nothing(&[CHANGED]).said(&["OPENAI_API_KEY", "1 object changed, 6 unchanged"]);
    assert_eq!(live(&cluster, "agent-secrets", "OPENAI_API_KEY"), CHANGED);
    assert_eq!(live(&cluster, "agent-secrets", "DEEPGRAM_API_KEY"), value_of(&values, "DEEPGRAM_API_KEY"));
    apply().said(&["7 objects unchanged"]);

    put_in_openbao(ROTATED);
    cluster.kubectl(&["annotate", "externalsecret", "webhook", "-n", STAGING, "force-sync=1"]);
    wait_for_token(&cluster, ROTATED);
    assert_eq!(uid(&cluster, "webhook"), served);
}

/// What `demo.env` says, read by the shell.
fn demo_values(checkout: &Checkout) -> Vec<(String, String)> {
    let script = "set -a; . ./demo.env; exec env -0";
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", script]).env_clear().current_dir(checkout.path()).output().expect("a shell");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.filter(|(name, _)| checkout.read("demo.env").contains(&format!("\n{name}=")));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn value_of<'a>(values: &'a [(String, String)], name: &str) -> &'a str {
    values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).expect("a value")
}

fn put_in_openbao(token: &str) {
    use std::io::Write as _;
    let mut bao = Command::new("bao");
    bao.args(["kv", "put", "-mount=secret", "livekit/webhook", "TOKEN=-"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut bao = bao.spawn().expect("bao");
    bao.stdin.take().expect("stdin").write_all(token.as_bytes()).expect("fed");
    assert!(bao.wait().expect("ended").success());
}

/// The store `vault-backend`, over TLS, with the token of a reader.
fn store() -> Value {
    let read = |name: &str| fs::read_to_string(format!("{}/vault/{name}", bed("BED_DIR"))).expect("a file of the bed");
    let token = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vault-token", "namespace": "default"},
        "stringData": {"token": read("token/reader")},
    });
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore", "metadata": {"name": "vault-backend"},
        "spec": {"provider": {"vault": {
            "server": bed("BED_VAULT_TLS_ADDR"), "path": "secret", "version": "v2", "caBundle": STANDARD.encode(read("ca.crt")),
            "auth": {"tokenSecretRef": {"name": "vault-token", "namespace": "default", "key": "token"}},
        }}},
    });
    json!({"apiVersion": "v1", "kind": "List", "items": [token, store]})
}

fn external_secret() -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "webhook", "namespace": STAGING},
        "spec": {
            "refreshInterval": "1h0m0s",
            "secretStoreRef": {"name": "vault-backend", "kind": "ClusterSecretStore"},
            "target": {"name": "webhook", "template": {"metadata": {}}},
            "data": [{"secretKey": "TOKEN", "remoteRef": {"key": "livekit/webhook", "property": "TOKEN"}}],
        },
    })
}

/// Waits until the ExternalSecret is ready and the Secret has this value.
#[track_caller]
fn wait_for_token(cluster: &Namespace, token: &str) {
    let ready = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
    cluster.wait_for("Secret from OpenBao", |cluster| {
        cluster.kubectl(&["get", "externalsecret", "webhook", "-n", STAGING, "-o", ready]) == "True"
            && live(cluster, "webhook", "TOKEN") == token
    });
}

#[track_caller]
fn live(cluster: &Namespace, secret: &str, key: &str) -> String {
    let path = format!("jsonpath={{.data.{key}}}");
    let encoded = cluster.kubectl(&["get", "secret", secret, "-n", STAGING, "-o", &path]);
    String::from_utf8(STANDARD.decode(encoded).expect("base64")).expect("UTF-8")
}

fn uid(cluster: &Namespace, secret: &str) -> String {
    cluster.kubectl(&["get", "secret", secret, "-n", STAGING, "-o", "jsonpath={.metadata.uid}"])
}
