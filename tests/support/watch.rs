//! What is looked at while a run goes on, and searched when it has ended.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secret_patch_runner::{Annotation, Files, Finished, Job, Summary};

use super::leaks::{SHORTEST, Search};
use super::{Ended, Run};

/// Names of variables that hold no value.
const NO_VALUES: [&str; 14] = [
    "GITHUB_",
    "INPUT_",
    "RUNNER_",
    "STATE_",
    "ACTIONS_",
    "SECRET_PATCH_",
    "RUST_",
    "PATH",
    "HOME",
    "KUBE",
    "VAULT_",
    "TMPDIR",
    "LANG",
    "TERM",
];

/// Inputs that are credentials.
const CREDENTIALS: [&str; 8] = [
    "INPUT_KUBE-TOKEN",
    "INPUT_GITHUB-TOKEN",
    "INPUT_VAULT-TOKEN",
    "INPUT_VAULT-SECRET-ID",
    "INPUT_VAULT-PASSWORD",
    "INPUT_VAULT-JWT",
    "VAULT_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];

/// Inputs that may be content in the place of a path.
const CONTENTS: [&str; 2] = ["INPUT_VAULT-CLIENT-KEY", "INPUT_ENV-FILE"];

thread_local! {
    /// Of all runs of this test so far, for the sinks that outlive a run.
    static CANARIES: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// The values that any run of this test was given.
pub fn canaries_so_far() -> Vec<String> {
    CANARIES.with_borrow(|all| all.iter().cloned().collect())
}

/// Files with their contents.
type Snapshot = BTreeMap<PathBuf, Vec<u8>>;

pub(super) struct Watch {
    canaries: BTreeMap<String, String>,
    before: Snapshot,
    children: Option<(Arc<AtomicBool>, JoinHandle<Vec<u8>>)>,
}

impl Watch {
    /// Before the run.
    pub(super) fn new(run: &Run) -> Self {
        let canaries = canaries(run);
        CANARIES.with_borrow_mut(|all| all.extend(canaries.values().cloned()));
        Self { canaries, before: files(&run.directory), children: None }
    }

    /// The run's process has started: its children are asked for their arguments and environment until it ends.
    pub(super) fn follow(&mut self, child: &Child) {
        let done = Arc::new(AtomicBool::new(false));
        let (until, parent) = (Arc::clone(&done), child.id());
        let sample = move || {
            let mut seen = BTreeSet::new();
            while !until.load(Ordering::Relaxed) {
                look(parent, &mut seen);
                std::thread::sleep(Duration::from_millis(3));
            }
            seen.into_iter().flatten().collect()
        };
        self.children = Some((done, std::thread::spawn(sample)));
    }

    /// No sink of the ended run holds a value.
    #[track_caller]
    pub(super) fn search(self, run: &Run, ended: &Ended) {
        let Self { canaries, before, children } = self;
        let values: Vec<&str> = canaries.values().map(String::as_str).collect();
        let mut sinks = Vec::new();
        if let Some((done, children)) = children {
            done.store(true, Ordering::Relaxed);
            let children = children.join().expect("sampled");
            // A name is an argument where it is a value too.
            let children = if run.names_values { Vec::new() } else { children };
            sinks.push(("a child's arguments or environment".to_owned(), children));
        }
        sinks.extend(
            run.calls
                .iter()
                .flat_map(|calls| files(calls))
                .map(|(path, bytes)| (format!("kubectl's arguments or environment, {}", path.display()), bytes)),
        );
        sinks.extend(left_behind(run, &before));
        sinks.extend(streams(run, ended));
        if run.has_runner() {
            sinks.extend(shown_by_the_runner(run, ended));
        }
        let search = Search::new(&values);
        let leaks: Vec<String> = sinks.iter().filter_map(|(sink, bytes)| search.leak(sink, bytes)).collect();
        assert!(leaks.is_empty(), "{}", leaks.join("; "));
        if run.has_runner() && ended.code == Some(0) && run.output() != Some("-") && !run.reads_no_value {
            hidden_from_later_steps(run, ended, &canaries);
        }
    }
}

/// Files that the run made or changed, but the patch.
fn left_behind(run: &Run, before: &Snapshot) -> Vec<(String, Vec<u8>)> {
    let is_patch =
        |path: &Path| path.to_string_lossy().ends_with("-secret-config-patch.yml") || run.output() == path.to_str();
    let is_new = |(path, bytes): &(PathBuf, Vec<u8>)| !is_patch(path) && before.get(path) != Some(bytes);
    let name = |(path, bytes): (PathBuf, Vec<u8>)| (path.display().to_string(), bytes);
    files(&run.directory).into_iter().filter(is_new).map(name).collect()
}

/// What was printed, without the lines that tell the runner what to hide and without the filled template.
fn streams(run: &Run, ended: &Ended) -> Vec<(String, Vec<u8>)> {
    let streams = [("stdout", &ended.stdout), ("stderr", &ended.stderr)].into_iter();
    let streams = streams.filter(|(sink, _)| *sink == "stderr" || run.output() != Some("-"));
    let shown = |sink: &str, text: &str| -> String {
        text.split_inclusive('\n').filter(|line| !run.is_mask(line, sink)).collect()
    };
    streams.map(|(sink, text)| (sink.to_owned(), shown(sink, text).into_bytes())).collect()
}

/// What GitHub shows and keeps of the step: the log and the summary without what it was told to hide, all else as it is.
#[track_caller]
fn shown_by_the_runner(run: &Run, ended: &Ended) -> Vec<(String, Vec<u8>)> {
    let mut job = Job::new();
    let done = step(&mut job, run, ended);
    // Killed in the middle of a line, a run leaves half a command.
    let is_whole = ended.code.is_none() || !done.failed && !done.cut_off;
    assert!(is_whole && done.matchers.is_empty(), "the runner fails the step: {:?}", done.errors);
    let pairs = |pairs: &BTreeMap<String, String>| -> String {
        pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
    };
    let properties = |annotation: &Annotation| -> String {
        let all = annotation.properties.iter().map(|(name, value)| format!("{name}={value}\n"));
        all.chain([annotation.message.clone()]).collect()
    };
    let summary = match &done.summary {
        Summary::Shown(text) => text.clone(),
        Summary::None => String::new(),
        Summary::Dropped => panic!("the step summary is too long"),
    };
    let sinks = [
        ("the job's log", done.log_text()),
        ("an annotation", done.annotations.iter().map(properties).collect()),
        ("outputs", pairs(&done.outputs)),
        ("state", pairs(&done.state)),
        ("the step summary", summary),
    ];
    sinks.into_iter().map(|(sink, text)| (sink.to_owned(), text.into_bytes())).collect()
}

fn step(job: &mut Job, run: &Run, ended: &Ended) -> Finished {
    let file =
        |name: &str| run.environment.get(name).map(|path| fs::read(path).unwrap_or_default()).unwrap_or_default();
    let files = Files {
        path: file("GITHUB_PATH"),
        env: file("GITHUB_ENV"),
        summary: file("GITHUB_STEP_SUMMARY"),
        state: file("GITHUB_STATE"),
        output: file("GITHUB_OUTPUT"),
    };
    job.step("ours").files(files).run(ended.stdout.as_bytes(), ended.stderr.as_bytes())
}

/// Each value that the template asks for is hidden from now on, alone and in the base64 of a longer text.
#[track_caller]
fn hidden_from_later_steps(run: &Run, ended: &Ended, canaries: &BTreeMap<String, String>) {
    let mut job = Job::new();
    step(&mut job, run, ended);
    let texts: Vec<Vec<u8>> = files(&run.directory).into_values().collect();
    let asked = |name: &str| texts.iter().any(|bytes| String::from_utf8_lossy(bytes).contains(&format!("${{{name}")));
    let is_sent = !job.step("nothing").run(b"", b"").failed && (run.arguments.is_empty() || run.sends_masks());
    for (name, value) in canaries.iter().filter(|(name, _)| is_sent && asked(name)) {
        let printed = format!("{value}\n{}\n", STANDARD.encode(format!("user:{value}@host\n")));
        let later = job.step("later").run(printed.as_bytes(), b"");
        let sink = format!("a later step that prints `{name}`");
        let found = Search::new(&[value]).leak(&sink, later.log_text().as_bytes());
        assert_eq!(found, None);
    }
}

impl Run {
    /// The values of these variables may be seen.
    #[must_use]
    pub fn showing(mut self, names: &[&str]) -> Self {
        self.seen.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// The run is given no values, whatever stands in its environment: then it has none to hide from later steps.
    #[must_use]
    pub fn reading_no_value(mut self) -> Self {
        self.reads_no_value = true;
        self
    }

    /// What is searched for beside the values in the environment, such as an old live value.
    #[must_use]
    pub fn hiding(mut self, values: &[&str]) -> Self {
        self.hidden.extend(values.iter().map(|value| (*value).to_owned()));
        self
    }

    /// The log of the ended run as GitHub shows it.
    pub fn shown(&self, ended: &Ended) -> String {
        step(&mut Job::new(), self, ended).log_text()
    }

    fn output(&self) -> Option<&str> {
        self.option("output", Some("-o"))
    }

    fn option(&self, name: &str, short: Option<&str>) -> Option<&str> {
        let flag = format!("--{name}");
        let given = self.arguments.iter().find_map(|word| word.strip_prefix(&flag)?.strip_prefix('='));
        let mut words = self.arguments.iter();
        let next = words.find(|word| **word == flag || Some(word.as_str()) == short).and_then(|_| words.next());
        let input = self.environment.get(&format!("INPUT_{}", name.to_uppercase()));
        given.or(next.map(String::as_str)).or(input.map(String::as_str))
    }

    /// Whether the program takes itself for the action, or for a step of a workflow.
    fn has_runner(&self) -> bool {
        self.environment.contains_key("GITHUB_ACTIONS")
    }

    fn sends_masks(&self) -> bool {
        self.arguments.iter().any(|word| word == "--add-masks")
    }

    fn is_mask(&self, line: &str, sink: &str) -> bool {
        let expected = if self.arguments.is_empty() { "stdout" } else { "stderr" };
        self.has_runner() && sink == expected && line.starts_with("::add-mask::")
    }
}

/// By the name of their variable.
fn canaries(run: &Run) -> BTreeMap<String, String> {
    let listed = run.option("nonsensitive", None).unwrap_or_default();
    let mut seen = listed.split([',', ' ', '\n']).chain(run.seen.iter().map(String::as_str));
    let seen: BTreeSet<&str> = seen.by_ref().collect();
    let is_value = |name: &str| CREDENTIALS.contains(&name) || !NO_VALUES.iter().any(|start| name.starts_with(start));
    let is_content = |name: &str, value: &str| CONTENTS.contains(&name) && (value.contains('=') || value.len() > 100);
    let of_environment = run.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
    let of_input = run.environment.get("INPUT_SECRETS").and_then(|text| serde_json::from_str(text).ok());
    let of_input: BTreeMap<String, String> = of_input.unwrap_or_default();
    let hidden = run.hidden.iter().enumerate().map(|(number, value)| (format!("hidden {number}"), value.clone()));
    let of_environment = of_environment.filter(|(name, value)| is_value(name) || is_content(name, value));
    let all = of_environment.chain(of_input).chain(of_kubeconfig(run)).chain(hidden);
    all.filter(|(name, value)| value.len() >= SHORTEST && !seen.contains(name.as_str())).collect()
}

/// Tokens, passwords and keys of the kubeconfig, where it is one of ours: JSON, or a file of it.
fn of_kubeconfig(run: &Run) -> BTreeMap<String, String> {
    let given = ["INPUT_KUBECONFIG", "KUBECONFIG"].iter().find_map(|name| run.environment.get(*name));
    let text = given.map(|given| fs::read_to_string(run.directory.join(given)).unwrap_or_else(|_| given.clone()));
    let config: serde_json::Value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let users = config["users"].as_array().into_iter().flatten();
    let found = users.flat_map(|user| {
        let credentials = ["token", "password", "client-key-data"].into_iter();
        credentials.filter_map(|field| Some((field, user["user"][field].as_str()?.to_owned())))
    });
    found.map(|(field, value)| (format!("the kubeconfig's {field}"), value)).collect()
}

/// The regular files beneath a directory, without what git keeps for itself.
fn files(directory: &Path) -> Snapshot {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && entry.file_name() != ".git" {
                left.push(entry.path());
            } else if kind.is_file() {
                let name = entry.path().strip_prefix(directory).expect("beneath").to_owned();
                found.insert(name, fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    found
}

/// Adds arguments and environment of the children that `parent` has at the moment. Each is read again at every look: at first
/// a program has neither, and it may make way for another.
fn look(parent: u32, seen: &mut BTreeSet<Vec<u8>>) {
    let ours = fs::read_link(format!("/proc/{parent}/exe")).ok();
    let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let children = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    let children: String = children.collect();
    for child in children.split_whitespace() {
        let read = |name: &str| fs::read(format!("/proc/{child}/{name}")).unwrap_or_default();
        // Until it runs its own program, a child is a copy of its parent.
        let program = fs::read_link(format!("/proc/{child}/exe")).ok();
        if program.is_some() && program != ours {
            seen.insert([read("cmdline"), read("environ")].concat());
        }
    }
}
