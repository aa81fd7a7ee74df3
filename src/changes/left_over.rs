//! Objects of our set in the cluster that the build lacks: what becomes of them, and why some stay.

use std::collections::BTreeSet;

use super::managed_fields::{self, owns};
use super::pod_templates::{PodTemplates, Use};
use super::set::{SET_ANNOTATION, Set};
use super::tracked::tracked_by;
use crate::build::{content_hash, is_generated};
use crate::object::{Object, ObjectId};

/// An object of our set that the build lacks.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOver {
    /// As it was read: its `metadata` with the managed fields, and no data.
    pub live: Object,
    /// The generated object of the build that has its place: the same name with another hash.
    pub successor: Option<ObjectId>,
}

/// Why a [`LeftOver`] is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spared {
    /// A controller or another tool keeps it.
    KeptBy(String),
    /// The pods of this workload take it.
    UsedBy(ObjectId),
    /// This controller's history names it, which it may go back to.
    RememberedBy(ObjectId),
}

impl LeftOver {
    /// Those of `found` that `set` applied and `wanted` lacks, and that are not going already.
    ///
    /// `found` are Secrets and ConfigMaps that bear the mark of the set; a copy made by hand bears it too, and is nobody's to
    /// delete. An object of `wanted` that names no namespace is in `of_context`.
    #[must_use]
    pub fn among(found: Vec<Object>, wanted: &[&Object], set: &Set, of_context: &str) -> Vec<Self> {
        let here = |object: &Object| ObjectId {
            namespace: Some(object.namespace().unwrap_or(of_context).to_owned()),
            ..object.id()
        };
        let build: BTreeSet<ObjectId> = wanted.iter().map(|object| here(object)).collect();
        let is_going = |object: &Object| {
            object.as_value().pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
        };
        let lacks = |object: &Object| {
            !build.contains(&here(object))
                && Set::of(object).as_ref() == Some(set)
                && is_applied(object)
                && !is_going(object)
        };
        let left = found.into_iter().filter(lacks);
        left.map(|live| Self { successor: build.iter().find(|id| succeeds(id, &live)).cloned(), live }).collect()
    }

    /// The keys that our apply gave it.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<String> {
        managed_fields::own_keys(&self.live)
    }

    /// Why it stays, seen from those that may use it.
    #[must_use]
    pub fn spared(&self, templates: &PodTemplates) -> Option<Spared> {
        if let Some(tracker) = tracked_by(&self.live) {
            return Some(Spared::KeptBy(tracker.owner));
        }
        match templates.user(&self.live)? {
            (user, Use::Now) => Some(Spared::UsedBy(user.clone())),
            // A generated object was not given up: the same generator made the next one.
            (user, Use::History) => is_generated(&self.live).then(|| Spared::RememberedBy(user.clone())),
        }
    }
}

/// Whether the mark is there because an apply of ours put it there.
fn is_applied(object: &Object) -> bool {
    owns(object, &["f:metadata", "f:annotations", &format!("f:{SET_ANNOTATION}")])
}

/// Whether `id` is what became of the generated object `old`.
fn succeeds(id: &ObjectId, old: &Object) -> bool {
    let base = |kind: &str, name: &str| content_hash(kind, name).map(|hash| name.len() - hash.len());
    let (Some(new_base), Some(old_base)) = (base(&id.kind, &id.name), base(old.kind(), old.name())) else {
        return false;
    };
    id.kind == old.kind()
        && id.group == old.group()
        && id.namespace.as_deref() == old.namespace()
        && id.name[..new_base] == old.name()[..old_base]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::changes::Moment;

    fn set() -> Set {
        Set::new("owner/name", ".", "demo")
    }

    fn object(kind: &str, name: &str, more: &Value) -> Object {
        let mut value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "n"}});
        value["metadata"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Object::parse(value).unwrap()
    }

    fn ours(kind: &str, name: &str) -> Object {
        let fields = json!({"f:metadata": {"f:annotations": {format!("f:{SET_ANNOTATION}"): {}}}});
        let entry = json!({"manager": "secret-patch", "operation": "Apply", "fieldsV1": fields});
        set().mark(object(kind, name, &json!({"managedFields": [entry]})))
    }

    fn left(found: Vec<Object>, wanted: &[Object]) -> Vec<(String, Option<String>)> {
        let found = LeftOver::among(found, &wanted.iter().collect::<Vec<_>>(), &set(), "n");
        found.into_iter().map(|left| (left.live.name().to_owned(), left.successor.map(|id| id.name))).collect()
    }

    #[test]
    fn only_what_this_set_applied_and_the_build_lacks_is_left_over() {
        let bare = Object::parse(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kept"}})).unwrap();
        let going = {
            let mut going = ours("Secret", "going");
            going.as_value_mut()["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            going
        };
        let other = Set::new("other/name", ".", "demo").mark(ours("Secret", "of-another"));
        let copied = set().mark(object("Secret", "copied", &json!({"managedFields": [
            {"manager": "kubectl-create", "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": {format!("f:{SET_ANNOTATION}"): {}}}}}]})));
        let found =
            vec![ours("Secret", "gone"), ours("Secret", "kept"), ours("ConfigMap", "kept"), going, other, copied];
        assert_eq!(left(found, &[bare]), [("gone".to_owned(), None), ("kept".to_owned(), None)]);
    }

    #[test]
    fn a_generated_object_has_a_successor_of_the_same_base_name() {
        let wanted = [object("Secret", "app-2222222222", &json!({})), object("Secret", "app-b-2222222222", &json!({}))];
        let found = vec![
            ours("Secret", "app-bbbbbbbbbb"),
            ours("Secret", "app-b-bbbbbbbbbb"),
            ours("ConfigMap", "app-bbbbbbbbbb"),
        ];
        let successor = |name: &str| Some(name.to_owned());
        assert_eq!(
            left(found, &wanted),
            [
                ("app-bbbbbbbbbb".to_owned(), successor("app-2222222222")),
                ("app-b-bbbbbbbbbb".to_owned(), successor("app-b-2222222222")),
                ("app-bbbbbbbbbb".to_owned(), None)
            ]
        );
    }

    #[test]
    fn what_is_in_use_stays_and_history_keeps_generated_objects_only() {
        let set = |name: &str, replicas: u32| {
            let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true}]);
            let env = ["plain", "app-bbbbbbbbbb"].map(|name| json!({"secretRef": {"name": name}}));
            Object::parse(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"name": name, "namespace": "n", "ownerReferences": owner}, "status": {"replicas": replicas},
                "spec": {"template": {"spec": {"containers": [{"name": "c", "envFrom": env}]}}}})).unwrap()
        };
        let spared = |name: &str, replicas: u32| {
            let templates = PodTemplates::of(&[set("web-1", replicas)], Moment::Now, "n");
            LeftOver { live: ours("Secret", name), successor: None }.spared(&templates)
        };
        let user = || set("web-1", 0).id();
        assert_eq!(spared("plain", 0), None);
        assert_eq!(spared("plain", 1), Some(Spared::UsedBy(user())));
        assert_eq!(spared("app-bbbbbbbbbb", 0), Some(Spared::RememberedBy(user())));
        assert_eq!(spared("app-2222222222", 0), None);
        let mut kept = LeftOver { live: ours("Secret", "gone"), successor: None };
        kept.live.as_value_mut()["metadata"]["labels"] = json!({"reconcile.external-secrets.io/managed": "true"});
        assert!(matches!(kept.spared(&PodTemplates::default()), Some(Spared::KeptBy(_))));
    }
}
