//! The search for values in everything that a run leaves behind: streams, the runner's files, files on disk, its children.
//!
//! Every [`Run::run`] is searched, for every value that the test gives it in its environment, first as it is and then as the
//! runner shows it. What is meant to be seen is told by `--nonsensitive`, `--output -` and [`Run::showing`].

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use secret_patch_runner::{Files, Finished, Job, Summary};
use tempfile::TempDir;

use super::{Ended, Run};

/// Shorter values and forms stand in a log by chance.
const SHORTEST: usize = 8;

/// Names of variables that hold no value for a template.
const NO_VALUES: [&str; 9] = ["GITHUB_", "INPUT_", "RUNNER_", "ACTIONS_", "SECRET_PATCH_", "RUST_", "PATH", "HOME", "KUBECONFIG"];

/// Every way in which a canary could stand in a text, worked out apart from the product.
pub fn forms(canary: &str) -> Vec<String> {
    let lines = canary.lines().map(str::trim);
    let mut forms: Vec<String> = lines.chain([canary, canary.trim()]).flat_map(spellings).collect();
    for inner in spellings(canary.trim()) {
        forms.extend(encodings(&inner));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// With what JSON, YAML, shells, pages and URLs do to some characters.
fn spellings(text: &str) -> Vec<String> {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let inner = |text: &str| text[1..text.len() - 1].to_owned();
    let escaped = |text: &str, is_plain: fn(char) -> bool| -> String {
        let unit = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
        text.chars().map(|c| if is_plain(c) { c.to_string() } else { unit(c) }).collect()
    };
    let once = inner(&json(text));
    let entities = |text: &str, quotes: [&str; 2]| {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', quotes[0]).replace('\'', quotes[1])
    };
    let percent = |upper: bool, blank: &str| -> String {
        let byte = |byte: u8| match byte {
            b' ' => blank.to_owned(),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        text.bytes().map(byte).collect()
    };
    vec![
        text.to_owned(),
        escaped(&once, |c| !"<>&\u{2028}\u{2029}".contains(c)),
        escaped(&once, |c| c.is_ascii()),
        escaped(&once, |c| c.is_ascii()).replace("\\u00", "\\x"),
        inner(&json(&json(text))),
        once,
        text.replace('\'', "''"),
        text.replace('\'', r"'\''"),
        text.replace(['\\', '"', '$', '`'], "\\$0"),
        entities(text, ["&quot;", "&#39;"]),
        entities(text, ["&#34;", "&apos;"]),
        percent(true, "%20"),
        percent(false, "%20"),
        percent(true, "+"),
        percent(false, "+"),
    ]
}

/// Base64 of any text that holds this one, and hexadecimal.
fn encodings(text: &str) -> Vec<String> {
    let mut all = vec![text.bytes().map(|byte| format!("{byte:02x}")).collect(), text.bytes().map(|byte| format!("{byte:02X}")).collect()];
    for before in 0..3 {
        let whole = [vec![b'x'; before], text.as_bytes().to_vec()].concat();
        let (first, last) = ((before * 8).div_ceil(6), whole.len() * 8 / 6);
        all.extend([STANDARD.encode(&whole), URL_SAFE.encode(&whole)].map(|encoded| encoded[first..last].to_owned()));
    }
    all
}

/// A leak fails without showing the value.
#[track_caller]
pub fn assert_no_leak(sink: &str, bytes: &[u8], canaries: &[&str]) {
    // What is not UTF-8 cannot be part of a form; the standard library's search is fast without optimisation too.
    let sunk = String::from_utf8_lossy(bytes);
    // Folded or wrapped, a form has white space in it.
    let joined = without_blanks(&sunk.replace("\\n", ""));
    for (number, canary) in canaries.iter().enumerate() {
        for (form, text) in forms(canary).iter().enumerate() {
            assert!(!sunk.contains(text.as_str()), "canary {number} leaked into {sink} in form {form}");
            let text = without_blanks(text);
            let is_long = text.len() >= 2 * SHORTEST;
            assert!(!is_long || !joined.contains(&text), "canary {number} leaked into {sink} in form {form}, folded");
        }
    }
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What is watched while a run goes on, and searched when it has ended.
pub(super) struct Watch {
    canaries: BTreeMap<String, String>,
    before: BTreeMap<PathBuf, Vec<u8>>,
    calls: TempDir,
    children: Option<(Arc<AtomicBool>, JoinHandle<Vec<u8>>)>,
}

impl Watch {
    /// Before the run, whose kubectl is from now on called through a script that writes down arguments and environment.
    pub(super) fn new(run: &mut Run) -> Self {
        let watch = Self {
            canaries: canaries(run),
            before: files(&run.directory),
            calls: TempDir::new().expect("a temporary directory"),
            children: None,
        };
        if let Some(kubectl) = run.environment.get("PATH").and_then(|path| find("kubectl", path)) {
            let calls = watch.calls.path();
            let script = format!(
                "#!/bin/sh\n/bin/cat /proc/$$/cmdline /proc/$$/environ >'{}/'$$\nexec '{}' \"$@\"\n",
                calls.display(),
                kubectl.display()
            );
            let wrapper = calls.join("bin/kubectl");
            fs::create_dir(calls.join("bin")).expect("a directory");
            fs::write(&wrapper, script).expect("written");
            fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("executable");
            let path = run.environment.get_mut("PATH").expect("the one that was searched");
            *path = format!("{}:{path}", calls.join("bin").display());
        }
        watch
    }

    /// The run's process has started.
    pub(super) fn follow(&mut self, child: &Child) {
        let done = Arc::new(AtomicBool::new(false));
        let (until, parent) = (Arc::clone(&done), child.id());
        let sample = move || {
            let mut seen = BTreeMap::new();
            while !until.load(Ordering::Relaxed) {
                look(parent, &mut seen);
                std::thread::sleep(Duration::from_millis(2));
            }
            seen.into_values().flatten().collect()
        };
        self.children = Some((done, std::thread::spawn(sample)));
    }

    /// No sink of the ended run holds a value.
    #[track_caller]
    pub(super) fn search(self, run: &Run, ended: &Ended) {
        let values: Vec<&str> = self.canaries.values().map(String::as_str).collect();
        if let Some((done, children)) = self.children {
            done.store(true, Ordering::Relaxed);
            assert_no_leak("a child's arguments or environment", &children.join().expect("sampled"), &values);
        }
        for call in fs::read_dir(self.calls.path()).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            if call.is_file() {
                assert_no_leak("kubectl's arguments or environment", &fs::read(call).expect("readable"), &values);
            }
        }
        for (path, bytes) in files(&run.directory) {
            let is_patch = path.to_string_lossy().ends_with("-secret-config-patch.yml") || run.output() == path.to_str();
            if !is_patch && self.before.get(&path) != Some(&bytes) {
                assert_no_leak(&path.display().to_string(), &bytes, &values);
            }
        }
        let streams = [("stdout", &ended.stdout), ("stderr", &ended.stderr)];
        for (sink, text) in streams.into_iter().filter(|(sink, _)| *sink == "stderr" || run.output() != Some("-")) {
            let shown: String = text.split_inclusive('\n').filter(|line| !run.is_mask(line, sink)).collect();
            assert_no_leak(sink, shown.as_bytes(), &values);
        }
        if run.has_runner() {
            shown_by_the_runner(run, ended, &self.canaries);
        }
    }
}

/// What GitHub shows and keeps of the step holds no value, nor does what a later step of the job prints.
#[track_caller]
fn shown_by_the_runner(run: &Run, ended: &Ended, canaries: &BTreeMap<String, String>) {
    let values: Vec<&str> = canaries.values().map(String::as_str).collect();
    let file = |name: &str| run.environment.get(name).map(|path| fs::read(path).unwrap_or_default()).unwrap_or_default();
    let files = Files {
        path: file("GITHUB_PATH"),
        env: file("GITHUB_ENV"),
        summary: file("GITHUB_STEP_SUMMARY"),
        state: file("GITHUB_STATE"),
        output: file("GITHUB_OUTPUT"),
    };
    let mut job = Job::new();
    let done = job.step("ours").files(files).run(ended.stdout.as_bytes(), ended.stderr.as_bytes());
    assert!(!done.failed && !done.cut_off && done.matchers.is_empty(), "the runner fails the step: {:?}", done.errors);
    assert_no_leak("the job's log", done.log_text().as_bytes(), &values);
    for (sink, text) in kept(&done) {
        assert_no_leak(sink, text.as_bytes(), &values);
    }
    if ended.code != Some(0) || run.output() == Some("-") {
        return;
    }
    // Each value that the template asks for is hidden from now on, alone and in the base64 of a longer text.
    let asked = |name: &str| self::files(&run.directory).values().any(|bytes| holds(bytes, &format!("${{{name}")));
    for (name, value) in canaries.iter().filter(|(name, _)| asked(name)) {
        let printed = format!("{value}\n{}\n", STANDARD.encode(format!("user:{value}@host\n")));
        let later = job.step("later").run(printed.as_bytes(), b"");
        assert_no_leak(&format!("a later step that prints `{name}`"), later.log_text().as_bytes(), &[value]);
    }
}

/// What leaves the step without the runner's masks.
fn kept(done: &Finished) -> Vec<(&'static str, String)> {
    let pairs = |pairs: &BTreeMap<String, String>| pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let properties = |annotation: &secret_patch_runner::Annotation| {
        let all = annotation.properties.iter().map(|(name, value)| format!("{name}={value}\n"));
        all.chain([annotation.message.clone()]).collect::<String>()
    };
    let summary = match &done.summary {
        Summary::Shown(text) => text.clone(),
        Summary::None => String::new(),
        Summary::Dropped => panic!("the step summary is too long"),
    };
    vec![
        ("an annotation", done.annotations.iter().map(properties).collect()),
        ("outputs", pairs(&done.outputs)),
        ("state", pairs(&done.state)),
        ("the step summary", summary),
    ]
}

impl Run {
    /// The values of these variables may be seen.
    #[must_use]
    pub fn showing(mut self, names: &[&str]) -> Self {
        self.shown.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    fn output(&self) -> Option<&str> {
        self.option("output", Some("-o"))
    }

    fn option(&self, name: &str, short: Option<&str>) -> Option<&str> {
        let flag = format!("--{name}");
        let mut words = self.arguments.iter();
        let given = words.find_map(|word| word.strip_prefix(&format!("{flag}=")));
        let mut words = self.arguments.iter();
        let next = words.find(|word| **word == flag || Some(word.as_str()) == short).and_then(|_| words.next());
        let input = self.environment.get(&format!("INPUT_{}", name.to_uppercase()));
        given.or(next.map(String::as_str)).or(input.map(String::as_str))
    }

    /// Whether the program takes itself for the action, or is told to send masks to the runner.
    fn has_runner(&self) -> bool {
        self.environment.contains_key("GITHUB_ACTIONS")
    }

    fn is_mask(&self, line: &str, sink: &str) -> bool {
        let expected = if self.arguments.is_empty() { "stdout" } else { "stderr" };
        self.has_runner() && sink == expected && line.starts_with("::add-mask::")
    }
}

/// By the name of their variable.
fn canaries(run: &Run) -> BTreeMap<String, String> {
    let shown = run.option("nonsensitive", None).unwrap_or_default();
    let is_shown = |name: &str| shown.split([',', ' ', '\n']).any(|known| known == name) || run.shown.iter().any(|known| known == name);
    let is_value = |(name, value): &(&String, &String)| {
        value.len() >= SHORTEST && !NO_VALUES.iter().any(|start| name.starts_with(start)) && !is_shown(name)
    };
    run.environment.iter().filter(is_value).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The regular files beneath a directory, without what git keeps for itself.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().map(|entry| entry.expect("an entry")) {
            let kind = entry.file_type().expect("a type");
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

fn find(program: &str, path: &str) -> Option<PathBuf> {
    std::env::split_paths(OsStr::new(path)).map(|directory| directory.join(program)).find(|file| file.is_file())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Adds arguments and environment of the children that `parent` has at the moment.
fn look(parent: u32, seen: &mut BTreeMap<u32, Vec<u8>>) {
    let ours = fs::read_link(format!("/proc/{parent}/exe"));
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
        let read = |name: &str| fs::read(format!("/proc/{child}/{name}")).unwrap_or_default();
        // Until it runs its own program, a child is a copy of its parent.
        let program = fs::read_link(format!("/proc/{child}/exe"));
        if program.is_ok() && ours.as_ref().ok() != program.as_ref().ok() {
            let told = [read("cmdline"), read("environ")].concat();
            seen.entry(child).or_insert(told);
        }
    }
    seen.entry(parent).or_insert_with(|| fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default());
}
