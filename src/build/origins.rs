//! Where the scalars of the built objects come from: which placeholders of the template fill them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::object::{Object, ObjectId, scalar_text};
use crate::patch::{DottedPath, Entry, PatchObject, Step};

use super::arrival::judge_key;
use super::data::values_at;

/// What fills a scalar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filling {
    /// Names of placeholders, each once.
    pub names: Vec<String>,
    /// The scalar as it stands in the template.
    pub template_text: String,
}

/// The filled scalars of one object by their dotted paths; keys of a Secret beneath `data`. What is not here is a literal.
pub type Fillings = BTreeMap<String, Filling>;

/// The filled scalars of every object.
pub type Origins = HashMap<ObjectId, Fillings>;

/// Where the filled scalars of `objects` stand. `owners` gives the template's object for each built one; `operations` belong to
/// JSON6902 patches, which name no object.
pub(super) fn origins(objects: &[Object], owners: &[Option<&PatchObject>], operations: &[Entry]) -> Origins {
    let pairs = objects.iter().zip(owners);
    let found = pairs.map(|(object, owner)| (object.id(), fillings(object, *owner, operations)));
    found.filter(|(_, fillings)| !fillings.is_empty()).collect()
}

fn fillings(object: &Object, owner: Option<&PatchObject>, operations: &[Entry]) -> Fillings {
    let mut fillings = Fillings::new();
    let own = owner.into_iter().flat_map(|owner| &owner.entries).filter(|entry| !entry.names.is_empty());
    let mut fields: Vec<&Entry> = Vec::new();
    for entry in own {
        match data_path(object, entry) {
            Some(path) => add(&mut fillings, path, entry),
            None => fields.push(entry),
        }
    }
    for entry in operations.iter().filter(|entry| !entry.names.is_empty()) {
        match data_path(object, entry) {
            Some(path) if arrived(object, entry) => add(&mut fillings, path, entry),
            Some(_) => {}
            None => fields.push(entry),
        }
    }
    if !fields.is_empty() {
        let leaves = object.leaves();
        for entry in fields {
            paths(object, &leaves, entry).into_iter().for_each(|path| add(&mut fillings, path, entry));
        }
    }
    fillings
}

fn add(fillings: &mut Fillings, path: String, entry: &Entry) {
    let filling = fillings.entry(path).or_default();
    entry.template_text.clone_into(&mut filling.template_text);
    for name in &entry.names {
        if !filling.names.contains(name) {
            filling.names.push(name.clone());
        }
    }
}

/// `stringData` becomes `data`.
fn data_path(object: &Object, entry: &Entry) -> Option<String> {
    let (field, key) = entry.data_key().filter(|_| object.is_secret() || object.is_config_map())?;
    let field = if field == "stringData" { "data" } else { field };
    let path = [Step::Key(field.to_owned()), Step::Key(key.to_owned())];
    Some(DottedPath::of(&path).to_string())
}

fn arrived(object: &Object, entry: &Entry) -> bool {
    entry.data_key().is_some_and(|(field, key)| judge_key(object, entry, field, key).is_none())
}

/// Lists may have been merged and reordered: the scalars of the same text, or else those at the path.
fn paths(object: &Object, leaves: &[(String, &Value)], entry: &Entry) -> Vec<String> {
    let of = |is: &dyn Fn(&Value) -> bool| -> Vec<String> {
        leaves.iter().filter(|(_, value)| is(value)).map(|(path, _)| path.clone()).collect()
    };
    let same = of(&|value| scalar_text(value).as_deref() == Some(entry.value.expose()));
    if !same.is_empty() {
        return same;
    }
    let there = values_at(object.as_value(), &entry.path);
    of(&|value| there.iter().any(|other| std::ptr::eq(*other, value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Place;
    use crate::secret::Secret;

    fn entry(path: &[&str], value: &str, names: &[&str]) -> Entry {
        let step = |step: &&str| step.parse().map_or_else(|_| Step::Key((*step).to_owned()), Step::Index);
        Entry {
            path: path.iter().map(step).collect(),
            value: Secret::new(value),
            template_text: names.iter().map(|name| format!("${{{name}}}")).collect(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            place: Place::new("t.yml", 1, 1),
        }
    }

    fn owner(object: &Object, entries: Vec<Entry>) -> PatchObject {
        PatchObject { id: object.id(), place: Place::new("t.yml", 1, 1), entries, nulls: vec![], directives: vec![] }
    }

    #[test]
    fn filled_scalars_are_found_wherever_a_merge_put_them() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"A.B": "x", "C": "literal"}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "side", "image": "s"}, {"name": "web", "image": "w:2", "tty": true}]}});
        let [secret, pod] = [secret, pod].map(|value| Object::parse(value).unwrap());
        let of_secret = owner(
            &secret,
            vec![entry(&["stringData", "A.B"], "x", &["A", "A"]), entry(&["stringData", "C"], "literal", &[])],
        );
        let of_pod = owner(
            &pod,
            vec![
                entry(&["spec", "containers", "0", "image"], "w:2", &["TAG"]),
                entry(&["spec", "containers", "0", "tty"], "true", &["TTY"]),
            ],
        );
        let operations = [entry(&["stringData", "C"], "other", &["NOT_HERE"]), entry(&["spec", "x"], "s", &["SIDE"])];
        let found = origins(&[secret.clone(), pod.clone()], &[Some(&of_secret), Some(&of_pod)], &operations);
        let names = |object: &Object| -> Vec<(&str, &[String])> {
            found[&object.id()].iter().map(|(path, filling)| (path.as_str(), filling.names.as_slice())).collect()
        };
        assert_eq!(names(&secret), [("data.A.B", ["A".to_owned()].as_slice())]);
        assert_eq!(
            names(&pod),
            [
                ("spec.containers[side].image", ["SIDE".to_owned()].as_slice()),
                ("spec.containers[web].image", ["TAG".to_owned()].as_slice()),
                ("spec.containers[web].tty", ["TTY".to_owned()].as_slice()),
            ]
        );
    }
}
