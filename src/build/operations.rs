//! Whether what a JSON6902 patch puts in place arrived in the build: a `target` that matches nothing is no error to kustomize.

use crate::error::{Problem, text};
use crate::object::Object;
use crate::patch::{Entry, Step};
use crate::secret::Secret;

use super::arrival::{Reason, judge_field, judge_key, quoted};

/// Operations whose value is in no object of the build. Which object was meant is for the overlay to say, so any will do.
pub(crate) fn check_operations(objects: &[Object], operations: &[Entry]) -> Vec<Problem> {
    operations.iter().filter_map(|operation| check(objects, operation)).collect()
}

fn check(objects: &[Object], operation: &Entry) -> Option<Problem> {
    let readings = readings(operation);
    let mut reasons = objects.iter().flat_map(|object| readings.iter().map(move |entry| judge(object, entry)));
    if reasons.any(|reason| matches!(reason, None | Some(Reason::Transformed))) {
        return None;
    }
    let text = text!("`{}` of the JSON6902 patch is in no object of the build", operation.dotted_path());
    let help = text!(
        "check the `target:` of the patch in the overlay, its `path`, and that no later patch changes it; it is filled by {}",
        quoted(&operation.names)
    );
    Some(Problem::error("patch-not-applied", text).at(operation.place.clone()).help(help))
}

fn judge(object: &Object, entry: &Entry) -> Option<Reason> {
    match entry.data_key() {
        Some((field, key)) if object.is_secret() || object.is_config_map() => judge_key(object, entry, field, key),
        _ => judge_field(object, entry),
    }
}

/// A number in a pointer is an index or a key, and `-` is the end of a list.
fn readings(operation: &Entry) -> Vec<Entry> {
    let read = |as_key: bool| Entry {
        path: operation.path.iter().map(|step| reading(step, as_key)).collect(),
        value: Secret::new(operation.value.expose()),
        template_text: operation.template_text.clone(),
        names: operation.names.clone(),
        place: operation.place.clone(),
    };
    vec![read(false), read(true)]
}

fn reading(step: &Step, as_key: bool) -> Step {
    match step {
        Step::Index(index) if as_key => Step::Key(index.to_string()),
        Step::Key(key) if key == "-" && !as_key => Step::Index(0),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Place;

    fn operation(path: &[Step], value: &str) -> Entry {
        let names = vec!["A".to_owned()];
        let place = Place::new("t.yml", 3, 10);
        Entry { path: path.to_vec(), value: Secret::new(value), template_text: "${A}".to_owned(), names, place }
    }

    fn key(name: &str) -> Step {
        Step::Key(name.to_owned())
    }

    #[test]
    fn what_arrived_is_found_wherever_it_is_and_the_rest_is_told() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"A": "x", "0": "y"}, "data": {"B": "eA=="}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"args": ["a", "x"]}]}});
        let objects = [Object::parse(secret).unwrap(), Object::parse(pod).unwrap()];
        let args = [key("spec"), key("containers"), Step::Index(0), key("args"), key("-")];
        let arrived = [
            operation(&[key("stringData"), key("A")], "x"),
            operation(&[key("stringData"), Step::Index(0)], "y"),
            operation(&[key("data"), key("B")], "eA=="),
            operation(&args, "x"),
        ];
        assert_eq!(check_operations(&objects, &arrived), []);
        let missing = [
            operation(&[key("stringData"), key("A")], "z"),
            operation(&args, "z"),
            operation(&[key("data"), key("C")], "eA=="),
        ];
        let found = check_operations(&objects, &missing);
        let paths: Vec<&str> = found.iter().map(|problem| problem.message.split(" of the ").next().unwrap()).collect();
        assert_eq!(paths, ["`stringData.A`", "`spec.containers[0].args.-`", "`data.C`"]);
        assert!(found.iter().all(|problem| problem.kind == "patch-not-applied" && problem.place.is_some()));
    }
}
