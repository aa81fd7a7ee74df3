//! The action as the runner sees it: every line of the log, the outputs file, the summary, and nothing else.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "a test makes files and children, and fails by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::{Checkout, Ended, Run, assert_no_leak};

const PATCH: &str = "config/demo-secret-config-patch.yml";
const TEMPLATE_PATH: &str = "config/demo-config-secret.example.yml";
const KEY: &str = "k-7f3a9c: 100% #1";
const WORD: &str = "p4ssw0rd-8d1e77aa";
const CANARIES: [&str; 2] = [KEY, WORD];

const TEMPLATE: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: app-secrets
stringData:
  API_KEY: ${API_KEY}
  DB_PASSWORD: ${DB_PASSWORD}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-config
data:
  LOG_LEVEL: ${LOG_LEVEL}
";

fn template(text: &str) -> Checkout {
    Checkout::with(text, "").file(".gitignore", "*-secret-config-patch.yml\n.env.k8s.*\n.runner/\n")
}

/// `render demo` as a step, with `more` inputs.
fn render(checkout: &Checkout, more: &[(&str, &str)]) -> Run {
    let inputs: Vec<(&str, &str)> =
        [("command", "render"), ("environment", "demo")].iter().chain(more).copied().collect();
    checkout.action(&inputs)
}

fn with_values(run: Run) -> Run {
    run.env("API_KEY", KEY).env("DB_PASSWORD", WORD).env("LOG_LEVEL", "info")
}

// --- a model of the runner: actions/runner, ActionCommand.cs and FileCommandManager.cs

/// A command as the runner takes it from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Command {
    name: String,
    properties: BTreeMap<String, String>,
    data: String,
}

impl Command {
    fn property(&self, name: &str) -> &str {
        self.properties.get(name).map_or("", String::as_str)
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Command(Command),
    Text(String),
}

/// What the runner makes of stdout. A line ends with `\n`, `\r\n` or a bare `\r`.
fn log(stdout: &str) -> Vec<Line> {
    let text = stdout.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.strip_suffix('\n').unwrap_or(&text).split('\n');
    lines.map(|line| command(line).map_or_else(|| Line::Text(line.to_owned()), Line::Command)).collect()
}

fn command(line: &str) -> Option<Command> {
    const REGISTERED: [&str; 15] = [
        "add-mask",
        "error",
        "warning",
        "notice",
        "debug",
        "group",
        "endgroup",
        "echo",
        "stop-commands",
        "add-matcher",
        "remove-matcher",
        "set-output",
        "save-state",
        "set-env",
        "add-path",
    ];
    let (header, data, separator) = if let Some(rest) = line.trim_start().strip_prefix("::") {
        let (header, data) = rest.split_once("::")?;
        (header, data, ',')
    } else {
        let (_, rest) = line.split_once("##[")?;
        let (header, data) = rest.split_once(']')?;
        (header, data, ';')
    };
    let (name, properties) = header.split_once(' ').unwrap_or((header, ""));
    if !REGISTERED.contains(&name.to_lowercase().as_str()) {
        return None;
    }
    let unescape = |text: &str| {
        text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
    };
    let pairs = properties.split(separator).filter_map(|pair| pair.split_once('='));
    let properties = pairs.map(|(key, value)| (key.trim().to_owned(), unescape(value))).collect();
    let data = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    Some(Command { name: name.to_lowercase(), properties, data })
}

/// `GITHUB_OUTPUT`, each entry with a delimiter of its own.
fn outputs(file: &str) -> BTreeMap<String, String> {
    let (mut outputs, mut lines, mut delimiters) = (BTreeMap::new(), file.lines(), Vec::new());
    while let Some(line) = lines.next() {
        let (key, delimiter) = line.split_once("<<").unwrap_or_else(|| panic!("no heredoc: {line}"));
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        assert!(outputs.insert(key.to_owned(), value.join("\n")).is_none(), "{key} is set twice");
        assert!(delimiter.starts_with("ghadelimiter_") && !delimiters.contains(&delimiter), "{delimiter}");
        delimiters.push(delimiter);
    }
    outputs
}

/// An ended step.
struct Step {
    ended: Ended,
    log: Vec<Line>,
}

impl Step {
    fn commands(&self, name: &str) -> Vec<&Command> {
        let commands = self.log.iter().filter_map(|line| match line {
            Line::Command(command) if command.name == name => Some(command),
            _ => None,
        });
        commands.collect()
    }

    fn masks(&self) -> Vec<&str> {
        self.commands("add-mask").iter().map(|command| command.data.as_str()).collect()
    }

    fn text(&self) -> String {
        let lines = self.log.iter().filter_map(|line| match line {
            Line::Text(text) => Some(format!("{text}\n")),
            Line::Command(_) => None,
        });
        lines.collect()
    }

    #[track_caller]
    fn code(self, code: i32) -> Self {
        assert_eq!(self.ended.code, Some(code), "{:?}", self.ended);
        self
    }
}

/// Runs a step. Whatever it does: masks come first of all, only our own commands are commands, nothing is on stderr, no
/// value in any sink, and the exit code is 0 or 1.
#[track_caller]
fn step_with(checkout: &Checkout, run: &Run, canaries: &[&str]) -> Step {
    let ended = run.run();
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    assert_eq!(ended.stderr, "", "{ended:?}");
    assert!(ended.stdout.is_empty() || ended.stdout.ends_with('\n'), "{ended:?}");
    assert!(!ended.stdout.contains('\r') && !ended.stdout.contains("panicked"), "{ended:?}");
    let log = log(&ended.stdout);
    let is_mask = |line: &Line| matches!(line, Line::Command(command) if command.name == "add-mask");
    assert!(
        log.iter().skip_while(|line| is_mask(line)).all(|line| !is_mask(line)),
        "a mask after other lines: {ended:?}"
    );
    let mut open = false;
    for line in &log {
        let Line::Command(command) = line else { continue };
        let ours = ["add-mask", "error", "warning", "notice", "debug", "group", "endgroup"];
        assert!(ours.contains(&command.name.as_str()), "{command:?}");
        match command.name.as_str() {
            "group" => assert!(!std::mem::replace(&mut open, true), "groups do not nest: {ended:?}"),
            "endgroup" => assert!(std::mem::replace(&mut open, false), "nothing to close: {ended:?}"),
            "add-mask" => assert!(!command.data.trim().is_empty() && !command.data.contains(['\n', '\r'])),
            _ => assert!(command.data.chars().count() < 4096),
        }
    }
    assert!(!open, "a group stays open: {ended:?}");
    let ended = ended.leaks_nothing(canaries);
    checkout.holds_nothing(canaries, &[PATCH, "given.env"]);
    Step { ended, log }
}

#[track_caller]
fn step(checkout: &Checkout, run: &Run) -> Step {
    step_with(checkout, run, &CANARIES)
}

// --- inputs

#[test]
fn a_step_that_did_its_work() {
    let checkout = template(TEMPLATE);
    let step = step(&checkout, &with_values(render(&checkout, &[]))).code(0);
    let after: String = step
        .ended
        .timeless()
        .0
        .lines()
        .filter(|line| !line.starts_with("::add-mask::"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        after,
        "\
::notice title=not-masked::1 value is too simple to hide in the log without hiding other words
Secret app-secrets
  API_KEY      environment
  DB_PASSWORD  environment
ConfigMap app-config
  LOG_LEVEL    environment

Took …
Rendered demo: 3 values in 2 objects, written to config/demo-secret-config-patch.yml.
"
    );
    let outputs = outputs(&checkout.outputs());
    let names: Vec<&str> = outputs.keys().map(String::as_str).collect();
    assert_eq!(names, ["changed", "changed-keys", "changed-objects", "patch", "report"]);
    assert_eq!(outputs["patch"], PATCH);
    assert_eq!(
        (outputs["changed"].as_str(), outputs["changed-objects"].as_str(), outputs["changed-keys"].as_str()),
        ("false", "[]", "[]")
    );
    let report: serde_json::Value = serde_json::from_str(&outputs["report"]).expect("JSON");
    assert_eq!(
        (&report["result"], &report["command"], &report["objects"][0]["name"]),
        (&"done".into(), &"render".into(), &"app-secrets".into())
    );
    let summary: String = checkout
        .summary()
        .lines()
        .filter(|line| !line.starts_with("<sub>Took"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        summary,
        "\
✅ **Rendered demo: 3 values in 2 objects, written to config/demo-secret-config-patch.yml.**

**notice**: 1 value is too simple to hide in the log without hiding other words

| Object | Key | Value from |
| --- | --- | --- |
| <code>Secret app-secrets</code> |  |  |
|  | <code>API_KEY</code> | environment |
|  | <code>DB_PASSWORD</code> | environment |
| <code>ConfigMap app-config</code> |  |  |
|  | <code>LOG_LEVEL</code> | environment |


"
    );
    assert_eq!(checkout.mode(PATCH), 0o600);
}

#[test]
fn inputs_have_dashes_or_underscores_and_are_trimmed() {
    let lines = format!("API_KEY='{KEY}'\nDB_PASSWORD={WORD}\nLOG_LEVEL=info\n");
    for name in ["env-file", "env_file"] {
        let checkout = template(TEMPLATE).file("given.env", &lines);
        step(&checkout, &render(&checkout, &[(name, "\n given.env \t\n")])).code(0);
        assert!(checkout.read(PATCH).contains(WORD), "{name}");
    }
    // The runner writes both spellings only where one is empty; the other then counts.
    let checkout = template(TEMPLATE).file("given.env", &lines);
    step(&checkout, &render(&checkout, &[("env-file", ""), ("env_file", "given.env")])).code(0);
}

#[test]
fn content_in_the_place_of_a_path_is_not_shown() {
    let checkout = template(TEMPLATE);
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "canaryMIIEvQ".repeat(5));
    let encoded = STANDARD.encode(key);
    let vault = [("vault-url", "https://127.0.0.1:1"), ("vault-secrets", "secret/data/app a | API_KEY")];
    for (more, said) in [
        (vec![("env-file", "A=canary-hunter2\nB=canary-other")], "no-env-file"),
        (vec![("env-file", "URL=postgres://u:canary-hunter2@db/x.env")], "no-env-file"),
        (vec![("vault-client-certificate", "-----BEGIN CERTIFICATE-----"), ("vault-client-key", &encoded)], "no-pem"),
    ] {
        let inputs = if said == "no-pem" { [&vault[..], &more].concat() } else { more };
        let step = step(&checkout, &with_values(render(&checkout, &inputs))).code(1);
        assert!(step.ended.stdout.contains(&format!("::error title={said}::")), "{:?}", step.ended);
    }
    let step = step(&checkout, &with_values(render(&checkout, &[("env-file", "config/absent.env")]))).code(1);
    assert!(step.ended.stdout.contains("`config/absent.env` does not exist"), "{:?}", step.ended);
}

#[test]
fn every_input_may_be_empty() {
    let checkout = template(TEMPLATE);
    let all = secret_patch::inputs::names::ALL;
    let empty: Vec<(&str, &str)> =
        all.iter().skip(2).map(|input| (input.name, if input.name.len() % 2 == 0 { "" } else { " \n" })).collect();
    let step = step(&checkout, &with_values(render(&checkout, &empty))).code(0);
    assert!(step.commands("warning").is_empty(), "{:?}", step.ended);
    assert!(checkout.exists(PATCH));
}

#[test]
fn booleans_are_those_of_actions_core() {
    let checkout = template(TEMPLATE);
    for text in ["true", "True", "TRUE", "false", "False", "FALSE", " true\n"] {
        step(&checkout, &with_values(render(&checkout, &[("dry-run", text)]))).code(0);
    }
    for text in ["tRue", "yes", "on", "1", "0", "no", "off", "truee"] {
        let step = step(&checkout, &with_values(render(&checkout, &[("dry-run", text)]))).code(1);
        assert_eq!(step.commands("error")[0].data, format!("`dry-run` is `{text}`\n  = help: write `true` or `false`"));
    }
}

#[test]
fn an_unknown_input_is_a_warning_that_guesses_and_shows_no_value() {
    let checkout = template(TEMPLATE);
    let more = [("kube-tokn", WORD), ("envfile", WORD), ("xyzzy", WORD), ("entrypoint", "/x"), ("args", "y")];
    let step = step(&checkout, &with_values(render(&checkout, &more))).code(0);
    let warnings: Vec<&str> = step.commands("warning").iter().map(|warning| warning.data.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "there is no input `envfile`; it is ignored\n  = help: did you mean `env-file`?",
            "there is no input `kube-tokn`; it is ignored\n  = help: did you mean `kube-token`?",
            "there is no input `xyzzy`; it is ignored",
        ]
    );
}

#[test]
fn a_step_without_inputs_says_which_are_missing() {
    let checkout = template(TEMPLATE);
    let step = step(&checkout, &checkout.action(&[])).code(1);
    let errors = step.commands("error");
    assert_eq!(errors.len(), 2);
    assert!(
        errors[0].data.starts_with("`command` is missing") && errors[1].data.starts_with("`environment` is missing"),
        "{errors:?}"
    );
}

#[test]
fn wrong_inputs_are_told_all_at_once_as_errors() {
    let checkout = template(TEMPLATE);
    let more = [
        ("env-file", "-"),
        ("timeout", "5"),
        ("prefer", "vaults"),
        ("output", "-"),
        ("secrets", WORD),
        ("vars", "{"),
        ("format", "yaml"),
    ];
    let step = step(&checkout, &with_values(render(&checkout, &more))).code(1);
    let errors: Vec<&str> =
        step.commands("error").iter().map(|error| error.data.split('\n').next().unwrap_or_default()).collect();
    assert_eq!(
        errors,
        [
            "input `secrets` is not a JSON object (line 1, column 1)",
            "input `vars` is not a JSON object (line 1, column 1)",
            "`prefer` names `vaults`",
            "`timeout` is `5`",
            "`format` is `yaml`",
            "`-` is stdin, and a step of the action has none",
            "`output` is `-`, which would write the values into the job's log",
        ]
    );
    assert!(!checkout.exists(PATCH));
}

#[test]
fn an_input_that_is_no_utf8_is_told_once() {
    use std::os::unix::ffi::OsStrExt as _;
    let checkout = template(TEMPLATE);
    let bad = std::ffi::OsStr::from_bytes(b"\xff");
    let started = render(&checkout, &[]).start_with(|command| command.env("INPUT_ENVIRONMENT", bad));
    let ended = started.feed(b"").wait();
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.stdout.lines().next(),
        Some("::error title=input-not-utf8::`environment` is not UTF-8%0A  = help: write it as UTF-8")
    );
    assert_eq!(ended.stdout.matches("::error").count(), 1);
}

/// Summary, outputs and exit code tell the same story, however early a run ends.
#[test]
fn a_run_that_fails_at_its_inputs_is_in_the_summary_too() {
    let checkout = template(TEMPLATE);
    step(&checkout, &with_values(render(&checkout, &[("timeout", "5")]))).code(1);
    assert!(checkout.summary().contains("<code>timeout</code> is <code>5</code>"), "{}", checkout.summary());
}

#[test]
fn an_argument_makes_it_a_run_step() {
    let checkout = template(TEMPLATE);
    let mut run = with_values(checkout.action(&[("command", "apply"), ("environment", "other")]));
    run.arguments = vec!["render".to_owned(), "demo".to_owned()];
    let ended = run.run().done().leaks_nothing(&CANARIES);
    assert!(!ended.stdout.contains("::") && ended.stderr.is_empty(), "{ended:?}");
    run.arguments.push("--add-masks".to_owned());
    let ended = run.run().done().leaks_nothing(&CANARIES);
    assert!(
        ended.stderr.contains(&format!("::add-mask::{WORD}\n")),
        "masks never enter the stream of the report: {ended:?}"
    );
    assert!(!ended.stdout.contains("::"), "{ended:?}");
}

// --- masks

#[test]
fn masks_are_escaped_per_line_and_never_simple() {
    let text = (0..12).map(|number| format!("  V{number}: ${{V{number}}}\n")).collect::<String>();
    let checkout = template(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n{text}"));
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n";
    let json = "{\n  \"private_key\": \"abcdefgh-1\",\n  \"n\": 1\n}\n";
    let values = [
        "50%:a,b%0A",
        "first-line\r\nsecond-line\rthird-line",
        pem,
        json,
        "true",
        "8080",
        "abc",
        "staging",
        "{}",
        "::stop-commands::token-1",
        "  blanks-around  ",
        "caf\u{e9}-\u{1f511}",
    ];
    let mut run = render(&checkout, &[]);
    for (number, value) in values.iter().enumerate() {
        run = run.env(&format!("V{number}"), value);
    }
    let hidden = [
        "50%:a,b%0A",
        "first-line",
        "second-line",
        "third-line",
        "MIIEvQIBADANBgkq",
        "abcdefgh-1",
        "::stop-commands::token-1",
        "blanks-around",
        "caf\u{e9}-\u{1f511}",
    ];
    let step = step_with(&checkout, &run, &hidden).code(0);
    let masks = step.masks();
    for wanted in [
        "50%:a,b%0A",
        "first-line",
        "second-line",
        "third-line",
        "MIIEvQIBADANBgkq",
        "hkiG9w0BAQEFAASC",
        "\"private_key\": \"abcdefgh-1\",",
        "::stop-commands::token-1",
        "blanks-around",
        "caf\u{e9}-\u{1f511}",
    ] {
        assert!(masks.contains(&wanted), "{wanted}: {masks:#?}");
    }
    for mask in &masks {
        assert!(mask.chars().count() >= 4 && !["true", "8080", "abc", "staging"].contains(mask), "{mask}");
        assert!(!mask.contains("-----") && mask.chars().any(char::is_alphanumeric), "{mask}");
    }
    // The runner derives the base64 of each mask, but not of a text around it.
    for around in ["x", "xy", "xyz"] {
        let encoded = STANDARD.encode(format!("{around}first-line\r\nsecond-line\rthird-line{around}"));
        assert!(masks.iter().any(|mask| encoded.contains(mask)), "{around}");
    }
    assert_eq!(
        step.commands("notice")[0].data,
        "5 values are too simple to hide in the log without hiding other words"
    );
    assert!(step.ended.stdout.starts_with("::add-mask::"));
}

#[test]
fn only_what_is_sensitive_and_asked_for_is_masked() {
    let checkout = template("a: ${FROM_VARS}\nb: ${NAMED}\nc: ${FROM_SECRETS}\n");
    let more = [
        ("vars", r#"{"FROM_VARS": "shown-by-vars", "OTHER": "other-var"}"#),
        ("secrets", r#"{"FROM_SECRETS": "p4ssw0rd-8d1e77aa", "github_token": "ghs_unasked", "UNUSED": "unasked-for"}"#),
        ("nonsensitive", "NAMED"),
    ];
    let run = render(&checkout, &more).env("NAMED", "shown-by-name").env("UNASKED", "in-the-environment");
    let masks = step(&checkout, &run).code(0).masks().join("\n");
    assert!(masks.contains(WORD));
    for text in ["shown-by", "other-var", "ghs_unasked", "unasked-for", "in-the-environment"] {
        assert!(!masks.contains(text), "{text}: {masks}");
    }
    assert_eq!(checkout.read(PATCH), format!("a: \"shown-by-vars\"\nb: \"shown-by-name\"\nc: \"{WORD}\"\n"));
}

#[test]
fn json_inputs_hold_text_numbers_and_lines() {
    let checkout = template("a: ${A}\nb: ${B}\nc: ${C}\n");
    let secrets =
        "{\n  \"A\": \"one\\r\\ntwo %0A \\u2028 ☃\",\n  \"B\": \"p4ssw0rd-8d1e77aa\\n\",\n  \"github_token\": \"x\"\n}";
    let step = step(&checkout, &render(&checkout, &[("secrets", secrets), ("vars", r#"{"C": 1.50}"#)])).code(0);
    assert!(step.masks().contains(&"two %0A \u{2028} ☃"), "{:?}", step.masks());
    let patch = checkout.read(PATCH);
    let read: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_str(&patch).expect("YAML");
    assert_eq!(
        (read["a"].as_str(), read["b"].as_str()),
        (Some("one\r\ntwo %0A \u{2028} ☃"), Some("p4ssw0rd-8d1e77aa\n"))
    );
}

// --- findings

#[test]
fn findings_are_annotations_on_the_template() {
    let checkout = template(&format!("# c\n{TEMPLATE}"));
    let run = render(&checkout, &[]).env("API_KEY", KEY).env("LOG_LEVEL", "");
    let step = step(&checkout, &run).code(1);
    let errors = step.commands("error");
    let places: Vec<_> = errors
        .iter()
        .map(|error| (error.property("title"), error.property("file"), error.property("line"), error.property("col")))
        .collect();
    assert_eq!(places, [("missing-value", TEMPLATE_PATH, "8", "16"), ("empty-value", TEMPLATE_PATH, "15", "14")]);
    assert!(
        errors[1].data.contains("DB_PASSWORD: ${{ secrets.DB_PASSWORD }}")
            && errors[1].data.contains("`allow-empty: LOG_LEVEL`"),
        "{errors:?}"
    );
    assert!(
        step.text().ends_with("Render of demo failed at render: no secret patch was written.\n"),
        "{}",
        step.text()
    );
    let summary = checkout.summary();
    assert!(summary.starts_with("❌ **Render of demo failed at render"), "{summary}");
    assert!(
        summary.contains(
            "**error**: <code>DB_PASSWORD</code> is not set (<code>config/demo-config-secret.example.yml:8:16</code>)"
        ),
        "{summary}"
    );
    let outputs = outputs(&checkout.outputs());
    assert_eq!((outputs["patch"].as_str(), outputs["changed"].as_str()), ("", "false"));
    assert!(outputs["report"].contains(r#""result":"failed","failedStage":"render""#), "{}", outputs["report"]);
    assert!(!checkout.exists(PATCH));
}

#[test]
fn ten_errors_are_annotations_and_the_rest_stays_in_the_log() {
    let text = (0..13).map(|number| format!("k{number}: ${{MISSING_{number}}}\n")).collect::<String>();
    let checkout = template(&text);
    let step = step(&checkout, &render(&checkout, &[])).code(1);
    assert_eq!(step.commands("error").len(), 10);
    let text = step.text();
    assert_eq!(text.matches("error[missing-value]: ").count(), 3, "{text}");
    assert!(text.ends_with("3 errors more in this log only\n"), "{text}");
    assert_eq!(checkout.summary().matches("**error**").count(), 13);
}

#[test]
fn step_debugging_shows_no_more_values() {
    let checkout = template(TEMPLATE);
    step(&checkout, &with_values(render(&checkout, &[])).env("RUNNER_DEBUG", "1")).code(0);
}

// --- the runner's files

#[test]
fn outputs_and_summary_are_added_to_what_is_there() {
    let checkout = template(TEMPLATE);
    let run = with_values(render(&checkout, &[]));
    checkout.write(".runner/output", b"before=1\n");
    checkout.write(".runner/summary", b"before\n");
    step(&checkout, &run).code(0);
    assert!(checkout.outputs().starts_with("before=1\npatch<<ghadelimiter_"));
    assert!(checkout.summary().starts_with("before\n✅"));
}

#[test]
fn a_full_summary_is_left_alone_and_missing_files_do_no_harm() {
    let checkout = template(TEMPLATE);
    let run = with_values(render(&checkout, &[]));
    checkout.write(".runner/summary", &vec![b'x'; 1024 * 1024 - 1030]);
    step(&checkout, &run).code(0);
    assert!(checkout.summary().len() < 1024 * 1024);
    let mut without = run.clone();
    without.environment.remove("GITHUB_OUTPUT");
    without.environment.remove("GITHUB_STEP_SUMMARY");
    step(&checkout, &without).code(0);
    let nowhere = run.env("GITHUB_STEP_SUMMARY", "/none/summary").env("GITHUB_OUTPUT", "/none/output");
    let step = step(&checkout, &nowhere).code(0);
    let warnings = step.commands("warning");
    let told = |what: &str| warnings.iter().any(|warning| warning.data.starts_with(what));
    assert!(told("the step summary could not be written"), "{:?}", step.ended);
    assert!(told("the outputs could not be written"), "{:?}", step.ended);
}

#[test]
fn the_report_output_and_the_summary_stay_below_their_limits() {
    let text = (0..3000).map(|n| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: secret-number-{n}}}\nstringData: {{KEY_{n}: \"${{API_KEY}}\"}}\n---\n"));
    let checkout = template(&text.collect::<String>());
    step(&checkout, &with_values(render(&checkout, &[]))).code(0);
    let outputs = outputs(&checkout.outputs());
    assert!(outputs["report"].len() <= 64 * 1024, "{}", outputs["report"].len());
    serde_json::from_str::<serde_json::Value>(&outputs["report"]).expect("JSON");
    assert!(checkout.summary().len() <= 1024 * 1024 - 1024);
}

// --- text of others

const HOSTILE: [&str; 12] = [
    "::stop-commands::pwn",
    "::stop-commands::",
    "::set-output name=changed::pwn",
    "::add-mask::a",
    "::set-env name=LD_PRELOAD::/x",
    "::endgroup::",
    "\u{a0}\u{2003}::error::pwn",
    "\u{feff}::warning::pwn",
    "text ##[add-matcher]pwn.json",
    "##[add-mask]a",
    "a\r::add-path::/pwn",
    "</details><script>pwn</script> | @pwn ![x](//pwn) \u{1b}[2J\u{202e}",
];

#[test]
fn text_in_keys_names_and_comments_starts_no_command() {
    for hostile in HOSTILE {
        let quoted = serde_json::Value::from(format!("x\n{hostile}\n{hostile}")).to_string();
        let commented: String = hostile.split(['\r', '\n']).map(|line| format!("# {line}\n#{line}\n")).collect();
        let why = serde_json::Value::from(format!("${{B:?{}}}", hostile.replace('}', ""))).to_string();
        let text = format!(
            "{commented}apiVersion: v1\nkind: Secret\nmetadata:\n  name: {quoted}\n  namespace: {quoted}\nstringData:\n  \
             {quoted}: ${{API_KEY}}\n  K: {why}\n---\nkind: {quoted}\n{quoted}: ${{API_KEY}}\n"
        );
        let checkout = template(&text);
        let filled = step(&checkout, &with_values(render(&checkout, &[])).env("B", "b-value"));
        let missing = step(&checkout, &with_values(render(&checkout, &[])));
        assert_eq!(missing.ended.code, Some(1));
        for step in [filled, missing] {
            let others: Vec<_> = step.log.iter().filter(|line| matches!(line, Line::Command(command) if !["add-mask", "notice", "error", "warning"].contains(&command.name.as_str()))).collect();
            assert!(others.is_empty(), "{others:?}");
            assert!(step.masks().iter().all(|mask| *mask != "a"), "{:?}", step.masks());
            assert!(!step.text().contains(['\u{1b}', '\u{202e}']), "{}", step.text());
        }
        let entries = outputs(
            &checkout.outputs().split("patch<<").nth(1).map(|one| format!("patch<<{one}")).expect("the first run's"),
        );
        assert_eq!(entries.len(), 5, "{entries:?}");
        let summary = checkout.summary();
        for raw in ["<script", "![x]", "@pwn", "##["] {
            assert!(!summary.contains(raw), "{raw}: {summary}");
        }
    }
}

#[test]
fn text_in_file_names_and_values_starts_no_command() {
    for hostile in HOSTILE.iter().filter(|hostile| !hostile.contains('/')) {
        let name = format!("t/x\n{hostile}.yml");
        for text in ["a: ${API_KEY}\nb: ${NONE}\n", "a: [\n", "a: $API_KEY ${x%y}\n"] {
            let checkout = template(TEMPLATE).file(&name, text);
            step(&checkout, &with_values(render(&checkout, &[("template", "t")]))).code(1);
        }
    }
    for hostile in HOSTILE {
        // As a value: hidden, and no command either.
        let checkout = template(TEMPLATE);
        let value = format!("{hostile}\n{WORD}\r\n{hostile}");
        step(&checkout, &with_values(render(&checkout, &[])).env("DB_PASSWORD", &value)).code(0);
        // As a value that may be shown.
        let checkout = template(TEMPLATE);
        let run = with_values(render(&checkout, &[("nonsensitive", "LOG_LEVEL")])).env("LOG_LEVEL", hostile);
        step(&checkout, &run).code(0);
        // As an input.
        for input in [
            "environment",
            "command",
            "template",
            "root",
            "output",
            "prefer",
            "kinds",
            "timeout",
            "format",
            "env-file",
            "nonsensitive",
            "hostile\n::add-mask::a",
        ] {
            let checkout = template(TEMPLATE);
            step(&checkout, &with_values(render(&checkout, &[(input, hostile)])));
        }
    }
}

// --- kubectl's part, with a stand-in that answers as a hostile server would

const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
current-context: there
clusters: [{name: c, cluster: {server: 'https://cluster.example:6443'}}]
users: [{name: u, user: {token: t0ken-5f00ba11}}]
contexts: [{name: there, context: {cluster: c, user: u, namespace: n}}]
";

/// `apply` with a kubectl that knows its version and fails at all else with this text on stderr.
fn apply_with_stand_in(checkout: &Checkout, says: &str) -> Run {
    let version = r#"{"clientVersion":{"major":"1","minor":"33","gitVersion":"v1.33.0"},"serverVersion":{"major":"1","minor":"33","gitVersion":"v1.33.1"}}"#;
    checkout.write("bin/says", says.as_bytes());
    let directory = checkout.path().join("bin");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *version*) echo '{version}';; *) /bin/cat '{}/says' >&2; echo \"$API_KEY $KUBECONFIG\" >&2; exit 1;; esac\n",
        directory.display()
    );
    checkout.write("bin/kubectl", script.as_bytes());
    fs::set_permissions(directory.join("kubectl"), fs::Permissions::from_mode(0o755)).expect("executable");
    let inputs = [("command", "apply"), ("environment", "demo"), ("overlay", "none"), ("kubeconfig", KUBECONFIG)];
    with_values(checkout.action(&inputs)).env("PATH", &directory.display().to_string())
}

#[test]
fn what_kubectl_says_is_grouped_redacted_and_starts_no_command() {
    for hostile in HOSTILE {
        let checkout = template(TEMPLATE);
        let says =
            format!("Error from server (Invalid): {KEY}\n{hostile}\n{WORD} t0ken-5f00ba11 {}\n", STANDARD.encode(WORD));
        let run = apply_with_stand_in(&checkout, &says);
        fs::remove_file(checkout.path().join("bin/says")).expect("written");
        checkout.write("given.env", says.as_bytes());
        std::os::unix::fs::symlink("../given.env", checkout.path().join("bin/says")).expect("link");
        let step = step_with(&checkout, &run, &[KEY, WORD, "t0ken-5f00ba11"]).code(1);
        assert_eq!(step.commands("group").len(), step.commands("endgroup").len());
        assert!(!step.commands("group").is_empty(), "{:?}", step.ended);
        assert!(step.masks().contains(&"t0ken-5f00ba11"), "{:?}", step.masks());
        assert!(!step.commands("error").is_empty(), "{:?}", step.ended);
        assert!(checkout.summary().contains("nothing was written to the cluster"), "{}", checkout.summary());
        assert_eq!(outputs(&checkout.outputs())["changed"], "false");
    }
}

#[test]
fn without_a_cluster_the_action_refuses_before_any_value_is_read() {
    let checkout = template(TEMPLATE);
    let run = with_values(checkout.action(&[("command", "apply"), ("environment", "demo")]));
    let step = step(&checkout, &run).code(1);
    assert_eq!(step.masks(), [""; 0]);
    let errors = step.commands("error");
    assert!(errors.len() == 1 && errors[0].data.contains("kubeconfig"), "{errors:?}");
    assert_no_leak("summary", checkout.summary().as_bytes(), &CANARIES);
}

// --- the model itself

#[test]
fn the_model_takes_what_the_runner_takes() {
    let named = |line: &str| command(line).map(|command| command.name);
    assert_eq!(named(" \u{a0}::Add-Mask::x").as_deref(), Some("add-mask"));
    assert_eq!(named("text ##[error file=a;line=1]x").as_deref(), Some("error"));
    assert_eq!(
        (named("text ::error::x"), named("::unknown::x"), named("::error x"), named("\\::error::x")),
        (None, None, None, None)
    );
    assert_eq!(log("a\r::debug::b\r\nc\n").len(), 3);
    let error = command("::error title=a%3Ab%2Cc%25,line=3::x%0Ay%25").expect("a command");
    assert_eq!((error.property("title"), error.property("line"), error.data.as_str()), ("a:b,c%", "3", "x\ny%"));
}
