//! Needs the test bed.
//!
//! An account that lacks a right: it is told before the first write, as a Role that then is enough.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::cluster::{Namespace, real_kubectl};
use support::{Checkout, Ended, Run};

const CANARY: &str = "canary-of-a-value";
const NOTHING: &str = "nothing was written to the cluster";

const OBJECTS: &str = "apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {A: \"${A}\"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {B: \"${B}\"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {b: \"${B}\"}}
    spec: {containers: [{name: web, image: web}]}
";

fn run(checkout: &Checkout, namespace: &Namespace, user: &str, more: &[&str]) -> Run {
    let arguments = ["apply", "demo", "--yes", "--overlay", "none", "--format", "json", "--nonsensitive", "B"];
    let run = checkout.program(&[&arguments[..], more].concat()).in_namespace(namespace);
    run.env("KUBECONFIG", user).env("A", CANARY).env("B", "one")
}

/// One rule a resource.
fn rules(rules: &[(&str, &str, &[&str])]) -> Value {
    let rule = |(group, resource, verbs): &(&str, &str, &[&str])| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    rules.iter().map(rule).collect()
}

/// What applying [`OBJECTS`] and waiting for them takes.
const ENOUGH: [(&str, &str, &[&str]); 3] = [
    ("", "secrets", &["get", "create", "patch"]),
    ("", "configmaps", &["get", "create", "patch"]),
    ("apps", "deployments", &["get", "create", "patch", "list", "watch"]),
];

/// [`ENOUGH`] without one verb on one resource, which come with it.
fn each_verb_missing() -> Vec<(Value, &'static str, &'static str)> {
    let mut cases = Vec::new();
    for (at, (_, resource, verbs)) in ENOUGH.iter().enumerate() {
        for verb in *verbs {
            let left: Vec<&str> = verbs.iter().copied().filter(|other| other != verb).collect();
            let mut some = ENOUGH;
            some[at].2 = &left;
            cases.push((rules(&some), *resource, *verb));
        }
    }
    cases
}

/// The ready Role of the one error.
#[track_caller]
fn role(ended: &Ended) -> Value {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let problems = report["problems"].as_array().expect("problems").iter();
    let errors: Vec<&Value> = problems.filter(|problem| problem["severity"] == "error").collect();
    assert_eq!((errors.len(), &errors[0]["kind"]), (1, &json!("forbidden")), "{ended:?}");
    let help = errors[0]["help"].as_str().expect("a help");
    let (_, yaml) = help.split_once('\n').unwrap_or_else(|| panic!("no Role: {ended:?}"));
    serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"))
}

/// Has the Role applied as it stands, and bound to the user of the kubeconfig.
fn bind(namespace: &Namespace, role: &Value, user: &str) {
    let user = Path::new(user).file_name().expect("a name").to_str().expect("UTF-8");
    namespace.create(&role.to_string());
    let role = format!("--role={}", role["metadata"]["name"].as_str().expect("a name"));
    namespace.kubectl(&[
        "create",
        "rolebinding",
        &format!("b-{:016x}", support::cluster::random()),
        &role,
        "--user",
        user,
    ]);
}

#[test]
fn each_missing_verb_is_told_before_the_first_write_and_its_role_is_enough() {
    let checkout = Checkout::with(OBJECTS, "");
    for (rules, resource, verb) in each_verb_missing() {
        let namespace = Namespace::new();
        let user = namespace.user(&rules, false);
        let what = format!("{verb} on `{resource}` in namespace `{}`", namespace.name());
        let dry = run(&checkout, &namespace, &user, &["--dry-run"]).run().failed(1, &[&what, NOTHING]);
        let ended = run(&checkout, &namespace, &user, &[]).run().failed(1, &[&what, NOTHING]);
        namespace.assert_empty();
        let given = role(&ended);
        assert_eq!(given, role(&dry));
        assert_eq!((&given["kind"], &given["metadata"]["namespace"]), (&json!("Role"), &json!(namespace.name())));
        let rules = given["rules"].as_array().expect("rules");
        assert_eq!((rules.len(), &rules[0]["resources"], &rules[0]["verbs"]), (1, &json!([resource]), &json!([verb])));
        let names = (resource == "secrets" && verb != "create").then(|| json!(["app"]));
        assert_eq!(rules[0].get("resourceNames"), names.as_ref(), "{given}");
        bind(&namespace, &given, &user);
        run(&checkout, &namespace, &user, &[]).run().done().leaks_nothing(&[CANARY]);
        ended.leaks_nothing(&[CANARY]);
        assert_eq!(namespace.versions().len(), 3);
    }
}

#[test]
fn an_account_without_any_right_is_told_all_of_them_at_once() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    let user = namespace.user(&json!([]), false);
    let ended = run(&checkout, &namespace, &user, &[]).run().failed(1, &[NOTHING]);
    let given = role(&ended);
    let expected = rules(&[
        ("", "configmaps", &["get", "create", "patch"]),
        ("", "secrets", &["create"]),
        ("", "secrets", &["get", "patch"]),
        ("apps", "deployments", &["get", "list", "watch", "create", "patch"]),
    ]);
    let mut expected = expected;
    expected[2]["resourceNames"] = json!(["app"]);
    assert_eq!(given["rules"], expected);
    bind(&namespace, &given, &user);
    run(&checkout, &namespace, &user, &[]).run().done();
    // Nothing more for what follows.
    let versions = namespace.versions();
    run(&checkout, &namespace, &user, &[]).run().done().said(&["Nothing to apply"]);
    assert_eq!(namespace.versions(), versions);
    run(&checkout, &namespace, &user, &[]).env("B", "two").run().done();
    assert_eq!(namespace.value("configmap/config", "B"), "two");
}

#[test]
fn the_summary_and_the_log_show_the_role() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    let user = namespace.user(&rules(&ENOUGH[1..]), false);
    let inputs = [
        ("command", "apply"),
        ("environment", "demo"),
        ("kubeconfig", user.as_str()),
        ("overlay", "none"),
        ("nonsensitive", "B"),
    ];
    let run = checkout.action(&inputs).in_namespace(&namespace).env("A", CANARY).env("B", "one");
    let ended = run.run().failed(1, &["kind: Role", "resources: [\"secrets\"]", NOTHING]);
    let summary = checkout.summary();
    for line in
        ["kind: Role", "  resources: [\"secrets\"]", "  resourceNames: [\"app\"]", "  verbs: [\"get\", \"patch\"]"]
    {
        assert!(summary.lines().any(|found| found == line), "`{line}` is not in {summary}");
    }
    ended.leaks_nothing(&[CANARY]);
    support::assert_no_leak("summary", summary.as_bytes(), &[CANARY]);
    namespace.assert_empty();
}

#[test]
fn rights_on_names_are_enough() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    let named = |resource: &str, group: &str, name: &str, verbs: &[&str]| json!({"apiGroups": [group], "resources": [resource], "resourceNames": [name], "verbs": verbs});
    let all = json!([
        named("secrets", "", "app", &["get", "create", "patch"]),
        named("configmaps", "", "config", &["get", "create", "patch"]),
        named("deployments", "apps", "web", &["get", "create", "patch", "list", "watch"]),
    ]);
    let user = namespace.user(&all, false);
    run(&checkout, &namespace, &user, &[]).run().done();
    run(&checkout, &namespace, &user, &[]).env("B", "two").env("A", "canary-two").run().done();
    assert_eq!(namespace.value("secret/app", "A"), "canary-two");
}

#[test]
fn what_is_there_needs_no_right_to_create_and_what_is_unchanged_no_right_to_patch() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    run(&checkout, &namespace, &namespace.kubeconfig(), &[]).run().done();
    let user = namespace.user(
        &rules(&[
            ("", "secrets", &["get"]),
            ("", "configmaps", &["get", "patch"]),
            ("apps", "deployments", &["get", "patch", "list", "watch"]),
        ]),
        false,
    );
    run(&checkout, &namespace, &user, &[]).env("B", "two").run().done();
    assert_eq!(namespace.value("configmap/config", "B"), "two");
    let ended =
        run(&checkout, &namespace, &user, &[]).env("A", "canary-two").env("B", "two").run().failed(1, &[NOTHING]);
    assert_eq!(role(&ended)["rules"][0]["verbs"], json!(["patch"]));
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
}

#[test]
fn what_is_not_waited_for_needs_no_right_to_watch() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    let mut some = ENOUGH;
    some[2].2 = &["get", "create", "patch"];
    let user = namespace.user(&rules(&some), false);
    run(&checkout, &namespace, &user, &["--rollout", "none"]).run().done();
}

#[test]
fn nothing_is_asked_where_the_server_has_shown_it_already() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    let log = namespace.wrapper(r#"echo "$*" >> "$calls/log""#);
    let asked = |run: Run| {
        let log_file = log.calls.join("log");
        std::fs::write(&log_file, "").expect("written");
        run.through(&log).run().done();
        let calls = std::fs::read_to_string(&log_file).expect("a log");
        calls.lines().filter(|call| call.starts_with("create ")).count()
    };
    let admin = namespace.kubeconfig();
    assert_eq!(asked(run(&checkout, &namespace, &admin, &[])), 1, "whether the Deployment may be watched");
    assert_eq!(asked(run(&checkout, &namespace, &admin, &[])), 0);
    assert_eq!(asked(run(&checkout, &namespace, &admin, &["--kinds", "Secret"]).env("A", "canary-two")), 0);
}

#[test]
fn a_server_that_answers_no_such_question_is_told_and_tried() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    let refused = "Error from server (Forbidden): error when creating \"STDIN\": selfsubjectaccessreviews.authorization.k8s.io is forbidden: User \"u\" cannot create resource \"selfsubjectaccessreviews\" in API group \"authorization.k8s.io\" at the cluster scope";
    let mute = namespace.wrapper(&format!("case \"$*\" in create*) echo '{refused}' >&2; exit 1 ;; esac"));
    let user = namespace.user(&rules(&ENOUGH), false);
    let words =
        ["notice[rights-unknown]: the server does not say what this account may do", "`selfsubjectaccessreviews`"];
    run(&checkout, &namespace, &user, &[]).through(&mute).run().done().said(&words);

    // A right that the refusal itself tells of is told as before.
    let other = Namespace::new();
    let user = other.user(&rules(&ENOUGH[1..]), false);
    let ended = run(&checkout, &other, &user, &[]).through(&mute).run();
    ended.failed(1, &["error[forbidden]: ", "may not get `secrets`", NOTHING]);
    other.assert_empty();
}

#[test]
fn an_authorizer_that_cannot_decide_is_told_and_tried() {
    let (namespace, checkout) = (Namespace::new(), Checkout::with(OBJECTS, ""));
    // Rules that are not all, as webhooks have them, and single answers that are none.
    let undecided = format!(
        r#"case "$*" in create*) '{}' "$@" | /bin/sed 's/"incomplete": false/"incomplete": true/; s/"verbs": \[/"verbs": ["none"], "was": [/; s/"allowed": true/"allowed": false, "evaluationError": "webhook: no answer"/'; exit 0 ;; esac"#,
        real_kubectl().display()
    );
    let wrapper = namespace.wrapper(&undecided);
    let user = namespace.user(&rules(&ENOUGH), false);
    let words = [
        "notice[rights-unknown]: the server cannot say whether this is allowed: ",
        "watch on `deployments`",
        "webhook: no answer",
    ];
    run(&checkout, &namespace, &user, &[]).through(&wrapper).run().done().said(&words);

    // Rules that are not all, and single answers that are.
    let single =
        undecided.replace("; s/\"allowed\": true/\"allowed\": false, \"evaluationError\": \"webhook: no answer\"/", "");
    let other = Namespace::new();
    let wrapper = other.wrapper(&single);
    let mut some = ENOUGH;
    some[2].2 = &["get", "create", "patch", "list"];
    let user = other.user(&rules(&some), false);
    let ended =
        run(&checkout, &other, &user, &[]).through(&wrapper).run().failed(1, &["watch on `deployments`", NOTHING]);
    bind(&other, &role(&ended), &user);
    run(&checkout, &other, &user, &[]).through(&wrapper).run().done();
}

#[test]
fn an_object_in_a_namespace_of_the_build_is_asked_for_before_the_namespace_is_made() {
    let namespace = Namespace::absent();
    let name = namespace.name();
    let space = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: app, namespace: {name}}}\nstringData: {{A: \"${{A}}\"}}\n"
    );
    let checkout = Checkout::with(&format!("{space}---\n{secret}"), "");
    let home = Namespace::new();
    let user = home.user(&json!([]), false);
    let account = Path::new(&user).file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    let cluster_role = |role: &str, rules: &Value| {
        let metadata = json!({"name": role});
        let api = "rbac.authorization.k8s.io/v1";
        home.create(
            &json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": api, "kind": "ClusterRole", "metadata": metadata, "rules": rules},
            {"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": metadata,
             "subjects": [{"kind": "User", "name": account, "apiGroup": "rbac.authorization.k8s.io"}],
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}}]})
            .to_string(),
        );
    };
    let apply = || {
        checkout
            .program(&["apply", "demo", "--yes", "--overlay", "none", "--format", "json"])
            .in_namespace(&home)
            .env("KUBECONFIG", &user)
            .env("A", CANARY)
            .run()
    };

    // Namespaces are cluster-wide: a ClusterRole for the one.
    let ended = apply().failed(1, &["cluster-wide", NOTHING]);
    let given = role(&ended);
    assert_eq!(given["kind"], "List", "{given}");
    let items = given["items"].as_array().expect("items");
    assert_eq!(items[0]["kind"], "ClusterRole");
    cluster_role(&format!("{name}-first"), &items[0]["rules"]);
    let secrets = |verbs: &[&str]| json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}]);
    cluster_role(&format!("{name}-get"), &secrets(&["get"]));

    // The Namespace alone could be written now.
    let ended = apply().failed(1, &["create on `secrets`", "patch on `secrets`", NOTHING]);
    assert_eq!(role(&ended)["metadata"]["namespace"], name);
    assert_eq!(home.kubectl(&["get", "namespace", name, "--ignore-not-found"]), "");
    cluster_role(&format!("{name}-write"), &secrets(&["create", "patch"]));
    apply().done().leaks_nothing(&[CANARY]);
    assert_eq!(namespace.value("secret/app", "A"), CANARY);
    for role in ["first", "get", "write"] {
        home.kubectl(&["delete", "clusterrole,clusterrolebinding", &format!("{name}-{role}")]);
    }
    home.kubectl(&["delete", "namespace", name, "--wait=false"]);
}

#[test]
fn many_objects_that_may_not_be_listed_are_read_one_by_one_and_that_is_said() {
    let namespace = Namespace::new();
    let one = |number: usize| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s{number}, namespace: {}}}\nstringData: {{A: \"${{A}}\"}}\n",
            namespace.name()
        )
    };
    let template: Vec<String> = (0..70).map(one).collect();
    let checkout = Checkout::with(&template.join("---\n"), "");
    let user = namespace.user(&rules(&ENOUGH[..1]), false);
    let words = ["notice[slower]: objects are read one by one, since they may not be listed", "may not list `secrets`"];
    run(&checkout, &namespace, &user, &[]).run().done().said(&words);
    run(&checkout, &namespace, &user, &[]).run().done().said(&["Nothing to apply"]);
    assert_eq!(namespace.versions().len(), 70);
}

#[test]
fn the_role_in_the_docs_is_enough_for_the_example() {
    let (namespace, checkout) = (Namespace::new(), Checkout::example());
    let overlay = "docker/k8/apps/overlays/staging/kustomization.yml";
    let in_namespace = |text: String| text.replace("livekit-staging", namespace.name());
    checkout.write(overlay, in_namespace(checkout.read(overlay)).as_bytes());
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rights.md");
    let docs = in_namespace(std::fs::read_to_string(docs).expect("a file"));
    let role = docs.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a Role");
    let user = namespace.user(&json!([]), false);
    bind(&namespace, &serde_yaml::from_str(role).expect("YAML"), &user);
    let apply = || {
        let run = checkout.program(&["apply", "staging", "--env-file", "demo.env", "--yes"]).in_namespace(&namespace);
        run.env("KUBECONFIG", &user).run().done()
    };
    apply().said(&["7 objects added", "2 workloads ready"]);
    apply().said(&["Nothing to apply"]);
}
