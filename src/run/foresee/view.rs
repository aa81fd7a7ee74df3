//! The build as an apply wants it, and what everybody may see of it.

use std::collections::HashMap;
use std::io::Write;

use crate::build::{self, Fillings, Origins};
use crate::changes::{self, ObjectChange, Set, Sight, Text, Texts};
use crate::inputs::Command;
use crate::object::{Object, ObjectId, leads_to};
use crate::report::Change;
use crate::run::built::{Built, Literals};
use crate::run::{Run, Standing, Step};
use crate::secret::Secret;
use crate::values::Values;

/// The objects as they are sent, marks included.
pub(in crate::run) struct Wanted(pub(in crate::run) Vec<Object>);

/// What is known of the build's texts.
pub(in crate::run) struct View {
    /// Which placeholders fill them.
    pub(in crate::run) origins: Origins,
    sights: HashMap<ObjectId, Sight>,
    literals: Literals,
    nothing: Sight,
    /// The run only compares: what it does not know, and the marks that it would leave, are taken as they are in the cluster.
    compares: bool,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Marks the objects of the build, and judges their texts.
    pub(in crate::run) fn wanted(&mut self, built: Built, set: &Set, values: &Values) -> (Wanted, View) {
        let Built { checked, literals } = built;
        let (objects, origins) = checked.into_parts();
        let objects: Vec<Object> = objects.into_iter().map(changes::clean).collect();
        self.hide_hashes(&objects);
        let compares = self.inputs.command == Command::Diff;
        let sights = self.sights(&objects, &origins, literals, values);
        let view = View { origins, sights, literals, nothing: Sight::default(), compares };
        let marked = objects.into_iter().map(|object| {
            let object = set.mark(object);
            if compares { object } else { view.sight(&object).mark(object) }
        });
        (Wanted(marked.collect()), view)
    }

    /// What the server and kubectl say may name a generated object, whose name ends in a hash of its values: weak ones could be guessed.
    fn hide_hashes(&mut self, objects: &[Object]) {
        let hashes = objects.iter().filter_map(|object| build::content_hash(object.kind(), object.name()));
        hashes.for_each(|hash| self.masker.add(&Secret::new(hash)));
    }

    pub(in crate::run) fn sights(
        &self,
        objects: &[Object],
        origins: &Origins,
        literals: Literals,
        values: &Values,
    ) -> HashMap<ObjectId, Sight> {
        let judge = Judge { run: self, literals, values, unknown_names: Vec::new() };
        let sight = |judge: &Judge<'_, O, E>, object: &Object| {
            let fillings = origins.get(&object.id());
            Sight::of(object, |path, text| judge.text(object, fillings, path, text))
        };
        let mut sights: HashMap<ObjectId, Sight> =
            objects.iter().map(|object| (object.id(), sight(&judge, object))).collect();
        let generated =
            objects.iter().filter(|object| build::is_generated(object) && !sights[&object.id()].unknown.is_empty());
        let unknown_names: Vec<&str> = generated.map(Object::name).collect();
        if !unknown_names.is_empty() {
            let judge = Judge { unknown_names, ..judge };
            sights = objects.iter().map(|object| (object.id(), sight(&judge, object))).collect();
        }
        sights
    }
}

/// Says of a text whether it may be shown.
struct Judge<'a, O, E> {
    run: &'a Run<O, E>,
    literals: Literals,
    values: &'a Values,
    /// Names that end in a hash of values that are not given.
    unknown_names: Vec<&'a str>,
}

impl<O, E> Judge<'_, O, E> {
    fn text(&self, object: &Object, fillings: Option<&Fillings>, path: &str, text: &str) -> Text {
        let is_data = leads_to("data", path) && object.is_secret();
        if self.values.is_unknown(text) || self.unknown_names.iter().any(|name| text.contains(name)) {
            return Text::Unknown;
        }
        let is_public = match fillings.and_then(|fillings| fillings.get(path)) {
            // A literal in a Secret, or a default, is committed; it is not shown all the same.
            Some(filling) if is_data => filling.names.iter().all(|name| self.values.is_public(name)),
            Some(filling) => filling.names.iter().all(|name| self.values.may_be_shown(name)),
            None => self.literals == Literals::Public && !is_data,
        };
        let is_a_value = || self.values.sensitive().any(|value| value.expose() == text);
        let is_clean = || self.run.masker.redact(text).as_str() == text && !is_a_value();
        if is_public && is_clean() { Text::Public } else { Text::Hidden }
    }
}

impl View {
    /// What is known of the object's texts.
    pub(in crate::run) fn sight(&self, object: &Object) -> &Sight {
        self.sights.get(&object.id()).unwrap_or(&self.nothing)
    }

    /// The texts of a Secret that everybody may read elsewhere: in the repository, or as a value that is not sensitive.
    pub(in crate::run) fn readable(&self, secret: &Object) -> Texts {
        let fillings = self.origins.get(&secret.id());
        let is_filled = |path: &String| fillings.is_some_and(|fillings| fillings.contains_key(path));
        let public = &self.sight(secret).public;
        let mut texts = changes::texts(secret);
        texts.retain(|path, _| public.contains_key(path) || self.literals == Literals::Public && !is_filled(path));
        texts
    }

    /// The object as it is compared with `live`.
    pub(in crate::run) fn beside(&self, wanted: Object, live: &Object) -> Object {
        if !self.compares {
            return wanted;
        }
        let unknown = &self.sight(&wanted).unknown;
        let wanted = if unknown.is_empty() { wanted } else { changes::assume_unchanged(wanted, live, unknown) };
        Sight::mark_as(live, wanted)
    }

    /// Whether the object is new, and not all of its values are given.
    pub(in crate::run) fn lacks_values(&self, step: &Step) -> bool {
        step.live.is_none() && !self.sight(&step.wanted).unknown.is_empty()
    }

    /// The change without what cannot be known.
    pub(in crate::run) fn known(&self, step: &Step) -> ObjectChange {
        let sight = self.sight(&step.wanted);
        let mut change = step.change.clone();
        // Its name may end in a hash of values that are not given: then it may be there under another.
        if step.standing == Standing::Unread || build::is_generated(&step.wanted) && self.lacks_values(step) {
            change.change = Change::Unknown;
            change.keys.iter_mut().for_each(|key| key.change = Change::Unknown);
            return change;
        }
        change.with_unknown(&sight.unknown)
    }
}
