//! Who owns which fields of a live object, by the paths that users know.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_set::{FieldSet, Path, at, dotted};
use super::inherit::{Takeover, is_left_by_hand, outermost};
use super::managed_fields::is_own;
use super::quantity;
use super::string_data::{fields_of, unseen};
use super::wanted::decoded;
use crate::object::{Object, leads_to};

/// The paths that managers own as a whole, of ours and of all others.
pub(super) struct OwnedPaths {
    ours: Vec<String>,
    others: Vec<String>,
}

impl OwnedPaths {
    /// `live` was read with its `managedFields`; else nobody owns anything.
    pub(super) fn of(live: &Object) -> Self {
        let mut owned = Self { ours: Vec::new(), others: Vec::new() };
        for entry in entries(live) {
            let paths = leaves(&fields_of(live, entry));
            let paths = paths.iter().filter_map(|path| dotted(live.as_value(), path));
            if is_own(entry) { owned.ours.extend(paths) } else { owned.others.extend(paths) }
        }
        owned
    }

    /// Whether we, and no other manager, own what is at `path`.
    pub(super) fn are_ours_alone(&self, path: &str) -> bool {
        let owns = |paths: &[String]| paths.iter().any(|outer| leads_to(outer, path));
        owns(&self.ours) && !owns(&self.others)
    }
}

/// What an apply of `wanted` removes from `live`: fields that we alone own and that are no longer wanted.
pub(super) fn given_up(wanted: &Object, live: &Object) -> Vec<Path> {
    let (ours, others): (Vec<&Value>, Vec<&Value>) = entries(live).partition(|entry| is_own(entry));
    let others: Vec<FieldSet> = others.into_iter().map(|entry| fields_of(live, entry)).collect();
    let is_kept = |path: &Path| others.iter().any(|set| set.holds(path) || set.has_beneath(path));
    let is_gone = |path: &Path| at(wanted.as_value(), path).is_none() && at(live.as_value(), path).is_some();
    let ours = ours.into_iter().map(|entry| fields_of(live, entry));
    let gone: Vec<Path> = ours
        .flat_map(|set| set.iter().filter(|path| is_gone(path) && !is_kept(path)).cloned().collect::<Vec<_>>())
        .collect();
    outermost(gone)
}

/// The fields in which `wanted` differs from what other managers keep, by manager (with its subresource).
///
/// The server compares by the schema; here quantities in another spelling are the same, other numbers are not.
#[must_use]
pub fn conflicts(wanted: &Object, live: &Object, takeover: Takeover) -> BTreeMap<String, Vec<String>> {
    conflicts_among(wanted, live, takeover, |entry| fields_of(live, entry))
}

/// Those of [`conflicts`] that the server does not see, because they were applied as a Secret's `stringData`.
#[must_use]
pub fn unseen_conflicts(wanted: &Object, live: &Object, takeover: Takeover) -> BTreeMap<String, Vec<String>> {
    let bytes = |object: &Object, path: &Path| at(object.as_value(), path)?.as_str().and_then(decoded);
    conflicts_among(wanted, live, takeover, |entry| {
        let mut set = unseen(live, entry);
        set.retain(|path| bytes(wanted, path) != bytes(live, path));
        set
    })
}

fn conflicts_among(
    wanted: &Object,
    live: &Object,
    takeover: Takeover,
    fields: impl Fn(&Value) -> FieldSet,
) -> BTreeMap<String, Vec<String>> {
    let others = entries(live).filter(|entry| !is_left_by_hand(live, entry, takeover) && !is_own(entry));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in others {
        let paths = leaves(&fields(entry)).into_iter().filter(|path| {
            let (wanted, live) = (at(wanted.as_value(), path), at(live.as_value(), path));
            let is_quantity = path.iter().any(|step| step.strip_prefix("f:").is_some_and(quantity::is_field));
            let is_same =
                wanted == live || is_quantity && wanted.zip(live).is_some_and(|(a, b)| quantity::is_same(a, b));
            wanted.is_some() && !is_same
        });
        let paths: Vec<String> = paths.filter_map(|path| dotted(live.as_value(), &path)).collect();
        if !paths.is_empty() {
            found.entry(manager(entry)).or_default().extend(paths);
        }
    }
    found
}

fn entries(live: &Object) -> impl Iterator<Item = &Value> {
    live.as_value().pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}

fn manager(entry: &Value) -> String {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("subresource") {
        "" => text("manager").to_owned(),
        subresource => format!("{} ({subresource})", text("manager")),
    }
}

/// A node that has others beneath it is owned for itself alone.
fn leaves(set: &FieldSet) -> Vec<Path> {
    set.iter().filter(|path| !set.has_beneath(path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live() -> Object {
        let entry = |manager: &str, operation: &str, subresource: &str, fields: Value| json!({"manager": manager, "operation": operation, "subresource": subresource, "apiVersion": "v1", "fieldsV1": fields});
        Object::parse(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "labels": {"ours": "x", "theirs": "y", "both": "z"}, "managedFields": [
                entry("secret-patch", "Apply", "", json!({
                    "f:metadata": {"f:labels": {"f:ours": {}, "f:both": {}}},
                    "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}, "f:args": {}},
                        "k:{\"name\":\"old\"}": {".": {}, "f:name": {}}}}})),
                entry("kubectl-edit", "Update", "", json!({"f:metadata": {"f:labels": {"f:both": {}}}})),
                entry("hpa", "Update", "scale", json!({"f:spec": {"f:replicas": {}}})),
                entry("other", "Update", "", json!({"f:metadata": {"f:labels": {".": {}, "f:theirs": {}}}}))]},
            "spec": {"replicas": 3, "containers": [{"name": "web", "image": "a:1", "args": ["x"]}, {"name": "old"}]}}))
        .unwrap()
    }

    #[test]
    fn what_nobody_else_owns_is_ours_alone() {
        let owned = OwnedPaths::of(&live());
        let alone = |path: &str| owned.are_ours_alone(path);
        assert!(alone("metadata.labels.ours") && alone("spec.containers[web].args[0]"));
        assert!(!alone("metadata.labels.both") && !alone("metadata.labels.theirs") && !alone("spec.replicas"));
        assert!(!alone("metadata.name"));
    }

    #[test]
    fn what_the_build_lacks_and_only_we_own_goes() {
        let mut wanted = live();
        wanted.as_value_mut()["metadata"]["labels"] = json!({});
        wanted.as_value_mut()["spec"]["containers"] = json!([{"name": "web", "image": "a:1"}]);
        let gone = given_up(&wanted, &live());
        let paths: Vec<String> = gone.iter().filter_map(|path| dotted(live().as_value(), path)).collect();
        assert_eq!(paths, ["metadata.labels.ours", "spec.containers[old]", "spec.containers[web].args"]);
    }

    #[test]
    fn a_conflict_names_manager_and_fields_and_hands_have_none() {
        let mut wanted = live();
        wanted.as_value_mut()["metadata"]["labels"] = json!({"both": "new", "theirs": "new", "ours": "new"});
        wanted.as_value_mut()["spec"]["replicas"] = json!(1);
        let found = conflicts(&wanted, &live(), Takeover::HandWork);
        let expected = [("hpa (scale)", "spec.replicas"), ("other", "metadata.labels.theirs")];
        let expected = expected.map(|(manager, field)| (manager.to_owned(), vec![field.to_owned()]));
        assert_eq!(found, BTreeMap::from(expected));
        assert!(conflicts(&live(), &live(), Takeover::HandWork).is_empty());
    }

    #[test]
    fn what_was_applied_as_string_data_is_a_conflict_that_the_server_does_not_see() {
        let secret = |data: Value, entries: Value| {
            let metadata = json!({"name": "a", "managedFields": entries});
            Object::parse(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})).unwrap()
        };
        let entry =
            |manager: &str, fields: Value| json!({"manager": manager, "operation": "Apply", "fieldsV1": fields});
        let keys = json!({"f:A": {}, "f:B": {}});
        let entries = json!([
            entry("seen", json!({"f:data": keys})),
            entry("unseen", json!({"f:stringData": keys})),
            entry("kubectl", json!({"f:stringData": keys}))
        ]);
        let live = secret(json!({"A": "YQ==", "B": "YQ==", "C": "YQ=="}), entries);
        let wanted = secret(json!({"A": "Yg==", "B": "YQ=\n="}), json!(null));
        let unseen = unseen_conflicts(&wanted, &live, Takeover::HandWork);
        assert_eq!(unseen, BTreeMap::from([("unseen".to_owned(), vec!["data.A".to_owned()])]));
        let all = conflicts(&wanted, &live, Takeover::HandWork);
        assert_eq!(all.into_keys().collect::<Vec<_>>(), ["seen", "unseen"]);
    }
}
