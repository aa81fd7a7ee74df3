//! Placeholders that are still in the build: those of the base are errors, others worth a word.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::error::{Place, Problem, text};
use crate::object::Object;
use crate::patch::{PatchObject, Step};

use super::arrival::{Arrival, quoted};
use super::base::{Base, BasePlaceholder};
use super::data::{Held, data_key, decode, held, values_at};
use super::names::{Index, Match, shown_id};

/// Findings and notices about `${` in the build.
pub(crate) fn check_left(index: &Index<'_>, base: &Base, arrival: &mut Arrival<'_>, patch: &[PatchObject]) {
    let mut shell: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut shell_objects = HashSet::new();
    let mut known: HashMap<_, Vec<usize>> = HashMap::new();
    for placeholder in &base.placeholders {
        let id = (&placeholder.group, &placeholder.kind, &placeholder.namespace, &placeholder.name);
        for &position in known.entry(id).or_insert_with(|| positions(index, placeholder)).iter() {
            let object = &index.objects[position];
            if !is_left(object, placeholder) {
                continue;
            }
            if is_for_shell(object, &placeholder.path) {
                shell.entry(&placeholder.place.file).or_default().push(placeholder.place.line);
                shell_objects.insert(position);
            } else if arrival.reported.insert((position, reported_key(object, &placeholder.path))) {
                arrival.problems.push(left(object, placeholder, patch));
            }
        }
    }
    arrival.notices.extend(shell.into_iter().map(|(file, lines)| shell_notice(file, lines)));
    for (position, object) in index.objects.iter().enumerate() {
        arrival.notices.extend(other_notice(position, object, &arrival.reported, shell_objects.contains(&position)));
    }
}

/// The built objects that a base object became: those of its own name, or else those whose name contains it.
fn positions(index: &Index<'_>, placeholder: &BasePlaceholder) -> Vec<usize> {
    let mut candidates = index.candidates(&placeholder.group, &placeholder.kind, None, &placeholder.name).peekable();
    let affixed = candidates.peek().is_some_and(|(rank, _)| *rank == Match::Affixed);
    let wanted = candidates.take_while(|(rank, _)| affixed || *rank != Match::Affixed);
    let all: Vec<usize> = wanted.map(|(_, position)| position).collect();
    let same = |position: &&usize| index.objects[**position].namespace() == placeholder.namespace.as_deref();
    let in_namespace: Vec<usize> = all.iter().filter(same).copied().collect();
    // An overlay's `namespace:` moves everything; without it the namespace tells objects of one name apart.
    if in_namespace.is_empty() { all } else { in_namespace }
}

fn is_left(object: &Object, placeholder: &BasePlaceholder) -> bool {
    let text = placeholder.text.as_str();
    match data_key(&placeholder.path).filter(|_| object.is_secret() || object.is_config_map()) {
        Some((field, key)) => match held(object, key) {
            Held::Bytes(bytes) => *bytes == *text.as_bytes(),
            Held::NotBase64 => {
                object.as_value().pointer(&format!("/{field}")).and_then(|data| data.get(key))
                    == Some(&Value::from(text))
            }
            Held::Missing | Held::NotText => false,
        },
        None => values_at(object.as_value(), &placeholder.path).iter().any(|value| value.as_str() == Some(text)),
    }
}

/// Commands, arguments, exec probes and hooks: a shell in the container fills these.
fn is_for_shell(object: &Object, path: &[Step]) -> bool {
    !object.is_secret()
        && !object.is_config_map()
        && path.iter().any(|step| matches!(step, Step::Key(key) if key == "command" || key == "args"))
}

fn reported_key(object: &Object, path: &[Step]) -> String {
    match data_key(path) {
        Some((_, key)) if object.is_secret() || object.is_config_map() => key.to_owned(),
        _ => dotted(path),
    }
}

fn dotted(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) if out.is_empty() => out.push_str(key),
            Step::Key(key) => out.extend([".", key]),
            Step::Index(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

fn left(object: &Object, placeholder: &BasePlaceholder, patch: &[PatchObject]) -> Problem {
    let path = dotted(&placeholder.path);
    let text = text!("`{path}` of `{}` is still the base's placeholder: nothing fills it", shown_id(&object.id()));
    let template = patch.first().map_or("the template", |object| object.place.file.as_str());
    let names = names_in(&placeholder.text);
    let line = match placeholder.path.last() {
        Some(Step::Key(key)) if !placeholder.text.contains('\n') => format!("`{key}: \"{}\"`", placeholder.text),
        _ => format!("`{path}`"),
    };
    let field = match data_key(&placeholder.path) {
        Some(_) if object.is_secret() => " under `stringData`",
        Some(_) => " under `data`",
        None => "",
    };
    let mut help = format!("add {line}{field} to `{} {}` in `{template}`", placeholder.kind, placeholder.name);
    if !names.is_empty() {
        help.push_str(&format!(
            "\nor leave it for the program that reads it: `keep-placeholders: {}`",
            names.join(" ")
        ));
    }
    Problem::error("placeholder-left", text).at(placeholder.place.clone()).help(help)
}

/// The names of `${NAME…`.
fn names_in(text: &str) -> Vec<&str> {
    let starts = text.split("${").skip(1);
    let names =
        starts.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default());
    let mut names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn shell_notice(file: &str, mut lines: Vec<usize>) -> Problem {
    lines.sort_unstable();
    lines.dedup();
    let first = lines.first().copied().unwrap_or(1);
    let list = lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let text =
        text!("`${{…}}` in commands and arguments of `{file}` (line {list}) stays: a shell fills it at run time");
    Problem::notice("placeholder-for-shell", text).at(Place::new(file, first, 1))
}

/// One notice for all other `${` of an object; its text is not shown, since it can be part of a value.
fn other_notice(
    position: usize,
    object: &Object,
    reported: &HashSet<(usize, String)>,
    skip_shell: bool,
) -> Option<Problem> {
    let mut paths = Vec::new();
    search(object, object.as_value(), &mut Vec::new(), &mut paths);
    paths.retain(|path| !reported.contains(&(position, reported_key(object, path))));
    paths.retain(|path| !(skip_shell && is_for_shell(object, path)));
    if paths.is_empty() {
        return None;
    }
    let paths: Vec<String> = paths.iter().map(|path| dotted(path)).collect();
    let text = text!("`{}` holds `${{` in {}, which nothing fills", shown_id(&object.id()), quoted(&paths));
    Some(Problem::notice("dollar-brace", text))
}

fn search(object: &Object, value: &Value, path: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    match value {
        Value::String(text) => {
            let encoded = object.is_secret() && matches!(path.as_slice(), [Step::Key(field), _] if field == "data");
            let holds = text.contains("${")
                || (encoded && decode(text).is_some_and(|bytes| bytes.windows(2).any(|pair| pair == b"${")));
            if holds {
                found.push(path.clone());
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Index(index));
                search(object, item, path, found);
                path.pop();
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                path.push(Step::Key(key.clone()));
                search(object, value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}
