//! The one sentence that every report has first or last.

use std::time::Duration;

use super::words::count;
use super::{BaseReport, Change, ObjectReport, Outcome, Progress};
use crate::error::{Severity, Stage};

impl Outcome {
    /// One sentence that says what happened.
    pub fn headline(&self) -> String {
        let (what, environment) = (self.command, &self.environment);
        let sentence = match self.failed {
            _ if what == "diff" => self.announced(),
            _ if what.starts_with("eso ") => self.surveyed(),
            None | Some(Stage::Check) if what == "check" => return format!("{}.", self.checked()),
            Some(stage) if what.is_empty() => format!("Failed at {}: nothing was done", stage.name()),
            Some(stage) => {
                format!("{} of {environment} failed at {}: {}", capital(what), stage.name(), self.left_behind())
            }
            None if what == "render" => self.rendered(),
            None if self.dry_run && !self.changed() => {
                let taken_over = match self.taken_over() {
                    0 => String::new(),
                    many => format!(", {} would be taken over", count(many, "object")),
                };
                format!("Dry run of {what} {environment}: nothing would change{taken_over}{}", self.restarted())
            }
            None if self.dry_run => {
                let (counts, restarted) = (self.counts("would be "), self.restarted());
                format!("Dry run of {what} {environment}: {counts}{restarted}; nothing was written")
            }
            None if !self.changed() && self.taken_over() == 0 => self.nothing_to_do(),
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
        let restarted = if self.only_tells() { String::new() } else { self.restarted() };
        format!("{sentence}{restarted}{rollouts}{warnings}.")
    }

    /// What an `eso` command found, or where it failed and what it had found until then.
    fn surveyed(&self) -> String {
        let found = self.survey.as_ref().map(|survey| survey.sentence.clone()).unwrap_or_default();
        match self.failed {
            None => found,
            Some(Stage::Verify) if !found.is_empty() => found,
            Some(stage) if found.is_empty() => format!("{} failed at {}", capital(self.command), stage.name()),
            Some(stage) => format!("{} failed at {}: {found}", capital(self.command), stage.name()),
        }
    }

    /// How many objects there are of each change.
    pub(super) fn tally(&self) -> impl Iterator<Item = (Change, usize)> {
        Change::ALL
            .into_iter()
            .map(|change| (change, self.objects.iter().filter(|object| object.change == change).count()))
            .map(|(change, many)| (change, many + if change == Change::Removed { self.pruned() } else { 0 }))
    }

    /// How many objects that left the build are deleted, or would be.
    fn pruned(&self) -> usize {
        self.left_over.iter().filter(|object| object.pruned).count()
    }

    /// `2 objects added, 1 changed, 4 unchanged, 3 of them taken over`.
    fn counts(&self, verb: &str) -> String {
        let present = self.tally().filter(|(_, many)| *many > 0).enumerate();
        let parts = present.map(|(index, (change, many))| match index {
            0 => format!("{} {verb}{}", count(many, "object"), change.word()),
            _ => format!("{many} {}", change.word()),
        });
        let taken_over = Some(self.taken_over()).filter(|many| *many > 0);
        let taken_over = taken_over.map(|many| format!("{many} of them taken over"));
        parts.chain(taken_over).collect::<Vec<_>>().join(", ")
    }

    /// `, 2 workloads restarted`, `, 1 of 2 workloads restarted`; empty where there is nothing to restart.
    fn restarted(&self) -> String {
        let all = self.restarts.len();
        let done = self.restarts.iter().filter(|restart| restart.progress == Progress::Done).count();
        match (all, done) {
            (0, _) => String::new(),
            _ if self.dry_run => format!(", {} would be restarted", count(all, "workload")),
            _ if all == done => format!(", {} restarted", count(all, "workload")),
            _ => format!(", {done} of {} restarted", count(all, "workload")),
        }
    }

    fn nothing_to_do(&self) -> String {
        let all = match self.objects.len() {
            0 => "there are no objects".to_owned(),
            1 => format!("the one object of {} is unchanged", self.environment),
            many => format!("all {many} objects of {} are unchanged", self.environment),
        };
        match (&self.base, self.command) {
            (Some(_), _) => format!("Nothing changes: {all}"),
            (None, "diff") => format!("Nothing to apply: {all}"),
            (None, what) => format!("Nothing to {what}: {all}"),
        }
    }

    fn rendered(&self) -> String {
        let filled = format!("{} in {}", count(self.values.len(), "value"), count(self.objects.len(), "object"));
        match &self.patch {
            Some(patch) => format!("Rendered {}: {filled}, written to {patch}", self.environment),
            None => format!("Rendered {}: {filled}", self.environment),
        }
    }

    /// `Checked prod, staging: 2 errors, 1 warning`.
    fn checked(&self) -> String {
        let many = |severity| self.problems.iter().filter(|problem| problem.severity == severity).count();
        let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Notice, "notice")];
        let counts = counts.into_iter().map(|(severity, word)| (many(severity), word)).filter(|(many, _)| *many > 0);
        let counts: Vec<String> = counts.map(|(many, word)| count(many, word)).collect();
        let environments = if self.environment.is_empty() { "the repository" } else { &self.environment };
        let clean = || "all agrees, and nothing secret is committed".to_owned();
        format!("Checked {environments}: {}", if counts.is_empty() { clean() } else { counts.join(", ") })
    }

    /// What an apply would do, first of all.
    fn announced(&self) -> String {
        let environment = &self.environment;
        let subject = match &self.base {
            Some(_) => format!("Compared with the base, {environment}"),
            None => format!("An apply of {environment}"),
        };
        let mut parts = self.actions();
        parts.extend(self.unknown().map(|what| format!("leave open what becomes of {what}")));
        let is_unchanged = |object: &&ObjectReport| object.change == Change::Unchanged && !object.taken_over;
        let unchanged = self.objects.iter().filter(is_unchanged).count();
        let rest = match unchanged {
            0 => String::new(),
            1 => "; 1 object is unchanged".to_owned(),
            many => format!("; {many} objects are unchanged"),
        };
        match self.failed {
            None if parts.is_empty() => self.nothing_to_do(),
            None => format!("{subject} would {}{rest}", listed(&parts)),
            Some(_) if self.compared => {
                let what = if parts.is_empty() { "change nothing".to_owned() } else { listed(&parts) };
                format!("{subject} would be refused; it was to {what}{rest}")
            }
            Some(stage) => {
                let known = self.objects.iter().any(|object| object.change != Change::Unknown);
                let what = if known { "not all was compared" } else { "nothing was compared" };
                format!("Diff of {environment} failed at {}: {what}", stage.name())
            }
        }
    }

    /// `add 1 object`, `change 2 objects (3 keys)`, `restart 1 workload`.
    fn actions(&self) -> Vec<String> {
        let many = |change| self.objects.iter().filter(|object| object.change == change).count();
        let changed = self.objects.iter().filter(|object| object.change == Change::Changed);
        let keys = changed.flat_map(|object| &object.keys).filter(|key| key.change.differs()).count();
        let action = |verb: &str, many: usize, what: &str| (many > 0).then(|| format!("{verb} {}", count(many, what)));
        let keys = format!(" ({})", count(keys, "key"));
        [
            action("add", many(Change::Added), "object"),
            action("change", many(Change::Changed), "object").map(|text| text + &keys),
            action("delete", many(Change::Removed) + self.pruned(), "object"),
            action("take over", self.taken_over(), "object"),
            action("restart", self.restarts.len(), "workload"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// `3 keys`, or `1 object` where none of its keys is known; `None` where all is known.
    fn unknown(&self) -> Option<String> {
        let keys = self.objects.iter().flat_map(|object| &object.keys);
        let keys = keys.filter(|key| key.change == Change::Unknown).count();
        let objects = self.objects.iter().filter(|object| object.change == Change::Unknown).count();
        match (keys, objects) {
            (0, 0) => None,
            (0, objects) => Some(count(objects, "object")),
            (keys, _) => Some(count(keys, "key")),
        }
    }

    /// Whether this run does not do what it tells.
    pub(super) fn only_tells(&self) -> bool {
        self.dry_run || self.command == "diff"
    }

    /// What a failed run did and did not do.
    fn left_behind(&self) -> String {
        let many = |progress| self.objects.iter().filter(|object| object.progress == progress).count();
        let pruned = |progress| self.left_over.iter().filter(|object| object.progress == progress).count();
        let (done, refused, missed) = (many(Progress::Done), many(Progress::Failed), many(Progress::NotReached));
        if self.command == "render" {
            return if self.patch.is_some() { "the secret patch was written" } else { "no secret patch was written" }
                .to_owned();
        }
        let some = |many: usize, what: &str| if many == 0 { String::new() } else { format!(", {many} {what}") };
        let (unanswered, restored) = (many(Progress::Unanswered), many(Progress::Restored));
        let written =
            format!("{} written, {refused} refused{}", count(done, "object"), some(unanswered, "not answered"));
        let (deleted, kept, open) = (pruned(Progress::Done), pruned(Progress::Failed), pruned(Progress::Unanswered));
        let restarted = self.restarts.iter().any(|restart| restart.progress != Progress::Planned);
        match (done + refused + unanswered + restored + usize::from(restarted), deleted + kept + open) {
            (0, 0) => "nothing was written to the cluster".to_owned(),
            (_, 0) => {
                let missed = missed + pruned(Progress::NotReached);
                format!("{written}, {missed} not reached{}", some(restored, "restored"))
            }
            _ => format!("{written}; {deleted} deleted, {kept} refused{}", some(open, "not answered")),
        }
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
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn span(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        millis @ 1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        millis => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
    }
}

impl BaseReport {
    /// What to do about the names, as a sentence before the list of them.
    pub(super) fn sentences(&self) -> Vec<(&'static str, &[String])> {
        let sentences = [
            ("The workflows' `env:` must gain:", self.gained.as_slice()),
            ("The workflows' `env:` can lose:", self.lost.as_slice()),
        ];
        sentences.into_iter().filter(|(_, names)| !names.is_empty()).collect()
    }
}

pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
