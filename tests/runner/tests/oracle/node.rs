//! Asks `@actions/core` what it writes.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use secret_patch_runner::Files;
use serde_json::{Value, json};

/// Calls, what they need, and whether the files of the runner are there.
pub(crate) struct Case {
    pub(crate) calls: Vec<Value>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) has_files: bool,
}

impl Case {
    pub(crate) fn of(call: Value) -> Self {
        Self { calls: vec![call], environment: Vec::new(), has_files: true }
    }

    pub(crate) fn without_files(self) -> Self {
        Self { has_files: false, ..self }
    }
}

/// What the calls of a case returned, printed and wrote.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) returned: Vec<Value>,
    pub(crate) stdout: String,
    pub(crate) files: Files,
}

/// One answer a case.
pub(crate) fn ask(cases: &[Case]) -> Vec<Answer> {
    let given: Vec<Value> = cases
        .iter()
        .map(|case| {
            let environment: serde_json::Map<_, _> =
                case.environment.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json!({ "calls": case.calls, "environment": environment, "files": case.has_files })
        })
        .collect();
    let answers: Vec<Value> = serde_json::from_slice(&node(&Value::from(given).to_string())).unwrap();
    assert_eq!(answers.len(), cases.len());
    answers.into_iter().map(read).collect()
}

fn read(answer: Value) -> Answer {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let file = |name: &str| text(&answer["files"][name]).into_bytes();
    Answer {
        returned: answer["returned"].as_array().unwrap().clone(),
        stdout: text(&answer["stdout"]),
        files: Files {
            path: file("PATH"),
            env: file("ENV"),
            summary: file("STEP_SUMMARY"),
            state: file("STATE"),
            output: file("OUTPUT"),
        },
    }
}

fn node(cases: &str) -> Vec<u8> {
    let installed = installed();
    let help =
        "run `./test runner`, which installs it, or set ACTIONS_CORE to where `npm ci` of tests/runner/oracle was run";
    assert!(installed.join("node_modules/@actions/core").is_dir(), "@actions/core is not in {installed:?}: {help}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/calls.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .arg(&installed)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle needs node 18.17 or newer in PATH");
    child.stdin.take().unwrap().write_all(cases.as_bytes()).expect("node ended early, see its message");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "node failed, see its message");
    output.stdout
}

fn installed() -> PathBuf {
    let package: Value = serde_json::from_str(include_str!("../../oracle/package.json")).unwrap();
    let version = package["dependencies"]["@actions/core"].as_str().unwrap();
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache"))).unwrap_or_default();
    let named = std::env::var_os("ACTIONS_CORE").map(PathBuf::from);
    named.unwrap_or_else(|| cache.join(format!("secret-patch-bed/actions-core-{version}")))
}
