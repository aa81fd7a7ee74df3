//! Needs the test bed.
//!
//! `apply` as an action: what the runner, its files and its readers get; and what no sink ever gets.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::cluster::{Namespace, bed, files};
use support::{Checkout, Run, assert_no_leak};

const OBJECTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  PASSWORD: ${PASSWORD}
  DSN: postgres://u:${PASSWORD@uri}@db/app
  KEY: ${KEY}
  JSON: '{\"token\": \"${TOKEN@json}\"}'
---
apiVersion: v1
kind: Secret
metadata: {name: encoded}
data:
  TOKEN: ${TOKEN@base64}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  LEVEL: ${LEVEL}
";
const WORKLOAD: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, envFrom: [{secretRef: {name: app}}]}]}
";
const PASSWORD: &str = "p@ss/w\"ord%canary'1";
const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49canary\nAgEGCCqGSM49AwEHBG0wawIBAQ\n-----END PRIVATE KEY-----\n";
const TOKEN: &str = "tok\\en_canary$2<&>";
/// The canaries without PEM's armour, which is no secret.
const CANARIES: [&str; 4] =
    [PASSWORD, "MIGHAgEAMBMGByqGSM49canary\nAgEGCCqGSM49AwEHBG0wawIBAQ", "AgEGCCqGSM49AwEHBG0wawIBAQ", TOKEN];

fn checkout() -> Checkout {
    Checkout::with(OBJECTS, &format!("{OBJECTS}{WORKLOAD}"))
}

fn valued(run: Run) -> Run {
    run.envs(&[("PASSWORD", PASSWORD), ("KEY", KEY), ("TOKEN", TOKEN), ("LEVEL", "verbose")])
}

fn action(checkout: &Checkout, namespace: &Namespace, more: &[(&str, &str)]) -> Run {
    let kubeconfig = fs::read_to_string(namespace.kubeconfig()).expect("a file");
    let inputs =
        [("command", "apply"), ("environment", "demo"), ("kubeconfig", kubeconfig.as_str()), ("nonsensitive", "LEVEL")];
    let given: Vec<(&str, &str)> =
        inputs.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| name != other)).collect();
    checkout.action(&[given.as_slice(), more].concat()).env("PATH", &bed("PATH"))
}

/// The value of one of the step's outputs.
fn output(checkout: &Checkout, name: &str) -> String {
    let text = checkout.outputs();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(value) = line.strip_prefix(&format!("{name}=")) {
            return value.to_owned();
        }
        if let Some(end) = line.strip_prefix(&format!("{name}<<")) {
            return lines.by_ref().take_while(|line| *line != end).collect::<Vec<_>>().join("\n");
        }
    }
    panic!("no output {name} in {text}");
}

#[test]
fn the_runner_is_told_what_to_hide_before_anything_else() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let ended = valued(action(&checkout, &namespace, &[])).run().done();
    assert_eq!(ended.stderr, "", "in action mode everything is one stream");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let masks: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("::add-mask::")).collect();
    assert!(lines[..masks.len()].iter().all(|line| line.starts_with("::add-mask::")), "{ended:?}");
    let unescaped: Vec<String> =
        masks.iter().map(|mask| mask.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")).collect();
    for wanted in [PASSWORD, TOKEN, "MIGHAgEAMBMGByqGSM49canary"] {
        assert!(unescaped.iter().any(|mask| mask == wanted), "{wanted} is not masked");
    }
    assert!(unescaped.iter().all(|mask| mask != "verbose" && mask.len() >= 4), "{unescaped:?}");
    ended.leaks_nothing(&CANARIES);
}

#[test]
fn the_log_is_in_groups_and_summary_outputs_and_report_tell_the_same() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let ended = valued(action(&checkout, &namespace, &[])).run().done().leaks_nothing(&CANARIES);
    for group in ["build", "compare", "apply", "verify", "rollout"] {
        assert!(ended.stdout.contains(&format!("\n::group::{group}\n")), "{group}: {ended:?}");
    }
    assert_eq!(ended.stdout.matches("::group::").count(), ended.stdout.matches("::endgroup::").count());
    let headline = "Applied demo: 4 objects added, 1 workload ready";
    assert!(ended.stdout.contains(headline), "{ended:?}");
    let summary = checkout.summary();
    for word in [headline, "PASSWORD", "environment", "Secret app", "Deployment web"] {
        assert!(summary.contains(word), "{word}: {summary}");
    }
    assert_eq!(output(&checkout, "changed"), "true");
    assert_eq!(output(&checkout, "patch"), "");
    let objects: Value = serde_json::from_str(&output(&checkout, "changed-objects")).expect("JSON");
    assert_eq!(objects.as_array().map(Vec::len), Some(4), "{objects}");
    let keys: Value = serde_json::from_str(&output(&checkout, "changed-keys")).expect("JSON");
    assert!(keys.as_array().expect("a list").contains(&json!("Secret app PASSWORD")), "{keys}");
    let report: Value = serde_json::from_str(&output(&checkout, "report")).expect("JSON");
    assert_eq!(report["result"], "done");
    for (sink, text) in [("summary", summary), ("outputs", checkout.outputs())] {
        assert_no_leak(sink, text.as_bytes(), &CANARIES);
    }
    // And when nothing differs.
    valued(action(&checkout, &namespace, &[])).run().done();
    assert_eq!(
        (output(&checkout, "changed"), output(&checkout, "changed-objects")),
        ("false".to_owned(), "[]".to_owned())
    );
}

#[test]
fn a_finding_is_an_annotation_at_its_line() {
    let namespace = Namespace::new();
    let checkout =
        Checkout::with(OBJECTS, &OBJECTS.replace("KEY: ${KEY}", "KEY: ${KEY}\n  ODD: 0777\n  LEFT: ${LEFT}"));
    let ended = valued(action(&checkout, &namespace, &[])).run();
    let ended = ended.failed(
        1,
        &[
            "::error title=data-not-string,file=apps/base/all.yml,line=8,col=",
            "::error title=placeholder-left,file=apps/base/all.yml,line=9,col=",
        ],
    );
    ended.leaks_nothing(&CANARIES);
    let summary = checkout.summary();
    assert!(
        summary.contains("failed at check: nothing was written to the cluster")
            && summary.contains("apps/base/all.yml"),
        "{summary}"
    );
    let report: Value = serde_json::from_str(&output(&checkout, "report")).expect("JSON");
    assert_eq!((&report["result"], &report["failedStage"]), (&json!("failed"), &json!("check")));
    assert_eq!(output(&checkout, "changed"), "false");
    namespace.assert_empty();
    // A missing value, in the template.
    let ended = action(&checkout, &namespace, &[]).envs(&[("PASSWORD", PASSWORD)]).run();
    let ended = ended.failed(
        1,
        &["::error title=missing-value,file=config/demo-config-secret.example.yml,line=7,col=", "TOKEN", "LEVEL"],
    );
    ended.leaks_nothing(&CANARIES);
    assert_eq!(
        fs::read_to_string(checkout.path().join("config/demo-config-secret.example.yml")).expect("a file"),
        OBJECTS
    );
}

#[test]
fn the_kubeconfig_may_be_content_base64_of_it_or_a_path() {
    let content = |namespace: &Namespace| fs::read_to_string(namespace.kubeconfig()).expect("a file");
    let encoded = |namespace: &Namespace| {
        let text = STANDARD.encode(content(namespace));
        text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n")
    };
    let forms: [&dyn Fn(&Namespace) -> String; 3] = [&content, &encoded, &Namespace::kubeconfig];
    for form in forms {
        let (namespace, checkout) = (Namespace::new(), checkout());
        let ended = valued(action(&checkout, &namespace, &[("kubeconfig", &form(&namespace))])).run().done();
        assert_eq!(namespace.value("secret/app", "PASSWORD"), PASSWORD);
        let key = namespace.config()["users"][0]["user"]["client-key-data"].as_str().expect("a string").to_owned();
        let decoded = String::from_utf8(STANDARD.decode(&key).expect("base64")).expect("PEM");
        let line = decoded.lines().nth(1).expect("a line").to_owned();
        // The key is a secret too, and the runner may not see it either.
        let shown: String = ended.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        assert!(!shown.contains(&key) && !shown.contains(&line), "the client key was shown");
        assert!(
            ended.stdout.lines().any(|mask| mask.starts_with("::add-mask::") && mask.contains(&line)),
            "the client key is not masked"
        );
    }
    let (namespace, checkout) = (Namespace::new(), checkout());
    let ended = valued(action(&checkout, &namespace, &[("kubeconfig", "")])).run();
    ended.failed(1, &["::error title=kubeconfig-missing", "secrets.KUBECONFIG"]).leaks_nothing(&CANARIES);
    namespace.assert_empty();
}

#[test]
fn secrets_and_vars_come_as_json() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let secrets = json!({"PASSWORD": PASSWORD, "KEY": KEY, "TOKEN": TOKEN, "UNUSED": "unused-canary", "github_token": "ghs_unusedcanary"}).to_string();
    let vars = json!({"LEVEL": "verbose"}).to_string();
    let ended =
        action(&checkout, &namespace, &[("secrets", &secrets), ("vars", &vars), ("nonsensitive", "")]).run().done();
    ended.leaks_nothing(&CANARIES).leaks_nothing(&["unused-canary"]);
    assert_eq!(namespace.value("secret/app", "KEY"), KEY);
    assert_eq!(namespace.value("secret/encoded", "TOKEN"), TOKEN);
    assert_eq!(namespace.value("configmap/config", "LEVEL"), "verbose");
    let summary = checkout.summary();
    assert!(summary.contains("secrets") && summary.contains("vars"), "{summary}");
    // One name with different values in two sources.
    let ended =
        action(&checkout, &namespace, &[("secrets", &secrets), ("vars", &vars)]).env("TOKEN", "another-token").run();
    ended.failed(1, &["::error title=", "`TOKEN`", "environment", "secrets", "prefer"]).leaks_nothing(&CANARIES);
}

#[test]
fn the_exit_code_of_a_wrong_call_is_one_and_unknown_inputs_are_told() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let ended = valued(action(&checkout, &namespace, &[("kinds", "Secret"), ("kind", "Secret")])).run().done();
    ended.said(&["::warning title=", "`kind`", "`kinds`"]);
    valued(action(&checkout, &namespace, &[("command", "aply")])).run().failed(1, &["::error", "`aply`", "`apply`"]);
    valued(action(&checkout, &namespace, &[("environment", "dmo")])).run().failed(1, &["::error"]);
}

/// A kubectl that writes down what it was given before it is the real one.
const RECORDER: &str = r#"{
    for argument in "$@"; do printf 'argument %s\n' "$argument"; done
    /usr/bin/env | /bin/sed 's/^/variable /'
    for number in 3 4 5 6 7 8 9; do [ -e /dev/fd/$number ] && echo "descriptor $number"; done
    /bin/cat /proc/$PPID/cmdline | /usr/bin/tr '\0' ' '
} >"$calls/$$" 2>&1"#;

#[test]
fn no_value_reaches_a_sink_a_file_or_a_childs_arguments_and_environment() {
    let (namespace, checkout) = (Namespace::new(), checkout());
    let temporary = Checkout::empty();
    let wrapper = namespace.wrapper(RECORDER);
    let old = ["old-password-canary", "old-token-canary"];
    let before = checkout.path().join("config");
    let run = |run: Run| {
        run.through(&wrapper).envs(&[
            ("RUST_LOG", "trace"),
            ("TMPDIR", &temporary.path().display().to_string()),
            ("HOME", &temporary.path().display().to_string()),
        ])
    };
    // The old values lie in the cluster, and are as secret as the new ones.
    let first =
        run(valued(action(&checkout, &namespace, &[]))).envs(&[("PASSWORD", old[0]), ("TOKEN", old[1])]).run().done();
    first.leaks_nothing(&old).leaks_nothing(&CANARIES[1..3]);
    let kept = files(&before);
    let all = [&CANARIES[..], &old].concat();
    run(valued(action(&checkout, &namespace, &[]))).run().done().leaks_nothing(&all);
    let on_terminal =
        checkout.program(&["apply", "demo", "--yes", "--verbose", "--nonsensitive", "LEVEL"]).in_namespace(&namespace);
    run(valued(on_terminal))
        .env("PASSWORD", "third-password-canary")
        .run()
        .done()
        .leaks_nothing(&all)
        .leaks_nothing(&["third-password-canary"]);
    let dry = checkout
        .program(&["apply", "demo", "--dry-run", "--format", "json", "--nonsensitive", "LEVEL"])
        .in_namespace(&namespace);
    run(valued(dry)).run().done().leaks_nothing(&all).leaks_nothing(&["third-password-canary"]);
    assert_eq!(namespace.value("secret/app", "PASSWORD"), "third-password-canary");

    let all = [&all[..], &["third-password-canary"]].concat();
    for directory in [checkout.path(), temporary.path()] {
        for (name, contents) in files(directory) {
            assert_no_leak(&name, &contents, &all);
            assert_no_leak("a file's name", name.as_bytes(), &all);
        }
    }
    assert_eq!(files(&before), kept);
    assert_eq!(files(temporary.path()).into_keys().collect::<Vec<_>>(), Vec::<String>::new());
    let calls = files(&wrapper.calls);
    assert!(calls.len() > 12, "{}", calls.len());
    let key = namespace.config()["users"][0]["user"]["client-key-data"].as_str().expect("a string").to_owned();
    for contents in calls.values() {
        assert_no_leak("a child's arguments or environment", contents, &all);
        assert_no_leak("a child's arguments or environment", contents, &[&key]);
        let text = String::from_utf8_lossy(contents);
        let lines = |start: &str| {
            text.lines().filter_map(|line| line.strip_prefix(start)).map(str::to_owned).collect::<Vec<_>>()
        };
        let names: Vec<String> =
            lines("variable ").iter().map(|line| line.split('=').next().unwrap_or_default().to_owned()).collect();
        // HTTP_PROXY leads nowhere: no redirect may take the token to a plain-http host.
        let known = [
            "GOGC",
            "GOMEMLIMIT",
            "HOME",
            "HTTP_PROXY",
            "KUBECACHEDIR",
            "KUBECONFIG",
            "KUBERC",
            "PWD",
            "OLDPWD",
            "SHLVL",
            "_",
        ];
        assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
        // A home of nobody's: neither the user's nor the checkout's files are read.
        let homes: Vec<String> = lines("variable ").into_iter().filter(|line| line.starts_with("HOME=")).collect();
        assert_eq!(homes, ["HOME=/nonexistent"]);
        // Only those that call the cluster inherit the kubeconfig.
        let builds = lines("argument ").first().is_some_and(|word| word == "kustomize");
        assert_eq!(lines("descriptor "), if builds { vec![] } else { vec!["3".to_owned()] }, "{text}");
        assert!(!text.contains(" -v=8") && !text.contains("-v=9"), "{text}");
    }
}

#[test]
fn a_failure_leaks_no_more_than_a_success() {
    let namespace = Namespace::new();
    let checkout = Checkout::with(
        &OBJECTS.replace("metadata: {name: config}", "metadata: {name: config, labels: {l: \"${PASSWORD}\"}}"),
        &format!("{OBJECTS}{WORKLOAD}"),
    );
    let ended = valued(action(&checkout, &namespace, &[])).env("RUST_LOG", "trace").run();
    ended.failed(1, &["`ConfigMap config`", "metadata.labels"]).leaks_nothing(&CANARIES);
    for (sink, text) in [("summary", checkout.summary()), ("outputs", checkout.outputs())] {
        assert_no_leak(sink, text.as_bytes(), &CANARIES);
    }
    namespace.assert_empty();
}
