//! Which texts of an object everybody may read: of the build by where they come from, of the cluster by what an apply noted down.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::owned::OwnedPaths;
use super::set::SET_ANNOTATION;
use super::wanted::decoded;
use crate::object::{Object, leads_to, scalar_text};

/// The annotation that names, as a JSON list of paths, the texts of an object that may not be shown; `*` for all of them.
///
/// Without it nothing of a live object is shown: somebody else has written it, or it was written from something uncommitted.
pub const HIDDEN_ANNOTATION: &str = "secret-patch.dev/hidden";

/// Texts by the dotted paths of the scalars that hold them; the data of a Secret as it is, not as base64.
pub type Texts = BTreeMap<String, String>;

/// What is known of the texts of one object of the build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Those that everybody may read.
    pub public: Texts,
    /// The paths of those that depend on values that are not given.
    pub unknown: BTreeSet<String>,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// Everybody may read it.
    Public,
    /// Nobody may.
    Hidden,
    /// Its value is not given.
    Unknown,
}

impl Sight {
    /// What `judge` says of each text of `object` by its path.
    pub fn of(object: &Object, judge: impl Fn(&str, &str) -> Text) -> Self {
        let mut sight = Self::default();
        for (path, text) in texts(object) {
            match judge(&path, &text) {
                Text::Public => drop(sight.public.insert(path, text)),
                Text::Unknown => drop(sight.unknown.insert(path)),
                Text::Hidden => {}
            }
        }
        sight
    }

    /// Notes down on `object` what of it may not be shown, for the next one who compares. Not on Secrets: what they hold never is.
    #[must_use]
    pub fn mark(&self, mut object: Object) -> Object {
        if object.is_secret() {
            return object;
        }
        let is_hidden = |path: &String| !self.public.contains_key(path) && !leads_to(&path_of(SET_ANNOTATION), path);
        let paths: Vec<String> = object.leaves().into_iter().map(|(path, _)| path).filter(is_hidden).collect();
        let text = if self.public.is_empty() { json!("*").to_string() } else { json!(paths).to_string() };
        annotate(&mut object, &text);
        object
    }

    /// As [`Sight::mark`], but with what `live` has noted: a run that does not write compares nothing else.
    #[must_use]
    pub fn mark_as(live: &Object, mut object: Object) -> Object {
        if let Some(text) = noted(live) {
            annotate(&mut object, text);
        }
        object
    }
}

/// Every text of `object`.
pub fn texts(object: &Object) -> Texts {
    object.leaves().into_iter().filter_map(|(path, value)| Some((path.clone(), text(object, &path, value)?))).collect()
}

/// The texts of a live object that everybody may read: an apply of ours wrote them, nobody else has touched them since, and they
/// were public then.
#[must_use]
pub fn known_texts(live: &Object) -> Texts {
    let mut texts = Texts::new();
    if live.is_secret() {
        texts.extend(secret_type(live).map(|kind| ("type".to_owned(), kind)));
        return texts;
    }
    let Some(Ok(hidden)) = noted(live).map(serde_json::from_str::<Value>) else { return texts };
    let Some(hidden) = hidden.as_array() else { return texts };
    let hidden: BTreeSet<String> = hidden.iter().filter_map(Value::as_str).map(without_places).collect();
    let owned = OwnedPaths::of(live);
    for (path, value) in live.leaves() {
        let is_public = owned.are_ours_alone(&path) && !hidden.contains(&without_places(&path));
        texts.extend(text(live, &path, value).filter(|_| is_public).map(|text| (path, text)));
    }
    texts
}

/// `object` with the live texts in place of those that are not known: they may be what they are.
#[must_use]
pub fn assume_unchanged(mut object: Object, live: &Object, unknown: &BTreeSet<String>) -> Object {
    let there: BTreeMap<String, &Value> = live.leaves().into_iter().collect();
    object.each_leaf(|path, value| {
        if let Some(live) = there.get(path).filter(|_| unknown.contains(path)) {
            (*live).clone_into(value);
        }
    });
    object
}

fn text(object: &Object, path: &str, value: &Value) -> Option<String> {
    let text = scalar_text(value)?;
    if object.is_secret() && leads_to("data", path) { String::from_utf8(decoded(&text)?).ok() } else { Some(text) }
}

/// A Secret's type, where it is one that Kubernetes itself knows.
fn secret_type(live: &Object) -> Option<String> {
    let kind = live.as_value().get("type")?.as_str()?;
    let is_known = kind == "Opaque"
        || kind
            .strip_prefix("kubernetes.io/")
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
    is_known.then(|| kind.to_owned())
}

fn path_of(annotation: &str) -> String {
    format!("metadata.annotations.{annotation}")
}

fn noted(live: &Object) -> Option<&str> {
    live.as_value().pointer("/metadata/annotations")?.get(HIDDEN_ANNOTATION)?.as_str()
}

fn annotate(object: &mut Object, text: &str) {
    let Some(Value::Object(metadata)) = object.as_value_mut().get_mut("metadata") else { return };
    let annotations = metadata.entry("annotations").or_insert(Value::Null);
    if annotations.is_null() {
        *annotations = Value::Object(Map::new());
    }
    if let Value::Object(annotations) = annotations {
        annotations.insert(HIDDEN_ANNOTATION.to_owned(), Value::String(text.to_owned()));
    }
}

/// Another may have put elements before ours, so a place in a list means any place.
fn without_places(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for (at, part) in path.split('[').enumerate() {
        if at > 0 {
            out.push('[');
        }
        match part.split_once(']') {
            Some((place, rest)) if at > 0 && place.bytes().all(|byte| byte.is_ascii_digit()) => {
                out.push(']');
                out.push_str(rest);
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests;
