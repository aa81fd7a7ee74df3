//! The report for programs: one line of JSON, whose shape docs/report.md tells.

use serde_json::{Value, json};

use super::words::severity_word;
use super::{Change, ConflictReport, KeyReport, ObjectReport, Outcome, Progress, ValueReport};
use crate::error::{Problem, Stage};
use crate::mask::{Masked, Masker};
use crate::object::ObjectId;

/// The most that the `report` output holds, in bytes: a longer one cannot be handed on as an environment variable.
pub const OUTPUT_LIMIT: usize = 64 * 1024;

/// Renders `outcome` in at most `limit` bytes: without its keys, and then without all lists, where it is too long.
/// The last form has about a thousand bytes, whatever the limit.
pub fn render(outcome: &Outcome, masker: &Masker, limit: usize) -> Masked {
    let outcome = outcome.redacted(masker);
    let forms = [None, Some("keys")].into_iter().map(|truncated| line(&document(&outcome, truncated)));
    let fitting = forms.into_iter().find(|text| text.len() <= limit);
    Masked::of_redacted_parts(fitting.unwrap_or_else(|| line(&document(&outcome, Some("objects")))))
}

/// The `changed-objects` output: a list of names such as `Secret staging/shared-secrets`.
pub fn changed_objects(outcome: &Outcome, masker: &Masker) -> Masked {
    let outcome = outcome.redacted(masker);
    let changed = outcome.objects.iter().filter(|object| object.change.differs()).map(|object| &object.id);
    let pruned = outcome.left_over.iter().filter(|object| object.pruned).map(|object| &object.id);
    Masked::of_redacted_parts(line(&changed.chain(pruned).map(ToString::to_string).collect()))
}

/// The `changed-keys` output: a list of names such as `Secret staging/shared-secrets LIVEKIT_API_KEY`.
pub fn changed_keys(outcome: &Outcome, masker: &Masker) -> Masked {
    let outcome = outcome.redacted(masker);
    let keys = outcome.objects.iter().flat_map(|object| object.keys.iter().map(move |key| (&object.id, key)));
    let changed = keys.filter(|(_, key)| key.change.differs());
    Masked::of_redacted_parts(line(&changed.map(|(id, key)| format!("{id} {}", key.key)).collect()))
}

/// One line that no log can take for a command: a name may hold `##[`.
fn line(document: &Value) -> String {
    document.to_string().replace("##[", "#\\u0023[")
}

fn document(outcome: &Outcome, truncated: Option<&str>) -> Value {
    let all = truncated != Some("objects");
    let counts: serde_json::Map<String, Value> =
        outcome.tally().map(|(change, many)| (change.word().to_owned(), many.into())).collect();
    json!({
        "version": 1,
        "command": outcome.command,
        "environment": outcome.environment,
        "dryRun": outcome.dry_run,
        "result": if outcome.failed.is_some() { "failed" } else { "done" },
        "failedStage": outcome.failed.map(Stage::name),
        "summary": outcome.headline(),
        "changed": outcome.changed(),
        "counts": counts,
        "target": outcome.target.as_ref().map(|target| json!({"context": target.context, "server": target.server})),
        "patch": outcome.patch,
        "truncated": truncated,
        "values": list(&outcome.values, all, value),
        "objects": list(&outcome.objects, all, |object| of_object(object, truncated.is_none())),
        "compared": outcome.compared,
        "restarts": list(&outcome.restarts, all, |restart| {
            identified(&restart.id, json!({"uses": list(&restart.uses, true, plain), "progress": restart.progress.word(), "note": restart.note}))
        }),
        "leftOver": list(&outcome.left_over, all, |object| {
            let details = json!({"pruned": object.pruned, "progress": object.progress.word(), "note": object.note});
            identified(&object.id, details)
        }),
        "base": outcome.base.as_ref().map(|base| json!({"gained": base.gained, "lost": base.lost})),
        "rollouts": list(&outcome.rollouts, all, |rollout| {
            identified(&rollout.id, json!({"ready": rollout.ready, "detail": rollout.detail}))
        }),
        "eso": outcome.survey.as_ref().filter(|_| truncated.is_none()).map(|survey| &survey.data),
        "problems": list(&outcome.problems, all, problem),
        "stages": list(&outcome.stages, true, |(stage, took)| json!({"stage": stage.name(), "milliseconds": millis(*took)})),
    })
}

fn of_object(object: &ObjectReport, whole: bool) -> Value {
    let details = json!({
        "change": object.change.word(),
        "takenOver": object.taken_over,
        "progress": progress(object),
        "keys": list(&object.keys, whole, key),
        "conflicts": list(&object.conflicts, whole, conflict),
    });
    identified(&object.id, details)
}

/// What stays as it is has no plan.
fn progress(object: &ObjectReport) -> Option<&'static str> {
    let is_settled = object.change == Change::Unchanged && !object.taken_over && object.progress == Progress::Planned;
    (!is_settled).then(|| object.progress.word())
}

fn list<T>(items: &[T], keep: bool, show: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().filter(|_| keep).map(show).collect()
}

fn identified(id: &ObjectId, details: Value) -> Value {
    let mut object = json!({"group": id.group, "kind": id.kind, "namespace": id.namespace, "name": id.name});
    if let (Value::Object(object), Value::Object(details)) = (&mut object, details) {
        object.extend(details);
    }
    object
}

fn key(key: &KeyReport) -> Value {
    json!({
        "key": key.key,
        "change": key.change.word(),
        "values": list(&key.values, true, value),
        "before": key.shown.before,
        "after": key.shown.after,
        "moved": key.moved.as_ref().map(plain),
    })
}

fn conflict(conflict: &ConflictReport) -> Value {
    json!({"manager": conflict.manager, "fields": conflict.fields, "forced": conflict.forced})
}

fn plain(id: &ObjectId) -> Value {
    identified(id, json!({}))
}

fn value(value: &ValueReport) -> Value {
    json!({"name": value.name, "source": value.source, "sensitive": value.sensitive})
}

fn problem(problem: &Problem) -> Value {
    let place = problem.place.as_ref();
    json!({
        "severity": severity_word(problem.severity),
        "kind": problem.kind,
        "message": *problem.message,
        "help": problem.help.as_deref(),
        "file": place.map(|place| &place.file),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
    })
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, big, failed, hostile, masker, rendered};
    use super::*;

    fn parsed(text: &Masked) -> Value {
        assert!(!text.as_str().contains('\n'));
        serde_json::from_str(text.as_str()).unwrap()
    }

    #[test]
    fn the_documented_schema() {
        let report = parsed(&render(&applied(), &masker(), OUTPUT_LIMIT));
        let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "version",
                "command",
                "environment",
                "dryRun",
                "result",
                "failedStage",
                "summary",
                "changed",
                "counts",
                "target",
                "patch",
                "truncated",
                "values",
                "objects",
                "compared",
                "restarts",
                "leftOver",
                "base",
                "rollouts",
                "eso",
                "problems",
                "stages"
            ]
        );
        assert_eq!(report["counts"], json!({"added": 1, "changed": 1, "removed": 0, "unchanged": 2, "unknown": 0}));
        assert_eq!(
            report["objects"][0]["keys"][0],
            json!({"key": "OPENAI_API_KEY", "change": "added",
                   "values": [{"name": "OPENAI_API_KEY", "source": "environment", "sensitive": true}],
                   "before": null, "after": null, "moved": null})
        );
        assert_eq!(report["problems"][0]["line"], 3);
        assert_eq!(report["stages"][1], json!({"stage": "apply", "milliseconds": 4200}));
        assert_eq!(parsed(&render(&failed(), &masker(), OUTPUT_LIMIT))["failedStage"], "apply");
    }

    #[test]
    fn a_long_report_loses_its_keys_and_then_its_lists() {
        let outcome = big();
        let objects = render(&outcome, &masker(), render(&outcome, &masker(), usize::MAX).as_str().len() - 1);
        let report = parsed(&objects);
        assert_eq!((&report["truncated"], &report["objects"][999]["keys"]), (&json!("keys"), &json!([])));
        let text = render(&outcome, &masker(), OUTPUT_LIMIT);
        let report = parsed(&text);
        assert!(text.as_str().len() < 1000, "{}", text.as_str().len());
        assert_eq!((&report["truncated"], &report["counts"]["added"]), (&json!("objects"), &json!(1000)));
    }

    #[test]
    fn no_value_and_no_command_gets_in_and_the_words_stay() {
        let masker = masker();
        masker.add(&crate::secret::Secret::new("unchanged"));
        let text = render(&hostile(), &masker, usize::MAX);
        assert!(!text.as_str().contains("hunter2") && !text.as_str().contains("##["), "{text}");
        assert_eq!(parsed(&text)["counts"]["unchanged"], 0);
    }

    #[test]
    fn what_was_not_compared_is_no_change() {
        let report = parsed(&render(&rendered(), &masker(), OUTPUT_LIMIT));
        assert_eq!((&report["changed"], &report["counts"]["unknown"]), (&json!(false), &json!(1)));
        assert_eq!(changed_objects(&rendered(), &masker()).as_str(), "[]");
        assert_eq!(changed_keys(&rendered(), &masker()).as_str(), "[]");
    }

    #[test]
    fn outputs_list_what_changed() {
        assert_eq!(
            changed_objects(&applied(), &masker()).as_str(),
            r#"["Secret staging/agent-secrets","ConfigMap staging/agent-config"]"#
        );
        assert_eq!(
            changed_keys(&applied(), &masker()).as_str(),
            r#"["Secret staging/agent-secrets OPENAI_API_KEY","Secret staging/agent-secrets DSN","ConfigMap staging/agent-config LOG_LEVEL","ConfigMap staging/agent-config OLD"]"#
        );
    }
}
