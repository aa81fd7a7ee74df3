use super::*;
use crate::changes::Revision;

fn object(value: Value) -> Object {
    Object::parse(value).unwrap()
}

fn secret(name: &str) -> Used {
    Used { kind: "Secret".to_owned(), name: name.to_owned() }
}

/// A Deployment in `n` whose pods take these Secrets, with these marks.
fn workload(name: &str, secrets: &[&str], marks: &str) -> Object {
    let from: Vec<Value> = secrets.iter().map(|name| json!({"secretRef": {"name": name}})).collect();
    let annotations = if marks.is_empty() { json!({}) } else { json!({REVISIONS_ANNOTATION: marks, "theirs": "x"}) };
    object(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "n", "uid": format!("u-{name}"), "generation": 3, "resourceVersion": "7"},
        "spec": {"template": {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "c", "envFrom": from}]}}}}))
}

fn wave(name: &str, since: Since) -> Wave {
    Wave { namespace: "n".to_owned(), object: secret(name), id: format!("id-{name}"), since }
}

fn before(entries: &[&str]) -> Since {
    let mut holder = object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "annotations":
        {super::super::RESTARTS_ANNOTATION: entries.join(" "), super::super::REVISION_ANNOTATION: "x"}}}));
    let revision = Revision::of(&holder).unwrap();
    revision.write(&mut holder);
    assert_eq!(Revision::of(&holder), Some(revision.clone()));
    Since::Before(revision.awaiting)
}

fn of(objects: &[Object]) -> Vec<Workload> {
    objects.iter().cloned().filter_map(Workload::of).collect()
}

fn nobody(_: &Object) -> bool {
    false
}

fn names(restarts: &Restarts) -> (Vec<&str>, Vec<&str>) {
    (
        restarts.due.iter().map(|restart| restart.workload.name()).collect(),
        restarts.restarted.iter().map(Object::name).collect(),
    )
}

#[test]
fn every_user_of_what_changes_now_is_restarted_but_those_that_change_anyway() {
    let mut elsewhere = workload("elsewhere", &["a"], "");
    elsewhere.as_value_mut()["metadata"]["namespace"] = json!("other");
    let mut going = workload("going", &["a"], "");
    going.as_value_mut()["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut job = workload("job", &["a"], "");
    job.as_value_mut()["kind"] = json!("Job");
    let all = [
        workload("one", &["x", "a"], ""),
        workload("marked", &["a"], "Secret/a=id-old"),
        workload("new-template", &["a"], ""),
        workload("other", &["x"], ""),
        elsewhere,
        going,
        job,
    ];
    let changes_anyway = |workload: &Object| workload.name() == "new-template";
    let found = restarts(&[wave("a", Since::Now)], &of(&all), &changes_anyway);
    assert_eq!(names(&found), (vec!["one", "marked"], vec![]));
    let remembered = awaiting("n", &secret("a"), &of(&all), &changes_anyway);
    let words: Vec<(&str, Option<i64>)> =
        remembered.iter().map(|entry| (entry.uid.as_str(), entry.generation)).collect();
    assert_eq!(words, [("u-one", None), ("u-marked", None), ("u-new-template", Some(3))]);
}

#[test]
fn after_a_kill_only_those_that_had_the_data_before_and_were_not_restarted_are() {
    let all = [
        workload("left", &["a"], ""),
        workload("left-with-an-older-mark", &["a"], "Secret/a=id-old"),
        workload("restarted", &["a"], "Secret/a=id-a,Secret/b=1"),
        workload("made-later", &["a"], ""),
        workload("rolled-by-its-own-template", &["a"], ""),
        workload("own-template-not-applied", &["a"], ""),
        workload("uses-it-no-more", &["b"], ""),
    ];
    let entries = [
        "u-left",
        "u-left-with-an-older-mark",
        "u-restarted",
        "u-rolled-by-its-own-template@2",
        "u-own-template-not-applied@3",
        "u-uses-it-no-more",
        "u-gone",
    ];
    let found = restarts(&[wave("a", before(&entries))], &of(&all), &nobody);
    assert_eq!(
        names(&found),
        (
            vec!["left", "left-with-an-older-mark", "own-template-not-applied"],
            vec!["restarted", "rolled-by-its-own-template"]
        )
    );
    assert!(found.due.iter().all(Restart::is_of_earlier_run));
}

#[test]
fn one_restart_is_for_all_that_a_workload_has_not_read() {
    let waves = [wave("a", Since::Now), wave("b", before(&["u-one"])), wave("c", before(&["u-two"]))];
    let found = restarts(&waves, &of(&[workload("one", &["a", "b", "c"], "Secret/c=kept,Secret/gone=1")]), &nobody);
    let restart = &found.due[0];
    assert_eq!(restart.objects().map(ToString::to_string).collect::<Vec<_>>(), ["Secret/a", "Secret/b"]);
    assert!(!restart.is_of_earlier_run());
    assert_eq!(
        restart.patch(&restart.workload),
        json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "add", "path": "/spec/template/metadata/annotations/secret-patch.dev~1revisions",
             "value": "Secret/a=id-a,Secret/b=id-b,Secret/c=kept"},
        ])
    );
}

#[test]
fn a_template_without_annotations_gets_them() {
    for metadata in [json!(null), json!({}), json!({"annotations": null})] {
        let mut bare = workload("one", &["a"], "");
        bare.as_value_mut()["spec"]["template"]["metadata"] = metadata.clone();
        let found = restarts(&[wave("a", Since::Now)], &of(&[bare.clone()]), &nobody);
        let patch = found.due[0].patch(&bare);
        let paths: Vec<&str> =
            patch.as_array().unwrap().iter().skip(1).map(|op| op["path"].as_str().unwrap()).collect();
        let mark = "/spec/template/metadata/annotations/secret-patch.dev~1revisions";
        let mut expected = vec!["/spec/template/metadata", "/spec/template/metadata/annotations", mark];
        if metadata.is_object() {
            expected.remove(0);
        }
        assert_eq!(paths, expected, "{metadata}");
    }
}

#[test]
fn who_was_restarted_meanwhile_or_is_another_by_the_same_name_is_left() {
    let found = restarts(&[wave("a", Since::Now)], &of(&[workload("one", &["a"], "")]), &nobody);
    let restart = &found.due[0];
    assert!(!restart.is_done(&workload("one", &["a"], "Secret/a=other")));
    assert!(restart.is_done(&workload("one", &["a"], "Secret/a=id-a")));
    let mut another = workload("one", &["a"], "");
    another.as_value_mut()["metadata"]["uid"] = json!("u-another");
    assert!(restart.is_done(&another));
}

#[test]
fn what_was_rolled_back_by_hand_is_known_by_its_history() {
    let past = |kind: &str, owner: &str, mark: &str| {
        let template = json!({"metadata": {"annotations": {REVISIONS_ANNOTATION: mark}}});
        let mut past = json!({"apiVersion": "apps/v1", "kind": kind,
            "metadata": {"name": "past", "ownerReferences": [{"controller": true, "uid": owner}]}});
        match kind {
            "ReplicaSet" => past["spec"] = json!({"template": template}),
            _ => past["data"] = json!({"spec": {"template": template}}),
        }
        object(past)
    };
    let one = of(&[workload("one", &["a", "b"], "")]);
    let earlier = restarts(&[wave("a", before(&["u-one"]))], &one, &nobody);
    for kind in ["ReplicaSet", "ControllerRevision"] {
        assert!(earlier.due[0].was_rolled_back(&[past(kind, "u-one", "x"), past(kind, "u-one", "Secret/a=id-a")]));
        assert!(!earlier.due[0].was_rolled_back(&[past(kind, "u-two", "Secret/a=id-a")]));
        assert!(!earlier.due[0].was_rolled_back(&[past(kind, "u-one", "Secret/a=id-old")]));
    }
    let both = restarts(&[wave("a", before(&["u-one"])), wave("b", Since::Now)], &one, &nobody);
    assert!(!both.due[0].was_rolled_back(&[past("ReplicaSet", "u-one", "Secret/a=id-a,Secret/b=id-b")]));
}

#[test]
fn why_nobody_waits() {
    let spec = |spec: Value| {
        object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}))
    };
    let ready = spec(json!({"replicas": 1}));
    for (wanted, live, expected) in [
        (json!({"paused": true}), json!({"paused": false}), Some("it is paused")),
        (json!({}), json!({"paused": true}), Some("it is paused")),
        (json!({"paused": false}), json!({"paused": true}), None),
        (json!({}), json!({"updateStrategy": {"type": "OnDelete"}}), Some("its pods change when they are deleted")),
        (json!({}), json!({"replicas": 0}), Some("it has no pods")),
        (json!({"replicas": 2}), json!({"replicas": 0}), None),
        (json!({"replicas": 0}), json!({"replicas": 2}), Some("it has no pods")),
    ] {
        let why = not_awaited(Some(&spec(wanted.clone())), Some(&spec(live.clone())));
        let fits = match expected {
            Some(start) => why.is_some_and(|why| why.starts_with(start)),
            None => why.is_none(),
        };
        assert!(fits, "{wanted} {live}: {why:?}");
    }
    assert_eq!(not_awaited(None, Some(&ready)), None);
}
