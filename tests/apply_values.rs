//! Needs the test bed.
//!
//! Values on their way from the step's environment into the cluster: every byte arrives.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use support::cluster::Namespace;
use support::{Checkout, Run};

/// Values that break text substitution, YAML or a log.
fn nasty() -> Vec<String> {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "MIGHAgEAMBMGByqGSM49".repeat(3));
    let long = "0123456789abcdef".repeat(4096);
    let fixed = [
        "plain-value",
        r#"double " quote"#,
        "single ' quote",
        r#"'both' "kinds""#,
        "two\nlines",
        "ends with a newline\n",
        "\nbegins with one",
        "two at the end\n\n",
        "# not a comment",
        "value # no comment",
        "key: value",
        "ends with colon:",
        "- item",
        "? question",
        "100%",
        "%YAML 1.2",
        "$HOME and $1",
        "${X}",
        "${PATH:-/bin}",
        "$${X}",
        "$(id) `id`",
        r"back\slash \n \t \\",
        r"ends with \",
        " leading blank",
        "trailing blank ",
        "\tleading tab",
        "a\n\tline with a tab\n  and blanks  \n",
        "no",
        "yes",
        "on",
        "true",
        "null",
        "~",
        "1e3",
        "0777",
        "0x1F",
        "1_000",
        "1.0",
        ".inf",
        "-.inf",
        ".nan",
        "12:30:45",
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        "=",
        "<<",
        "*alias",
        "&anchor",
        "!tag",
        "!!binary aGk=",
        "@at",
        "{a: b}",
        "[1, 2]",
        "{",
        "]",
        "|",
        ">-",
        "---",
        "--- \nkind: Secret\n...\n",
        "...",
        r#"{"json": [1, "two", null], "s": "a\"b"}"#,
        "https://user:p@ss/w%20rd@host:5432/db?x=1&y=2",
        "🦀 emoji 👩‍👩‍👧",
        "separator \u{2028} and \u{2029}",
        "no-break\u{a0}space",
        "\u{feff}byte order mark",
        "right-to-left \u{202e}abc",
        "escape \u{1b}[31m bell \u{7}",
        "backspace \u{8} and form feed \u{c}",
        "windows\r\nlines\r\n",
        "old mac\rlines",
        "\u{fffd} \u{e000} \u{10ffff}",
        "::error::not a command",
        "%0A::add-mask::x",
    ];
    fixed.into_iter().map(str::to_owned).chain([pem, long]).collect()
}

/// Values that a Secret takes and a ConfigMap does not: kubectl's apply brings them to the server as YAML, of which they are no part.
const NO_YAML: [&str; 5] = [
    "next line \u{85} here",
    " \u{85} at its \u{85}",
    "delete \u{7f} here",
    "c1 \u{80}\u{9f} here",
    "no \u{fffe} character",
];

/// Kind, name, field, and what a placeholder there needs.
const OBJECTS: [(&str, &str, &str, &str); 3] = [
    ("Secret", "clear", "stringData", ""),
    ("Secret", "encoded", "data", "@base64"),
    ("ConfigMap", "config", "data", ""),
];

struct Nasty {
    values: BTreeMap<String, String>,
}

impl Nasty {
    fn new() -> Self {
        let values = nasty().into_iter().enumerate().map(|(at, value)| (format!("V{at:02}"), value));
        let for_secrets = NO_YAML.iter().enumerate().map(|(at, value)| (format!("X{at:02}"), (*value).to_owned()));
        Self { values: values.chain(for_secrets).collect() }
    }

    /// A Secret with `stringData`, one with `data` and a ConfigMap, whose scalars are of every style; filled or not.
    fn objects(&self, filled: bool) -> String {
        let mut text = String::new();
        for (kind, name, field, encode) in [
            ("Secret", "clear", "stringData", ""),
            ("Secret", "encoded", "data", "@base64"),
            ("ConfigMap", "config", "data", ""),
        ] {
            write!(text, "---\napiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n").unwrap();
            if filled {
                writeln!(text, "{field}:").unwrap();
                for (at, name) in
                    self.values.keys().enumerate().filter(|(_, name)| kind == "Secret" || !name.starts_with('X'))
                {
                    match at % 4 {
                        0 => writeln!(text, "  {name}: ${{{name}{encode}}} # ${{COMMENT}}"),
                        1 => writeln!(text, "  {name}: \"${{{name}{encode}}}\""),
                        2 => writeln!(text, "  {name}: '${{{name}{encode}}}'"),
                        _ => writeln!(text, "  {name}: |-\n    ${{{name}{encode}}}"),
                    }
                    .unwrap();
                }
            }
        }
        text
    }

    fn given_to(&self, run: Run) -> Run {
        self.values.iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// `live` holds every value; a ConfigMap those it can.
    #[track_caller]
    fn assert_in(&self, kind: &str, mut live: BTreeMap<String, Vec<u8>>) {
        for (name, value) in self.values.iter().filter(|(name, _)| kind == "Secret" || !name.starts_with('X')) {
            let found = live.remove(name).unwrap_or_else(|| panic!("{kind} has no {name}"));
            let text = String::from_utf8_lossy(&found);
            assert!(found == value.as_bytes(), "{kind} {name}: {value:.80?}, but {text:.200?}");
        }
        assert!(live.is_empty(), "{:?}", live.keys());
    }

    #[track_caller]
    fn assert_live(&self, namespace: &Namespace) {
        for (kind, name, ..) in OBJECTS {
            self.assert_in(kind, namespace.values(&format!("{kind}/{name}")));
        }
    }
}

#[test]
fn every_value_arrives_byte_for_byte_through_an_overlay() {
    let (namespace, nasty) = (Namespace::new(), Nasty::new());
    let checkout = Checkout::with(&nasty.objects(true), &nasty.objects(false));
    let run = checkout.program(&["apply", "demo", "--yes"]).in_namespace(&namespace);
    let ended = nasty.given_to(run.clone()).run().done();
    nasty.assert_live(&namespace);
    let long: Vec<&str> = nasty.values.values().map(String::as_str).filter(|value| value.len() > 11).collect();
    ended.leaks_nothing(&long);
    assert!(!checkout.exists("config/demo-secret-config-patch.yml"));
    let versions = namespace.versions();
    nasty.given_to(run).run().done();
    assert_eq!(namespace.versions(), versions, "the second run wrote");
}

#[test]
fn every_value_arrives_byte_for_byte_without_an_overlay() {
    let (namespace, nasty) = (Namespace::new(), Nasty::new());
    let checkout = Checkout::with(&nasty.objects(true), "");
    let run = checkout.program(&["apply", "demo", "--yes", "--overlay", "none"]).in_namespace(&namespace);
    nasty.given_to(run).run().done();
    nasty.assert_live(&namespace);
}

#[test]
fn every_value_arrives_byte_for_byte_where_kustomize_hashes_what_it_generates() {
    let (namespace, nasty) = (Namespace::new(), Nasty::new());
    let checkout = Checkout::with(&nasty.objects(true), "").file(
        "apps/base/kustomization.yml",
        "secretGenerator:\n- name: clear\n  literals: [OLD=old]\n- name: encoded\nconfigMapGenerator:\n- name: config\n",
    );
    let run = checkout.program(&["apply", "demo", "--yes"]).in_namespace(&namespace);
    nasty.given_to(run).run().done();
    let names: Vec<String> = namespace.versions().into_keys().collect();
    for (kind, name, ..) in OBJECTS {
        let start = format!("{kind}/{name}-");
        let hashed =
            names.iter().find(|name| name.starts_with(&start)).unwrap_or_else(|| panic!("{start} in {names:?}"));
        let mut live = namespace.values(hashed);
        assert_eq!(live.remove("OLD").is_some(), name == "clear");
        nasty.assert_in(kind, live);
    }
}

#[test]
fn what_kubectl_cannot_bring_into_a_config_map_is_refused_before_anything_is_written() {
    let namespace = Namespace::new();
    let names = ["A", "B", "C", "D", "E"];
    let mut template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata:\n".to_owned();
    names.iter().for_each(|name| writeln!(template, "  {name}: ${{{name}}}").unwrap());
    let checkout = Checkout::with(&template, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\n");
    let run = checkout.program(&["apply", "demo", "--yes"]).in_namespace(&namespace);
    let given: Vec<(&str, &str)> = names.into_iter().zip(NO_YAML).collect();
    let mut ended = run.clone().envs(&given).run().leaks_nothing(&NO_YAML);
    for (at, name) in names.iter().enumerate() {
        let place = format!("  --> config/demo-config-secret.example.yml:{}:", at + 5);
        ended = ended.failed(1, &[&format!("error[control-character]: `data.{name}` of `ConfigMap config`"), &place]);
    }
    ended.failed(1, &["to `binaryData` with `${NAME@base64}`", "nothing was written to the cluster"]);
    namespace.assert_empty();
    let template =
        template.replace("\ndata:", "\nbinaryData:").replace('}', "@base64}").replace("config@base64}", "config}");
    checkout.write("config/demo-config-secret.example.yml", template.as_bytes());
    run.envs(&given).run().done();
}

#[test]
fn values_inside_of_longer_strings_keep_these_strings_whole() {
    let namespace = Namespace::new();
    let template = r#"apiVersion: v1
kind: Secret
metadata: {name: app}
stringData:
  DSN: postgres://${USER_NAME}:${PASSWORD@uri}@${HOST_NAME:-db}:5432/app
  JSON: '{"password": "${PASSWORD@json}"}'
  text.txt: |
    first ${USER_NAME}
    # second ${HOST_NAME:-db}
  LITERAL: $${USER_NAME} $1 ${1} $(id)
"#;
    let checkout = Checkout::with(template, "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\n");
    let password = "p@ss\"w/o\\rd:%1\n2";
    let run = checkout.program(&["apply", "demo", "--yes", "--allow-default", "HOST_NAME"]).in_namespace(&namespace);
    run.envs(&[("USER_NAME", "me"), ("PASSWORD", password)]).run().done().leaks_nothing(&[password]);
    assert_eq!(namespace.value("secret/app", "DSN"), "postgres://me:p%40ss%22w%2Fo%5Crd%3A%251%0A2@db:5432/app");
    let json: serde_json::Value = serde_json::from_str(&namespace.value("secret/app", "JSON")).unwrap();
    assert_eq!(json["password"], password);
    assert_eq!(namespace.value("secret/app", "text.txt"), "first me\n# second db\n");
    assert_eq!(namespace.value("secret/app", "LITERAL"), "${USER_NAME} $1 ${1} $(id)");
}

#[test]
fn outside_of_data_numbers_are_numbers_and_texts_are_texts() {
    let namespace = Namespace::new();
    let base = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
";
    let template = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${REPLICAS}
  template:
    metadata: {annotations: {build: "${BUILD}"}}
    spec:
      containers:
      - name: web
        env:
        - {name: FLAG, value: "${FLAG}"}
        - name: NUMBER
          value: ${NUMBER}
"#;
    let checkout = Checkout::with(template, base);
    let run = checkout.program(&["apply", "demo", "--yes", "--nonsensitive", "REPLICAS,BUILD,FLAG,NUMBER"]);
    let values = [("REPLICAS", "2"), ("BUILD", "1e3"), ("FLAG", "no"), ("NUMBER", "0777")];
    run.in_namespace(&namespace)
        .envs(&values)
        .run()
        .done()
        .said(&["Deployment web: ", "Applied demo: 1 object added, 1 workload ready"]);
    let spec = &namespace.object("deployment/web")["spec"];
    assert_eq!(spec["replicas"], 2);
    assert_eq!(spec["template"]["metadata"]["annotations"]["build"], "1e3");
    let env = &spec["template"]["spec"]["containers"][0]["env"];
    assert_eq!((&env[0]["value"], &env[1]["value"]), (&"no".into(), &"0777".into()));
}

/// kustomize itself fails on it, and says neither where nor what.
#[test]
fn a_control_character_in_a_field_is_told_with_its_place() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  selector: {matchLabels: {app: app}}\n  template:\n    metadata: {labels: {app: app}}\n    spec:\n      containers:\n      - name: app\n        image: app\n        env:\n        - name: A\n          value: ";
    let namespace = Namespace::new();
    let checkout = Checkout::with(&format!("{deployment}${{A}}\n"), &format!("{deployment}x\n"));
    for character in ['\u{7f}', '\u{85}', '\u{fffe}'] {
        let run = checkout.program(&["apply", "demo", "--yes"]).in_namespace(&namespace);
        run.env("A", &format!("canary{character}value")).run().failed(
            1,
            &[
                "error[control-character]: `spec.template.spec.containers[0].env[0].value` of `Deployment app`",
                "demo-config-secret.example.yml:14:18",
            ],
        );
    }
    namespace.assert_empty();
}

/// What stands in the repository for all to read is not hidden from the second run on, when it comes from the cluster too.
#[test]
fn a_committed_literal_and_a_public_value_stay_readable_in_every_run() {
    let (namespace, checkout) = (Namespace::new(), Checkout::empty());
    let secret = |name: &str, data: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData:\n{data}")
    };
    let objects = [
        secret("postgres", "  DB_HOST: postgres\n  A: ${A}\n"),
        secret("frankfurt-app", "  REGION: ${REGION}\n  OLD: ${OLD}\n"),
    ];
    checkout.write("t.yml", objects.join("---\n").as_bytes());
    checkout.write(".gitignore", b"*-patch.yml\n");
    checkout.commit();
    for value in ["canary-one", "canary-two"] {
        let words = ["apply", "demo", "--yes", "--template", "t.yml", "--overlay", "none", "--nonsensitive", "REGION"];
        let run = checkout.program(&words).in_namespace(&namespace).env("REGION", "frankfurt");
        let ended =
            run.env("A", value).env("OLD", value).run().done().said(&["Secret postgres", "Secret frankfurt-app"]);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("***"), "{ended:?}");
    }
}
