use serde_json::{Value, json};

use super::*;

fn object(value: Value) -> Object {
    Object::parse(value).unwrap()
}

fn secret(data: Value) -> Object {
    object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "n"}, "data": data}))
}

fn told(change: &ObjectChange) -> Vec<(&str, Change)> {
    change.keys.iter().map(|key| (key.key.as_str(), key.change)).collect()
}

/// A Secret as the server answers, with our fields and, of another manager, the key `OTHER`.
fn live(data: Value, ours: &[&str]) -> Object {
    let fields: serde_json::Map<String, Value> = ours.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
    object(json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "creationTimestamp": "t", "managedFields": [
            {"manager": "secret-patch", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": fields}},
            {"manager": "other", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:data": {"f:OTHER": {}}, "f:type": {}}}]}}))
}

#[test]
fn a_new_object_has_all_its_keys_added() {
    let change = compare(&secret(json!({"B": "Yg==", "A": "YQ=="})), None, None);
    assert_eq!(change.change, Change::Added);
    assert!(change.writes);
    assert_eq!(told(&change), [("A", Change::Added), ("B", Change::Added)]);
}

#[test]
fn keys_are_compared_with_the_dry_run() {
    let before = live(json!({"A": "YQ==", "B": "Yg==", "C": "Yw==", "OTHER": "eA=="}), &["A", "B", "C"]);
    let after = live(json!({"A": "YQ==", "B": "eA==", "D": "ZA==", "OTHER": "eA=="}), &["A", "B", "D"]);
    let change = compare(&secret(json!({"A": "YQ==", "B": "eA==", "D": "ZA=="})), Some(&before), Some(&after));
    assert_eq!(change.change, Change::Changed);
    assert_eq!(
        told(&change),
        [
            ("A", Change::Unchanged),
            ("B", Change::Changed),
            ("C", Change::Removed),
            ("D", Change::Added),
            ("OTHER", Change::Unchanged)
        ]
    );
}

#[test]
fn without_a_dry_run_keys_of_others_stay_and_ours_go() {
    let before = live(json!({"A": "YQ==", "B": "Yg==", "OTHER": "eA=="}), &["A", "B"]);
    let change = compare(&secret(json!({"A": "YQ=="})), Some(&before), None);
    assert_eq!(told(&change), [("A", Change::Unchanged), ("B", Change::Removed), ("OTHER", Change::Unchanged)]);
}

#[test]
fn base64_in_another_spelling_is_the_same_value() {
    let before = live(json!({"A": "aGVsbG8="}), &["A"]);
    let change = compare(&secret(json!({"A": "aGVs\nbG8="})), Some(&before), Some(&before));
    assert_eq!((change.change, change.writes), (Change::Unchanged, false));
    assert!(holds(&secret(json!({"A": "aGVs\nbG8="})), &before).is_empty());
}

#[test]
fn becoming_ours_is_a_write_without_a_change() {
    let before = live(json!({"A": "YQ=="}), &[]);
    let after = live(json!({"A": "YQ=="}), &["A"]);
    let change = compare(&secret(json!({"A": "YQ=="})), Some(&before), Some(&after));
    assert_eq!((change.change, change.writes), (Change::Unchanged, true));
}

#[test]
fn fields_of_other_kinds_are_paths_without_values() {
    let deployment = |image: &str, env: Value, labels: Value| {
        object(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "labels": labels, "generation": image.len()}, "status": {"x": image},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [
                {"name": "side", "image": "s"}, {"name": "web", "image": image, "env": env, "args": [image]}]}}}}))
    };
    let before = deployment(
        "a:1",
        json!([{"name": "OLD", "value": "x"}, {"name": "SAME", "value": "1"}]),
        json!({"app": "a", "gone": "y"}),
    );
    let after =
        deployment("a:22", json!([{"name": "SAME", "value": "2"}, {"name": "NEW", "value": "x"}]), json!({"app": "a"}));
    let change = compare(&after, Some(&before), Some(&after));
    assert_eq!(
        told(&change),
        [
            ("metadata.labels.gone", Change::Removed),
            ("spec.template.spec.containers[web].args[0]", Change::Changed),
            ("spec.template.spec.containers[web].env[NEW]", Change::Added),
            ("spec.template.spec.containers[web].env[OLD]", Change::Removed),
            ("spec.template.spec.containers[web].env[SAME].value", Change::Changed),
            ("spec.template.spec.containers[web].image", Change::Changed),
        ]
    );
}

#[test]
fn labels_and_type_of_a_secret_are_told_beside_its_keys() {
    let mut after = live(json!({"A": "YQ=="}), &["A"]);
    after.as_value_mut()["metadata"]["labels"] = json!({"app": "x", "tier": "y"});
    after.as_value_mut()["immutable"] = json!(true);
    let change = compare(&secret(json!({"A": "YQ=="})), Some(&live(json!({"A": "YQ=="}), &["A"])), Some(&after));
    assert_eq!(change.change, Change::Changed);
    assert_eq!(
        told(&change),
        [
            ("A", Change::Unchanged),
            ("immutable", Change::Added),
            ("metadata.labels.app", Change::Added),
            ("metadata.labels.tier", Change::Added)
        ]
    );
}

#[test]
fn a_reordered_list_is_one_change() {
    let list = |names: [&str; 2]| {
        let items: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        object(json!({"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a"}, "spec": {"items": items}}))
    };
    let change = compare(&list(["b", "a"]), Some(&list(["a", "b"])), Some(&list(["b", "a"])));
    assert_eq!(told(&change), [("spec.items", Change::Changed)]);
}

#[test]
fn reading_back_names_every_key_that_does_not_hold() {
    let wanted = secret(json!({"A": "YQ==", "B": "Yg==", "C": "Yw=="}));
    assert_eq!(holds(&wanted, &secret(json!({"A": "YQ==", "B": "eA==", "X": "eA=="}))), ["B", "C"]);
    let config = |data: Value, binary: Value| {
        object(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data, "binaryData": binary}),
        )
    };
    let wanted = config(json!({"A": "a", "M": "YQ=="}), json!({"B": "Yg=="}));
    assert_eq!(holds(&wanted, &config(json!({"A": "a"}), json!({"B": "Yg==", "M": "YQ=="}))), ["M"]);
    assert!(holds(&wanted, &wanted).is_empty());
}
