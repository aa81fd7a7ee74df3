//! The set: whose an object is, in an annotation on every object that is applied.

use std::fmt;

use serde_json::{Map, Value};

use crate::object::Object;

/// The annotation that holds the [`Set`], such as `owner/name//docker/k8//staging`.
pub const SET_ANNOTATION: &str = "secret-patch.dev/set";

/// The identity of what one repository, root and environment own in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set(String);

impl Set {
    /// `repository` is `owner/name`, or another name of the checkout; `root` is relative to it (`.` for itself).
    pub fn new(repository: &str, root: &str, environment: &str) -> Self {
        let root = root.trim_matches('/');
        Self([repository.trim_matches('/'), if root.is_empty() { "." } else { root }, environment].join("//"))
    }

    /// The set that `object` is marked as part of.
    pub fn of(object: &Object) -> Option<Self> {
        let annotations = object.as_value().pointer("/metadata/annotations")?;
        annotations.get(SET_ANNOTATION)?.as_str().filter(|text| !text.is_empty()).map(|text| Self(text.to_owned()))
    }

    /// Repository, root and environment; `None` for a mark that is none of ours.
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let mut parts = self.0.rsplitn(3, "//");
        let (environment, root) = (parts.next()?, parts.next()?);
        Some((parts.next()?, root, environment))
    }

    /// Marks `object` as part of the set.
    #[must_use]
    pub fn mark(&self, mut object: Object) -> Object {
        if let Some(Value::Object(metadata)) = object.as_value_mut().get_mut("metadata") {
            let annotations = metadata.entry("annotations").or_insert(Value::Null);
            if annotations.is_null() {
                *annotations = Value::Object(Map::new());
            }
            // What is no mapping is the server's to refuse.
            if let Value::Object(annotations) = annotations {
                annotations.insert(SET_ANNOTATION.to_owned(), Value::String(self.0.clone()));
            }
        }
        object
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mark_is_read_back_and_leaves_the_rest() {
        let set = Set::new("owner/name", "docker/k8", "staging");
        assert_eq!(set.to_string(), "owner/name//docker/k8//staging");
        assert_eq!(Set::new("owner/name", "", "prod").to_string(), "owner/name//.//prod");
        for annotations in [json!(null), json!({}), json!({"a": "b"})] {
            let object = Object::parse(
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "annotations": annotations}}),
            );
            let object = object.unwrap();
            assert_eq!(Set::of(&object), None);
            let marked = set.mark(object);
            assert_eq!(Set::of(&marked), Some(set.clone()));
            assert_eq!(marked.as_value()["metadata"]["annotations"].get("a"), annotations.get("a"));
        }
        let bare = Object::parse(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).unwrap();
        assert_eq!(Set::of(&set.mark(bare)), Some(set));
    }
}
