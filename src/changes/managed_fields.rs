//! Whether a server-side apply would write nothing, worked out from `managedFields` without asking the server.
//!
//! `fieldsV1` (the format of structured-merge-diff): `f:NAME` is a field, `k:{…}` an element of an associative list by its
//! keys, `v:…` an element of a set, `.` the node itself; a node without children is owned as a whole.
//! Everything here errs to the side of asking the server.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::field_set;
use super::string_data::fields_of;
use crate::object::Object;

/// The field manager under which this program applies.
pub const MANAGER: &str = "secret-patch";

/// Where a client-side apply keeps a copy of the manifest, values included.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields of `metadata` that the server leaves out of every manager's set.
const UNMANAGED_METADATA: [&str; 9] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "clusterName",
    "managedFields",
];

/// Whether a server-side apply of `wanted` by [`MANAGER`] would provably write nothing.
///
/// That is so where every wanted field equals the live one, the manager's entry covers exactly the wanted fields in the same
/// API version, and no client-side apply left its annotation (kubectl would take it over). `wanted` has gone through
/// [`super::to_data`] and [`super::clean`]; `live` was read with its `managedFields`. In doubt false.
#[must_use]
pub fn is_unchanged(wanted: &Object, live: &Object) -> bool {
    if !is_same(wanted, live) || holds_last_applied(live) || is_going(live) {
        return false;
    }
    let Some(entry) = own_entry(live) else { return false };
    if entry.get("apiVersion").and_then(Value::as_str) != Some(wanted.api_version())
        || live.api_version() != wanted.api_version()
    {
        return false;
    }
    let Some(owned) = entry.get("fieldsV1") else { return false };
    covers_object(owned, wanted, live)
}

/// A manifest may leave out the namespace, which the kubeconfig's context then gives.
fn is_same(wanted: &Object, live: &Object) -> bool {
    let named = (wanted.group(), wanted.kind(), wanted.name()) == (live.group(), live.kind(), live.name());
    named && wanted.namespace().is_none_or(|namespace| live.namespace() == Some(namespace))
}

/// Whether a client-side apply left its copy of the manifest on the object.
pub(super) fn holds_last_applied(live: &Object) -> bool {
    live.as_value().pointer("/metadata/annotations").is_some_and(|annotations| annotations.get(LAST_APPLIED).is_some())
}

fn is_going(live: &Object) -> bool {
    live.as_value().pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// The one entry of [`MANAGER`] for server-side applies of the object itself; `None` if there is none or more than one.
pub(super) fn own_entry(live: &Object) -> Option<&Value> {
    let entries = live.as_value().pointer("/metadata/managedFields")?.as_array()?;
    let mut ours = entries.iter().filter(|entry| is_own(entry));
    let first = ours.next()?;
    ours.next().is_none().then_some(first)
}

pub(super) fn is_own(entry: &Value) -> bool {
    entry.get("manager").and_then(Value::as_str) == Some(MANAGER)
        && entry.get("operation").and_then(Value::as_str) == Some("Apply")
        && entry.get("subresource").and_then(Value::as_str).is_none_or(str::is_empty)
}

/// Whether a server-side apply of [`MANAGER`] set the field at `path`, given as in `fieldsV1`.
pub(super) fn owns(live: &Object, path: &[&str]) -> bool {
    let fields = own_entry(live).and_then(|entry| entry.get("fieldsV1"));
    fields.and_then(|fields| path.iter().try_fold(fields, |node, step| node.get(*step))).is_some()
}

/// The keys of `data` and `binaryData` that a server-side apply of [`MANAGER`] set.
pub(super) fn own_keys(live: &Object) -> BTreeSet<String> {
    let fields = own_entry(live).and_then(|entry| entry.get("fieldsV1"));
    let parts = ["f:data", "f:binaryData"].into_iter().filter_map(|part| fields?.get(part)?.as_object());
    parts.flat_map(Map::keys).filter_map(|key| key.strip_prefix("f:")).map(str::to_owned).collect()
}

/// Whether [`MANAGER`], and no other manager, owns `key` beneath `field`: an apply without the key would remove it.
pub(super) fn owns_alone(live: &Object, field: &str, key: &str) -> bool {
    let path = [field, key].map(field_set::field).to_vec();
    let owners = |entry: &Value| {
        let set = fields_of(live, entry);
        set.holds(&path) || set.has_beneath(&path)
    };
    let entries = live.as_value().pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut holding = entries.into_iter().flatten().filter(|entry| owners(entry));
    holding.next().is_some_and(is_own) && holding.next().is_none()
}

/// As [`covers`], for an object without what no manager ever owns.
fn covers_object(owned: &Value, wanted: &Object, live: &Object) -> bool {
    let objects = wanted.as_value().as_object().zip(live.as_value().as_object());
    let Some((node, (wanted, live))) = owned.as_object().zip(objects) else { return false };
    let mut metadata = wanted.get("metadata").cloned().unwrap_or_default();
    if let Value::Object(fields) = &mut metadata {
        fields.retain(|field, _| !UNMANAGED_METADATA.contains(&field.as_str()));
    }
    let is_bare = metadata.as_object().is_some_and(Map::is_empty);
    let managed = wanted.iter().filter_map(|(name, value)| match name.as_str() {
        "apiVersion" | "kind" => None,
        "metadata" => (!is_bare).then_some((name, &metadata)),
        _ => Some((name, value)),
    });
    !node.is_empty() && covers_fields(node, managed, live)
}

/// Whether `owned` is exactly the set that applying `wanted` gives, and `live` already holds all of `wanted`.
fn covers(owned: &Value, wanted: &Value, live: &Value) -> bool {
    let Some(node) = owned.as_object() else { return false };
    if node.is_empty() {
        // A leaf, or a map or list that the schema treats as one: defaults filled in beneath it show as a difference.
        return wanted == live;
    }
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => covers_fields(node, wanted, live),
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            if node.keys().all(|key| key.starts_with("v:")) {
                covers_set(node, wanted, live)
            } else {
                covers_elements(node, wanted, live)
            }
        }
        _ => false,
    }
}

fn covers_fields<'a>(
    node: &Map<String, Value>,
    wanted: impl IntoIterator<Item = (&'a String, &'a Value)>,
    live: &Map<String, Value>,
) -> bool {
    let mut count = 0;
    let mut wanted = wanted.into_iter().inspect(|_| count += 1);
    let all = wanted.all(|(name, value)| {
        let owned = node.get(&format!("f:{name}"));
        owned.zip(live.get(name)).is_some_and(|(owned, live)| covers(owned, value, live))
    });
    all && count == node.len()
}

fn covers_set(node: &Map<String, Value>, wanted: &[Value], live: &[Value]) -> bool {
    let named: Option<Vec<Value>> =
        node.keys().map(|key| key.strip_prefix("v:").and_then(|text| serde_json::from_str(text).ok())).collect();
    wanted == live
        && named.is_some_and(|named| named.len() == wanted.len() && wanted.iter().all(|item| named.contains(item)))
}

/// An associative list: live elements may hold more fields, but no element more, and in the same order.
fn covers_elements(node: &Map<String, Value>, wanted: &[Value], live: &[Value]) -> bool {
    let Some(elements) = node.iter().map(|(key, owned)| Element::parse(key, owned)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let mut taken = vec![false; elements.len()];
    elements.len() == wanted.len()
        && wanted.iter().zip(live).all(|(wanted, live)| {
            let (Some(wanted), Some(live)) = (wanted.as_object(), live.as_object()) else { return false };
            let mut fitting = elements.iter().enumerate().filter(|(_, element)| element.fits(wanted));
            let (Some((index, element)), None) = (fitting.next(), fitting.next()) else { return false };
            let first = !std::mem::replace(&mut taken[index], true);
            let covered = element.fields.as_ref().map_or(wanted == live, |fields| covers_fields(fields, wanted, live));
            first && element.is(live) && covered
        })
}

/// One `k:{…}` of `fieldsV1`.
struct Element {
    keys: Map<String, Value>,
    /// What is owned beneath it; `None` if it is owned as a whole.
    fields: Option<Map<String, Value>>,
}

impl Element {
    /// `None` for a node of another kind, or for an element whose fields are owned without the element itself.
    fn parse(key: &str, owned: &Value) -> Option<Self> {
        let Value::Object(keys) = serde_json::from_str(key.strip_prefix("k:")?).ok()? else { return None };
        let owned = owned.as_object()?;
        let fields = match owned.get(".") {
            Some(_) => {
                Some(owned.iter().filter(|(name, _)| *name != ".").map(|(n, v)| (n.clone(), v.clone())).collect())
            }
            // The schema treats the element as one, as it does `imagePullSecrets`.
            None if owned.is_empty() => None,
            None => return None,
        };
        Some(Self { keys, fields })
    }

    /// Whether a manifest's element can be this one: a key field it lacks is filled by the server (`protocol: TCP`).
    fn fits(&self, wanted: &Map<String, Value>) -> bool {
        self.keys.iter().all(|(name, value)| wanted.get(name).is_none_or(|given| given == value))
    }

    fn is(&self, live: &Map<String, Value>) -> bool {
        self.keys.iter().all(|(name, value)| live.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests;
