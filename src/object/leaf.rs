//! The scalars of an object by the paths that users know them by.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Object;

impl Object {
    /// Every scalar with its dotted path, such as `spec.template.spec.containers[web].image`, in the object's order.
    pub fn leaves(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        collect(self.as_value(), String::new(), &mut found);
        found
    }

    /// Calls `change` with every scalar and its dotted path.
    pub fn each_leaf(&mut self, mut change: impl FnMut(&str, &mut Value)) {
        visit(self.as_value_mut(), String::new(), &mut change);
    }
}

/// The path of the field `name` of what is at `path`.
pub fn field_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of the element `place` of `items`, which is at `path`: by its name where every element has one of its own.
pub fn element_path(path: &str, items: &[Value], place: usize) -> String {
    match items.get(place).and_then(name).filter(|_| by_name(items).is_some()) {
        Some(name) => format!("{path}[{name}]"),
        None => format!("{path}[{place}]"),
    }
}

/// The elements by `name`; `None` unless every one has a name of its own.
pub fn by_name(items: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let named: BTreeMap<&str, &Value> = items.iter().map(|item| Some((name(item)?, item))).collect::<Option<_>>()?;
    (named.len() == items.len()).then_some(named)
}

/// Whether `outer` is `path` or leads to it.
pub fn leads_to(outer: &str, path: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A scalar as users write it; `None` for what is none.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Object(_) | Value::Array(_) => None,
    }
}

fn name(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}

fn collect<'a>(value: &'a Value, path: String, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| collect(field, field_path(&path, name), found));
        }
        Value::Array(items) => {
            let paths = element_paths(&path, items);
            items.iter().zip(paths).for_each(|(item, path)| collect(item, path, found));
        }
        _ => found.push((path, value)),
    }
}

fn visit(value: &mut Value, path: String, change: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(fields) => visit_fields(fields, &path, change),
        Value::Array(items) => {
            let paths = element_paths(&path, items);
            items.iter_mut().zip(paths).for_each(|(item, path)| visit(item, path, change));
        }
        _ => change(&path, value),
    }
}

fn visit_fields(fields: &mut Map<String, Value>, path: &str, change: &mut impl FnMut(&str, &mut Value)) {
    fields.iter_mut().for_each(|(name, field)| visit(field, field_path(path, name), change));
}

fn element_paths(path: &str, items: &[Value]) -> Vec<String> {
    match by_name(items) {
        Some(_) => items.iter().map(|item| format!("{path}[{}]", name(item).unwrap_or_default())).collect(),
        None => (0..items.len()).map(|place| format!("{path}[{place}]")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_go_by_their_names_or_places() {
        let mut object = Object::parse(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
            "containers": [{"name": "web", "args": ["a", 1]}, {"name": "side", "args": []}],
            "twice": [{"name": "x"}, {"name": "x"}]}}))
        .unwrap();
        let paths: Vec<String> = object.leaves().into_iter().map(|(path, _)| path).collect();
        let expected = [
            "apiVersion",
            "kind",
            "metadata.name",
            "spec.containers[web].name",
            "spec.containers[web].args[0]",
            "spec.containers[web].args[1]",
            "spec.containers[side].name",
            "spec.twice[0].name",
            "spec.twice[1].name",
        ];
        assert_eq!(paths, expected);
        object.each_leaf(|path, value| {
            if path == "spec.containers[web].args[1]" {
                *value = json!("b");
            }
        });
        assert_eq!(object.as_value()["spec"]["containers"][0]["args"], json!(["a", "b"]));
        let items = [json!({"name": "x"}), json!({"name": "y"})];
        assert_eq!(element_path("a", &items, 1), "a[y]");
        assert_eq!(element_path("a", &items[..1], 7), "a[7]");
    }

    #[test]
    fn a_path_leads_to_what_is_beneath_it() {
        assert!(leads_to("a.b", "a.b") && leads_to("a.b", "a.b.c") && leads_to("a.b", "a.b[c]"));
        assert!(!leads_to("a.b", "a.bc") && !leads_to("a.b", "a"));
    }
}
