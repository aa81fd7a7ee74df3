//! Live objects against wanted ones, key by key, as data.

mod field_set;
mod fields;
mod immutable;
mod inherit;
mod left_over;
mod managed_fields;
mod owned;
mod pod_templates;
mod quantity;
mod restart;
mod restore;
mod revision;
mod scale;
mod set;
mod shared;
mod sight;
mod simulate;
mod string_data;
mod template_hash;
mod tracked;
mod unowned;
mod uses;
mod values;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::{Object, ObjectId, field_path, leads_to};
use crate::report::Change;

pub use immutable::immutable;
pub use inherit::{Inheritance, Takeover, conflicts_with_others, foreign_applier, is_hand_manager, without_copy};
pub use left_over::{LeftOver, Spared};
pub use managed_fields::{LAST_APPLIED, MANAGER, is_unchanged};
pub use owned::{conflicts, unseen_conflicts};
pub use pod_templates::{Moment, PodTemplates, Use};
pub use restart::{Restart, Restarts, Since, Wave, Workload, awaiting, is_workload, not_awaited, restarts};
pub use restore::as_before;
pub use revision::{Awaiting, RESTARTS_ANNOTATION, REVISION_ANNOTATION, REVISIONS_ANNOTATION, Revision, remember};
pub use scale::leave_to_scale;
pub use set::{SET_ANNOTATION, Set};
pub use shared::is_shared;
pub use sight::{HIDDEN_ANNOTATION, Sight, Text, Texts, assume_unchanged, known_texts, texts};
pub use simulate::simulated;
pub use template_hash::{template_owner, without_template_hashes};
pub use tracked::{Tracker, tracked_by};
pub use uses::Used;
pub use values::{replaced_values, secret_values};
pub use wanted::{clean, to_data};

/// What an apply does to one object; names only, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectChange {
    /// Which one, as the build names it.
    pub id: ObjectId,
    /// What happens to its content.
    pub change: Change,
    /// All keys of a Secret or ConfigMap in alphabetical order; then, for every kind, the fields that change.
    pub keys: Vec<KeyChange>,
    /// Whether a key of a Secret or ConfigMap changes.
    pub data_changes: bool,
    /// Whether an apply would write at all. True with [`Change::Unchanged`] where only the field manager changes:
    /// the object holds what is wanted, and becomes ours.
    pub writes: bool,
}

/// What an apply does to one key or field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// Key of a Secret or ConfigMap, or the dotted path of a field, such as `spec.template.spec.containers[web].image`.
    pub key: String,
    /// Its dotted path: of a key with `data` or `binaryData` before it.
    pub path: String,
    /// What happens to it.
    pub change: Change,
}

impl ObjectChange {
    /// The same where `unknown` paths cannot be compared, because their values are not given: what is there may stay or change.
    #[must_use]
    pub fn with_unknown(mut self, unknown: &BTreeSet<String>) -> Self {
        if self.change == Change::Added {
            return self;
        }
        for path in unknown {
            if let Some(key) = self.keys.iter_mut().find(|key| key.path == *path) {
                key.change = if key.change == Change::Unchanged { Change::Unknown } else { key.change };
            } else if !self.keys.iter().any(|key| leads_to(&key.path, path)) {
                self.keys.push(KeyChange { key: path.clone(), path: path.clone(), change: Change::Unknown });
            }
        }
        if self.change == Change::Unchanged && self.keys.iter().any(|key| key.change == Change::Unknown) {
            self.change = Change::Unknown;
        }
        self
    }
}

/// Compares the cluster with the build.
///
/// `live` is the object as read from the server with its `managedFields`, `None` if there is none. `dry_run` is the server's
/// answer to a dry-run of `wanted`; without it (the object is new, or [`is_unchanged`]) the result is worked out from `wanted`.
/// A dry-run does not show what an object loses when the fields of hand work are taken over: [`Inheritance::corrected`] does.
#[must_use]
pub fn compare(wanted: &Object, live: Option<&Object>, dry_run: Option<&Object>) -> ObjectChange {
    let after = dry_run.unwrap_or(wanted);
    let foreign = live.filter(|_| dry_run.is_none());
    let mut keys = data_changes(live, after, foreign);
    let data_changes = keys.iter().any(|key| key.change != Change::Unchanged);
    keys.extend(match live {
        Some(live) => fields::changes(live.as_value(), after.as_value(), depth_of(dry_run)),
        None => Vec::new(),
    });
    let change = match live {
        None => Change::Added,
        Some(_) if keys.iter().any(|key| key.change != Change::Unchanged) => Change::Changed,
        Some(_) => Change::Unchanged,
    };
    let writes = change != Change::Unchanged || live.is_some_and(|live| takes_over(wanted, live, dry_run));
    ObjectChange { id: wanted.id(), change, keys, data_changes, writes }
}

/// Keys of a Secret or ConfigMap that do not hold in `live` what `wanted` says, in alphabetical order; the check after an apply.
#[must_use]
pub fn holds(wanted: &Object, live: &Object) -> Vec<String> {
    let there = entries(live);
    let differs = |key: &str, entry: &Entry<'_>| there.get(key).is_none_or(|found| !entry.equals(found));
    entries(&to_data(wanted.clone()))
        .into_iter()
        .filter(|(key, entry)| differs(key, entry))
        .map(|(key, _)| key.to_owned())
        .collect()
}

/// Whether an apply writes although no content changes: the fields become ours, or a client-side apply's annotation goes.
fn takes_over(wanted: &Object, live: &Object, dry_run: Option<&Object>) -> bool {
    let Some(dry_run) = dry_run else { return !is_unchanged(wanted, live) };
    let owned = |object| {
        let entry = managed_fields::own_entry(object)?;
        Some((entry.get("apiVersion").cloned(), entry.get("fieldsV1").cloned()))
    };
    managed_fields::holds_last_applied(live) || owned(live) != owned(dry_run)
}

/// A dry-run answers with the whole object; a manifest says nothing of the fields it leaves out.
fn depth_of(dry_run: Option<&Object>) -> fields::After {
    if dry_run.is_some() { fields::After::Whole } else { fields::After::Wanted }
}

/// One value of `data` or `binaryData`.
struct Entry<'a> {
    field: &'static str,
    value: &'a Value,
    encoding: Encoding,
}

#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Base64,
    Plain,
}

impl Entry<'_> {
    /// The server stores base64 in its own spelling, so bytes are compared.
    fn equals(&self, other: &Entry<'_>) -> bool {
        if self.value == other.value {
            return self.encoding == other.encoding;
        }
        let bytes = |entry: &Entry<'_>| match entry.encoding {
            Encoding::Base64 => entry.value.as_str().and_then(wanted::decoded),
            Encoding::Plain => None,
        };
        bytes(self).is_some_and(|ours| bytes(other) == Some(ours))
    }
}

/// The values of a Secret or ConfigMap by key; empty for other kinds.
fn entries(object: &Object) -> BTreeMap<&str, Entry<'_>> {
    let parts: &[(&'static str, Encoding)] = if object.is_secret() {
        &[("data", Encoding::Base64)]
    } else if object.is_config_map() {
        &[("data", Encoding::Plain), ("binaryData", Encoding::Base64)]
    } else {
        &[]
    };
    let mut found = BTreeMap::new();
    for &(field, encoding) in parts {
        let map = object.as_value().get(field).and_then(Value::as_object);
        found.extend(map.into_iter().flatten().map(|(key, value)| (key.as_str(), Entry { field, value, encoding })));
    }
    found
}

/// `foreign` is the live object where `after` says nothing of keys that others own and that therefore stay.
fn data_changes(live: Option<&Object>, after: &Object, foreign: Option<&Object>) -> Vec<KeyChange> {
    let before = live.map(entries).unwrap_or_default();
    let after = entries(after);
    let mut changes: BTreeMap<&str, (&str, Change)> = BTreeMap::new();
    for (&key, entry) in &before {
        let stays = || foreign.is_some_and(|object| !managed_fields::owns_alone(object, entry.field, key));
        let change = match after.get(key) {
            Some(new) if new.equals(entry) => Change::Unchanged,
            Some(_) => Change::Changed,
            None if stays() => Change::Unchanged,
            None => Change::Removed,
        };
        changes.insert(key, (entry.field, change));
    }
    for (&key, entry) in &after {
        changes.entry(key).or_insert((entry.field, Change::Added));
    }
    let told = changes.into_iter().map(|(key, (field, change))| KeyChange {
        key: key.to_owned(),
        path: field_path(field, key),
        change,
    });
    told.collect()
}

#[cfg(test)]
mod tests;
