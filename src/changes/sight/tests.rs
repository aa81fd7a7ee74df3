use serde_json::json;

use super::*;
use crate::changes::Set;

fn object(value: Value) -> Object {
    Object::parse(value).unwrap()
}

fn config_map(data: Value) -> Object {
    let config_map = object(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": data}),
    );
    Set::new("owner/name", ".", "demo").mark(config_map)
}

fn judge(_: &str, text: &str) -> Text {
    match text {
        text if text.contains("canary") => Text::Hidden,
        text if text.contains("4711") => Text::Unknown,
        _ => Text::Public,
    }
}

/// As the server has it after an apply of ours; `others` own these keys too.
fn applied(wanted: &Object, others: &[&str]) -> Object {
    let sight = Sight::of(wanted, judge);
    let mut live = sight.mark(wanted.clone());
    let fields = |keys: &[&str]| json!({"f:data": keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect::<Map<String, Value>>()});
    let all: Vec<&str> = wanted.as_value()["data"].as_object().unwrap().keys().map(String::as_str).collect();
    live.as_value_mut()["metadata"]["managedFields"] = json!([
        {"manager": "secret-patch", "operation": "Apply", "fieldsV1": fields(&all)},
        {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields(others)}]);
    live
}

#[test]
fn texts_are_judged_by_path_and_a_secrets_data_is_decoded() {
    let secret = object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
        "data": {"A": "aW5mbw==", "B": "Y2FuYXJ5", "C": "NDcxMQ==", "D": "/w=="}}));
    let sight = Sight::of(&secret, judge);
    assert_eq!(sight.public.get("data.A").map(String::as_str), Some("info"));
    assert!(!sight.public.contains_key("data.B") && !sight.public.contains_key("data.D"));
    assert_eq!(sight.unknown, ["data.C".to_owned()].into());
}

#[test]
fn what_we_wrote_in_public_and_nobody_touched_is_known() {
    let wanted = config_map(json!({"LOG_LEVEL": "info", "TOKEN": "canary-token", "TOUCHED": "by another"}));
    let known = known_texts(&applied(&wanted, &["TOUCHED"]));
    assert_eq!(known, Texts::from([("data.LOG_LEVEL".to_owned(), "info".to_owned())]));
}

#[test]
fn without_the_note_or_with_all_of_it_hidden_nothing_is_known() {
    let wanted = config_map(json!({"LOG_LEVEL": "info"}));
    let mut live = applied(&wanted, &[]);
    for note in [json!("*"), json!("\"*\""), json!("nonsense"), json!(null)] {
        live.as_value_mut()["metadata"]["annotations"][HIDDEN_ANNOTATION] = note;
        assert!(known_texts(&live).is_empty());
    }
    let hidden = Sight::of(&wanted, |_, _| Text::Hidden).mark(wanted);
    assert_eq!(noted(&hidden), Some("\"*\""));
}

#[test]
fn of_a_secret_only_its_type_is_known() {
    let secret = |kind: &str| {
        object(
            json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": "s"}, "data": {"A": "aW5mbw=="}}),
        )
    };
    assert_eq!(
        known_texts(&secret("kubernetes.io/tls")),
        Texts::from([("type".to_owned(), "kubernetes.io/tls".to_owned())])
    );
    assert!(known_texts(&secret("canary")).is_empty());
    let sight = Sight::of(&secret("Opaque"), judge);
    assert_eq!(sight.mark(secret("Opaque")), secret("Opaque"));
}

#[test]
fn a_hidden_element_of_a_list_hides_all_of_its_places() {
    assert_eq!(without_places("spec.args[12].a[web][0]"), "spec.args[].a[web][]");
    let wanted = object(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"args": ["a", "canary"]}}),
    );
    let mut live = Sight::of(&wanted, judge).mark(wanted);
    live.as_value_mut()["spec"]["args"] = json!(["new", "canary", "a"]);
    live.as_value_mut()["metadata"]["managedFields"] =
        json!([{"manager": "secret-patch", "operation": "Apply", "fieldsV1": {"f:spec": {"f:args": {}}}}]);
    assert!(known_texts(&live).is_empty());
}

#[test]
fn what_is_not_known_may_be_as_it_is() {
    let wanted = config_map(json!({"A": "4711", "B": "x", "NEW": "4711"}));
    let live = config_map(json!({"A": "old", "B": "y"}));
    let unknown = Sight::of(&wanted, judge).unknown;
    let assumed = assume_unchanged(wanted, &live, &unknown);
    assert_eq!(assumed.as_value()["data"], json!({"A": "old", "B": "x", "NEW": "4711"}));
}
