//! Whether every entry of the secret patch arrived in the build with its value, and if not, why.

use std::collections::HashSet;

use serde_json::Value;

use crate::error::{Problem, text};
use crate::object::Object;
use crate::patch::{Entry, PatchObject, Step};

use super::data::{Held, decode, held, values_at};
use super::names::{Index, Match, shown, shown_id};

/// What became of the patch.
#[derive(Default)]
pub(crate) struct Arrival<'a> {
    /// For each built object, the template's object that it came from.
    pub(crate) owners: Vec<Option<&'a PatchObject>>,
    /// Keys of built objects that a finding already speaks of.
    pub(crate) reported: HashSet<(usize, String)>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notices: Vec<Problem>,
}

/// Why an entry is not in a built object as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No such key.
    Missing,
    /// The built object's `stringData` overrules the patch's `data`.
    Overruled,
    /// Another value.
    Differs,
    /// The text of the template, placeholder included.
    Unfilled,
    /// Another value where kustomize has fields of its own (`images`, `replicas`).
    Transformed,
}

/// Looks for every object and entry of the patch in the build.
pub(crate) fn check_arrival<'a>(index: &Index<'_>, patch: &'a [PatchObject]) -> Arrival<'a> {
    let mut arrival = Arrival { owners: vec![None; index.objects.len()], ..Arrival::default() };
    for wanted in patch {
        let id = &wanted.id;
        let candidates = index.candidates(&id.group, &id.kind, id.namespace.as_deref(), &id.name);
        match choose(index.objects, candidates, wanted) {
            Some((position, failures)) => {
                arrival.owners[position] = Some(wanted);
                arrival.report(position, &index.objects[position], wanted, &failures);
            }
            None => arrival.problems.push(absent(index, wanted)),
        }
    }
    arrival
}

type Failures<'a> = Vec<(&'a Entry, Reason)>;

/// The candidate in which everything arrived, else the likeliest one.
fn choose<'a>(
    objects: &[Object],
    candidates: impl Iterator<Item = (Match, usize)>,
    wanted: &'a PatchObject,
) -> Option<(usize, Failures<'a>)> {
    let mut best: Option<(usize, Failures<'a>)> = None;
    for (rank, position) in candidates {
        let failures = failures(&objects[position], wanted);
        if failures.iter().all(|(_, reason)| *reason == Reason::Transformed) {
            return Some((position, failures));
        }
        // A name that merely contains the wanted one is believed only if at least one of the keys is there.
        let related = rank != Match::Affixed || failures.iter().any(|(_, reason)| *reason != Reason::Missing);
        if related && best.as_ref().is_none_or(|(_, fewest)| rank == Match::Affixed && failures.len() < fewest.len()) {
            best = Some((position, failures));
        }
    }
    best
}

fn failures<'a>(object: &Object, wanted: &'a PatchObject) -> Failures<'a> {
    let data = object.is_secret() || object.is_config_map();
    wanted
        .entries
        .iter()
        .filter(|entry| !is_shadowed(entry, wanted))
        .filter_map(|entry| {
            let reason = match entry.data_key() {
                Some((field, key)) if data => judge_key(object, entry, field, key),
                _ => judge_field(object, entry),
            };
            reason.map(|reason| (entry, reason))
        })
        .collect()
}

/// `data.K` where the template has `stringData.K` too: never what the cluster gets.
fn is_shadowed(entry: &Entry, wanted: &PatchObject) -> bool {
    entry.data_key().is_some_and(|(field, key)| {
        field == "data" && wanted.entries.iter().any(|other| other.data_key() == Some(("stringData", key)))
    })
}

pub(crate) fn judge_key(object: &Object, entry: &Entry, field: &str, key: &str) -> Option<Reason> {
    let value = entry.value.expose();
    let encoded = field == "binaryData" || (field == "data" && object.is_secret());
    let own = object.as_value().get(field).and_then(|data| data.get(key)).and_then(Value::as_str);
    let arrived =
        |bytes: &[u8]| if encoded { decode(value).as_deref() == Some(bytes) } else { bytes == value.as_bytes() };
    match held(object, key) {
        Held::Missing => Some(Reason::Missing),
        Held::Bytes(bytes) if !entry.names.is_empty() && *bytes == *entry.template_text.as_bytes() => {
            Some(Reason::Unfilled)
        }
        Held::Bytes(bytes) if arrived(&bytes) => None,
        Held::Bytes(_) if encoded && own == Some(value) => Some(Reason::Overruled),
        Held::Bytes(_) => Some(Reason::Differs),
        // Both are findings of their own, wherever the value came from.
        Held::NotText | Held::NotBase64 => None,
    }
}

pub(crate) fn judge_field(object: &Object, entry: &Entry) -> Option<Reason> {
    let value = entry.value.expose();
    let key = entry.key();
    let names_itself = matches!(entry.path.as_slice(), [Step::Key(first), ..] if matches!(first.as_str(), "apiVersion" | "kind"))
        || matches!(entry.path.as_slice(), [Step::Key(first), Step::Key(second)] if first == "metadata" && second == "name");
    if names_itself || key == "namespace" {
        return None;
    }
    let found = values_at(object.as_value(), &entry.path);
    let is_name = key == "name" || key.ends_with("Name");
    // Names of other objects follow their prefixes, suffixes and hashes.
    let renamed = |found: &Value| is_name && found.as_str().is_some_and(|text| text.contains(value));
    if found.iter().any(|found| is_same(found, value) || renamed(found)) {
        None
    } else if found.is_empty() {
        Some(Reason::Missing)
    } else if !entry.names.is_empty() && found.iter().any(|found| found.as_str() == Some(entry.template_text.as_str()))
    {
        Some(Reason::Unfilled)
    } else if matches!(key, "image" | "replicas") {
        Some(Reason::Transformed)
    } else {
        Some(Reason::Differs)
    }
}

fn is_same(found: &Value, text: &str) -> bool {
    match found {
        Value::String(found) => found == text,
        Value::Bool(found) => text.parse() == Ok(*found),
        Value::Number(found) => found.to_string() == text || text.parse::<f64>().ok() == found.as_f64(),
        _ => false,
    }
}

impl Arrival<'_> {
    fn report(&mut self, position: usize, object: &Object, wanted: &PatchObject, failures: &Failures<'_>) {
        self.reported.extend(failures.iter().map(|(entry, _)| (position, reported_key(object, entry))));
        let count = wanted.entries.iter().filter(|entry| !is_shadowed(entry, wanted)).count();
        let plain = |reason: Reason| matches!(reason, Reason::Missing | Reason::Differs);
        if failures.len() == count && count > 1 && failures.iter().all(|(_, reason)| plain(*reason)) {
            return self.problems.push(nothing_arrived(object, wanted, failures));
        }
        for (entry, reason) in failures {
            let name = shown_id(&object.id());
            if *reason == Reason::Transformed {
                let text = text!("the overlay changes `{}` of `{name}` after the template", entry.dotted_path());
                self.notices.push(Problem::notice("transformed", text).at(entry.place.clone()));
            } else {
                self.problems.push(explain(entry, *reason, &name));
            }
        }
    }
}

/// By what a finding about a built position is remembered: the data key, or the path.
pub(crate) fn reported_key(object: &Object, entry: &Entry) -> String {
    match entry.data_key() {
        Some((_, key)) if object.is_secret() || object.is_config_map() => key.to_owned(),
        _ => entry.dotted_path().to_string(),
    }
}

fn explain(entry: &Entry, reason: Reason, name: &str) -> Problem {
    let path = entry.dotted_path();
    let key = entry.key();
    let problem = match reason {
        Reason::Missing => {
            Problem::error("key-missing", text!("`{path}` of the template is not in the built `{name}`"))
                .help(text!("look for `{key}: null`, `$patch: replace` or a removing patch in the base and overlay"))
        }
        Reason::Overruled => Problem::error(
            "key-overruled",
            text!("`{path}` of the template is without effect: `{name}` has `stringData.{key}`, which wins"),
        )
        .help(text!("move `{key}` to `stringData` in the template, in clear instead of base64")),
        Reason::Unfilled => {
            Problem::error("placeholder-left", text!("`{path}` of `{name}` is the template's own placeholder text"))
                .help(text!("check that the value of {} is not the placeholder itself", quoted(&entry.names)))
        }
        Reason::Differs | Reason::Transformed => {
            Problem::error("value-differs", text!("`{path}` of the built `{name}` is not the template's value"))
                .help("look for a later patch, generator or transformer of the overlay that sets it, or a `target:` of the patch that matches nothing")
        }
    };
    problem.at(entry.place.clone())
}

fn nothing_arrived(object: &Object, wanted: &PatchObject, failures: &Failures<'_>) -> Problem {
    let keys: Vec<String> = failures.iter().map(|(entry, _)| entry.key().to_owned()).collect();
    let text = text!("nothing of the template's `{}` arrived in the build: {}", shown_id(&object.id()), quoted(&keys));
    Problem::error("patch-not-applied", text)
        .at(wanted.place.clone())
        .help("list the patch under `patches:` as `- path:`, without a `target:` that matches another object or none")
}

fn absent(index: &Index<'_>, wanted: &PatchObject) -> Problem {
    let id = &wanted.id;
    let mut there: Vec<String> =
        index.of_kind(&id.group, &id.kind).iter().map(|&at| shown(&id.kind, index.objects[at].name())).collect();
    there.sort();
    there.dedup();
    let list = if there.is_empty() { format!("it has no {}", id.kind) } else { format!("it has {}", quoted(&there)) };
    let deletes = wanted.directives.iter().any(|(directive, _)| directive == "$patch");
    let help = if deletes {
        "remove `$patch` from the template".to_owned()
    } else {
        format!("name the object as the base does, add it to the base, or look for a patch that deletes `{}`", id.name)
    };
    Problem::error("object-missing", text!("`{id}` of the template is not in the build; {list}"))
        .at(wanted.place.clone())
        .help(help)
}

/// "`a`, `b` and 3 more".
pub(crate) fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let list = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{list} and {} more", names.len() - SHOWN) } else { list }
}
