//! Template and base side by side: what they agree on can be told without building anything.

use crate::build::{Base, BaseKey, BasePlaceholder, Closure, ReferenceKind};
use crate::error::{Problem, text};
use crate::object::ObjectId;
use crate::patch::{PatchObject, Step};

/// The objects of a template beside those of the base that it is merged over.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The filled template.
    pub template: &'a [PatchObject],
    /// The committed objects.
    pub base: &'a Base,
    /// Where they come from.
    pub closure: &'a Closure,
}

impl Sides<'_> {
    /// Keys of the template that its base object, which has others, does not have: kustomize adds them.
    pub fn new_keys(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for object in self.template.iter().filter(|object| holds_data(&object.id)) {
            let own = |key: &&BaseKey| self.is_of(&key.kind, &key.name, &object.id);
            let known: Vec<&str> = self.base.keys.iter().filter(own).map(|key| key.key.as_str()).collect();
            let entries = object.entries.iter().filter(|_| !known.is_empty());
            let new =
                entries.filter_map(|entry| Some((entry, entry.data_key()?.1))).filter(|(_, key)| !known.contains(key));
            problems.extend(new.map(|(entry, key)| {
                let text = text!("`{key}` of `{}` is in the template, but not among the keys of the base", object.id);
                Problem::notice("key-not-in-base", text).at(entry.place.clone())
            }));
        }
        problems
    }

    /// The template's objects that no base has, as far as the files tell: a build would fail.
    pub fn missing_objects(&self) -> Vec<Problem> {
        let is_patch = self.closure.patch.as_ref().is_none_or(|(_, kind)| *kind != ReferenceKind::Resource);
        if !is_patch || self.closure.hides_objects {
            return Vec::new();
        }
        let data = self.template.iter().filter(|object| holds_data(&object.id));
        data.filter(|object| !self.has(&object.id)).map(|object| self.missing(object)).collect()
    }

    /// The base's placeholders that the template does not fill, as far as the files tell.
    pub fn unfilled(&self) -> Vec<Problem> {
        let data = self.base.placeholders.iter().filter_map(|placeholder| {
            let [Step::Key(field), Step::Key(key)] = placeholder.path.as_slice() else { return None };
            let core = placeholder.group.is_empty() && matches!(placeholder.kind.as_str(), "Secret" | "ConfigMap");
            (core && !self.fills(placeholder, key)).then_some((placeholder, field, key))
        });
        data.map(|(placeholder, field, key)| {
            let (kind, name) = (&placeholder.kind, &placeholder.name);
            let text = text!("`{field}.{key}` of `{kind} {name}` is a placeholder that the template does not fill");
            let help =
                text!("add `{key}: \"{}\"` beneath `{field}` of `{kind} {name}` in the template", placeholder.text);
            Problem::error("placeholder-left", text).at(placeholder.place.clone()).help(help)
        })
        .collect()
    }

    fn fills(&self, placeholder: &BasePlaceholder, key: &str) -> bool {
        let objects =
            self.template.iter().filter(|object| self.is_of(&placeholder.kind, &placeholder.name, &object.id));
        let mut entries = objects.flat_map(|object| &object.entries);
        // A patch of the overlay may set it too.
        let is_replaced = self.base.keys.iter().any(|other| {
            (&other.kind, &other.name, other.key.as_str()) == (&placeholder.kind, &placeholder.name, key)
                && other.place != placeholder.place
        });
        is_replaced || entries.any(|entry| entry.data_key().is_some_and(|(_, filled)| filled == key))
    }

    fn missing(&self, object: &PatchObject) -> Problem {
        let id = &object.id;
        let names =
            self.base.objects.iter().filter(|known| known.kind == id.kind).map(|known| format!("`{}`", known.name));
        let names: Vec<String> = names.take(10).collect();
        let there =
            if names.is_empty() { format!("it has no {}", id.kind) } else { format!("it has {}", names.join(", ")) };
        let text = text!("`{id}` of the template is not in the base; {there}");
        let help = text!("name the object as the base does, or add `{}` to the base", id.name);
        Problem::error("object-missing", text).at(object.place.clone()).help(help)
    }

    fn has(&self, id: &ObjectId) -> bool {
        self.base.objects.iter().any(|known| self.is_of(&known.kind, &known.name, id))
    }

    /// Whether the template's object can be that of the base: lower kustomizations may have put something around its name.
    fn is_of(&self, kind: &str, name: &str, id: &ObjectId) -> bool {
        let same = id.name == name || self.closure.renames && !name.is_empty() && id.name.contains(name);
        id.kind == kind && same
    }
}

fn holds_data(id: &ObjectId) -> bool {
    id.group.is_empty() && matches!(id.kind.as_str(), "Secret" | "ConfigMap")
}
