use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object(value: Value) -> Object {
    Object::parse(value).unwrap()
}

fn wanted(data: Value) -> Object {
    object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": data}))
}

fn entry_of(manager: &str, keys: &[&str]) -> Value {
    let fields: serde_json::Map<String, Value> = keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
    let operation = if matches!(manager, "secret-patch" | "kubectl") { "Apply" } else { "Update" };
    json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": "t", "fieldsV1": {"f:data": fields}})
}

/// A Secret with these keys and these managers.
fn live(keys: &[&str], managers: Value) -> Object {
    let data: serde_json::Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), json!("YQ=="))).collect();
    object(json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
        "metadata": {"name": "a", "namespace": "n", "resourceVersion": "7", "managedFields": managers}}))
}

fn inherited(wanted: &Object, live: &Object) -> Option<Inheritance> {
    Inheritance::of(wanted, live, Takeover::HandWork)
}

fn keys(object: &Object) -> Vec<String> {
    object.as_value()["data"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn what_hands_own_moves_and_what_others_own_stays() {
    let other = entry_of("a-controller", &["FOREIGN", "SHARED"]);
    let mut scale = entry_of("kubectl", &["SCALED"]);
    scale["subresource"] = json!("scale");
    let managers = json!([
        entry_of("kubectl-create", &["A", "OLD"]),
        other,
        entry_of("kubectl", &["SHARED", "B"]),
        scale,
        entry_of("secret-patch", &["OURS"])
    ]);
    let live = live(&["A", "B", "OLD", "SHARED", "FOREIGN", "SCALED", "OURS"], managers);
    let wanted = wanted(json!({"A": "Yg=="}));
    let inherited = inherited(&wanted, &live).unwrap();
    assert_eq!(inherited.managers, ["kubectl-create", "kubectl"]);
    let patch = inherited.handover();
    assert_eq!(patch[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}));
    let ours = json!({"manager": "secret-patch", "operation": "Apply", "apiVersion": "v1", "time": "t", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:A": {}, "f:B": {}, "f:OLD": {}, "f:OURS": {}, "f:SHARED": {}}}});
    assert_eq!(patch[1]["value"], json!([other, scale, ours]));
    assert_eq!(inherited.removal(&live), None, "keys have no default");
    assert_eq!(keys(&inherited.corrected(live.clone(), &live, None)), ["A", "SHARED", "FOREIGN", "SCALED"]);
}

#[test]
fn where_no_hand_worked_there_is_nothing_to_inherit() {
    let wanted = wanted(json!({"A": "YQ=="}));
    for manager in ["secret-patch", "a-controller", "kubectl-rollout"] {
        assert_eq!(inherited(&wanted, &live(&["A"], json!([entry_of(manager, &["A"])]))), None);
    }
}

#[test]
fn what_nobody_owns_is_inherited_where_its_fields_can_be_told() {
    let wanted = wanted(json!({"A": "YQ=="}));
    let server = json!([entry_of("before-first-apply", &["A", "STALE"]), entry_of("kubectl", &["A"])]);
    for managers in [json!(null), json!([]), server] {
        let live = live(&["A", "STALE"], managers);
        let inherited = inherited(&wanted, &live).unwrap();
        assert_eq!(inherited.managers[0], "before-first-apply");
        assert_eq!(keys(&inherited.corrected(live.clone(), &live, None)), ["A"]);
        assert_eq!(inherited.handover()[1]["value"].as_array().unwrap().len(), 1);
    }
    let deployment = |managers: Value| {
        object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"paused": true},
            "metadata": {"name": "a", "resourceVersion": "7", "managedFields": managers}}))
    };
    for managers in [
        json!([]),
        json!([{"manager": "before-first-apply", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}}]),
    ] {
        assert_eq!(inherited(&deployment(json!([])), &deployment(managers)), None);
    }
}

#[test]
fn types_replicas_and_marks_of_a_restart_are_given_up_and_not_removed() {
    let fields = json!({"f:type": {}, "f:data": {".": {}, "f:A": {}}});
    let managers =
        json!([{"manager": "kubectl-create", "operation": "Update", "apiVersion": "v1", "fieldsV1": fields}]);
    let live = live(&["A"], managers);
    let ours = |wanted: &Object| inherited(wanted, &live).unwrap().handover()[1]["value"][0]["fieldsV1"].clone();
    let without = wanted(json!({"A": "YQ=="}));
    assert_eq!(ours(&without), json!({"f:data": {".": {}, "f:A": {}}}));
    let mut with = without;
    with.as_value_mut()["type"] = json!("Opaque");
    assert_eq!(ours(&with), fields);
}

#[test]
fn what_has_a_default_is_asked_of_the_server_from_the_end() {
    let container = |name: &str| json!({"name": name, "image": "i"});
    let owned = json!({"f:spec": {"f:replicas": {}, "f:strategy": {"f:type": {}}, "f:template": {"f:spec": {"f:containers": {
        "k:{\"name\":\"b\"}": {".": {}, "f:name": {}}, "k:{\"name\":\"c\"}": {".": {}, "f:name": {}}, "k:{\"name\":\"a\"}": {".": {}}}}}}});
    let spec = |names: &[&str]| json!({"template": {"spec": {"containers": names.iter().map(|name| container(name)).collect::<Vec<_>>()}}});
    let mut live = object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec(&["a", "b", "c"]),
        "metadata": {"name": "a", "resourceVersion": "7", "managedFields": [{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": owned}]}}));
    live.as_value_mut()["spec"]["strategy"] = json!({"type": "Recreate"});
    live.as_value_mut()["spec"]["replicas"] = json!(3);
    let wanted =
        object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec(&["a"])}));
    let inherited = inherited(&wanted, &live).unwrap();
    let pointers: Vec<String> = inherited.removal(&live).unwrap().as_array().unwrap()[1..]
        .iter()
        .map(|operation| operation["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        pointers,
        ["/spec/template/spec/containers/2", "/spec/template/spec/containers/1", "/spec/strategy/type"]
    );
    let mut removed = live.clone();
    removed.as_value_mut()["spec"] = spec(&["a"]);
    removed.as_value_mut()["spec"]["strategy"] = json!({"type": "RollingUpdate"});
    let after = inherited.corrected(live.clone(), &live, Some(&removed));
    assert_eq!(after.as_value()["spec"]["strategy"]["type"], "RollingUpdate");
    assert_eq!(after.as_value()["spec"]["template"], spec(&["a"])["template"]);
    assert_eq!(after.as_value()["spec"]["replicas"], 3);
}

#[test]
fn only_another_value_of_another_manager_is_a_conflict() {
    let conflicts = |manager: &str, value: &str| {
        let live = live(&["A"], json!([entry_of(manager, &["A"]), entry_of("kubectl-create", &["A"])]));
        conflicts_with_others(&wanted(json!({"A": value})), &live, Takeover::HandWork)
    };
    assert!(conflicts("a-controller", "Yg=="));
    assert!(!conflicts("a-controller", "YQ=="));
    assert!(!conflicts("kubectl-edit", "Yg=="));
    assert!(!conflicts("secret-patch", "Yg=="));
}

/// One that applied these keys as `stringData`.
fn string_data_of(manager: &str, keys: &[&str]) -> Value {
    let mut entry = entry_of(manager, keys);
    entry["fieldsV1"] = json!({"f:stringData": entry["fieldsV1"]["f:data"]});
    entry
}

#[test]
fn string_data_is_inherited_as_data() {
    let live = live(&["A", "OLD"], json!([string_data_of("kubectl", &["A", "OLD"])]));
    let inherited = inherited(&wanted(json!({"A": "Yg=="})), &live).unwrap();
    assert_eq!(inherited.handover()[1]["value"][0]["fieldsV1"], json!({"f:data": {"f:A": {}, "f:OLD": {}}}));
    assert_eq!(keys(&inherited.corrected(live.clone(), &live, None)), ["A"]);
}

#[test]
fn string_data_of_others_is_spelled_as_data_where_it_is_in_the_way() {
    let live = live(&["A", "B"], json!([string_data_of("other", &["A", "B"]), entry_of("secret-patch", &["B"])]));
    let same = json!({"A": "YQ==", "B": "YQ=="});
    assert_eq!(inherited(&wanted(same), &live), None);
    let of_others = |data: Value| inherited(&wanted(data), &live).unwrap().handover()[1]["value"][0].clone();
    // Another value; and a key that leaves the build, which the server would remove as ours alone.
    for data in [json!({"A": "Yg==", "B": "YQ=="}), json!({"A": "YQ=="})] {
        assert_eq!(of_others(data), entry_of("other", &["A", "B"]));
    }
    let mut answer = live.clone();
    answer.as_value_mut()["data"] = json!({"A": "YQ=="});
    let inherited = inherited(&wanted(json!({"A": "YQ=="})), &live).unwrap();
    assert_eq!(keys(&inherited.corrected(answer, &live, None)), ["A", "B"]);
    assert_eq!(inherited.managers, [""; 0]);
}

#[test]
fn a_copy_of_the_manifest_is_removed_only_where_there_is_one() {
    let mut live = live(&["A"], json!([]));
    assert_eq!(without_copy(&live), None);
    live.as_value_mut()["metadata"]["annotations"] = json!({LAST_APPLIED: "hush"});
    let path = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    let test = json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"});
    assert_eq!(without_copy(&live), Some(json!([test, {"op": "remove", "path": path}])));
}

#[test]
fn a_client_side_apply_under_another_name_is_inherited_only_if_asked_for() {
    let fields = json!({"f:data": {"f:A": {}}, "f:metadata": {"f:annotations": {format!("f:{LAST_APPLIED}"): {}}}});
    let managers = json!([{"manager": "ci", "operation": "Update", "fieldsV1": fields}]);
    let live = live(&["A"], managers);
    let wanted = wanted(json!({}));
    assert_eq!(foreign_applier(&live), Some("ci"));
    assert_eq!(inherited(&wanted, &live), None);
    assert_eq!(Inheritance::of(&wanted, &live, Takeover::ClientSideApply).unwrap().managers, ["ci"]);
}

const KEYS: [&str; 5] = ["A", "B", "C", "D", "E"];

fn some_keys() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(KEYS.to_vec(), 0..=KEYS.len())
}

proptest! {
    /// An apply gives up what is in our entry, not wanted, and in no other entry: that must be what was announced.
    #[test]
    fn what_is_announced_is_what_an_apply_gives_up(
        create in some_keys(), edit in some_keys(), ours in some_keys(), other in some_keys(), kept in some_keys()
    ) {
        let managers = json!([entry_of("kubectl-create", &create), entry_of("other", &other),
            entry_of("kubectl-edit", &edit), entry_of("secret-patch", &ours)]);
        let live = live(&KEYS, managers);
        let data: serde_json::Map<String, Value> = kept.iter().map(|key| ((*key).to_owned(), json!("YQ=="))).collect();
        let wanted = wanted(Value::Object(data));
        let Some(inherited) = inherited(&wanted, &live) else { return Ok(()) };
        let after = keys(&inherited.corrected(live.clone(), &live, None));
        let owned = |key: &&str| create.contains(key) || edit.contains(key) || ours.contains(key);
        let expected: Vec<&str> = KEYS.into_iter()
            .filter(|key| !owned(key) || kept.contains(key) || other.contains(key))
            .collect();
        prop_assert_eq!(after, expected);
        let moved = inherited.handover()[1]["value"].clone();
        prop_assert_eq!(moved.as_array().unwrap().len(), 2);
        let mut handed = live.clone();
        handed.as_value_mut()["metadata"]["managedFields"] = moved;
        prop_assert_eq!(Inheritance::of(&wanted, &handed, Takeover::HandWork), None);
    }
}
