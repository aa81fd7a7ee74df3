//! A checkout to run the program in, as a user or a runner would, and a search for leaks in all that it leaves.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    reason = "each test binary uses its part of it"
)]

pub mod cluster;
pub mod eso;
pub mod github;
pub mod issuer;
pub mod leaks;
pub mod nasty;
pub mod own_bed;
pub mod own_vault;
mod started;
mod watch;
pub mod webhook;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub use self::leaks::assert_no_leak;
pub use self::started::Started;
pub use self::watch::canaries_so_far;

/// A temporary checkout of a git repository.
pub struct Checkout {
    directory: TempDir,
}

impl Checkout {
    /// An empty repository.
    pub fn empty() -> Self {
        let checkout = Self { directory: TempDir::new().expect("a temporary directory") };
        checkout.git(&["init", "-q"]);
        checkout.git(&["remote", "add", "origin", "https://localhost/owner/name.git"]);
        checkout
    }

    /// The example of the repository.
    pub fn example() -> Self {
        let checkout = Self::empty();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/livekit/.");
        let copied = Command::new("cp").arg("-r").arg(example).arg(checkout.path()).status().expect("cp");
        assert!(copied.success());
        checkout.commit();
        checkout
    }

    /// The layout with one environment `demo`, whose template and base are given; the overlay merges the patch over the base.
    pub fn with(template: &str, base: &str) -> Self {
        Self::empty()
            .file("config/demo-config-secret.example.yml", template)
            .file("apps/base/all.yml", base)
            .file("apps/base/kustomization.yml", "resources: [all.yml]\n")
            .file(
                "apps/overlays/demo/kustomization.yml",
                "resources: [../../base]\npatches:\n- path: ../../../config/demo-secret-config-patch.yml\n",
            )
            .file(".gitignore", "*-secret-config-patch.yml\n.env.k8s.*\n")
    }

    /// The same with a file more.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text.as_bytes());
        self
    }

    pub fn write(&self, path: &str, contents: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, contents).expect("written");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path().join(path).symlink_metadata().is_ok()
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "all", "--allow-empty"]);
    }

    /// At one fixed instant: equal trees are equal commits, whenever they are made.
    pub fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(self.path());
        for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            git.env(name, "2026-01-01T00:00:00Z");
        }
        let done = git.status().expect("git");
        assert!(done.success(), "git {arguments:?}");
    }

    /// The program with these arguments, in this directory, with an empty environment.
    pub fn program(&self, arguments: &[&str]) -> Run {
        Run {
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: BTreeMap::new(),
            directory: self.path().to_owned(),
            stdin: Vec::new(),
            program: env!("CARGO_BIN_EXE_secret-patch").into(),
            seen: Vec::new(),
            hidden: Vec::new(),
            reads_no_value: false,
            names_values: false,
            calls: None,
        }
    }

    /// The program as the runner starts the action: no arguments, inputs as variables, files for outputs and summary.
    pub fn action(&self, inputs: &[(&str, &str)]) -> Run {
        let runner = self.path().join(".runner");
        fs::create_dir_all(&runner).expect("a directory");
        let file = |name: &str| {
            let path = runner.join(name);
            fs::write(&path, "").expect("written");
            path.display().to_string()
        };
        let mut run = self.program(&[]).env("GITHUB_ACTIONS", "true").env("GITHUB_REPOSITORY", "owner/name");
        run = run.env("GITHUB_WORKSPACE", &self.path().display().to_string());
        run = run.env("GITHUB_OUTPUT", &file("output")).env("GITHUB_STEP_SUMMARY", &file("summary"));
        for (name, value) in inputs {
            run = run.env(&format!("INPUT_{}", name.to_uppercase()), value);
        }
        run
    }

    /// The id of the commit that is checked out.
    pub fn head(&self) -> String {
        let output = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(self.path()).output().expect("git");
        String::from_utf8(output.stdout).expect("an id").trim().to_owned()
    }

    /// The permission bits of a file.
    pub fn mode(&self, path: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(self.path().join(path)).expect("a file").permissions().mode() & 0o7777
    }

    /// No file holds any form of `canaries`, but those named (with what lies beneath them).
    #[track_caller]
    pub fn holds_nothing(&self, canaries: &[&str], but: &[&str]) {
        for path in files_beneath(self.path()) {
            let name = path.strip_prefix(self.path()).expect("beneath").to_owned();
            if !but.iter().any(|but| name.starts_with(but)) {
                assert_no_leak(&name.display().to_string(), &fs::read(&path).expect("readable"), canaries);
            }
        }
    }

    /// What the action left in the runner's files: outputs and summary.
    pub fn outputs(&self) -> String {
        self.read(".runner/output")
    }

    pub fn summary(&self) -> String {
        self.read(".runner/summary")
    }
}

/// A call of the program that can be changed until it is made.
#[derive(Clone)]
pub struct Run {
    pub arguments: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub directory: PathBuf,
    pub stdin: Vec<u8>,
    /// What is run: the program, unless a test says otherwise.
    pub program: PathBuf,
    /// Variables whose values may be seen.
    pub seen: Vec<String>,
    /// Further values that may not.
    pub hidden: Vec<String>,
    /// Whether it reads no value, so that there is none to hide.
    pub reads_no_value: bool,
    /// Whether a value is the name of an object too, with which kubectl is called.
    pub names_values: bool,
    /// Where a stand-in for kubectl has written its arguments and environment.
    pub calls: Option<PathBuf>,
}

impl Run {
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn envs(self, pairs: &[(&str, &str)]) -> Self {
        pairs.iter().fold(self, |run, (name, value)| run.env(name, value))
    }

    /// As a run that this event started: its name, its payload, and the commit of `GITHUB_SHA`.
    #[must_use]
    pub fn event(self, name: &str, sha: &str, payload: &serde_json::Value) -> Self {
        let path = self.directory.join(".runner/event.json");
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, payload.to_string()).expect("written");
        self.env("GITHUB_EVENT_PATH", &path.display().to_string())
            .envs(&[("GITHUB_EVENT_NAME", name), ("GITHUB_SHA", sha)])
    }

    #[must_use]
    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    /// With kubectl and the kubeconfig of the test bed.
    #[must_use]
    pub fn on_bed(self) -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}: run this under `bed run`"));
        self.env("PATH", &variable("PATH")).env("KUBECONFIG", &variable("KUBECONFIG"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(&self.environment).current_dir(&self.directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it on a terminal of its own, to its end: both streams come as stdout, in order, with plain line ends.
    pub fn on_terminal(&self) -> Ended {
        let quoted = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
        let words: Vec<String> = self.arguments.iter().map(quoted).collect();
        let line = format!("exec '{}' {}", env!("CARGO_BIN_EXE_secret-patch"), words.join(" "));
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin").envs(&self.environment);
        let output = script.current_dir(&self.directory).stdin(Stdio::null()).output().expect("script of util-linux");
        let stdout = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
        Ended { code: output.status.code(), stdout, stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    /// Runs it to its end, which fails the test where a value got out.
    #[track_caller]
    pub fn run(&self) -> Ended {
        self.start().feed(&self.stdin).wait()
    }

    /// Starts it with an open stdin. However it ends, that fails the test where a value got out.
    pub fn start(&self) -> Started {
        self.start_with(|command| command)
    }

    /// The same with what only the call itself can say, such as an argument that is not UTF-8.
    pub fn start_with(&self, change: impl FnOnce(&mut Command) -> &mut Command) -> Started {
        let mut command = self.command();
        change(&mut command);
        Started::new(self, &mut command)
    }
}

fn files_beneath(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let files = entries.flat_map(|entry| match entry.file_type().expect("a type") {
        kind if kind.is_dir() => files_beneath(&entry.path()),
        kind if kind.is_file() => vec![entry.path()],
        _ => Vec::new(),
    });
    files.collect()
}

/// How a run ended.
#[derive(PartialEq, Eq)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Ended {
    /// The run ended well.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The run failed with this code and says each of these words.
    #[track_caller]
    pub fn failed(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        let all = format!("{}{}", self.stdout, self.stderr);
        for word in words {
            assert!(all.contains(word), "`{word}` is not said: {self:?}");
        }
        assert!(!all.contains("panicked"), "{self:?}");
        self
    }

    /// The streams with the times taken out, for comparing them whole.
    pub fn timeless(&self) -> (String, String) {
        let plain = |text: &str| {
            let lines = text.lines().map(|line| if line.starts_with("Took ") { "Took …" } else { line });
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        (plain(&self.stdout), plain(&self.stderr))
    }

    /// Each of these words was printed.
    #[track_caller]
    pub fn said(self, words: &[&str]) -> Self {
        let all = format!("{}{}", self.stdout, self.stderr);
        for word in words {
            assert!(all.contains(word), "`{word}` is not said: {self:?}");
        }
        self
    }

    /// No form of any of `canaries` was printed; lines that tell the runner what to hide do not count.
    #[track_caller]
    pub fn leaks_nothing(self, canaries: &[&str]) -> Self {
        let printed =
            |text: &str| text.lines().filter(|line| !line.starts_with("::add-mask::")).collect::<Vec<_>>().join("\n");
        for (sink, text) in [("stdout", printed(&self.stdout)), ("stderr", printed(&self.stderr))] {
            assert_no_leak(sink, text.as_bytes(), canaries);
        }
        self
    }
}
