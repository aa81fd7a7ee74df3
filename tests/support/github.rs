//! GitHub as `tests/github` stands in for it: a server of its own for each test, held against GitHub's description of its API.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The token of a workflow, which may write.
pub const WORKFLOW_TOKEN: &str = "ghs_workflow-token-0123456789";

/// A comment as the stand-in has it: its number, who wrote it, what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub id: u64,
    pub login: String,
    pub body: String,
}

/// A running stand-in; ends with the test.
pub struct GitHub {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// What the runner calls `GITHUB_API_URL`.
    pub api_url: String,
}

impl GitHub {
    /// github.com.
    pub fn start() -> Self {
        Self::start_as("http://localhost", &["api.github.com"])
    }

    /// An Enterprise Server.
    pub fn enterprise() -> Self {
        Self::start_as("http://localhost", &["ghes-3.19", "/api/v3"])
    }

    /// An Enterprise Server whose certificate is signed by an authority of its own.
    pub fn enterprise_with_tls(key: &Path, certificate: &Path) -> Self {
        let path = |path: &Path| path.display().to_string();
        Self::start_as("https://localhost", &["ghes-3.19", "/api/v3", &path(key), &path(certificate)])
    }

    fn start_as(host: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/github/server.mjs"))
            .arg(installed())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in for GitHub needs node in PATH");
        let (input, output) = (child.stdin.take().expect("stdin"), child.stdout.take().expect("stdout"));
        let mut github = Self { child, input, output: BufReader::new(output), api_url: String::new() };
        let port = github.line()["port"].as_u64().expect("a port");
        github.api_url = format!("{host}:{port}{}", arguments.get(1).copied().unwrap_or_default());
        github
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("the stand-in ended, see its message")
    }

    fn tell(&mut self, command: &Value) -> Value {
        writeln!(self.input, "{command}").expect("the stand-in ended, see its message");
        self.line()
    }

    /// A comment that is there before; `user` has login, id and type, `null` for an account that is gone.
    pub fn seed(&mut self, user: Value, body: &str) -> u64 {
        self.tell(&json!({"do": "seed", "comments": [{"user": user, "body": body}]}))[0].as_u64().expect("a number")
    }

    /// Many comments of passers-by.
    pub fn crowd(&mut self, many: usize) {
        let comments: Vec<Value> = (0..many)
            .map(|n| json!({"user": {"login": format!("user-{n}"), "id": 5000 + n, "type": "User"}, "body": format!("comment {n}")}))
            .collect();
        self.tell(&json!({"do": "seed", "comments": comments}));
    }

    /// Whose a token is: `{"user": {login, id, type}, "app": …, "can": "write" | "read" | "nothing"}`.
    pub fn token(&mut self, token: &str, who: Value) {
        let mut command = who;
        command["do"] = "token".into();
        command["token"] = token.into();
        self.tell(&command);
    }

    /// What happens to requests of one operation, see `tests/github/server.mjs`.
    pub fn fault(&mut self, on: &str, what: Value) {
        let mut command = what;
        command["do"] = "fault".into();
        command["on"] = on.into();
        self.tell(&command);
    }

    /// What there is. Fails if one of them holds a value that a run of this test was given.
    #[track_caller]
    pub fn comments(&mut self) -> Vec<Written> {
        let comments = self.tell(&json!({"do": "comments"}));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let written = |comment: &Value| Written {
            id: comment["id"].as_u64().expect("a number"),
            login: text(&comment["login"]),
            body: text(&comment["body"]),
        };
        let canaries = super::canaries_so_far();
        let canaries: Vec<&str> = canaries.iter().map(String::as_str).collect();
        super::assert_no_leak("a comment", comments.to_string().as_bytes(), &canaries);
        comments.as_array().expect("a list").iter().map(written).collect()
    }

    /// The operations that were asked for, in order. Fails if one of them, or what came with it, is not as GitHub describes it.
    #[track_caller]
    pub fn asked(&mut self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|request| request["operation"].as_str().unwrap_or("nothing known").to_owned())
            .collect()
    }

    /// The requests with method, path, operation and token.
    #[track_caller]
    pub fn requests(&mut self) -> Vec<Value> {
        let log = self.tell(&json!({"do": "log"}));
        assert_eq!(log["faults"], json!([]));
        log["requests"].as_array().expect("a list").clone()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the packages of `tests/github/package.json` are.
fn installed() -> PathBuf {
    let package: Value = serde_json::from_str(include_str!("../github/package.json")).expect("JSON");
    let version = package["dependencies"]["@octokit/openapi"].as_str().expect("a version");
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache"))).unwrap_or_default();
    let named = std::env::var_os("GITHUB_DESCRIPTION").map(PathBuf::from);
    let installed = named.unwrap_or_else(|| cache.join(format!("secret-patch-bed/github-description-{version}")));
    let help =
        "run `./test github`, which installs it, or set GITHUB_DESCRIPTION to where `npm ci` of tests/github was run";
    assert!(
        installed.join("node_modules/@octokit/openapi").is_dir(),
        "GitHub's description is not in {installed:?}: {help}"
    );
    installed
}
