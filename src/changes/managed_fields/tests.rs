use serde_json::{Value, json};

use super::*;

fn wanted() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "a", "namespace": "n", "labels": {"app": "a"}},
    "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {
                "volumes": [{"name": "tmp", "emptyDir": {}}],
                "containers": [{"name": "web", "image": "i", "args": ["x"], "ports": [{"containerPort": 80}]}]
            }}}})
}

fn owned() -> Value {
    json!({"f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:selector": {},
        "f:template": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {
                "f:volumes": {"k:{\"name\":\"tmp\"}": {".": {}, "f:name": {}, "f:emptyDir": {}}},
                "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}
            }}}})
}

/// The server's answer: defaults filled in, another manager's annotation.
fn live(wanted: &Value, owned: Value) -> Value {
    let mut live = wanted.clone();
    let spec = &mut live["spec"];
    spec["replicas"] = json!(1);
    let container = &mut spec["template"]["spec"]["containers"][0];
    container["imagePullPolicy"] = json!("Always");
    if container["ports"][0].is_object() {
        container["ports"][0]["protocol"] = json!("TCP");
    }
    live["metadata"]["uid"] = json!("u");
    live["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    live["metadata"]["managedFields"] = json!([
        {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "apiVersion": "apps/v1", "fieldsV1": {}},
        {"manager": "secret-patch", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": owned}]);
    live
}

fn unchanged(wanted: &Value, live: &Value) -> bool {
    is_unchanged(&Object::parse(wanted.clone()).unwrap(), &Object::parse(live.clone()).unwrap())
}

#[test]
fn what_is_wanted_and_owned_is_unchanged() {
    assert!(unchanged(&wanted(), &live(&wanted(), owned())));
}

#[test]
fn a_manifest_without_a_namespace_is_the_same_object() {
    let mut bare = wanted();
    bare["metadata"].as_object_mut().unwrap().remove("namespace");
    assert!(unchanged(&bare, &live(&wanted(), owned())));
    let mut other = wanted();
    other["metadata"]["namespace"] = json!("m");
    assert!(!unchanged(&other, &live(&wanted(), owned())));
}

#[test]
fn every_difference_in_the_wanted_fields_is_seen() {
    for (pointer, value) in [
        ("/metadata/labels/app", json!("b")),
        ("/spec/template/spec/containers/0/image", json!("j")),
        ("/spec/template/spec/containers/0/args", json!(["x", "y"])),
        ("/spec/template/spec/containers/0/ports/0/containerPort", json!(81)),
        ("/spec/template/spec/containers/0/name", json!("other")),
        ("/spec/template/spec/volumes/0/emptyDir", json!({"medium": "Memory"})),
        ("/spec/template/spec/volumes", json!([])),
        ("/spec/selector/matchLabels", json!({"app": "a", "b": "c"})),
        ("/apiVersion", json!("apps/v1beta1")),
    ] {
        let mut other = wanted();
        *other.pointer_mut(pointer).unwrap() = value;
        assert!(!unchanged(&other, &live(&wanted(), owned())), "{pointer}");
    }
}

#[test]
fn a_field_wanted_and_not_owned_or_owned_and_not_wanted_is_seen() {
    let mut more = wanted();
    more["spec"]["replicas"] = json!(1);
    assert!(!unchanged(&more, &live(&wanted(), owned())), "equal, but not ours");
    let mut fewer = wanted();
    fewer["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("image");
    let mut here = live(&wanted(), owned());
    assert!(!unchanged(&fewer, &here), "ours, but no longer wanted");
    here["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("image");
    assert!(!unchanged(&wanted(), &here), "removed by another, and still in our entry");
}

#[test]
fn an_element_that_another_added_or_moved_is_left_to_the_server() {
    let mut here = live(&wanted(), owned());
    here["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "injected"}));
    assert!(!unchanged(&wanted(), &here));
}

#[test]
fn a_key_that_two_elements_fit_is_left_to_the_server() {
    let mut both = wanted();
    both["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]);
    let mut fields = owned();
    fields["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"web\"}"]["f:ports"] = json!({
        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}},
        "k:{\"containerPort\":80,\"protocol\":\"UDP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}});
    assert!(!unchanged(&both, &live(&both, fields)));
}

#[test]
fn only_one_entry_of_ours_for_the_object_itself_counts() {
    let change = |key: &str, value: Value| {
        let mut here = live(&wanted(), owned());
        here["metadata"]["managedFields"][1][key] = value;
        unchanged(&wanted(), &here)
    };
    assert!(!change("manager", json!("kubectl")));
    assert!(!change("operation", json!("Update")));
    assert!(!change("subresource", json!("scale")));
    assert!(!change("apiVersion", json!("apps/v1beta2")));
    let mut twice = live(&wanted(), owned());
    let entry = twice["metadata"]["managedFields"][1].clone();
    twice["metadata"]["managedFields"].as_array_mut().unwrap().push(entry);
    assert!(!unchanged(&wanted(), &twice));
    let mut none = live(&wanted(), owned());
    none["metadata"].as_object_mut().unwrap().remove("managedFields");
    assert!(!unchanged(&wanted(), &none));
}

#[test]
fn an_annotation_of_a_client_side_apply_or_a_deletion_under_way_is_left_to_the_server() {
    let mut here = live(&wanted(), owned());
    here["metadata"]["annotations"][LAST_APPLIED] = json!("{}");
    assert!(!unchanged(&wanted(), &here));
    let mut here = live(&wanted(), owned());
    here["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(!unchanged(&wanted(), &here));
}

#[test]
fn sets_are_compared_by_value() {
    let mut with = wanted();
    with["metadata"]["finalizers"] = json!(["a/b", "c/d"]);
    let mut fields = owned();
    fields["f:metadata"]["f:finalizers"] = json!({"v:\"a/b\"": {}, "v:\"c/d\"": {}});
    assert!(unchanged(&with, &live(&with, fields.clone())));
    fields["f:metadata"]["f:finalizers"] = json!({"v:\"a/b\"": {}});
    assert!(!unchanged(&with, &live(&with, fields)));
}

#[test]
fn a_secret_without_other_metadata_is_unchanged() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "n"}, "data": {"A": "YQ==", "f:B": "Yg=="}});
    let mut here = secret.clone();
    here["type"] = json!("Opaque");
    here["metadata"]["managedFields"] = json!([{"manager": "secret-patch", "operation": "Apply", "apiVersion": "v1",
        "fieldsV1": {"f:data": {"f:A": {}, "f:f:B": {}}}}]);
    assert!(unchanged(&secret, &here));
    here["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]["."] = json!({});
    assert!(!unchanged(&secret, &here), "the map itself is ours by an inherited update: an apply would give it up");
}

#[test]
fn a_key_is_removed_only_where_no_other_manager_holds_it() {
    let here = |others: Value| {
        let value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "managedFields": [
            {"manager": "secret-patch", "operation": "Apply", "fieldsV1": {"f:data": {"f:A": {}}}},
            {"manager": "other", "operation": "Update", "fieldsV1": others}]}});
        owns_alone(&Object::parse(value).unwrap(), "data", "A")
    };
    assert!(here(json!({"f:data": {"f:B": {}}})));
    assert!(!here(json!({"f:data": {"f:A": {}}})));
}

#[test]
fn an_element_that_is_owned_as_a_whole_must_be_equal() {
    let mut with = wanted();
    with["spec"]["template"]["spec"]["imagePullSecrets"] = json!([{"name": "pull"}]);
    let mut fields = owned();
    fields["f:spec"]["f:template"]["f:spec"]["f:imagePullSecrets"] = json!({"k:{\"name\":\"pull\"}": {}});
    let mut here = live(&with, fields);
    assert!(unchanged(&with, &here));
    here["spec"]["template"]["spec"]["imagePullSecrets"][0]["more"] = json!("x");
    assert!(!unchanged(&with, &here));
}
