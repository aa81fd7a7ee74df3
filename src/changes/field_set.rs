//! A manager's `fieldsV1` as a set of paths, and what such a path leads to in an object.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::object::{element_path, field_path};

/// Steps from the root, as `fieldsV1` spells them: `f:NAME`, `k:{…}`, `v:…`, `i:N`.
pub(super) type Path = Vec<String>;

/// The node itself, beside its children.
const SELF: &str = ".";

/// Owned paths. A path with others beneath it is a node that is owned itself (`.`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldSet(BTreeSet<Path>);

impl FieldSet {
    /// Reads `fieldsV1`; what is no mapping owns nothing.
    pub(super) fn parse(fields: &Value) -> Self {
        let mut set = Self::default();
        if let Some(root) = fields.as_object() {
            set.collect(root, &mut Vec::new());
        }
        set
    }

    /// What an entry of `managedFields` owns, in the server's words.
    pub(super) fn of_entry(entry: &Value) -> Self {
        entry.get("fieldsV1").map(Self::parse).unwrap_or_default()
    }

    fn collect(&mut self, node: &Map<String, Value>, path: &mut Path) {
        for (step, child) in node {
            if step == SELF {
                self.0.insert(path.clone());
                continue;
            }
            path.push(step.clone());
            match child.as_object() {
                Some(child) if !child.is_empty() => self.collect(child, path),
                _ => {
                    self.0.insert(path.clone());
                }
            }
            path.pop();
        }
    }

    /// The same as `fieldsV1`.
    pub(super) fn to_fields(&self) -> Value {
        let mut root = Value::Object(Map::new());
        for path in &self.0 {
            let mut node = &mut root;
            for step in path {
                if let Value::Object(fields) = node {
                    node = fields.entry(step.clone()).or_insert_with(|| Value::Object(Map::new()));
                }
            }
            // A path stands before those beneath it, so the mark is there before the first child.
            if self.has_beneath(path)
                && let Value::Object(fields) = node
            {
                fields.insert(SELF.to_owned(), Value::Object(Map::new()));
            }
        }
        root
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Path) -> bool) {
        self.0.retain(|path| keep(path));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }

    pub(super) fn holds(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    /// Whether a path lies beneath `path`.
    pub(super) fn has_beneath(&self, path: &Path) -> bool {
        let mut after = self.0.range::<Path, _>((std::ops::Bound::Excluded(path), std::ops::Bound::Unbounded));
        after.next().is_some_and(|next| next.starts_with(path))
    }
}

impl FromIterator<Path> for FieldSet {
    fn from_iter<T: IntoIterator<Item = Path>>(paths: T) -> Self {
        Self(paths.into_iter().collect())
    }
}

/// The union.
impl FromIterator<FieldSet> for FieldSet {
    fn from_iter<T: IntoIterator<Item = FieldSet>>(sets: T) -> Self {
        Self(sets.into_iter().flat_map(|set| set.0).collect())
    }
}

/// `f:NAME` of a field.
pub(super) fn field(name: &str) -> String {
    format!("f:{name}")
}

/// What lies at `path`.
pub(super) fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, step| match value {
        Value::Object(fields) => fields.get(step.strip_prefix("f:")?),
        Value::Array(items) => items.get(index(items, step)?),
        _ => None,
    })
}

/// The JSON pointer of what lies at `path` in `object`.
pub(super) fn pointer(object: &Value, path: &[String]) -> Option<String> {
    let (mut value, mut pointer) = (object, String::new());
    for step in path {
        let (next, token) = match value {
            Value::Object(fields) => {
                let name = step.strip_prefix("f:")?;
                (fields.get(name)?, name.replace('~', "~0").replace('/', "~1"))
            }
            Value::Array(items) => {
                let index = index(items, step)?;
                (items.get(index)?, index.to_string())
            }
            _ => return None,
        };
        pointer = format!("{pointer}/{token}");
        value = next;
    }
    Some(pointer)
}

/// The path of what lies at `path` in `object` as users know it.
pub(super) fn dotted(object: &Value, path: &[String]) -> Option<String> {
    let (mut value, mut dotted) = (object, String::new());
    for step in path {
        value = match value {
            Value::Object(fields) => {
                let name = step.strip_prefix("f:")?;
                dotted = field_path(&dotted, name);
                fields.get(name)?
            }
            Value::Array(items) => {
                let index = index(items, step)?;
                dotted = element_path(&dotted, items, index);
                items.get(index)?
            }
            _ => return None,
        };
    }
    Some(dotted)
}

/// Puts `value` where `path` leads, or removes what lies there; what contains it must exist.
pub(super) fn put(object: &mut Value, path: &[String], value: Option<Value>) {
    let Some((last, parents)) = path.split_last() else { return };
    let Some(parent) = pointer(object, parents).and_then(|pointer| object.pointer_mut(&pointer)) else { return };
    match parent {
        Value::Object(fields) => {
            let Some(name) = last.strip_prefix("f:") else { return };
            match value {
                Some(value) => {
                    fields.insert(name.to_owned(), value);
                }
                None => {
                    fields.shift_remove(name);
                }
            }
        }
        Value::Array(items) => match (index(items, last), value) {
            (Some(index), Some(value)) => items[index] = value,
            (Some(index), None) => {
                items.remove(index);
            }
            (None, _) => {}
        },
        _ => {}
    }
}

/// Which element a step means; one that lacks a key field has the server's default there.
fn index(items: &[Value], step: &str) -> Option<usize> {
    let (kind, text) = step.split_once(':')?;
    match kind {
        "i" => text.parse().ok().filter(|index| *index < items.len()),
        "v" => {
            let wanted: Value = serde_json::from_str(text).ok()?;
            items.iter().position(|item| *item == wanted)
        }
        "k" => {
            let Value::Object(keys) = serde_json::from_str(text).ok()? else { return None };
            let fits = |item: &&Value, exact: bool| {
                keys.iter().all(|(name, key)| item.get(name).map_or(!exact, |given| given == key))
            };
            let position = |exact| items.iter().position(|item| fits(&item, exact));
            position(true).or_else(|| position(false))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Path {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn fields_are_paths_and_back() {
        let fields = json!({"f:data": {".": {}, "f:A": {}}, "f:metadata": {"f:labels": {"f:a.b/c": {}}},
            "f:spec": {"f:ports": {"k:{\"port\":80}": {".": {}, "f:port": {}}}}});
        let set = FieldSet::parse(&fields);
        assert_eq!(set.iter().count(), 5);
        assert!(set.holds(&path("f:data")) && set.has_beneath(&path("f:data")) && !set.holds(&path("f:spec")));
        assert!(!set.has_beneath(&path("f:data f:A")));
        assert_eq!(set.to_fields(), fields);
        assert_eq!(FieldSet::parse(&json!({})), FieldSet::default());
        assert_eq!(FieldSet::parse(&json!(null)), FieldSet::default());
    }

    #[test]
    fn a_path_leads_to_its_value() {
        let mut object = json!({"data": {"a/b~": "1"}, "spec": {"ports": [{"port": 80}, {"port": 81, "protocol": "UDP"}], "set": ["x", "y"]}});
        assert_eq!(at(&object, &path("f:data f:a/b~")), Some(&json!("1")));
        assert_eq!(pointer(&object, &path("f:data f:a/b~")).as_deref(), Some("/data/a~1b~0"));
        let udp = [path("f:spec f:ports"), vec![r#"k:{"port":81,"protocol":"UDP"}"#.to_owned()]].concat();
        assert_eq!(pointer(&object, &udp).as_deref(), Some("/spec/ports/1"));
        let tcp = [path("f:spec f:ports"), vec![r#"k:{"port":80,"protocol":"TCP"}"#.to_owned()]].concat();
        assert_eq!(at(&object, &tcp), Some(&json!({"port": 80})));
        assert_eq!(at(&object, &path(r#"f:spec f:set v:"y""#)), Some(&json!("y")));
        assert_eq!(at(&object, &path(r#"f:spec f:set v:"z""#)), None);
        put(&mut object, &udp, None);
        put(&mut object, &path("f:data f:a/b~"), Some(json!("2")));
        put(&mut object, &path("f:gone f:a"), None);
        assert_eq!(object, json!({"data": {"a/b~": "2"}, "spec": {"ports": [{"port": 80}], "set": ["x", "y"]}}));
    }

    fn paths() -> impl Strategy<Value = BTreeSet<Path>> {
        let step = prop::sample::select(vec!["f:a", "f:b", "f:.", "k:{\"n\":1}", "v:\"x\""]).prop_map(str::to_owned);
        prop::collection::btree_set(prop::collection::vec(step, 1..4), 0..12)
    }

    proptest! {
        #[test]
        fn every_set_comes_back(paths in paths()) {
            let set = FieldSet(paths);
            prop_assert_eq!(FieldSet::parse(&set.to_fields()), set);
        }

        #[test]
        fn a_union_holds_both_and_nothing_else(one in paths(), other in paths()) {
            let mut both = FieldSet(one.clone());
            both.extend(FieldSet(other.clone()));
            let read = FieldSet::parse(&both.to_fields());
            prop_assert!(one.iter().chain(&other).all(|path| read.holds(path)));
            prop_assert!(read.iter().all(|path| one.contains(path) || other.contains(path)));
        }
    }
}
