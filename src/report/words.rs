//! What the three ways to print a report have in common: its words, its sentence, and that nothing in it leaks.

use std::time::Duration;

use super::{Change, KeyReport, ObjectReport, Outcome, Progress, RolloutReport, Target, ValueReport};
use crate::error::{Place, Problem, Severity};
use crate::mask::Masker;
use crate::object::ObjectId;

impl Change {
    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a difference is known: what was not compared may be the same.
    pub fn differs(self) -> bool {
        !matches!(self, Self::Unchanged | Self::Unknown)
    }

    /// Every change, in the order of [`Outcome::headline`].
    pub(super) const ALL: [Self; 5] = [Self::Added, Self::Changed, Self::Removed, Self::Unchanged, Self::Unknown];
}

impl Progress {
    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Failed => "refused",
            Self::Unanswered => "unanswered",
            Self::NotReached => "not-reached",
        }
    }
}

impl Outcome {
    /// One sentence that says what happened.
    pub fn headline(&self) -> String {
        let (what, environment) = (self.command, &self.environment);
        let sentence = match self.failed {
            Some(stage) if what.is_empty() => format!("Failed at {}: nothing was done", stage.name()),
            Some(stage) => {
                format!("{} of {environment} failed at {}: {}", capital(what), stage.name(), self.left_behind())
            }
            None if what == "render" => self.rendered(),
            None if self.dry_run && !self.changed() => format!("Dry run of {what} {environment}: nothing would change"),
            None if self.dry_run => {
                format!("Dry run of {what} {environment}: {}; nothing was written", self.counts("would be "))
            }
            None if !self.changed() => self.nothing_to_do(),
            None if what == "apply" => format!("Applied {environment}: {}", self.counts("")),
            None => format!("{} of {environment}: {}", capital(what), self.counts("")),
        };
        let ready = self.rollouts.iter().filter(|rollout| rollout.ready).count();
        let rollouts = match self.rollouts.len() {
            0 => String::new(),
            all if all == ready => format!(", {} ready", count(all, "workload")),
            all => format!(", {ready} of {} ready", count(all, "workload")),
        };
        let warnings = self.problems.iter().filter(|problem| problem.severity == Severity::Warning).count();
        let warnings = if warnings == 0 { String::new() } else { format!(", with {}", count(warnings, "warning")) };
        format!("{sentence}{rollouts}{warnings}.")
    }

    /// How many objects there are of each change.
    pub(super) fn tally(&self) -> impl Iterator<Item = (Change, usize)> {
        Change::ALL
            .into_iter()
            .map(|change| (change, self.objects.iter().filter(|object| object.change == change).count()))
    }

    /// `2 objects added, 1 changed, 4 unchanged`.
    fn counts(&self, verb: &str) -> String {
        let present = self.tally().filter(|(_, many)| *many > 0).enumerate();
        let parts = present.map(|(index, (change, many))| match index {
            0 => format!("{} {verb}{}", count(many, "object"), change.word()),
            _ => format!("{many} {}", change.word()),
        });
        parts.collect::<Vec<_>>().join(", ")
    }

    fn nothing_to_do(&self) -> String {
        let all = match self.objects.len() {
            0 => "there are no objects".to_owned(),
            1 => format!("the one object of {} is unchanged", self.environment),
            many => format!("all {many} objects of {} are unchanged", self.environment),
        };
        format!("Nothing to {}: {all}", self.command)
    }

    fn rendered(&self) -> String {
        let filled = format!("{} in {}", count(self.values.len(), "value"), count(self.objects.len(), "object"));
        match &self.patch {
            Some(patch) => format!("Rendered {}: {filled}, written to {patch}", self.environment),
            None => format!("Rendered {}: {filled}", self.environment),
        }
    }

    /// What a failed run did and did not do.
    fn left_behind(&self) -> String {
        let many = |progress| self.objects.iter().filter(|object| object.progress == progress).count();
        let (done, refused, missed) = (many(Progress::Done), many(Progress::Failed), many(Progress::NotReached));
        if self.command == "render" {
            return if self.patch.is_some() { "the secret patch was written" } else { "no secret patch was written" }
                .to_owned();
        }
        let unanswered = match many(Progress::Unanswered) {
            0 => String::new(),
            many => format!(", {many} not answered"),
        };
        if done + refused == 0 && unanswered.is_empty() {
            return "nothing was written to the cluster".to_owned();
        }
        format!("{} written, {refused} refused{unanswered}, {missed} not reached", count(done, "object"))
    }

    /// `Took 4.2 s: inputs 3 ms, values 1 ms`; empty where nothing was timed.
    pub(super) fn times(&self) -> String {
        if self.stages.is_empty() {
            return String::new();
        }
        let each: Vec<String> =
            self.stages.iter().map(|(stage, took)| format!("{} {}", stage.name(), span(*took))).collect();
        format!("Took {}: {}", span(self.stages.iter().map(|(_, took)| *took).sum()), each.join(", "))
    }

    /// The same outcome without anything to hide and without control characters.
    pub(super) fn redacted(&self, masker: &Masker) -> Self {
        let text = |text: &str| printable(masker.redact(text).as_str());
        let object = |object: &ObjectReport| ObjectReport {
            id: redacted_id(&object.id, masker),
            change: object.change,
            progress: object.progress,
            keys: object.keys.iter().map(|key| redacted_key(key, masker)).collect(),
        };
        let rollout = |rollout: &RolloutReport| RolloutReport {
            id: redacted_id(&rollout.id, masker),
            ready: rollout.ready,
            detail: text(&rollout.detail),
        };
        let target = |target: &Target| Target { context: text(&target.context), server: text(&target.server) };
        Self {
            command: self.command,
            environment: text(&self.environment),
            dry_run: self.dry_run,
            target: self.target.as_ref().map(target),
            patch: self.patch.as_deref().map(text),
            values: self.values.iter().map(|value| redacted_value(value, masker)).collect(),
            objects: self.objects.iter().map(object).collect(),
            rollouts: self.rollouts.iter().map(rollout).collect(),
            problems: self.problems.iter().map(|problem| redacted_problem(problem, masker)).collect(),
            stages: self.stages.clone(),
            failed: self.failed,
        }
    }
}

// Every field is named here and above, so that a new one cannot be forgotten.

fn redacted_id(id: &ObjectId, masker: &Masker) -> ObjectId {
    let text = |text: &str| printable(masker.redact(text).as_str());
    ObjectId {
        group: text(&id.group),
        kind: text(&id.kind),
        namespace: id.namespace.as_deref().map(text),
        name: text(&id.name),
    }
}

fn redacted_key(key: &KeyReport, masker: &Masker) -> KeyReport {
    KeyReport {
        key: printable(masker.redact(&key.key).as_str()),
        change: key.change,
        values: key.values.iter().map(|value| redacted_value(value, masker)).collect(),
    }
}

fn redacted_value(value: &ValueReport, masker: &Masker) -> ValueReport {
    ValueReport {
        name: printable(masker.redact(&value.name).as_str()),
        source: value.source,
        sensitive: value.sensitive,
    }
}

fn redacted_problem(problem: &Problem, masker: &Masker) -> Problem {
    let lines = |text: &str| printable_lines(masker.redact(text).as_str()).join("\n");
    let place = |place: &Place| Place::new(printable(masker.redact(&place.file).as_str()), place.line, place.column);
    Problem {
        severity: problem.severity,
        kind: problem.kind,
        message: lines(&problem.message),
        place: problem.place.as_ref().map(place),
        help: problem.help.as_deref().map(lines),
    }
}

/// The word for a severity: in reports and diagnostics, and as a workflow command.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn count(many: usize, what: &str) -> String {
    if many == 1 { format!("1 {what}") } else { format!("{many} {what}s") }
}

/// `text` on one line, without characters that move a cursor, hide text or turn its direction.
pub(crate) fn printable(text: &str) -> String {
    let hides = |c: char| {
        c.is_control() && c != '\t'
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect()
}

/// As [`printable`], line by line; `\n`, `\r\n` and a bare `\r` end one. At least one line.
pub(crate) fn printable_lines(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n").split(['\n', '\r']).map(printable).collect()
}

fn span(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        millis @ 1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        millis => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
