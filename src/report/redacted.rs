//! An outcome without anything to hide: what the renderers work on.

use super::words::{printable, printable_lines};
use super::{
    BaseReport, ConflictReport, KeyReport, LeftOverReport, ObjectReport, Outcome, RestartReport, RolloutReport, Shown,
    Target, ValueReport,
};
use crate::error::{Place, Problem, Text};
use crate::mask::Masker;
use crate::object::ObjectId;

impl Outcome {
    /// The same outcome without anything to hide and without control characters.
    pub(super) fn redacted(&self, masker: &Masker) -> Self {
        let text = |text: &str| printable(masker.redact(text).as_str());
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
            objects: self.objects.iter().map(|object| redacted_object(object, masker)).collect(),
            compared: self.compared,
            restarts: self.restarts.iter().map(|restart| redacted_restart(restart, masker)).collect(),
            left_over: self
                .left_over
                .iter()
                .map(|object| LeftOverReport {
                    id: redacted_id(&object.id, masker),
                    pruned: object.pruned,
                    progress: object.progress,
                    note: object.note.as_deref().map(text),
                })
                .collect(),
            base: self.base.as_ref().map(|base| redacted_base(base, masker)),
            rollouts: self.rollouts.iter().map(rollout).collect(),
            problems: self.problems.iter().map(|problem| redacted_problem(problem, masker)).collect(),
            survey: self.survey.as_ref().map(|survey| survey.redacted(masker)),
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

fn redacted_object(object: &ObjectReport, masker: &Masker) -> ObjectReport {
    let conflict = |conflict: &ConflictReport| ConflictReport {
        manager: printable(masker.redact(&conflict.manager).as_str()),
        fields: redacted_texts(&conflict.fields, masker),
        forced: conflict.forced,
    };
    ObjectReport {
        id: redacted_id(&object.id, masker),
        change: object.change,
        taken_over: object.taken_over,
        progress: object.progress,
        keys: object.keys.iter().map(|key| redacted_key(key, masker)).collect(),
        conflicts: object.conflicts.iter().map(conflict).collect(),
    }
}

fn redacted_restart(restart: &RestartReport, masker: &Masker) -> RestartReport {
    RestartReport {
        id: redacted_id(&restart.id, masker),
        uses: restart.uses.iter().map(|id| redacted_id(id, masker)).collect(),
        progress: restart.progress,
        note: restart.note,
    }
}

fn redacted_base(base: &BaseReport, masker: &Masker) -> BaseReport {
    BaseReport { gained: redacted_texts(&base.gained, masker), lost: redacted_texts(&base.lost, masker) }
}

fn redacted_texts(texts: &[String], masker: &Masker) -> Vec<String> {
    texts.iter().map(|text| printable(masker.redact(text).as_str())).collect()
}

fn redacted_key(key: &KeyReport, masker: &Masker) -> KeyReport {
    // A text in which anything was hidden is not shown in part.
    let text = |text: &Option<String>| {
        text.clone().filter(|text| masker.redact(text).as_str() == text).map(|text| printable(&text))
    };
    KeyReport {
        key: printable(masker.redact(&key.key).as_str()),
        change: key.change,
        values: key.values.iter().map(|value| redacted_value(value, masker)).collect(),
        shown: Shown { before: text(&key.shown.before), after: text(&key.shown.after) },
        moved: key.moved.as_ref().map(|id| redacted_id(id, masker)),
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
    let lines = |text: &Text| Text::from(printable_lines(masker.redact_text(text).as_str()).join("\n"));
    let place = |place: &Place| Place::new(printable(masker.redact(&place.file).as_str()), place.line, place.column);
    Problem {
        severity: problem.severity,
        kind: problem.kind,
        message: lines(&problem.message),
        place: problem.place.as_ref().map(place),
        help: problem.help.as_ref().map(lines),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile, masker};
    use super::super::{Progress, Shown};
    use super::*;

    /// With a value in every text that can hold one.
    fn full() -> Outcome {
        let text = || "a hunter2 b".to_owned();
        let mut outcome = hostile();
        let id = outcome.objects[0].id.clone();
        let object = &mut outcome.objects[0];
        object.conflicts.push(ConflictReport { manager: text(), fields: vec![text()], forced: false });
        object.keys[0].shown = Shown { before: Some(text()), after: Some(text()) };
        object.keys[0].moved = Some(id.clone());
        outcome.patch = Some(text());
        outcome.values = object.keys[0].values.clone();
        let (progress, note) = (Progress::Failed, Some(text()));
        outcome.restarts.push(RestartReport { id: id.clone(), uses: vec![id.clone()], progress, note: None });
        outcome.left_over.push(LeftOverReport { id: id.clone(), pruned: true, progress, note });
        outcome.base = Some(BaseReport { gained: vec![text()], lost: vec![text()] });
        outcome.rollouts.push(RolloutReport { id, ready: false, detail: text() });
        outcome
    }

    #[test]
    fn no_field_keeps_a_value() {
        let (whole, redacted) = (format!("{:?}", full()), format!("{:?}", full().redacted(&masker())));
        assert!(!redacted.contains("hunter2"));
        // All but the two texts that are not shown in part.
        assert_eq!(redacted.matches("***").count(), whole.matches("hunter2").count() - 2);
    }
}
