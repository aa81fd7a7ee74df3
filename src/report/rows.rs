//! The table of objects and keys that text and Markdown print.

use super::words::count;
use super::{Change, ConflictReport, KeyReport, ObjectReport, Outcome, Progress, Shown, ValueReport};
use crate::object::ObjectId;

/// What stands where a text may not be shown.
const HIDDEN: &str = "***";

/// One line of the table of objects and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The object, in the row that begins it.
    pub(super) object: Option<String>,
    /// The key, in the rows below.
    pub(super) key: Option<String>,
    /// `None` for `render`, which compares with nothing.
    pub(super) word: Option<Word>,
    /// The texts of a key, from the old to the new, where one of them may be shown.
    pub(super) value: Vec<String>,
    /// Of an object how far it got, where that is worth a word; of a key where its value came from; else why.
    pub(super) detail: String,
}

/// What happens in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Change(Change),
    /// Others keep it with another content.
    Conflict,
    /// A workload that an apply restarts, or was to restart.
    Restarts,
    /// A workload that was restarted.
    Restarted,
    /// An object that stays although the build lacks it.
    LeftOver,
}

impl Word {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Change(change) => change.word(),
            Self::Conflict => "conflict",
            Self::Restarts => "restarts",
            Self::Restarted => "restarted",
            Self::LeftOver => "left over",
        }
    }
}

/// The rows to show, and those of what is unchanged, to fold away; with keys or without.
pub(super) fn rows(outcome: &Outcome, with_keys: bool) -> (Vec<Row>, Vec<Row>) {
    let compares = outcome.command != "render";
    let (mut shown, mut folded) = (Vec::new(), Vec::new());
    for object in &outcome.objects {
        let row = object_row(object, compares);
        let is_quiet = |change| compares && change == Change::Unchanged;
        let object_is_quiet = is_quiet(object.change) && !object.taken_over && object.conflicts.is_empty();
        let keys = object.keys.iter().filter(|_| with_keys);
        let (quiet, loud): (Vec<_>, Vec<_>) = keys.partition(|key| object_is_quiet || is_quiet(key.change));
        if !object_is_quiet {
            shown.push(row.clone());
            shown.extend(loud.into_iter().map(|key| key_row(key, compares)));
            shown.extend(object.conflicts.iter().filter(|_| with_keys).flat_map(conflict_rows));
        }
        if object_is_quiet || !quiet.is_empty() {
            folded.push(row);
            folded.extend(quiet.into_iter().map(|key| key_row(key, compares)));
        }
    }
    shown.extend(left_over_rows(outcome));
    shown.extend(restart_rows(outcome));
    (shown, folded)
}

fn object_row(object: &ObjectReport, compares: bool) -> Row {
    let detail = match progress(object.progress) {
        "" if object.taken_over => "taken over",
        progress => progress,
    };
    row(&object.id, compares.then_some(Word::Change(object.change)), detail.to_owned())
}

/// Only what did not go as planned is worth a word.
fn progress(progress: Progress) -> &'static str {
    match progress {
        Progress::Failed | Progress::Unanswered | Progress::Restored | Progress::NotReached => progress.word(),
        Progress::Planned | Progress::Done => "",
    }
}

fn row(id: &ObjectId, word: Option<Word>, detail: String) -> Row {
    Row { object: Some(id.to_string()), key: None, word, value: Vec::new(), detail }
}

fn key_row(key: &KeyReport, compares: bool) -> Row {
    let source = |value: &ValueReport| match value.name == key.key {
        true => value.source.to_owned(),
        false => format!("{} ({})", value.name, value.source),
    };
    let detail = match (&key.moved, key.values.as_slice()) {
        (Some(other), _) if key.change == Change::Removed => format!("moves to {other}"),
        (Some(other), _) => format!("comes from {other}"),
        (None, []) if key.change == Change::Removed => String::new(),
        (None, []) => "literal".to_owned(),
        (None, values) => values.iter().map(source).collect::<Vec<_>>().join(", "),
    };
    let word = compares.then_some(Word::Change(key.change));
    Row { object: None, key: Some(key.key.clone()), word, value: value(key.change, &key.shown), detail }
}

fn value(change: Change, shown: &Shown) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| HIDDEN.to_owned());
    match change {
        _ if *shown == Shown::default() => Vec::new(),
        Change::Added => vec![text(&shown.after)],
        Change::Removed => vec![text(&shown.before)],
        Change::Changed | Change::Unchanged | Change::Unknown => vec![text(&shown.before), text(&shown.after)],
    }
}

fn conflict_rows(conflict: &ConflictReport) -> impl Iterator<Item = Row> {
    let detail = match conflict.forced {
        true => format!("taken over from {}", conflict.manager),
        false => format!("kept by {}", conflict.manager),
    };
    conflict.fields.iter().map(move |field| Row {
        object: None,
        key: Some(field.clone()),
        word: Some(Word::Conflict),
        value: Vec::new(),
        detail: detail.clone(),
    })
}

fn left_over_rows(outcome: &Outcome) -> impl Iterator<Item = Row> {
    outcome.left_over.iter().map(|object| {
        let (word, mut detail) = match object.pruned {
            true => (Word::Change(Change::Removed), "no longer in the build".to_owned()),
            false => (Word::LeftOver, "no longer in the build, and stays".to_owned()),
        };
        detail += &object.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let progress = progress(object.progress);
        row(&object.id, Some(word), if progress.is_empty() { detail } else { progress.to_owned() })
    })
}

fn restart_rows(outcome: &Outcome) -> impl Iterator<Item = Row> {
    outcome.restarts.iter().map(|restart| {
        let word = if restart.progress == Progress::Done { Word::Restarted } else { Word::Restarts };
        let uses: Vec<String> = restart.uses.iter().map(ToString::to_string).collect();
        let parts = [progress(restart.progress).to_owned(), format!("uses {}", uses.join(", "))];
        let note = restart.note.map(|note| format!("not awaited, {note}"));
        let parts: Vec<String> = parts.into_iter().chain(note).filter(|part| !part.is_empty()).collect();
        row(&restart.id, Some(word), parts.join("; "))
    })
}

/// `4 objects and 3 keys unchanged`; empty where nothing is.
pub(super) fn unchanged(outcome: &Outcome) -> String {
    let is_quiet = |object: &&ObjectReport| {
        object.change == Change::Unchanged && !object.taken_over && object.conflicts.is_empty()
    };
    let objects = outcome.objects.iter().filter(is_quiet).count();
    let others = outcome.objects.iter().filter(|object| !is_quiet(object));
    let keys = others.flat_map(|object| &object.keys).filter(|key| key.change == Change::Unchanged).count();
    match (objects, keys) {
        _ if outcome.command == "render" => String::new(),
        (0, 0) => String::new(),
        (objects, 0) => format!("{} unchanged", count(objects, "object")),
        (0, keys) => format!("{} unchanged", count(keys, "key")),
        (objects, keys) => format!("{} and {} unchanged", count(objects, "object"), count(keys, "key")),
    }
}
