//! The doors through which text of others comes in or goes out, and what holds of each whatever the bytes are.
//!
//! `just fuzz` looks for bytes that break one; `tests/doors.rs` tries some in every run of the tests.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a door that does not hold panics"
)]

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use secret_patch::error::{Problem, Severity};
use secret_patch::kubeconfig::{self, Options, Source};
use secret_patch::mask::Masker;
use secret_patch::secret::Secret;
use secret_patch::template::{FillRules, StandIns, Template};
use secret_patch::values::{Rules, Sources, collect, parse_env_file};
use secret_patch::workflow::{self, Properties};
use secret_patch_runner::{Job, pairs};

/// Nothing that is told may hold it.
const CANARY: &str = "canary-7f3a9c";

/// Takes any bytes, and panics where what it is to keep does not hold.
pub type Door = fn(&[u8]);

/// Every door by its name.
pub const DOORS: [(&str, Door); 5] = [
    ("template", template),
    ("masker", masker),
    ("env_file", env_file),
    ("kubeconfig", kubeconfig),
    ("workflow_commands", workflow_commands),
];

/// A template is read or refused, and filled or refused; what was filled is read again, and no value is told.
pub fn template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let rules = FillRules::default();
    let Ok(template) = Template::parse([("t.yml", &*text)]) else { return };
    let names = template.names(&rules);
    let environment = names.iter().map(|name| (name.clone(), CANARY.into())).collect();
    let sources = Sources { environment, ..Sources::default() };
    let values = collect(&names, &BTreeSet::new(), &sources, &Rules::default()).expect("text");
    match template.fill(&values, &rules, StandIns::None) {
        Ok(filled) => {
            assert!(Template::parse([("t.yml", filled.text.expose())]).is_ok(), "the filled template is read")
        }
        Err(problems) => tell_nothing(&problems),
    }
}

/// The first byte says how long the value is. However it is written, neither we nor the runner show it.
pub fn masker(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else { return };
    let (value, around) = rest.split_at(usize::from(*length).min(rest.len()));
    let (value, around) = (String::from_utf8_lossy(value).into_owned(), String::from_utf8_lossy(around));
    let masker = Masker::new();
    masker.add(&Secret::new(value.as_str()));
    // Stars cannot be told from what stands in their place.
    if value.trim().len() < 8 || value.contains("***") || masker.too_simple() > 0 {
        return;
    }
    let json = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let forms = [value.clone(), json(&value), STANDARD.encode(&value), STANDARD.encode(format!("u:{value}"))];
    let only_ours = [
        json(&json(&value)),
        STANDARD.encode(json(&value)),
        URL_SAFE.encode(format!("{value}\n")),
        value.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        value.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ];
    for form in forms.iter().chain(&only_ours) {
        let text = format!("{around} {form} {around}");
        assert!(!masker.redact(&text).as_str().contains(form.as_str()), "redacted");
    }
    let mut sent = Vec::new();
    masker.masks().iter().for_each(|mask| workflow::add_mask(&mut sent, mask).expect("a vector"));
    let mut job = Job::new();
    assert!(job.step("masks").run(&sent, b"").log.is_empty(), "a mask is a command");
    let printed = forms.iter().filter(|form| !form.contains(['\n', '\r'])).map(|form| format!("{form}\n"));
    let log = job.step("leak").run(printed.collect::<String>().as_bytes(), b"").log_text();
    let is_shown = forms.iter().filter(|form| !form.contains(['\n', '\r'])).any(|form| log.contains(form.as_str()));
    assert!(!is_shown, "hidden by the runner");
}

/// An env file is read or refused, and what stands behind an equals sign is never told.
pub fn env_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).replace('=', &format!("={CANARY}"));
    if let Err(problems) = parse_env_file(".env", &text) {
        tell_nothing(&problems);
    }
}

/// A kubeconfig is read or refused, and no credential of it is told.
pub fn kubeconfig(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('\n').chain(std::iter::repeat(""));
    let mut part = || parts.next().unwrap_or_default();
    let config = serde_json::json!({
        "current-context": part(), "kind": part(),
        "contexts": [{"name": part(), "context": {"cluster": "c", "user": "u", "namespace": part()}}],
        "clusters": [{"name": "c", "cluster": {"server": part(), "certificate-authority-data": part(), part(): part()}}],
        "users": [{"name": "u", "user": {"token": CANARY, part(): part(), "client-key-data": CANARY, "exec": {"command": part()}}}],
    });
    for content in [text.to_string(), config.to_string(), STANDARD.encode(config.to_string())] {
        let options = Options {
            action: true,
            in_container: true,
            allow_exec: bytes.len().is_multiple_of(2),
            ..Options::default()
        };
        match kubeconfig::load(&Source::Input(Secret::new(content)), &options, &Nothing) {
            Ok(kubeconfig) => tell_nothing(&kubeconfig.warnings),
            Err(problems) => tell_nothing(&problems),
        }
    }
}

/// What we print is the one command that we meant, whatever is in it; an output is read back as it was written.
pub fn workflow_commands(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(index, _)| index);
    let masked = |text: &str| Masker::new().redact(text);
    let place = Properties {
        title: Some(masked(&text[..half])),
        file: Some(masked(&text[half..])),
        line: Some(1),
        column: None,
    };
    let mut printed = Vec::new();
    workflow::annotate(&mut printed, Severity::Error, &place, &masked(&text)).expect("a vector");
    workflow::group(&mut printed, &masked(&text)).expect("a vector");
    workflow::end_group(&mut printed).expect("a vector");
    workflow::debug(&mut printed, &masked(&text)).expect("a vector");
    printed.extend(format!("{}\n", workflow::harmless(&text)).into_bytes());
    let mut job = Job::new().with_env("ACTIONS_ALLOW_UNSECURE_COMMANDS", "true").with_step_debug();
    let done = job.step("ours").run(&printed, b"");
    assert!(
        !done.failed && done.masks.is_empty() && done.outputs.is_empty() && done.matchers.is_empty(),
        "no other command"
    );
    assert_eq!(done.annotations.len(), 1);
    if let Ok(entry) = workflow::output_entry("report", &masked(&text), "ghadelimiter_0") {
        let read = pairs(entry.as_bytes());
        assert!(read.broken.is_none() && read.pairs.len() == 1 && read.pairs[0].0 == "report", "one output");
    }
}

fn tell_nothing(problems: &[Problem]) {
    for problem in problems {
        let help = problem.help.as_deref().unwrap_or_default();
        let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(
            [&problem.message, help, &place].iter().all(|text| !text.contains(CANARY)),
            "{} tells a value",
            problem.kind
        );
    }
}

/// A machine without files.
struct Nothing;

impl kubeconfig::Files for Nothing {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn exists(&self, _: &Path) -> bool {
        false
    }

    fn working_directory(&self) -> &Path {
        Path::new("/work")
    }

    fn home(&self) -> Option<&Path> {
        None
    }

    fn now(&self) -> u64 {
        1_700_000_000
    }
}
