//! Outcomes that all three ways to print are tried with.

use super::*;
use crate::error::Place;
use crate::mask::Masker;
use crate::secret::Secret;

pub(super) fn masker() -> Masker {
    let masker = Masker::new();
    masker.add(&Secret::new("hunter2"));
    masker
}

fn id(kind: &str, namespace: &str, name: &str) -> ObjectId {
    let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
    ObjectId { group: String::new(), kind: kind.into(), namespace, name: name.into() }
}

fn key(key: &str, change: Change, values: &[(&str, &'static str)]) -> KeyReport {
    let value = |(name, source): &(&str, &'static str)| ValueReport {
        name: (*name).into(),
        source,
        sensitive: *source != "vars",
    };
    KeyReport {
        key: key.into(),
        change,
        values: values.iter().map(value).collect(),
        shown: Shown::default(),
        moved: None,
    }
}

fn object(id: ObjectId, change: Change, progress: Progress, keys: Vec<KeyReport>) -> ObjectReport {
    ObjectReport { id, change, taken_over: false, progress, keys, conflicts: Vec::new() }
}

pub(super) fn applied() -> Outcome {
    use Change::{Added, Changed, Removed, Unchanged};
    Outcome {
        command: "apply",
        environment: "staging".into(),
        target: Some(Target { context: "kind-staging".into(), server: "https://127.0.0.1:6443".into() }),
        objects: vec![
            object(
                id("Secret", "staging", "agent-secrets"),
                Added,
                Progress::Done,
                vec![
                    key("OPENAI_API_KEY", Added, &[("OPENAI_API_KEY", "environment")]),
                    key("DSN", Added, &[("DB_USER", "vars"), ("DB_PASSWORD", "secrets")]),
                ],
            ),
            object(
                id("ConfigMap", "staging", "agent-config"),
                Changed,
                Progress::Done,
                vec![key("LOG_LEVEL", Changed, &[]), key("ENV_MODE", Unchanged, &[]), key("OLD", Removed, &[])],
            ),
            object(
                id("Secret", "staging", "shared-secrets"),
                Unchanged,
                Progress::Planned,
                vec![key("LIVEKIT_API_KEY", Unchanged, &[("LIVEKIT_API_KEY", "environment")])],
            ),
            object(id("Namespace", "", "staging"), Unchanged, Progress::Planned, vec![]),
        ],
        rollouts: vec![RolloutReport {
            id: id("Deployment", "staging", "agent"),
            ready: true,
            detail: "2 of 2 pods ready".into(),
        }],
        problems: vec![
            Problem::warning("clear-copy", "`TOKEN` also goes into a ConfigMap")
                .at(Place::new("config/staging.yml", 3, 5))
                .help("move it"),
        ],
        stages: vec![(Stage::Render, Duration::from_millis(3)), (Stage::Apply, Duration::from_millis(4200))],
        ..Outcome::default()
    }
}

pub(super) fn failed() -> Outcome {
    Outcome {
        command: "apply",
        environment: "staging".into(),
        objects: vec![
            object(id("Secret", "staging", "a"), Change::Added, Progress::Done, vec![]),
            object(id("Secret", "staging", "b"), Change::Added, Progress::Failed, vec![]),
            object(id("Secret", "staging", "c"), Change::Changed, Progress::NotReached, vec![]),
        ],
        problems: vec![Problem::error("refused", "`A` is refused").help("add:\n  A: ```")],
        failed: Some(Stage::Apply),
        ..Outcome::default()
    }
}

pub(super) fn rendered() -> Outcome {
    Outcome {
        command: "render",
        environment: "staging".into(),
        patch: Some("config/staging-secret-config-patch.yml".into()),
        values: vec![ValueReport { name: "OPENAI_API_KEY".into(), source: "environment", sensitive: true }],
        objects: vec![object(
            id("Secret", "", "agent-secrets"),
            Change::Unknown,
            Progress::Done,
            vec![key("OPENAI_API_KEY", Change::Unknown, &[("OPENAI_API_KEY", "environment")])],
        )],
        ..Outcome::default()
    }
}

/// Names, messages and details as an attacker or an echoing server would write them.
pub(super) fn hostile() -> Outcome {
    let nasty = "a|b`c</code></details><script>x</script><!-- m --> @octocat #1 [x](https://evil.example) www.evil.example \
                 ##[add-matcher]x\r\n::set-output name=a::b \u{1b}[31m \u{202e} hunter2";
    Outcome {
        command: "apply",
        environment: nasty.into(),
        target: Some(Target { context: nasty.into(), server: nasty.into() }),
        objects: vec![object(
            id(nasty, nasty, nasty),
            Change::Added,
            Progress::Failed,
            vec![key(nasty, Change::Added, &[(nasty, "environment")])],
        )],
        rollouts: vec![],
        problems: vec![
            Problem::error("refused", nasty.to_owned())
                .at(Place::new(nasty, 1, 1))
                .help(nasty.replace(['\r', '\n'], " ")),
        ],
        failed: Some(Stage::Apply),
        ..Outcome::default()
    }
}

pub(super) fn big() -> Outcome {
    let objects = (0..1000).map(|index| {
        let keys = (0..5).map(|n| key(&format!("KEY_{n}"), Change::Added, &[("KEY", "environment")])).collect();
        object(id("Secret", "staging", &format!("name-{index}")), Change::Added, Progress::Done, keys)
    });
    Outcome { command: "apply", environment: "staging".into(), objects: objects.collect(), ..Outcome::default() }
}

#[test]
fn the_sentence_tells_each_ending() {
    let plain = Outcome { command: "apply", environment: "prod".into(), ..Outcome::default() };
    let of = |change, many| {
        (0..many).map(|n| object(id("Secret", "p", &n.to_string()), change, Progress::Planned, vec![])).collect()
    };
    let unchanged = Outcome { objects: of(Change::Unchanged, 7), ..plain.clone() };
    let dry = Outcome { objects: of(Change::Added, 2), dry_run: true, ..plain.clone() };
    let wrong = Outcome { failed: Some(Stage::Inputs), ..Outcome::default() };
    let early = Outcome { failed: Some(Stage::Values), ..plain.clone() };
    let render = Outcome { command: "render", failed: Some(Stage::Render), ..plain };
    for (outcome, sentence) in [
        (applied(), "Applied staging: 1 object added, 1 changed, 2 unchanged, 1 workload ready, with 1 warning."),
        (unchanged.clone(), "Nothing to apply: all 7 objects of prod are unchanged."),
        (dry, "Dry run of apply prod: 2 objects would be added; nothing was written."),
        (Outcome { dry_run: true, ..unchanged }, "Dry run of apply prod: nothing would change."),
        (failed(), "Apply of staging failed at apply: 1 object written, 1 refused, 1 not reached."),
        (wrong, "Failed at inputs: nothing was done."),
        (early, "Apply of prod failed at values: nothing was written to the cluster."),
        (render, "Render of prod failed at render: no secret patch was written."),
        (rendered(), "Rendered staging: 1 value in 1 object, written to config/staging-secret-config-patch.yml."),
    ] {
        assert_eq!(outcome.headline(), sentence);
    }
}

#[test]
fn what_moves_a_cursor_or_turns_text_is_not_printed() {
    assert_eq!(printable("a\u{1b}[1mb\nc\u{202e}d\u{85}e\té"), "a\u{fffd}[1mb\u{fffd}c\u{fffd}d\u{fffd}e\té");
    let unseen = "\u{ad}\u{61c}\u{180e}\u{200b}\u{200d}\u{200e}\u{2060}\u{2066}\u{3164}\u{fe0f}\u{feff}\u{fff9}\u{e0041}\u{e0100}";
    assert_eq!(printable(unseen), "\u{fffd}".repeat(unseen.chars().count()));
    assert_eq!(printable("naïve 東京 \u{1f512} a\u{301}\u{a0}b"), "naïve 東京 \u{1f512} a\u{301}\u{a0}b");
    assert_eq!(printable_lines("a\r\nb\rc\nd"), ["a", "b", "c", "d"]);
    assert_eq!(printable_lines(""), [""]);
}
