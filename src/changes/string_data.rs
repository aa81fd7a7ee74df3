//! Keys that a manager applied as a Secret's `stringData`.
//!
//! The server writes them as `data`, and notes `f:stringData`: it neither sees that another manager's `f:data` is the same key,
//! nor ever removes it. Here it is what it means.

use serde_json::Value;

use super::field_set::{FieldSet, Path};
use crate::object::Object;

const STRING_DATA: &str = "f:stringData";

/// What an entry of `live`'s managed fields owns, `stringData` read as `data`.
pub(super) fn fields_of(live: &Object, entry: &Value) -> FieldSet {
    let set = FieldSet::of_entry(entry);
    if is_in_string_data(live, entry) { set.iter().map(as_data).collect() } else { set }
}

/// What of it the server takes for something else than `data`.
pub(super) fn unseen(live: &Object, entry: &Value) -> FieldSet {
    if !is_in_string_data(live, entry) {
        return FieldSet::default();
    }
    let seen = FieldSet::of_entry(entry);
    seen.iter().filter(|path| is_string_data(path)).map(as_data).filter(|path| !seen.holds(path)).collect()
}

/// Whether the entry owns a Secret's `stringData`.
pub(super) fn is_in_string_data(live: &Object, entry: &Value) -> bool {
    live.is_secret() && FieldSet::of_entry(entry).iter().any(is_string_data)
}

/// The entry as it would be if its manager had applied `data`.
pub(super) fn in_data(live: &Object, entry: &Value) -> Value {
    let mut moved = entry.clone();
    if is_in_string_data(live, entry) {
        moved["fieldsV1"] = fields_of(live, entry).to_fields();
    }
    moved
}

fn is_string_data(path: &Path) -> bool {
    path.first().is_some_and(|first| first == STRING_DATA)
}

fn as_data(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(first) = path.first_mut().filter(|first| *first == STRING_DATA) {
        "f:data".clone_into(first);
    }
    path
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_secrets_string_data_is_read_as_data() {
        let object = |api: &str, kind: &str| {
            Object::parse(json!({"apiVersion": api, "kind": kind, "metadata": {"name": "a"}})).unwrap()
        };
        let entry = json!({"manager": "m", "fieldsV1": {"f:data": {"f:A": {}, "f:B": {}},
            "f:stringData": {".": {}, "f:B": {}, "f:C": {}}, "f:type": {}}});
        let secret = object("v1", "Secret");
        let moved = json!({"f:data": {".": {}, "f:A": {}, "f:B": {}, "f:C": {}}, "f:type": {}});
        assert_eq!(in_data(&secret, &entry), json!({"manager": "m", "fieldsV1": moved}));
        assert_eq!(fields_of(&secret, &entry).to_fields(), moved);
        assert_eq!(unseen(&secret, &entry).to_fields(), json!({"f:data": {".": {}, "f:C": {}}}));
        for other in [object("x/v1", "Secret"), object("v1", "ConfigMap")] {
            assert_eq!(in_data(&other, &entry), entry);
            assert_eq!(fields_of(&other, &entry).to_fields(), entry["fieldsV1"]);
            assert_eq!(unseen(&other, &entry), FieldSet::default());
        }
    }
}
