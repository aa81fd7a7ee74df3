//! Values from a real OpenBao: every way to log in, what a path may hold, what may be wrong with it, and what the network does to all that.
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

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secret_patch_bed::proxy::{Plan, Proxy};
use support::cluster::{bed, random};
use support::issuer::Issuer;
use support::{Checkout, Ended, Run};

const PATCH: &str = "config/demo-secret-config-patch.yml";
const PASSWORD: &str = "pa55: #word \"of\" the app";
const OTHER: &str = "another-v4lue-of-the-app\nin two lines";
const TEMPLATE: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
";

/// Tokens are counted in some tests: logins of others meanwhile would be counted too.
static LOGINS: Mutex<()> = Mutex::new(());

/// A checkout whose template asks for some names, with paths of its own in the server.
struct Scene {
    checkout: Checkout,
    /// First segment below the mounts.
    root: String,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    fn asking(names: &[&str]) -> Self {
        let keys: String = names.iter().map(|name| format!("  {name}: ${{{name}}}\n")).collect();
        let checkout = Checkout::with(&format!("{TEMPLATE}{keys}"), "{}\n");
        checkout.commit();
        let _alone = LOGINS.lock().unwrap_or_else(PoisonError::into_inner);
        Self { checkout, root: format!("t{:x}", random()), _alone }
    }

    /// Stores JSON at a path of the mount `secret` (KV v2).
    fn put(&self, path: &str, json: &str) -> &Self {
        bao(&["kv", "put", "-mount=secret", &format!("{}/{path}", self.root), "-"], json);
        self
    }

    /// `render` with these lines, in which `~` is the scene's root.
    fn render(&self, lines: &str, flags: &[&str]) -> Run {
        let lines = lines.replace('~', &self.root);
        let arguments = [&["render", "demo", "--vault-secrets", &lines], flags].concat();
        self.checkout.program(&arguments).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1")
    }

    fn value(&self, key: &str) -> String {
        let patch = self.checkout.read(PATCH);
        let document: serde_json::Value = serde_yaml(&patch);
        document["stringData"][key].as_str().unwrap_or_else(|| panic!("no `{key}`")).to_owned()
    }
}

/// YAML as JSON, by kubectl: it reads what it will read.
fn serde_yaml(text: &str) -> serde_json::Value {
    let mut kubectl = Command::new("kubectl");
    kubectl.args(["create", "--dry-run=client", "-o", "json", "--validate=false", "-f", "-"]);
    serde_json::from_str(&fed(kubectl, text)).expect("JSON")
}

fn fed(mut command: Command, stdin: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    child.stdin.take().expect("stdin").write_all(stdin.as_bytes()).expect("fed");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// OpenBao's own program, as root.
fn bao(arguments: &[&str], stdin: &str) -> String {
    let mut bao = Command::new("bao");
    bao.args(arguments);
    fed(bao, stdin)
}

fn credential(name: &str) -> String {
    fs::read_to_string(PathBuf::from(bed("BED_DIR")).join("vault").join(name))
        .expect("a file of the bed")
        .trim()
        .to_owned()
}

fn file(name: &str) -> String {
    format!("{}/vault/{name}", bed("BED_DIR"))
}

/// How many tokens the server knows.
fn tokens() -> usize {
    let listed = bao(&["list", "-format=json", "auth/token/accessors"], "");
    serde_json::from_str::<Vec<String>>(&listed).expect("accessors").len()
}

fn plain() -> Vec<String> {
    vec!["--vault-url".to_owned(), bed("VAULT_ADDR")]
}

fn with_tls() -> Vec<String> {
    ["--vault-url".to_owned(), bed("BED_VAULT_TLS_ADDR"), "--ca-bundle".to_owned(), file("ca.crt")].to_vec()
}

fn words(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

fn proxy(plan: &str) -> Proxy {
    let plan = Plan::parse(plan, 1).expect("a plan");
    Proxy::start(&PathBuf::from(bed("BED_DIR")), &bed("VAULT_ADDR"), plan).expect("a proxy")
}

/// `--vault-method approle` and its credentials by environment.
fn as_reader(run: Run, url: &str) -> Run {
    let run = run.env("SECRET_PATCH_VAULT_ROLE_ID", &credential("approle/reader.role-id"));
    let mut run = run.env("SECRET_PATCH_VAULT_SECRET_ID", &credential("approle/reader.secret-id"));
    run.arguments.extend(["--vault-url".to_owned(), url.to_owned()]);
    run
}

#[test]
fn every_way_to_log_in_reads_and_gives_its_own_token_back() {
    let scene = Scene::asking(&["PASSWORD"]);
    scene.put("app", &format!("{{\"password\": {}}}", serde_json::Value::from(PASSWORD)));
    let methods: [(&str, &[(&str, &str)]); 6] = [
        ("approle", &[("VAULT_ROLE_ID", "approle/reader.role-id"), ("VAULT_SECRET_ID", "approle/reader.secret-id")]),
        ("userpass", &[("VAULT_PASSWORD", "userpass/reader")]),
        ("jwt", &[("VAULT_JWT", "jwt/reader")]),
        ("kubernetes", &[("VAULT_JWT", "kubernetes/reader")]),
        ("cert", &[("VAULT_CLIENT_KEY", "cert/reader.key")]),
        ("token", &[("VAULT_TOKEN", "token/reader")]),
    ];
    for (method, credentials) in methods {
        let before = tokens();
        let mut flags = with_tls();
        flags.extend(["--vault-method", method].map(str::to_owned));
        flags.extend(match method {
            "userpass" => vec!["--vault-username".to_owned(), "reader".to_owned()],
            "cert" => vec![
                "--vault-client-certificate".to_owned(),
                file("cert/reader.crt"),
                "--vault-role".to_owned(),
                "reader".to_owned(),
            ],
            "jwt" | "kubernetes" => vec!["--vault-role".to_owned(), "reader".to_owned()],
            _ => Vec::new(),
        });
        let mut run = scene.render("secret/data/~/app password | PASSWORD ;", &words(&flags));
        let mut canaries = vec![PASSWORD.to_owned()];
        for (variable, name) in credentials {
            run = run.env(&format!("SECRET_PATCH_{variable}"), &credential(name));
            canaries.push(credential(name));
        }
        run.run().done().leaks_nothing(&canaries.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(scene.value("PASSWORD"), PASSWORD, "{method}");
        assert_eq!(tokens(), before, "{method} leaves a token");
        fs::remove_file(scene.checkout.path().join(PATCH)).expect("the patch");
    }
}

#[test]
fn wrong_credentials_are_told_with_method_and_remedy_and_never_shown() {
    let scene = Scene::asking(&["PASSWORD"]);
    let wrong = "not-the-right-0ne";
    type Case<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        ("approle", &[], &[("ROLE_ID", "nobody"), ("SECRET_ID", wrong)], &["auth/approle", "400", "vault-role-id"]),
        ("userpass", &["--vault-username", "reader"], &[("PASSWORD", wrong)], &["auth/userpass", "vault-password"]),
        ("jwt", &["--vault-role", "reader"], &[("JWT", wrong)], &["auth/jwt", "vault-audience"]),
        ("ldap", &["--vault-username", "x"], &[("PASSWORD", wrong)], &["auth/ldap", "vault-mount"]),
        ("token", &[], &[("TOKEN", wrong)], &["the token may not read", "capabilities"]),
        ("kubernetes", &[], &[("JWT", wrong)], &["needs `vault-role`"]),
    ];
    for (method, flags, variables, said) in cases {
        let mut all = plain();
        all.extend(["--vault-method", method].iter().chain(flags).map(|word| (*word).to_owned()));
        let mut run = scene.render("secret/data/~/app password | PASSWORD", &words(&all));
        for (name, value) in variables {
            run = run.env(&format!("SECRET_PATCH_VAULT_{name}"), value);
        }
        run.run().failed(1, said).leaks_nothing(&[wrong]);
        assert!(!scene.checkout.exists(PATCH), "{method}");
    }
    let vague = scene.render("secret/~/app k | PASSWORD", &words(&plain())).run();
    vague.failed(1, &["it is not clear how to log in", "vault-method: jwt"]);
    scene.render("secret/~/app k | PASSWORD", &[]).run().failed(1, &["`vault-url` is missing"]);
}

#[test]
fn what_a_path_may_hold() {
    let names = [
        "PASSWORD",
        "OLD",
        "NPMTOKEN",
        "NUMBER",
        "FLAG",
        "OBJECT",
        "DOTTED",
        "NESTED",
        "ALL_KEY",
        "all_Key",
        "T_STRIPE_SECRET_KEY",
        "T_DEEP_DOWN_ID",
        "PLAIN",
        "PLAINDASH",
        "DECODED",
    ];
    let scene = Scene::asking(&names);
    scene.put("app", r#"{"password":"first-value-of-app"}"#);
    let json = serde_json::json!({
        "password": PASSWORD, "npmToken": OTHER, "number": 42, "flag": true, "object": {"b": [1, "<x>"], "a": null},
        "tls.crt": "dotted", "nest": {"in": "deep"}, "encoded": "ZGVjb2RlZC12YWx1ZQ==",
    });
    scene.put("app", &json.to_string()).put("all", r#"{"Key":"all-value"}"#);
    scene.put("team/stripe", r#"{"secret-key":"stripe-value"}"#).put("team/deep/down", r#"{"id":"down-value"}"#);
    bao(&["write", &format!("kv1/{}/plain", scene.root), "-"], r#"{"key":"plain-value","with-dash":"dash-value"}"#);
    let lines = "
        secret/data/~/app password | PASSWORD ; secret/~/app@1 password | OLD ;
        secret/data/~/app npmToken ;
        /secret/data/~/app number | NUMBER ; secret/~/app flag ;
        secret/data/~/app object | OBJECT ; secret/data/~/app \"tls.crt\" | DOTTED ; secret/data/~/app nest.in | NESTED ;
        secret/data/~/all * | ALL_ ; secret/~/all ** | all_ ;
        secret/~/team/** | T_ ;
        kv1/~/plain key | PLAIN ; kv1/~/plain \"with-dash\" | PLAINDASH ;
        secret/~/app encoded | DECODED base64 ; secret/~/none key | PASSWORD optional
    ";
    let run = scene.render(lines, &words(&plain())).env("SECRET_PATCH_VAULT_TOKEN", &credential("token/reader"));
    run.run().done().leaks_nothing(&[PASSWORD, OTHER, "first-value-of-app", "stripe-value", "decoded-value"]);
    let expected = [
        PASSWORD,
        "first-value-of-app",
        OTHER,
        "42",
        "true",
        r#"{"a":null,"b":[1,"<x>"]}"#,
        "dotted",
        "deep",
        "all-value",
        "all-value",
        "stripe-value",
        "down-value",
        "plain-value",
        "dash-value",
        "decoded-value",
    ];
    for (name, value) in names.iter().zip(expected) {
        assert_eq!(scene.value(name), value, "{name}");
    }
}

/// Blocks in the style of public workflows, with the variables that vault-action 3.4.0 makes of them, on the same server.
#[test]
fn blocks_of_vault_action_give_the_same_names_and_values() {
    let stored = [
        (
            "ci",
            r#"{"npmToken":"npm-1","pypi-token":"pypi-1","docker.io":"docker-1","user name":"u n","count":5,"ratio":1.1,"flag":true,
            "obj":{"a":1,"b":"x y"},"list":[1,"2"],"json":"{\"k\": \"v\"}","multi":"line 1\nline 2\n","UPPER_CASE":"up","a_b":"ab"}"#,
        ),
        ("ci/aws", r#"{"accessKey":"AKIA1","secretKey":"s3cr/et+=="}"#),
        ("app/prod", r#"{"DB_PASSWORD":"pw$1","API_KEY":"ak;|"}"#),
        ("test", r#"{"a":{"b":"nested"},"x-y":"dash","1st":"one"}"#),
    ];
    let of_ci = [
        ("COUNT", "5"),
        ("DOCKER__IO", "docker-1"),
        ("FLAG", "true"),
        ("JSON", r#"{"k": "v"}"#),
        ("LIST", r#"[1,"2"]"#),
        ("MULTI", "line 1\nline 2\n"),
        ("NPMTOKEN", "npm-1"),
        ("OBJ", r#"{"a":1,"b":"x y"}"#),
        ("PYPITOKEN", "pypi-1"),
        ("RATIO", "1.1"),
        ("USERNAME", "u n"),
        ("UPPER_CASE", "up"),
        ("A_B", "ab"),
    ];
    let with_prefix = of_ci.map(|(name, value)| (format!("CI_{name}"), value));
    let with_prefix: Vec<(&str, &str)> = with_prefix.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let small = [
        ("ci_npmToken", "npm-1"),
        ("ci_pypitoken", "pypi-1"),
        ("ci_docker__io", "docker-1"),
        ("ci_UPPER_CASE", "up"),
        ("ci_a_b", "ab"),
    ];
    let aws = [("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "s3cr/et+==")];
    let blocks: [(&str, &[(&str, &str)]); 17] = [
        (
            "secret/data/~/ci/aws accessKey | AWS_ACCESS_KEY_ID ;\nsecret/data/~/ci/aws secretKey | AWS_SECRET_ACCESS_KEY",
            &aws,
        ),
        (
            "\n    secret/data/~/ci/aws accessKey | AWS_ACCESS_KEY_ID ;\n    secret/data/~/ci/aws secretKey | AWS_SECRET_ACCESS_KEY ;\n\n",
            &aws,
        ),
        ("secret/data/~/ci npmToken", &[("NPMTOKEN", "npm-1")]),
        (
            "secret/data/~/ci npmToken | NPM_TOKEN ; secret/data/~/ci npmToken",
            &[("NPM_TOKEN", "npm-1"), ("NPMTOKEN", "npm-1")],
        ),
        ("secret/data/~/ci \"pypi-token\" | PYPI", &[("PYPI", "pypi-1")]),
        ("secret/data/~/ci `docker.io` | DOCKER", &[("DOCKER", "docker-1")]),
        ("secret/data/~/test a.b | NESTED", &[("NESTED", "nested")]),
        ("secret/data/~/test * | T_ ;", &[("T_1ST", "one"), ("T_A", r#"{"b":"nested"}"#), ("T_XY", "dash")]),
        ("secret/data/~/ci *", &of_ci),
        ("secret/data/~/ci * | CI_", &with_prefix),
        ("secret/data/~/ci ** | ci_", &small),
        (
            "secret/data/~/ci/aws * | aws_ ; secret/data/~/ci/aws accessKey | OTHER",
            &[("AWS_ACCESSKEY", "AKIA1"), ("AWS_SECRETKEY", "s3cr/et+=="), ("OTHER", "AKIA1")],
        ),
        (
            "secret/data/~/app/prod DB_PASSWORD | DB_PASSWORD ;\nsecret/data/~/app/prod API_KEY | API_KEY ;",
            &[("DB_PASSWORD", "pw$1"), ("API_KEY", "ak;|")],
        ),
        (
            "secret/data/~/ci count | COUNT ; secret/data/~/ci ratio | RATIO ; secret/data/~/ci flag | FLAG",
            &[("COUNT", "5"), ("RATIO", "1.1"), ("FLAG", "true")],
        ),
        (
            "secret/data/~/ci obj | OBJ ; secret/data/~/ci list | LIST ; secret/data/~/ci obj.b | B",
            &[("OBJ", r#"{"a":1,"b":"x y"}"#), ("LIST", r#"[1,"2"]"#), ("B", "x y")],
        ),
        ("secret/data/~/ci UPPER_CASE ; secret/data/~/ci a_b", &[("UPPER_CASE", "up"), ("A_B", "ab")]),
        ("secret/data/~/ci\tjson\t|\tJ;secret/data/~/ci multi|M", &[("J", r#"{"k": "v"}"#), ("M", "line 1\nline 2\n")]),
    ];
    let root = {
        let scene = Scene::asking(&[]);
        for (path, json) in stored {
            scene.put(path, json);
        }
        scene.root
    };
    for (block, expected) in blocks {
        let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
        let scene = Scene { root: root.clone(), ..Scene::asking(&names) };
        let run = scene.render(block, &words(&plain())).env("SECRET_PATCH_VAULT_TOKEN", &credential("token/reader"));
        run.run().done();
        for (name, value) in expected {
            assert!(scene.value(name) == *value, "{name} of {block}");
        }
    }
}

#[test]
fn all_that_is_not_there_is_told_at_once_each_in_its_own_way() {
    let names = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let scene = Scene::asking(&names);
    for path in ["deleted", "destroyed"] {
        scene.put(path, r#"{"k":"gone-value-1"}"#);
    }
    scene.put("app", r#"{"k":"value-of-app","other":"x"}"#);
    bao(&["kv", "delete", "-mount=secret", &format!("{}/deleted", scene.root)], "");
    bao(&["kv", "destroy", "-mount=secret", "-versions=1", &format!("{}/destroyed", scene.root)], "");
    let lines = "secret/~/gone k | A; secret/~/deleted k | B; secret/~/destroyed k | C; nowhere/~/app k | D; secret/~/app key | E;
        secret/~/app@9 k | F; sys/~/mounts k | G; secret/~/folder/** | H_; secret/~/app other | UNUSED; secret/~/app k | H";
    let run = scene.render(lines, &words(&plain())).env("SECRET_PATCH_VAULT_TOKEN", &credential("token/root"));
    let ended = run.run().failed(
        1,
        &[
            "nothing is stored at `secret/",
            "version 1 of `secret/",
            "is deleted",
            "kv undelete -versions=1",
            "is destroyed",
            "no secrets engine is mounted",
            "has no key `key`",
            "it has `k`, `other`",
            "is no KV path",
            "type `system`",
            "the folder `secret/",
            "line 2 of `vault-secrets` gives nothing",
        ],
    );
    ended.leaks_nothing(&["gone-value-1", "value-of-app"]);
    let run = scene
        .render("secret/~/app k | A", &words(&plain()))
        .env("SECRET_PATCH_VAULT_TOKEN", &credential("token/reader"));
    run.run().failed(1, &["`B`", "`H`"]);
}

#[test]
fn a_namespace_has_paths_and_logins_of_its_own() {
    let scene = Scene::asking(&["PASSWORD"]);
    let path = format!("{}/app", scene.root);
    bao(
        &["kv", "put", "-namespace=team", "-mount=secret", &path, "-"],
        &format!("{{\"k\": {}}}", serde_json::Value::from(PASSWORD)),
    );
    let mut flags = plain();
    flags.extend(
        ["--vault-namespace", "team", "--vault-method", "userpass", "--vault-username", "reader"].map(str::to_owned),
    );
    let run = scene.render("secret/data/~/app k | PASSWORD", &words(&flags));
    run.clone()
        .env("SECRET_PATCH_VAULT_PASSWORD", &credential("team/userpass/reader"))
        .run()
        .done()
        .leaks_nothing(&[PASSWORD]);
    assert_eq!(scene.value("PASSWORD"), PASSWORD);
    let other = run.env("SECRET_PATCH_VAULT_PASSWORD", &credential("userpass/reader")).run();
    other.failed(1, &["auth/userpass", "check `vault-username` and `vault-password`"]);
}

#[test]
fn the_servers_certificate_is_always_verified() {
    let scene = Scene::asking(&["PASSWORD"]);
    scene.put("app", &format!("{{\"k\": {}}}", serde_json::Value::from(PASSWORD)));
    let url = bed("BED_VAULT_TLS_ADDR");
    let run = |flags: &[&str]| {
        let run = scene.render("secret/~/app k | PASSWORD", &[&["--vault-url", &url], flags].concat());
        run.env("SECRET_PATCH_VAULT_TOKEN", &credential("token/reader")).run()
    };
    run(&[]).failed(1, &["the TLS handshake", "ca-bundle"]);
    run(&["--ca-bundle", "/nowhere.pem"]).failed(1, &["`ca-bundle` is neither PEM text nor a file"]);
    run(&["--ca-bundle=-----BEGIN NOTHING-----"]).failed(1, &["`ca-bundle` holds no certificate"]);
    run(&["--vault-insecure"]).done().said(&["the certificate of Vault is not verified"]);
    let pem = fs::read_to_string(file("ca.crt")).expect("a certificate");
    run(&[&format!("--ca-bundle={pem}")]).done();
}

#[test]
fn a_job_logs_in_with_githubs_own_token() {
    let scene = Scene::asking(&["PASSWORD"]);
    scene.put("app", &format!("{{\"k\": {}}}", serde_json::Value::from(PASSWORD)));
    let (request_token, jwt) = ("runner-request-t0ken", credential("jwt/reader"));
    let issuer = Issuer::start(request_token, jwt.clone(), 1);
    let url = bed("VAULT_ADDR");
    let lines = format!("secret/data/{}/app k | PASSWORD", scene.root);
    let inputs = [
        ("command", "render"),
        ("environment", "demo"),
        ("vault-url", &url),
        ("vault-method", "jwt"),
        ("vault-role", "reader"),
        ("vault-audience", "https://github.com/owner"),
        ("vault-secrets", &lines),
    ];
    let run = scene.checkout.action(&inputs);
    let without = run.run().failed(1, &["id-token: write", "forks and Dependabot"]);
    assert!(issuer.seen().is_empty(), "{without:?}");
    let run = run.env("ACTIONS_ID_TOKEN_REQUEST_URL", &issuer.url).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request_token);
    let before = tokens();
    run.run().done().leaks_nothing(&[PASSWORD, request_token, &jwt]).said(&[&format!("::add-mask::{jwt}")]);
    assert_eq!(scene.value("PASSWORD"), PASSWORD);
    assert_eq!(tokens(), before);
    let seen = issuer.seen();
    assert_eq!(seen.len(), 2, "one refusal, one answer");
    assert!(seen[1].starts_with("GET /token?api-version=2.0&audience=https%3A%2F%2Fgithub.com%2Fowner "));
}

#[test]
fn what_the_network_does_is_borne_or_told_and_no_token_is_left() {
    // Always the same root: chance goes by the path, and one root in a hundred fails all six tries of a read.
    let scene = Scene { root: "faults".to_owned(), ..Scene::asking(&["PASSWORD", "OTHER"]) };
    scene.put("app", &format!("{{\"k\": {}}}", serde_json::Value::from(PASSWORD)));
    scene.put("other", &format!("{{\"k\": {}}}", serde_json::Value::from(OTHER)));
    let lines = "secret/data/~/app k | PASSWORD; secret/~/other k | OTHER";
    let borne = [
        "POST /v1/auth/approle/login 1-2 status 503",
        "POST /v1/auth/approle/login 1 status 429 1",
        "GET /v1/secret/* 1-3 cut 0\nGET /v1/sys/* 1 drop",
        "GET /v1/secret/* 1 status 412\nGET /v1/secret/* 2 cut 150",
        "* * always latency 20",
        "GET * 30% status 500\nGET * 20% drop",
    ];
    for plan in borne {
        let proxy = proxy(plan);
        let before = tokens();
        as_reader(scene.render(lines, &[]), proxy.url()).run().done().leaks_nothing(&[PASSWORD, OTHER]);
        assert_eq!((scene.value("PASSWORD"), scene.value("OTHER")), (PASSWORD.to_owned(), OTHER.to_owned()), "{plan}");
        assert_eq!(tokens(), before, "{plan}");
        let met: BTreeSet<String> =
            proxy.seen().iter().filter_map(|seen| Some(format!("{:?}", seen.fault.as_ref()?))).collect();
        assert_eq!(met.len(), plan.lines().count(), "each fault of `{plan}` is met: {met:?}");
        fs::remove_file(scene.checkout.path().join(PATCH)).expect("the patch");
    }
    let told: [(&str, &[&str]); 3] = [
        ("GET /v1/secret/data/*/app always status 503", &["Vault at", "fails with 503"]),
        ("POST /v1/auth/* always drop", &["is not reached"]),
        ("GET /v1/secret/* always status 429 1", &["too many requests", "vault-concurrency"]),
    ];
    for (plan, said) in told {
        let proxy = proxy(plan);
        let before = tokens();
        as_reader(scene.render(lines, &[]), proxy.url()).run().failed(1, said).leaks_nothing(&[PASSWORD, OTHER]);
        assert_eq!(tokens(), before, "{plan}");
        assert!(!scene.checkout.exists(PATCH), "{plan}");
    }
    as_reader(scene.render(lines, &[]), "http://127.0.0.1:1").run().failed(1, &["is not reached", "vault-url"]);
}

#[test]
fn a_token_that_ends_soon_is_renewed_while_nothing_else_is_asked() {
    let scene = Scene::asking(&["PASSWORD"]);
    scene.put("app", &format!(r#"{{"k":{PASSWORD:?}}}"#));
    let role = format!("auth/approle/role/{}", scene.root);
    bao(&["write", &role, "token_policies=reader", "token_ttl=4s", "token_max_ttl=1h"], "");
    let role_id = bao(&["read", "-field=role_id", &format!("{role}/role-id")], "");
    let secret_id = bao(&["write", "-force", "-field=secret_id", &format!("{role}/secret-id")], "");
    let proxy = proxy("GET /v1/secret/* 1 latency 10000");
    let run = scene.render("secret/data/~/app k | PASSWORD", &["--vault-url", proxy.url()]);
    let run = run.env("SECRET_PATCH_VAULT_ROLE_ID", role_id.trim());
    run.env("SECRET_PATCH_VAULT_SECRET_ID", secret_id.trim()).run().done().leaks_nothing(&[PASSWORD]);
    assert_eq!(scene.value("PASSWORD"), PASSWORD);
    bao(&["delete", &role], "");
}

#[test]
fn a_redirect_never_carries_a_token() {
    let scene = Scene::asking(&["PASSWORD"]);
    scene.put("app", r#"{"k":"some-value"}"#);
    let canary = TcpListener::bind("127.0.0.1:0").expect("a port");
    canary.set_nonblocking(true).expect("nonblocking");
    let elsewhere = format!("http://{}", canary.local_addr().expect("an address"));
    for plan in ["POST /v1/auth/* always redirect", "GET /v1/secret/* always redirect", "* * always redirect"] {
        let proxy = proxy(&format!("{plan} {elsewhere}"));
        let ended = as_reader(scene.render("secret/data/~/app k | PASSWORD", &[]), proxy.url()).run();
        ended.failed(1, &["redirects to `http://127.0.0.1`", "a token is never sent on"]);
        assert!(canary.accept().is_err(), "somebody came: {plan}");
    }
}

#[test]
fn a_stopped_run_gives_its_token_back() {
    let scene = Scene::asking(&["PASSWORD"]);
    scene.put("app", r#"{"k":"some-value"}"#);
    let proxy = proxy("GET /v1/secret/* always latency 60000");
    let before = tokens();
    let run = as_reader(scene.render("secret/data/~/app k | PASSWORD", &[]), proxy.url());
    let started = run.hiding(&[&credential("approle/reader.secret-id")]).start();
    let reads = |proxy: &Proxy| proxy.seen().iter().any(|seen| seen.target.starts_with("/v1/secret/"));
    let since = Instant::now();
    while !reads(&proxy) {
        assert!(since.elapsed() < Duration::from_secs(20), "it does not read");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(tokens(), before + 1);
    started.signal("TERM");
    let stopped = Instant::now();
    let ended = started.wait();
    assert_eq!(ended.code, Some(143));
    assert!(stopped.elapsed() < Duration::from_secs(5), "longer than a runner waits");
    assert_eq!(tokens(), before);
    ended.said(&["stopped by SIGTERM"]);
}

#[test]
fn what_is_not_there_in_openbao_is_called_as_its_documentation_says() {
    let scene = Scene::asking(&["PASSWORD"]);
    let cases: [(&[&str], &str, &str); 2] = [
        (&["--vault-method", "github"], "POST /v1/auth/github/login ", r#"{"token":"documented-0ne"}"#),
        (
            &["--vault-method", "ldap", "--vault-username", "jane"],
            "POST /v1/auth/ldap/login/jane ",
            r#"{"password":"documented-0ne"}"#,
        ),
    ];
    for (flags, first, body) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let run = scene.render("secret/data/x/app k | PASSWORD", &[&["--vault-url", &url], flags].concat());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let mut head = Vec::new();
            for line in reader.by_ref().lines() {
                let line = line.expect("a line");
                if line.is_empty() {
                    break;
                }
                head.push(line);
            }
            let length =
                head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.expect("a length")];
            reader.read_exact(&mut body).expect("a body");
            let answer = r#"{"errors":["the stand-in lets nobody in"]}"#;
            write!(stream, "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())
                .expect("answered");
            (head.remove(0), String::from_utf8(body).expect("UTF-8"))
        });
        let ended: Ended = run.env("SECRET_PATCH_VAULT_PASSWORD", "documented-0ne").run();
        ended.failed(1, &["the stand-in lets nobody in"]).leaks_nothing(&["documented-0ne"]);
        let (request, sent) = server.join().expect("served");
        assert!(request.starts_with(first), "{request}");
        assert_eq!(sent, body);
    }
}
