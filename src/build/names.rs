//! Which built object is meant by a name of the template or base: kustomize adds prefixes, suffixes and hashes.

use std::collections::HashMap;
use std::iter;

use serde_json::Value;

use crate::object::{Object, ObjectId};

const HASH_LENGTH: usize = 10;

/// How a built name relates to the name it came from; better ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    /// The same.
    Exact,
    /// With the hash of a generator.
    Hashed,
    /// With a prefix or suffix, and perhaps a hash.
    Affixed,
}

/// How `built` can have come from `wanted`, if it can.
pub(crate) fn match_name(built: &str, wanted: &str) -> Option<Match> {
    if wanted.is_empty() {
        None
    } else if built == wanted {
        Some(Match::Exact)
    } else if built.len() < wanted.len() {
        None
    } else if built.starts_with(wanted) && without_hash(built) == Some(wanted) {
        Some(Match::Hashed)
    } else {
        // Names are short and every pair is asked: faster than preparing a search for each.
        built.as_bytes().windows(wanted.len()).any(|part| part == wanted.as_bytes()).then_some(Match::Affixed)
    }
}

fn without_hash(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == HASH_LENGTH && hash.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c));
    (is_hash && !base.is_empty()).then_some(base)
}

/// The name for reports: a content hash would let weak values be guessed.
pub(crate) fn shown(kind: &str, name: &str) -> String {
    match content_hash(kind, name) {
        Some(hash) => format!("{}<hash>", &name[..name.len() - hash.len()]),
        None => name.to_owned(),
    }
}

/// The hash of its values that ends the name of a generated Secret or ConfigMap.
pub fn content_hash<'a>(kind: &str, name: &'a str) -> Option<&'a str> {
    let base = without_hash(name).filter(|_| matches!(kind, "Secret" | "ConfigMap"))?;
    Some(&name[base.len() + 1..])
}

/// Whether such a hash ends the name.
pub fn is_generated(object: &Object) -> bool {
    content_hash(object.kind(), object.name()).is_some()
}

/// An object's id for reports.
pub(crate) fn shown_id(id: &ObjectId) -> String {
    without_content_hash(id).to_string()
}

/// The same id with `<hash>` for a content hash.
pub fn without_content_hash(id: &ObjectId) -> ObjectId {
    ObjectId { name: shown(&id.kind, &id.name), ..id.clone() }
}

/// The same objects under names without a content hash, also where others refer to them: builds of different content can be compared.
#[must_use]
pub fn without_content_hashes(mut objects: Vec<Object>) -> Vec<Object> {
    let generated = objects.iter().filter(|object| content_hash(object.kind(), object.name()).is_some());
    let renamed: Vec<(String, String)> =
        generated.map(|object| (object.name().to_owned(), shown(object.kind(), object.name()))).collect();
    for object in objects.iter_mut().filter(|_| !renamed.is_empty()) {
        object.each_leaf(|_, value| {
            if let Value::String(text) = value
                && let Some((_, shown)) = renamed.iter().find(|(name, _)| name == text)
            {
                shown.clone_into(text);
            }
        });
    }
    objects
}

/// The build's objects by group, then kind.
pub(crate) struct Index<'a> {
    pub(crate) objects: &'a [Object],
    /// Every object's name: looked up once, compared with every wanted one.
    names: Vec<&'a str>,
    by_kind: HashMap<&'a str, HashMap<&'a str, OfKind<'a>>>,
}

/// Positions of the objects of one kind.
#[derive(Default)]
struct OfKind<'a> {
    all: Vec<usize>,
    /// By the name, and by the name without its hash.
    named: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(objects: &'a [Object]) -> Self {
        let mut by_kind: HashMap<_, HashMap<_, OfKind<'_>>> = HashMap::new();
        for (position, object) in objects.iter().enumerate() {
            let of_kind = by_kind.entry(object.group()).or_default().entry(object.kind()).or_default();
            of_kind.all.push(position);
            for name in [Some(object.name()), without_hash(object.name())].into_iter().flatten() {
                of_kind.named.entry(name).or_default().push(position);
            }
        }
        Self { objects, names: objects.iter().map(Object::name).collect(), by_kind }
    }

    /// Positions of the objects that can have come from this name, best first; one in the named namespace before others. Those with
    /// a prefix or suffix are searched for only if they are asked for.
    pub(crate) fn candidates(
        &self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> impl Iterator<Item = (Match, usize)> {
        let of_kind = self.get(group, kind);
        let named = of_kind.and_then(|of_kind| of_kind.named.get(name)).map_or(&[][..], Vec::as_slice);
        let all = of_kind.map_or(&[][..], |of_kind| &of_kind.all);
        let affixed = move || self.ranked(all, namespace, name).filter(|(rank, _)| *rank == Match::Affixed);
        self.ranked(named, namespace, name).chain(iter::once_with(affixed).flatten())
    }

    fn ranked(
        &self,
        positions: &[usize],
        namespace: Option<&str>,
        name: &str,
    ) -> impl Iterator<Item = (Match, usize)> + use<> {
        let ranked = positions.iter().filter_map(|&position| {
            let rank = match_name(self.names[position], name)?;
            let elsewhere = namespace.is_some() && self.objects[position].namespace() != namespace;
            Some((rank, elsewhere, position))
        });
        let mut ranked: Vec<(Match, bool, usize)> = ranked.collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(rank, _, position)| (rank, position))
    }

    /// Positions of all objects of a kind.
    pub(crate) fn of_kind(&self, group: &str, kind: &str) -> &[usize] {
        self.get(group, kind).map_or(&[], |of_kind| &of_kind.all)
    }

    fn get(&self, group: &str, kind: &str) -> Option<&OfKind<'a>> {
        self.by_kind.get(group)?.get(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised_with_what_kustomize_adds() {
        assert_eq!(match_name("app", "app"), Some(Match::Exact));
        assert_eq!(match_name("app-82fhgmbkt4", "app"), Some(Match::Hashed));
        assert_eq!(match_name("staging-app-v2-82fhgmbkt4", "app"), Some(Match::Affixed));
        assert_eq!(match_name("app-production", "app"), Some(Match::Affixed));
        assert_eq!(match_name("other", "app"), None);
        assert_eq!(match_name("other", ""), None);
    }

    #[test]
    fn a_hash_of_values_is_not_shown() {
        assert_eq!(shown("Secret", "app-82fhgmbkt4"), "app-<hash>");
        assert_eq!(shown("Deployment", "app-82fhgmbkt4"), "app-82fhgmbkt4");
    }
}
