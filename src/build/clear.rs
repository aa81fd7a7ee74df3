//! Values of Secrets that a kustomization copied to where everybody can read them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Problem, text};
use crate::object::{Object, leads_to, scalar_text};
use crate::patch::{Entry, PatchObject};

use super::names::shown_id;
use super::origins::{Filling, Fillings, Origins};

/// Where values can stand that the template did not put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Copies {
    /// Nowhere: nothing was built.
    None,
    /// Where stand-ins arrived, object by object.
    At(Vec<BTreeSet<String>>),
    /// Anywhere: kustomize was given the values to copy.
    Anywhere,
}

/// Shorter texts are alike by chance where kustomize had the values themselves.
const ALIKE: usize = 6;

/// Adds to `origins` what was copied out of a Secret of the template, and tells of each copy that everybody can read.
pub(super) fn clear_copies(
    objects: &[Object],
    copies: &Copies,
    patch: &[PatchObject],
    origins: &mut Origins,
) -> Vec<Problem> {
    let secrets = patch.iter().filter(|object| object.id.group.is_empty() && object.id.kind == "Secret");
    let entries = secrets.flat_map(|object| &object.entries);
    let entries: Vec<&Entry> = entries.filter(|entry| entry.data_key().is_some() && !entry.names.is_empty()).collect();
    let mut problems = Vec::new();
    for (at, object) in objects.iter().enumerate().filter(|(at, object)| copies.may_be_in(*at, object)) {
        let (id, mut copied) = (object.id(), Fillings::new());
        let filled = origins.get(&id);
        for (path, value) in object.leaves() {
            if is_own_data(object, &path)
                || copied.contains_key(&path)
                || filled.is_some_and(|filled| filled.contains_key(&path))
            {
                continue;
            }
            let Some(text) = scalar_text(value) else { continue };
            let Some(entry) = copies.source(at, &path, &text, &entries) else { continue };
            problems.push(told(object, &path, entry));
            copied.insert(path, Filling { names: entry.names.clone(), template_text: String::new() });
        }
        if !copied.is_empty() {
            origins.entry(id).or_default().extend(copied);
        }
    }
    problems
}

/// Whether a value at `path` is where values of Secrets belong.
fn is_own_data(object: &Object, path: &str) -> bool {
    object.is_secret() && ["data", "stringData"].iter().any(|field| leads_to(field, path))
}

impl Copies {
    /// Whether any may be in the object `at`.
    fn may_be_in(&self, at: usize, object: &Object) -> bool {
        match self {
            Self::None => false,
            Self::At(places) => {
                places.get(at).is_some_and(|places| places.iter().any(|path| !is_own_data(object, path)))
            }
            Self::Anywhere => true,
        }
    }

    /// The entry whose value stands at `path` of the object `at`.
    fn source<'e>(&self, at: usize, path: &str, text: &str, entries: &[&'e Entry]) -> Option<&'e Entry> {
        let is_copy = |entry: &&&Entry| {
            let decoded = STANDARD.decode(entry.value.expose()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            [Some(entry.value.expose()), decoded.as_deref()].into_iter().flatten().any(|value| match self {
                Self::Anywhere => value.len() >= ALIKE && text.contains(value),
                _ => text == value,
            })
        };
        let possible = match self {
            Self::None => false,
            Self::At(places) => places.get(at).is_some_and(|places| places.contains(path)),
            Self::Anywhere => true,
        };
        entries.iter().filter(|_| possible).find(is_copy).copied()
    }
}

fn told(object: &Object, path: &str, entry: &Entry) -> Problem {
    let names: Vec<String> = entry.names.iter().map(|name| format!("`{name}`")).collect();
    let text = text!(
        "{} goes into a Secret, and a kustomization copies it: it is stored in clear in `{path}` of `{}`",
        names.join(", "),
        shown_id(&object.id())
    );
    Problem::warning("stored-in-clear", text)
        .at(entry.place.clone())
        .help("take it from the Secret: `valueFrom: {secretKeyRef: …}`, or `envFrom`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Place;
    use crate::patch::Step;
    use crate::secret::Secret;

    #[test]
    fn what_was_copied_out_of_a_secret_is_told_with_its_name_and_never_its_text() {
        let object = |value| Object::parse(value).unwrap();
        let secret = object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {"x": "canary-1"}}, "stringData": {"A": "canary-1"}}),
        );
        let pod = object(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"args": ["--key=canary-1", "other"]}}),
        );
        let path = vec![Step::Key("stringData".to_owned()), Step::Key("A".to_owned())];
        let (value, place) = (Secret::new("canary-1"), Place::new("t.yml", 6, 6));
        let entry = Entry { path, value, template_text: "${A}".to_owned(), names: vec!["A".to_owned()], place };
        let id = secret.id();
        let owner = PatchObject {
            id,
            place: Place::new("t.yml", 1, 1),
            entries: vec![entry],
            nulls: vec![],
            directives: vec![],
        };
        let objects = [secret, pod];
        let annotation = BTreeSet::from(["metadata.annotations.x".to_owned()]);
        for (copies, places) in [
            (Copies::None, &[][..]),
            (Copies::At(vec![annotation, BTreeSet::new()]), &["metadata.annotations.x"]),
            (Copies::Anywhere, &["metadata.annotations.x", "spec.args[0]"]),
        ] {
            let mut origins = Origins::new();
            let told = clear_copies(&objects, &copies, std::slice::from_ref(&owner), &mut origins);
            assert_eq!(told.len(), places.len(), "{told:?}");
            for (problem, place) in told.iter().zip(places) {
                assert!(
                    problem.kind == "stored-in-clear" && problem.message.contains(&format!("`{place}`")),
                    "{problem:?}"
                );
                assert!(!format!("{problem:?}").contains("canary"), "a value is told");
            }
            let found: Vec<&str> = origins.values().flat_map(|fillings| fillings.keys().map(String::as_str)).collect();
            assert_eq!(found.len(), places.len(), "{found:?}");
        }
    }
}
