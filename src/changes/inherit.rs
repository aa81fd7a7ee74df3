//! What hand work owns of an object, and how it becomes ours: fields move in `managedFields`, and no value with them.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::field_set::{FieldSet, Path, at, field, pointer, put};
use super::managed_fields::{LAST_APPLIED, MANAGER, is_own};
use super::string_data::{fields_of, in_data, is_in_string_data, unseen};
use super::unowned::{self, BEFORE_FIRST_APPLY, has_plain_fields};
use crate::object::Object;

/// The field managers under which kubectl writes for a person, and that of nobody, whose fields are ours to inherit.
///
/// `kubectl-rollout` is none of them: its mark in a pod template would go, and the pods would restart.
const HAND_MANAGERS: [&str; 15] = [
    BEFORE_FIRST_APPLY,
    "kubectl",
    "kubectl-annotate",
    "kubectl-autoscale",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-expose",
    "kubectl-label",
    "kubectl-last-applied",
    "kubectl-patch",
    "kubectl-replace",
    "kubectl-run",
    "kubectl-set",
    "kubectl-taint",
];

/// The mark of `kubectl rollout restart`.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Whether a person writes under this manager, with kubectl, or may have written.
pub fn is_hand_manager(manager: &str) -> bool {
    HAND_MANAGERS.contains(&manager)
}

/// Whose fields an apply takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// Those of hand work.
    HandWork,
    /// Those of the object's client-side apply too, whatever its manager's name.
    ClientSideApply,
}

/// What hand work leaves to us of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inheritance {
    /// Whose fields move, in the order in which the server lists them.
    pub managers: Vec<String>,
    /// The `resourceVersion` as read: if the object has changed since, the server refuses the patch.
    resource_version: String,
    /// `metadata.managedFields` as they shall be.
    managed_fields: Value,
    /// What only the inherited managers (or we) own and the build lacks: an apply removes it.
    stale: Vec<Path>,
    /// What an apply of `wanted` would remove as long as the server does not see that others own it too: it stays.
    spared: Vec<Path>,
}

impl Inheritance {
    /// What an apply of `wanted` inherits of `live`, which was read with its `managedFields`; `None` where no hand worked on it
    /// and no fields in a Secret's `stringData` are in the way.
    #[must_use]
    pub fn of(wanted: &Object, live: &Object, takeover: Takeover) -> Option<Self> {
        let entries = entries(live);
        let resource_version = live.resource_version()?.to_owned();
        let is_inherited = |entry: &&Value| is_left_by_hand(live, entry, takeover);
        let mut managers: Vec<String> = Vec::new();
        for entry in entries.iter().filter(is_inherited) {
            let manager = manager(entry).to_owned();
            if !managers.contains(&manager) {
                managers.push(manager);
            }
        }
        let (own, others): (Vec<&Value>, Vec<&Value>) =
            entries.iter().filter(|entry| !is_inherited(entry)).partition(|entry| is_own(entry));
        let hidden: FieldSet = others.iter().map(|entry| unseen(live, entry)).collect();
        let spared = spared(wanted, live, &own, &hidden);
        let is_in_the_way =
            |path: &Path| at(wanted.as_value(), path).is_some_and(|value| Some(value) != at(live.as_value(), path));
        let moves = own.iter().any(|entry| is_in_string_data(live, entry)) || hidden.iter().any(is_in_the_way);
        if managers.is_empty() && spared.is_empty() && !moves {
            return None;
        }
        let mut ours = FieldSet::default();
        entries
            .iter()
            .filter(|entry| is_inherited(entry) || is_own(entry))
            .for_each(|entry| ours.extend(fields_of(live, entry)));
        ours.retain(|path| !is_kept(live, path) || at(wanted.as_value(), path).is_some());
        let owned: Vec<FieldSet> = others.iter().map(|entry| fields_of(live, entry)).collect();
        let held = |path: &Path| owned.iter().any(|set| set.holds(path) || set.has_beneath(path));
        let gone = |path: &&Path| at(wanted.as_value(), path).is_none() && at(live.as_value(), path).is_some();
        let stale: Vec<Path> = ours.iter().filter(gone).filter(|path| !held(path)).cloned().collect();
        let mut managed_fields: Vec<Value> = others.into_iter().map(|entry| in_data(live, entry)).collect();
        managed_fields.push(entry(live, &entries, &ours));
        let (managed_fields, stale) = (Value::Array(managed_fields), outermost(stale));
        Some(Self { managers, resource_version, managed_fields, stale, spared })
    }

    /// The JSON patch that makes the fields ours; it holds names, and no value.
    #[must_use]
    pub fn handover(&self) -> Value {
        json!([self.test(), {"op": "add", "path": "/metadata/managedFields", "value": self.managed_fields}])
    }

    /// The JSON patch that removes what an apply will remove, to try on the server what it puts in its place.
    /// `None` where that is known: a key of a Secret or ConfigMap, a label or an annotation has no default.
    #[must_use]
    pub fn removal(&self, live: &Object) -> Option<Value> {
        if self.stale.iter().all(has_no_default) {
            return None;
        }
        let mut pointers: Vec<(&Path, String)> =
            self.stale.iter().filter_map(|path| Some((path, pointer(live.as_value(), path)?))).collect();
        // Of a list the last element goes first, so that the places of the others stay.
        pointers.sort_by_key(|(_, pointer)| std::cmp::Reverse(in_order(pointer)));
        let operations = pointers.into_iter().map(|(_, pointer)| json!({"op": "remove", "path": pointer}));
        Some(std::iter::once(self.test()).chain(operations).collect())
    }

    /// What the apply makes of `live`: `answer` is the dry-run's, which still has all that hand work left; `removed` the
    /// server's to [`Inheritance::removal`].
    #[must_use]
    pub fn corrected(&self, mut answer: Object, live: &Object, removed: Option<&Object>) -> Object {
        for path in &self.stale {
            let instead = removed.and_then(|removed| at(removed.as_value(), path)).cloned();
            put(answer.as_value_mut(), path, instead);
        }
        self.spared.iter().for_each(|path| put(answer.as_value_mut(), path, at(live.as_value(), path).cloned()));
        answer
    }

    /// The same where the server may not be asked: a field that the user's last client-side apply did not name is the server's own
    /// default, and comes back.
    #[must_use]
    pub fn assumed(&self, mut after: Object, live: &Object) -> Object {
        let annotation = live.as_value().pointer("/metadata/annotations").and_then(|all| all.get(LAST_APPLIED));
        let last: Option<Value> = annotation.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        let was_named = |path: &Path| last.as_ref().is_some_and(|last| at(last, path).is_some());
        for path in self.stale.iter().filter(|path| has_no_default(path) || was_named(path)) {
            put(after.as_value_mut(), path, None);
        }
        after
    }

    fn test(&self) -> Value {
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": self.resource_version})
    }
}

/// Whether managers other than hand work own fields that `wanted` sets to another value, so that the server would refuse the
/// apply. Conflicts with hand work alone do not count: its fields are inherited first.
#[must_use]
pub fn conflicts_with_others(wanted: &Object, live: &Object, takeover: Takeover) -> bool {
    let entries = live.as_value().pointer("/metadata/managedFields").and_then(Value::as_array);
    let others =
        entries.into_iter().flatten().filter(|entry| !is_left_by_hand(live, entry, takeover) && !is_own(entry));
    let differs = |set: &FieldSet, path: &Path| {
        let (wanted, live) = (at(wanted.as_value(), path), at(live.as_value(), path));
        !set.has_beneath(path) && wanted.is_some() && wanted != live
    };
    others.map(FieldSet::of_entry).any(|set| set.iter().any(|path| differs(&set, path)))
}

/// The manager of a client-side apply that is no hand work: kubectl would take all of its fields over without a word.
#[must_use]
pub fn foreign_applier(live: &Object) -> Option<&str> {
    let entries = live.as_value().pointer("/metadata/managedFields")?.as_array()?;
    entries
        .iter()
        .find(|entry| is_client_side_apply(entry) && !is_own(entry))
        .map(manager)
        .filter(|name| !is_hand_manager(name))
}

/// The JSON patch that removes what a client-side apply left on `live` of its manifest; `None` where it left nothing.
#[must_use]
pub fn without_copy(live: &Object) -> Option<Value> {
    let path = ["metadata", "annotations", LAST_APPLIED].map(field);
    let version = live.resource_version()?;
    let path = pointer(live.as_value(), &path)?;
    Some(json!([{"op": "test", "path": "/metadata/resourceVersion", "value": version}, {"op": "remove", "path": path}]))
}

pub(super) fn is_left_by_hand(live: &Object, entry: &Value, takeover: Takeover) -> bool {
    // Of other kinds controllers and the server itself have set some of what nobody owns.
    let is_told = manager(entry) != BEFORE_FIRST_APPLY || has_plain_fields(live);
    let whole = entry.get("subresource").and_then(Value::as_str).is_none_or(str::is_empty);
    let by_hand =
        is_hand_manager(manager(entry)) || takeover == Takeover::ClientSideApply && is_client_side_apply(entry);
    is_told && whole && by_hand
}

fn is_client_side_apply(entry: &Value) -> bool {
    let path = ["metadata", "annotations", LAST_APPLIED].map(field).to_vec();
    entry.get("operation").and_then(Value::as_str) == Some("Update") && FieldSet::of_entry(entry).holds(&path)
}

fn manager(entry: &Value) -> &str {
    entry.get("manager").and_then(Value::as_str).unwrap_or_default()
}

/// The entries of `managedFields`, or the one that the server would make where there are none.
fn entries(live: &Object) -> Cow<'_, [Value]> {
    let listed = live.as_value().pointer("/metadata/managedFields").and_then(Value::as_array);
    match listed.filter(|entries| !entries.is_empty()) {
        Some(entries) => Cow::Borrowed(entries),
        None => Cow::Owned(unowned::entry(live).into_iter().collect()),
    }
}

/// The keys of `hidden` that our own entries hold, and `wanted` lacks.
fn spared(wanted: &Object, live: &Object, own: &[&Value], hidden: &FieldSet) -> Vec<Path> {
    let own: FieldSet = own.iter().map(|entry| fields_of(live, entry)).collect();
    let is_spared =
        |path: &&Path| own.holds(path) && at(wanted.as_value(), path).is_none() && at(live.as_value(), path).is_some();
    hidden.iter().filter(is_spared).cloned().collect()
}

/// The one entry of ours: in the version of the one there was, and with the latest of the times.
fn entry(live: &Object, entries: &[Value], ours: &FieldSet) -> Value {
    let own = entries.iter().find(|entry| is_own(entry));
    let version = own.and_then(|own| own.get("apiVersion")).cloned();
    let time = entries.iter().filter_map(|entry| entry.get("time")?.as_str()).max();
    let mut entry = json!({"manager": MANAGER, "operation": "Apply",
        "apiVersion": version.unwrap_or_else(|| live.api_version().into()),
        "fieldsType": "FieldsV1", "fieldsV1": ours.to_fields()});
    if let Some(time) = time {
        entry["time"] = time.into();
    }
    entry
}

/// Fields that stay although the build does not name them and nobody owns them afterwards. If they went, the replicas would
/// fall to 1, a Secret would lose its type (which never changes), pods would restart, or what others hold on to would go.
fn is_kept(live: &Object, path: &Path) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["f:type"] => live.is_secret(),
        ["f:spec", "f:replicas"] | ["f:metadata", "f:finalizers" | "f:ownerReferences", ..] => true,
        [.., "f:annotations", last] => last.strip_prefix("f:") == Some(RESTARTED_AT),
        _ => false,
    }
}

fn has_no_default(path: &Path) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        path.as_slice(),
        ["f:data" | "f:binaryData"] | ["f:data" | "f:binaryData", _] | ["f:metadata", "f:labels" | "f:annotations", ..]
    )
}

/// Without what lies beneath another.
pub(super) fn outermost(paths: Vec<Path>) -> Vec<Path> {
    let mut kept: Vec<Path> = Vec::new();
    for path in paths {
        if !kept.last().is_some_and(|last| path.starts_with(last)) {
            kept.push(path);
        }
    }
    kept
}

/// A pointer's tokens, numbers in the order of numbers.
fn in_order(pointer: &str) -> Vec<(usize, String)> {
    pointer.split('/').map(|token| (token.parse().unwrap_or_default(), token.to_owned())).collect()
}

#[cfg(test)]
mod tests;
