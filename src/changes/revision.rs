//! What an object and the workloads that use it remember of a change of data: no value, and no hash of one.
//!
//! The apply that changes the data of a Secret or ConfigMap writes with it a random id, and which workloads run with the data
//! before. A workload that is restarted for it takes the id into its pod template. So whoever comes later, after a run that
//! was killed, knows what is left to do.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::uses::Used;
use crate::object::Object;

/// The annotation of a Secret or ConfigMap that holds the id of its last change of data that concerned a running workload.
pub const REVISION_ANNOTATION: &str = "secret-patch.dev/revision";
/// The annotation beside it: the workloads that may still run with the data before, see [`Awaiting`].
pub const RESTARTS_ANNOTATION: &str = "secret-patch.dev/restarts";
/// The annotation of a pod template that holds the ids of the changes for which the workload was restarted.
pub const REVISIONS_ANNOTATION: &str = "secret-patch.dev/revisions";

/// A workload that ran with the data before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaiting {
    /// `metadata.uid`.
    pub uid: String,
    /// The `metadata.generation` beyond which it has new pods anyway, where the run that wrote this also changed its template.
    pub generation: Option<i64>,
}

/// What an object remembers of a change of its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Random; says nothing of the data.
    pub id: String,
    /// Empty once all of them have been restarted.
    pub awaiting: Vec<Awaiting>,
}

impl Revision {
    /// What `object` remembers; `None` if its data never changed under a running workload.
    #[must_use]
    pub fn of(object: &Object) -> Option<Self> {
        let annotations = object.as_value().pointer("/metadata/annotations")?;
        let id = annotations.get(REVISION_ANNOTATION)?.as_str().filter(|id| !id.is_empty())?.to_owned();
        let awaiting = annotations.get(RESTARTS_ANNOTATION).and_then(Value::as_str).unwrap_or_default();
        Some(Self { id, awaiting: awaiting.split_whitespace().map(Awaiting::parse).collect() })
    }

    /// Writes it into `object`.
    pub fn write(&self, object: &mut Object) {
        let Some(annotations) = annotations(object) else { return };
        annotations.insert(REVISION_ANNOTATION.to_owned(), self.id.clone().into());
        if self.awaiting.is_empty() {
            annotations.shift_remove(RESTARTS_ANNOTATION);
        } else {
            let words: Vec<String> = self.awaiting.iter().map(Awaiting::to_word).collect();
            annotations.insert(RESTARTS_ANNOTATION.to_owned(), words.join(" ").into());
        }
    }

    /// The JSON patch that takes the list away from the object that still has this revision.
    #[must_use]
    pub fn settlement(&self) -> Value {
        let path = |name: &str| format!("/metadata/annotations/{}", name.replace('/', "~1"));
        serde_json::json!([
            {"op": "test", "path": path(REVISION_ANNOTATION), "value": self.id},
            {"op": "remove", "path": path(RESTARTS_ANNOTATION)},
        ])
    }
}

impl Awaiting {
    fn parse(word: &str) -> Self {
        let (uid, generation) = word.split_once('@').unwrap_or((word, ""));
        Self { uid: uid.to_owned(), generation: generation.parse().ok() }
    }

    fn to_word(&self) -> String {
        self.generation.map_or_else(|| self.uid.clone(), |generation| format!("{}@{generation}", self.uid))
    }
}

/// Gives `wanted` what `live` remembers, so that an apply leaves it; what the build says of these marks is a copy of another
/// time, and goes.
#[must_use]
pub fn remember(mut wanted: Object, live: Option<&Object>) -> Object {
    for pointer in ["/metadata/annotations", "/spec/template/metadata/annotations"] {
        if let Some(Value::Object(annotations)) = wanted.as_value_mut().pointer_mut(pointer) {
            for name in [REVISION_ANNOTATION, RESTARTS_ANNOTATION, REVISIONS_ANNOTATION] {
                annotations.shift_remove(name);
            }
        }
    }
    let holds_data = wanted.is_secret() || wanted.is_config_map();
    if let Some(revision) = live.filter(|_| holds_data).and_then(Revision::of) {
        revision.write(&mut wanted);
    }
    wanted
}

fn annotations(object: &mut Object) -> Option<&mut Map<String, Value>> {
    let metadata = object.as_value_mut().get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.entry("annotations").or_insert(Value::Null);
    if annotations.is_null() {
        *annotations = Value::Object(Map::new());
    }
    annotations.as_object_mut()
}

/// The ids in a pod template, by what they are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks(BTreeMap<String, String>);

impl Marks {
    /// Those in the annotations of `template`; what cannot be read is none.
    pub(super) fn of(template: Option<&Value>) -> Self {
        let text = template.and_then(|template| template.pointer("/metadata/annotations")?.get(REVISIONS_ANNOTATION));
        let pairs = text.and_then(Value::as_str).unwrap_or_default().split(',');
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        Self(pairs.map(|(used, id)| (used.to_owned(), id.to_owned())).collect())
    }

    pub(super) fn holds(&self, used: &Used, id: &str) -> bool {
        self.0.get(&used.to_string()).is_some_and(|held| held == id)
    }

    pub(super) fn insert(&mut self, used: &Used, id: &str) {
        self.0.insert(used.to_string(), id.to_owned());
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|used, _| keep(used));
    }

    pub(super) fn to_text(&self) -> String {
        self.0.iter().map(|(used, id)| format!("{used}={id}")).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(annotations: Value) -> Object {
        let metadata = json!({"name": "a", "annotations": annotations});
        Object::parse(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})).unwrap()
    }

    fn awaiting(uid: &str, generation: Option<i64>) -> Awaiting {
        Awaiting { uid: uid.to_owned(), generation }
    }

    #[test]
    fn a_revision_is_read_as_it_was_written() {
        for list in [vec![], vec![awaiting("u-1", None), awaiting("u-2", Some(4))]] {
            let revision = Revision { id: "3f".to_owned(), awaiting: list };
            for annotations in [json!(null), json!({"other": "x"}), json!({RESTARTS_ANNOTATION: "old"})] {
                let mut object = secret(annotations.clone());
                revision.write(&mut object);
                assert_eq!(Revision::of(&object), Some(revision.clone()));
                assert_eq!(object.as_value()["metadata"]["annotations"].get("other"), annotations.get("other"));
            }
        }
        assert_eq!(Revision::of(&secret(json!({RESTARTS_ANNOTATION: "u"}))), None);
    }

    #[test]
    fn an_apply_keeps_what_the_live_object_remembers_and_nothing_that_a_manifest_says() {
        let live = secret(json!({REVISION_ANNOTATION: "3f", RESTARTS_ANNOTATION: "u@7", "theirs": "x"}));
        let copied = secret(json!({REVISION_ANNOTATION: "old", RESTARTS_ANNOTATION: "old", "ours": "y"}));
        assert_eq!(
            remember(copied.clone(), Some(&live)).as_value()["metadata"]["annotations"],
            json!({"ours": "y", REVISION_ANNOTATION: "3f", RESTARTS_ANNOTATION: "u@7"})
        );
        assert_eq!(remember(copied, None).as_value()["metadata"]["annotations"], json!({"ours": "y"}));
        let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"template": {"metadata": {"annotations": {REVISIONS_ANNOTATION: "Secret/a=1", "a": "b"}}}}});
        let remembered = remember(Object::parse(workload).unwrap(), None);
        assert_eq!(remembered.as_value()["spec"]["template"]["metadata"]["annotations"], json!({"a": "b"}));
    }

    #[test]
    fn marks_are_read_as_they_were_written_and_nonsense_is_none() {
        let used = |name: &str| Used { kind: "Secret".to_owned(), name: name.to_owned() };
        let template = |text: &str| json!({"metadata": {"annotations": {REVISIONS_ANNOTATION: text}}});
        let mut marks = Marks::of(Some(&template("Secret/a=1, ConfigMap/b.c=2,nonsense")));
        assert!(marks.holds(&used("a"), "1") && !marks.holds(&used("a"), "2"));
        marks.insert(&used("a"), "9");
        assert_eq!(marks.to_text(), "ConfigMap/b.c=2,Secret/a=9");
        marks.retain(|used| used != "Secret/a");
        assert_eq!(Marks::of(Some(&template(&marks.to_text()))), marks);
        assert_eq!(Marks::of(None), Marks::default());
    }
}
