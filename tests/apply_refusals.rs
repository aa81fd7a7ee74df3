//! Needs the test bed.
//!
//! What can be wrong on the way to the cluster: one clear error with its remedy, and nothing half done unsaid.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::cluster::{Namespace, bed, random};
use support::{Checkout, Ended, Run};

const CANARY: &str = "canary-in-a-mine";
const NOTHING: &str = "nothing was written to the cluster";

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {A: \"${A}\"}
";

fn secret(name: &str) -> String {
    SECRET.replace("name: app", &format!("name: {name}"))
}

/// Objects that are the build as they are.
fn checkout(objects: &str) -> Checkout {
    Checkout::with(objects, "")
}

fn run(checkout: &Checkout, namespace: &Namespace) -> Run {
    checkout.program(&["apply", "demo", "--yes", "--overlay", "none"]).in_namespace(namespace).env("A", CANARY)
}

/// An apply of one Secret with another kubeconfig fails with these words, and writes nothing.
#[track_caller]
fn refused_with(config: &Value, words: &[&str]) -> Ended {
    let namespace = Namespace::new();
    let path = namespace.write("other", &config.to_string());
    let checkout = checkout(SECRET);
    let ended = run(&checkout, &namespace).env("KUBECONFIG", &path).run();
    namespace.assert_empty();
    ended.failed(1, words).said(&[NOTHING]).leaks_nothing(&[CANARY])
}

fn admin() -> Value {
    Namespace::absent().config()
}

#[test]
fn a_server_that_cannot_be_reached() {
    let mut config = admin();
    config["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:9");
    refused_with(
        &config,
        &[
            "error[server-unreachable]: the API server cannot be reached: 127.0.0.1:9: connection refused",
            "= help: check the kubeconfig's `server`",
        ],
    );
    config["clusters"][0]["cluster"]["server"] = json!("https://no-such-host.invalid:6443");
    refused_with(&config, &["error[server-unreachable]: the API server cannot be reached: ", "no-such-host.invalid"]);
}

#[test]
fn a_server_whose_certificate_is_not_trusted() {
    let mut config = admin();
    let cluster = config["clusters"][0]["cluster"].as_object_mut().expect("a mapping");
    cluster.remove("certificate-authority-data");
    refused_with(&config, &["error[server-certificate]: ", "`certificate-authority-data`"]);
}

#[test]
fn an_expired_client_certificate() {
    let namespace = Namespace::new();
    let expired = namespace.user(&json!([]), true);
    let ended = run(&checkout(SECRET), &namespace).env("KUBECONFIG", &expired).run();
    ended.failed(1, &["error[", "expired", NOTHING]).leaks_nothing(&[CANARY]);
    namespace.assert_empty();
}

#[test]
fn a_token_that_the_server_does_not_know() {
    let namespace = Namespace::new();
    let wrong = "wrong-token-wrong-token";
    let ended = run(&checkout(SECRET), &namespace).env("SECRET_PATCH_KUBE_TOKEN", wrong).run();
    let words = [
        "error[unauthorized]: the server does not accept the kubeconfig's credentials (401)",
        "= help: ",
        "`kube-token`",
        NOTHING,
    ];
    ended.failed(1, &words).leaks_nothing(&[CANARY, wrong]);
    namespace.assert_empty();
}

#[test]
fn a_token_of_a_service_account_is_enough() {
    let namespace = Namespace::new();
    namespace.kubectl(&["create", "serviceaccount", "deployer"]);
    let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch"]}]);
    namespace.grant(&json!({"kind": "ServiceAccount", "name": "deployer", "namespace": namespace.name()}), &rules);
    let token = namespace.kubectl(&["create", "token", "deployer"]);
    let mut config = namespace.config();
    config["users"][0]["user"] = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "interactiveMode": "Never"}});
    let path = namespace.write("exec", &config.to_string());
    let checkout = checkout(SECRET);
    let exec = run(&checkout, &namespace).env("KUBECONFIG", &path);
    exec.run().failed(1, &["error[", "`aws`", "--kube-token", "--allow-exec", NOTHING]);
    exec.env("SECRET_PATCH_KUBE_TOKEN", token.trim()).run().done().leaks_nothing(&[CANARY, token.trim()]);
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
}

#[test]
fn an_allowed_credential_plugin_runs() {
    let namespace = Namespace::new();
    let marker = namespace.write("ran", "");
    let mut config = namespace.config();
    let user = config["users"][0]["user"].clone();
    let status = json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {
        "clientCertificateData": decoded(&user["client-certificate-data"]), "clientKeyData": decoded(&user["client-key-data"])}});
    let credential = namespace.write("credential", &status.to_string());
    config["users"][0]["user"] = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "Never",
        "args": ["-c", format!("echo ran >>{marker}; env >>{marker}; cat {credential}")]}});
    let path = namespace.write("exec", &config.to_string());
    let checkout = checkout(SECRET);
    let exec = run(&checkout, &namespace).env("KUBECONFIG", &path);
    exec.run().failed(1, &["error[", "`sh`", NOTHING]);
    assert_eq!(std::fs::read_to_string(&marker).expect("a file"), "", "the plugin ran");
    let mut allowed = exec;
    allowed.arguments.push("--allow-exec".to_owned());
    allowed.run().done().leaks_nothing(&[CANARY]);
    let seen = std::fs::read(&marker).expect("a file");
    assert!(!seen.is_empty());
    support::assert_no_leak("the plugin's environment", &seen, &[CANARY]);
}

fn decoded(value: &Value) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().expect("a string")).expect("base64");
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_user_without_rights_is_told_which_verbs_on_what_are_missing() {
    let of_secrets = |verbs: &[&str]| json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}]);
    for (rules, verbs) in [
        (json!([]), r#"["get", "patch"]"#),
        (of_secrets(&["get"]), r#"["patch"]"#),
        (of_secrets(&["get", "patch"]), r#"["create"]"#),
    ] {
        let namespace = Namespace::new();
        let user = namespace.user(&rules, false);
        let checkout = checkout(&format!("{SECRET}---\n{}", secret("second")));
        let ended = run(&checkout, &namespace).env("KUBECONFIG", &user).run();
        let what = format!("on `secrets` in namespace `{}`", namespace.name());
        let rule = "- apiGroups: [\"\"]";
        let ended = ended.failed(1, &["error[forbidden]: `user-", &what, rule, &format!("verbs: {verbs}"), NOTHING]);
        assert_eq!(ended.stderr.matches("error[").count(), 1, "{ended:?}");
        ended.leaks_nothing(&[CANARY]);
        namespace.assert_empty();
    }
}

#[test]
fn a_user_with_exactly_the_rights_it_is_told_of_can_apply() {
    let namespace = Namespace::new();
    let secrets = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch"]});
    let checkout = checkout(SECRET);
    let user = namespace.user(&json!([secrets]), false);
    run(&checkout, &namespace).env("KUBECONFIG", &user).run().done().said(&["notice[restarts-unknown]"]);
    run(&checkout, &namespace).env("KUBECONFIG", &user).env("A", "another-canary").run().done();
    assert_eq!(namespace.value("secret/app", "A"), "another-canary");
}

#[test]
fn a_quota_that_a_dry_run_of_each_alone_does_not_show() {
    let namespace = Namespace::new();
    namespace.create(r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"secrets": "1"}}}"#);
    namespace.wait_for("quota", |namespace| namespace.object("quota/few")["status"]["hard"]["secrets"] == "1");
    let checkout = checkout(&format!(
        "{}---\n{}---\n{}",
        secret("a"),
        secret("b"),
        SECRET.replace("Secret", "ConfigMap").replace("stringData", "data")
    ));
    let mut dry = run(&checkout, &namespace);
    dry.arguments.push("--dry-run".to_owned());
    dry.run().done();
    let ended = run(&checkout, &namespace).run();
    let words = [
        "error[quota-exceeded]: `Secret b`: exceeded quota: few",
        "requested: secrets=1",
        "limited: secrets=1",
        "= help: ",
        "failed at apply: 2 objects written, 1 refused, 0 not reached",
    ];
    let ended = ended.failed(1, &words).leaks_nothing(&[CANARY]);
    assert_eq!(ended.stderr.matches("error[").count(), 1, "{ended:?}");
    assert_eq!(namespace.versions().into_keys().collect::<Vec<_>>(), ["ConfigMap/app", "Secret/a"]);
    namespace.kubectl(&["delete", "quota", "few"]);
    run(&checkout, &namespace).run().done().said(&["Applied demo: 1 object added, 2 unchanged"]);
}

#[test]
fn an_admission_policy_that_quotes_values() {
    let namespace = Namespace::new();
    let name = namespace.name();
    let metadata = json!({"name": name});
    let api_version = "admissionregistration.k8s.io/v1";
    let resources = json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets", "configmaps"]}]);
    let validation = json!({"expression": "!('A' in object.data)", "messageExpression": "'::error::refused is ' + object.data['A'] + ' of ' + object.kind"});
    let policy = json!({"apiVersion": api_version, "kind": "ValidatingAdmissionPolicy", "metadata": metadata,
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": resources}, "validations": [validation]}});
    let selector = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}});
    let binding = json!({"apiVersion": api_version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata,
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": selector}});
    namespace.create(&json!({"apiVersion": "v1", "kind": "List", "items": [policy, binding]}).to_string());
    let probe =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}, "data": {"A": "x"}}).to_string();
    namespace.wait_for("policy", |namespace| {
        !namespace.try_kubectl(&["create", "--dry-run=server", "-f", "-"], &probe).status.success()
    });
    let config = SECRET.replace("Secret", "ConfigMap").replace("stringData", "data");
    let checkout = checkout(&format!("{SECRET}---\n{config}"));
    let ended = run(&checkout, &namespace).run();
    let policy = format!("the admission policy `{name}`");
    let words = [
        &format!("error[admission-refused]: `Secret app` was refused by {policy}"),
        &format!("`ConfigMap app` was refused by {policy}"),
        NOTHING,
    ];
    let ended = ended.failed(1, &words.map(|word: &str| word)).leaks_nothing(&[CANARY]);
    assert!(
        !format!("{}\n{}", ended.stdout, ended.stderr).lines().any(|line| line.trim_start().starts_with("::error")),
        "{ended:?}"
    );
    // On a runner too, where the same words would be a command.
    let kubeconfig = std::fs::read_to_string(namespace.kubeconfig()).expect("a file");
    let inputs =
        [("command", "apply"), ("environment", "demo"), ("overlay", "none"), ("kubeconfig", kubeconfig.as_str())];
    let action = checkout.action(&inputs).env("PATH", &bed("PATH")).env("A", CANARY).run().failed(1, &[&policy]);
    assert!(!action.stdout.lines().any(|line| line.starts_with("::error::refused")), "{action:?}");
    action.leaks_nothing(&[CANARY]);
    support::assert_no_leak("summary", checkout.summary().as_bytes(), &[CANARY]);
    support::assert_no_leak("outputs", checkout.outputs().as_bytes(), &[CANARY]);
    namespace.assert_empty();
}

#[test]
fn a_conflict_names_the_other_manager_and_its_fields() {
    let namespace = Namespace::new();
    let old = "an-old-canary-value";
    let live = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"A": old}})
        .to_string();
    let done = namespace.try_kubectl(
        &["apply", "--server-side", "--field-manager=argo", "-f", "-"],
        &live.replace("stringData", "data").replace(old, "YW4tb2xkLWNhbmFyeS12YWx1ZQ=="),
    );
    assert!(done.status.success());
    let versions = namespace.versions();
    let ended = run(&checkout(SECRET), &namespace).run();
    let words = [
        "error[conflict]: `Secret app` has fields that others manage, with other values: `argo` owns `.data.A`",
        "= help: ",
        NOTHING,
    ];
    ended.failed(1, &words).leaks_nothing(&[CANARY, old]);
    assert_eq!(namespace.versions(), versions);
}

#[test]
fn fields_that_never_change_again() {
    let job = "apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: once, image: \"${A}\"}]}}
";
    let frozen = format!("{SECRET}immutable: true\n");
    let typed = format!("{SECRET}type: example.com/${{TYPE}}\n");
    for (objects, subject, remedy) in [
        (job, "`Job once`", "a Job runs once as it is"),
        (&frozen, "`Secret app`", "it is marked `immutable`"),
        (&typed, "`Secret app`", "delete the Secret first"),
    ] {
        let namespace = Namespace::new();
        let checkout = checkout(objects);
        let apply = |value: &str, kind: &str| run(&checkout, &namespace).envs(&[("A", value), ("TYPE", kind)]).run();
        apply("canary-one", "one").done();
        // The controllers may still be writing to a Job.
        let value = || {
            namespace.kubectl(&[
                "get",
                "secrets,jobs",
                "-o",
                "jsonpath={.items[*].data}{.items[*].spec.template.spec}{.items[*].type}",
            ])
        };
        let before = value();
        let ended = apply(if objects == typed { "canary-one" } else { "canary-two" }, "two");
        let ended =
            ended.failed(1, &[&format!("error[immutable-field]: {subject} cannot be changed so: "), remedy, NOTHING]);
        ended.leaks_nothing(&["canary-one", "canary-two"]);
        assert_eq!(value(), before);
    }
}

#[test]
fn a_namespace_that_does_not_exist() {
    let namespace = Namespace::absent();
    let ended = run(&checkout(SECRET), &namespace).run();
    let name = namespace.name();
    let words = [
        &format!("error[namespace-not-found]: `Secret app`: the namespace `{name}` does not exist"),
        &format!("kubectl create namespace {name}"),
        NOTHING,
    ];
    ended.failed(1, &words.map(|word: &str| word)).leaks_nothing(&[CANARY]);
}

#[test]
fn a_kind_that_the_server_does_not_know() {
    let namespace = Namespace::new();
    let objects = format!(
        "{SECRET}---\napiVersion: nowhere.example.com/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {{a: \"${{A}}\"}}\n"
    );
    let ended = run(&checkout(&objects), &namespace).run();
    ended
        .failed(1, &["error[unknown-kind]: `Widget w`: the server does not know the kind", "= help: ", NOTHING])
        .leaks_nothing(&[CANARY]);
    namespace.assert_empty();
}

#[test]
fn a_field_that_the_server_does_not_know_or_take() {
    let namespace = Namespace::new();
    let objects = format!(
        "{SECRET}typo: x\n---\n{}",
        secret("b").replace("name: b", "name: b, labels: {l: \"${A} is no label!\"}")
    );
    let ended = run(&checkout(&objects), &namespace).run();
    ended.failed(1, &["`Secret app`", "typo", "`Secret b`", "metadata.labels", NOTHING]).leaks_nothing(&[CANARY]);
    namespace.assert_empty();
}

#[test]
fn an_object_that_is_too_large() {
    let namespace = Namespace::new();
    let objects: String = (0..12).map(|number| format!("  K{number}: ${{A}}\n")).collect();
    let objects = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: app}}\nstringData:\n{objects}");
    let large = "0123456789abcdef".repeat(6000);
    let ended = run(&checkout(&objects), &namespace).env("A", &large).run();
    ended
        .failed(1, &["error[object-too-large]: `Secret app` is too large", "= help: ", NOTHING])
        .leaks_nothing(&[&large]);
    namespace.assert_empty();
}

#[test]
fn no_kubectl_or_one_that_does_not_fit() {
    let namespace = Namespace::new();
    let ended = run(&checkout(SECRET), &namespace).env("PATH", "/nowhere:relative").run();
    ended.failed(1, &["error[kubectl-missing]: `kubectl` was found neither", "= help: install kubectl", NOTHING]);
    let old = r#"if [ "$1" = version ]; then echo '{"clientVersion": {"major": "1", "minor": "32", "gitVersion": "v1.32.4"}, "serverVersion": {"major": "1", "minor": "36+", "gitVersion": "v1.36.3"}}'; exit 0; fi"#;
    let ended = run(&checkout(SECRET), &namespace).through(&namespace.wrapper(old)).run();
    ended.failed(
        1,
        &[
            "error[kubectl-skew]: kubectl is v1.32.4, the server v1.36.3: more than one minor version apart",
            "= help: use kubectl 1.36",
            NOTHING,
        ],
    );
    let broken = namespace.wrapper("exit 3");
    run(&checkout(SECRET), &namespace).through(&broken).run().failed(1, &["error[", NOTHING]);
    let killed = namespace.wrapper("kill -9 $$");
    run(&checkout(SECRET), &namespace)
        .through(&killed)
        .run()
        .failed(1, &["error[kubectl-killed]: kubectl was ended by signal 9", "too little memory", NOTHING]);
    namespace.assert_empty();
}

#[test]
fn a_kubectl_that_dies_while_it_writes_leaves_no_doubt_unsaid() {
    let namespace = Namespace::new();
    // The second write's kubectl dies after the server has its objects.
    let wrapper = namespace.wrapper(&format!(
        r#"case "$*" in *dry-run*) ;; apply*) "{}" "$@" >/dev/null 2>&1; kill -9 $$ ;; esac"#,
        support::cluster::real_kubectl().display()
    ));
    let checkout = checkout(&format!("{SECRET}---\n{}", secret("second")));
    let ended = run(&checkout, &namespace).through(&wrapper).run();
    let ended =
        ended.failed(1, &["error[kubectl-killed]", "warning[write-unknown]", "run it again"]).leaks_nothing(&[CANARY]);
    assert!(!format!("{ended:?}").contains(NOTHING), "{ended:?}");
    let ended = ended.said(&["0 objects written, 0 refused, 2 not answered, 0 not reached"]);
    assert!(!format!("{ended:?}").contains("Secret app refused"), "{ended:?}");
    run(&checkout, &namespace).run().done().said(&["Nothing to apply: all 2 objects of demo are unchanged"]);
}

#[test]
fn kubeconfigs_that_lead_nowhere() {
    refused_with(&json!(""), &["error[kubeconfig-"]);
    let mut config = admin();
    config["current-context"] = json!("");
    refused_with(&config, &["error[context-missing]: ", "`bed`", "--context"]);
    let mut config = admin();
    config["users"][0]["user"] = json!({});
    refused_with(&config, &["error[", "`bed-admin`", "credentials"]);
    let mut config = admin();
    config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = json!(true);
    refused_with(&config, &["error[server-unverified]: "]);
    let mut config = admin();
    config["users"][0]["user"] = json!({"auth-provider": {"name": "gcp"}});
    refused_with(&config, &["error[", "gcp", "--kube-token"]);
    let mut config = admin();
    let cluster =
        json!({"server": config["clusters"][0]["cluster"]["server"], "certificate-authority": "/nowhere/ca.crt"});
    config["clusters"][0]["cluster"] = cluster;
    refused_with(&config, &["error[", "/nowhere/ca.crt"]);
}

#[test]
fn a_kubeconfig_that_is_not_there() {
    let namespace = Namespace::new();
    let ended = run(&checkout(SECRET), &namespace).env("KUBECONFIG", "/nowhere/config").run();
    ended.failed(1, &["error[kubeconfig-", "/nowhere/config", NOTHING]);
    let ended = run(&checkout(SECRET), &namespace).env("KUBECONFIG", "").run();
    ended.failed(1, &["error[kubeconfig-missing]: no kubeconfig is given", "--kubeconfig", NOTHING]);
    let checkout = checkout(SECRET);
    let mut other = run(&checkout, &namespace);
    other.arguments.extend(["--context".to_owned(), "beb".to_owned()]);
    other.run().failed(1, &["error[context-unknown]", "`beb`", "did you mean `bed`?", NOTHING]);
    namespace.assert_empty();
}

#[test]
fn nobody_to_ask_is_a_wrong_call_that_says_how_to_answer() {
    let namespace = Namespace::new();
    let checkout = checkout(SECRET);
    let unasked = |more: &[&str]| {
        checkout
            .program(&[&["apply", "demo", "--overlay", "none"], more].concat())
            .in_namespace(&namespace)
            .env("A", CANARY)
            .run()
    };
    unasked(&[]).failed(
        2,
        &[
            "error[not-confirmed]: nobody can be asked whether to apply to context `bed` at https://",
            "`--context bed`",
            "`--yes`",
            NOTHING,
        ],
    );
    unasked(&["--dry-run"]).done();
    namespace.assert_empty();
    unasked(&["--context", "bed"]).done();
    // Nothing to write needs no answer.
    unasked(&[]).done().said(&["Nothing to apply"]);
}

/// The program on a terminal of its own, whose user types `answer`.
fn typed(run: &Run, answer: &str) -> (Option<i32>, String) {
    use std::io::Write as _;
    let program = [&[env!("CARGO_BIN_EXE_secret-patch").to_owned()][..], &run.arguments].concat().join(" ");
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command", &program, "/dev/null"]);
    command.env_clear().envs(&run.environment).current_dir(&run.directory);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(answer.as_bytes()).expect("typed");
    let output = child.wait_with_output().expect("ended");
    drop(stdin);
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_person_is_asked_and_may_say_no() {
    let namespace = Namespace::new();
    let checkout = checkout(SECRET);
    let run = checkout.program(&["apply", "demo", "--overlay", "none"]).in_namespace(&namespace).env("A", CANARY);
    for answer in ["n\n", "\n", "yep\n", "\u{4}"] {
        let (code, text) = typed(&run, answer);
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.contains("Apply 1 object to context bed at https://") && text.contains("not applied, as you said"),
            "{text}"
        );
        namespace.assert_empty();
        support::assert_no_leak("the terminal", text.as_bytes(), &[CANARY]);
    }
    let (code, text) = typed(&run, "y\n");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
}

#[test]
fn the_time_of_a_run_is_bounded_where_the_server_hangs() {
    // A server that accepts and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut config = admin();
    config["clusters"][0]["cluster"]["server"] = json!(format!("https://{address}"));
    let namespace = Namespace::absent();
    let path = namespace.write(&format!("hang-{}", random()), &config.to_string());
    let ended = run(&checkout(SECRET), &namespace).env("KUBECONFIG", &path).run();
    ended.failed(1, &["error[server-unreachable]", NOTHING]);
}
