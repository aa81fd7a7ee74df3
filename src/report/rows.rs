//! The table of objects and keys that text and Markdown print.

use super::words::count;
use super::{Change, KeyReport, Outcome, Progress, ValueReport};

/// One line of the table of objects and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The object, in the row that begins it.
    pub(super) object: Option<String>,
    /// The key, in the rows below.
    pub(super) key: Option<String>,
    /// `None` for `render`, which compares with nothing.
    pub(super) change: Option<Change>,
    /// Of an object how far it got, where that is worth a word; of a key where its value came from.
    pub(super) detail: String,
}

/// The rows to show, and those of what is unchanged, to fold away; with keys or without.
pub(super) fn rows(outcome: &Outcome, with_keys: bool) -> (Vec<Row>, Vec<Row>) {
    let compares = outcome.command != "render";
    let (mut shown, mut folded) = (Vec::new(), Vec::new());
    for object in &outcome.objects {
        let row = Row {
            object: Some(object.id.to_string()),
            key: None,
            change: compares.then_some(object.change),
            detail: match object.progress {
                Progress::Failed | Progress::Unanswered | Progress::NotReached => object.progress.word().to_owned(),
                Progress::Planned | Progress::Done => String::new(),
            },
        };
        let is_quiet = |change| compares && change == Change::Unchanged;
        let keys = object.keys.iter().filter(|_| with_keys);
        let (quiet, loud): (Vec<_>, Vec<_>) = keys.partition(|key| is_quiet(object.change) || is_quiet(key.change));
        if !is_quiet(object.change) {
            shown.push(row.clone());
            shown.extend(loud.into_iter().map(|key| key_row(key, compares)));
        }
        if is_quiet(object.change) || !quiet.is_empty() {
            folded.push(row);
            folded.extend(quiet.into_iter().map(|key| key_row(key, compares)));
        }
    }
    (shown, folded)
}

fn key_row(key: &KeyReport, compares: bool) -> Row {
    let source = |value: &ValueReport| match value.name == key.key {
        true => value.source.to_owned(),
        false => format!("{} ({})", value.name, value.source),
    };
    let detail = match key.values.as_slice() {
        [] if key.change == Change::Removed => String::new(),
        [] => "literal".to_owned(),
        values => values.iter().map(source).collect::<Vec<_>>().join(", "),
    };
    Row { object: None, key: Some(key.key.clone()), change: compares.then_some(key.change), detail }
}

/// `4 objects and 3 keys unchanged`; empty where nothing is.
pub(super) fn unchanged(outcome: &Outcome) -> String {
    let objects = outcome.objects.iter().filter(|object| object.change == Change::Unchanged).count();
    let others = outcome.objects.iter().filter(|object| object.change != Change::Unchanged);
    let keys = others.flat_map(|object| &object.keys).filter(|key| key.change == Change::Unchanged).count();
    match (objects, keys) {
        _ if outcome.command == "render" => String::new(),
        (0, 0) => String::new(),
        (objects, 0) => format!("{} unchanged", count(objects, "object")),
        (0, keys) => format!("{} unchanged", count(keys, "key")),
        (objects, keys) => format!("{} and {} unchanged", count(objects, "object"), count(keys, "key")),
    }
}
