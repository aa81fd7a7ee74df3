//! Which workloads take a Secret or ConfigMap into their pods, or may go back to doing so.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::build::is_generated;
use crate::object::{Object, ObjectId};

/// Whether pods come from a template now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// They do, or will with the next pod.
    Now,
    /// A controller keeps it to go back to.
    History,
}

/// When the templates are looked at.
#[derive(Debug, Clone, Copy)]
pub enum Moment<'a> {
    /// Before these objects are applied: what will be when they are.
    Before(&'a [&'a Object]),
    /// As things are, pods that still run from an older template included.
    Now,
}

/// The pod templates of some namespaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PodTemplates(Vec<PodTemplate>);

#[derive(Debug, Clone, PartialEq)]
struct PodTemplate {
    owner: ObjectId,
    namespace: String,
    role: Use,
    template: Value,
}

impl PodTemplates {
    /// Of `live` Deployments, StatefulSets, DaemonSets, ReplicaSets, ControllerRevisions, CronJobs, Jobs, ReplicationControllers,
    /// PodTemplates and Pods; an object that names no namespace is in `of_context`.
    #[must_use]
    pub fn of(live: &[Object], moment: Moment<'_>, of_context: &str) -> Self {
        let wanted = match moment {
            Moment::Before(wanted) => wanted,
            Moment::Now => &[],
        };
        let here = |object: &Object| ObjectId {
            namespace: Some(object.namespace().unwrap_or(of_context).to_owned()),
            ..object.id()
        };
        let replaced: BTreeSet<ObjectId> = wanted.iter().map(|object| here(object)).collect();
        let stays = live.iter().filter(|object| !replaced.contains(&here(object)));
        let templates = stays.chain(wanted.iter().copied()).filter_map(|object| {
            let (role, template) = template(object, live, moment)?;
            let owner = here(object);
            let namespace = owner.namespace.clone().unwrap_or_default();
            Some(PodTemplate { owner, namespace, role, template: template.clone() })
        });
        Self(templates.collect())
    }

    /// Who takes `object`, those whose pods do now before those that may go back to it.
    pub(super) fn user(&self, object: &Object) -> Option<(&ObjectId, Use)> {
        let namespace = object.namespace().unwrap_or_default();
        let users = self.0.iter().filter(|user| user.namespace == namespace && names(&user.template, object));
        users.map(|user| (&user.owner, user.role)).min_by_key(|(_, role)| *role)
    }
}

fn template<'a>(object: &'a Object, live: &[Object], moment: Moment<'_>) -> Option<(Use, &'a Value)> {
    let value = object.as_value();
    let role = match (object.group(), object.kind()) {
        ("", "Pod") if !is_over(value) && !is_made_from_a_template(value) => {
            return Some((Use::Now, value.get("spec")?));
        }
        ("", "PodTemplate") => return Some((Use::Now, value.get("template")?)),
        ("", "ReplicationController") => Use::Now,
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => Use::Now,
        ("apps", "ReplicaSet") => replica_set(value, moment),
        ("apps", "ControllerRevision") => revision(object, live, moment),
        ("batch", "CronJob") => return Some((Use::Now, value.pointer("/spec/jobTemplate/spec/template")?)),
        ("batch", "Job") if !is_finished(value) => Use::Now,
        _ => return None,
    };
    let template = value.pointer("/spec/template").or_else(|| value.pointer("/data/spec/template"))?;
    Some((role, template))
}

/// A ReplicaSet of a Deployment is history to go back to, unless pods of it still run. Any other is in use as long as it wants
/// pods.
fn replica_set(value: &Value, moment: Moment<'_>) -> Use {
    let some = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64).is_some_and(|many| many > 0);
    let runs = match moment {
        _ if controller(value).is_none_or(|(kind, _)| kind != "Deployment") => some("/spec/replicas"),
        Moment::Before(_) => false,
        Moment::Now => some("/status/replicas"),
    };
    if runs { Use::Now } else { Use::History }
}

/// One from which pods of an unfinished update still run is in use.
fn revision(object: &Object, live: &[Object], moment: Moment<'_>) -> Use {
    let Some((kind, name)) = controller(object.as_value()) else { return Use::History };
    let owner = live
        .iter()
        .find(|owner| owner.kind() == kind && owner.name() == name && owner.namespace() == object.namespace());
    let status = |field: &str| owner.and_then(|owner| owner.as_value().pointer(&format!("/status/{field}")));
    let unfinished = match kind {
        "StatefulSet" => status("currentRevision") != status("updateRevision"),
        _ => status("updatedNumberScheduled") != status("desiredNumberScheduled"),
    };
    match moment {
        Moment::Now if unfinished => Use::Now,
        _ => Use::History,
    }
}

/// Kind and name of the controller that made an object.
fn controller(value: &Value) -> Option<(&str, &str)> {
    let owners = value.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((owner["kind"].as_str()?, owner["name"].as_str()?))
}

fn is_finished(job: &Value) -> bool {
    let conditions = job.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition["status"] == "True" && matches!(condition["type"].as_str(), Some("Complete" | "Failed"))
    })
}

/// Whether the containers of a Pod have ended for good.
fn is_over(pod: &Value) -> bool {
    pod.pointer("/status/phase").is_some_and(|phase| phase == "Succeeded" || phase == "Failed")
}

/// Whether a Pod repeats the template of a controller that is looked at itself.
fn is_made_from_a_template(pod: &Value) -> bool {
    controller(pod).is_some_and(|(kind, _)| {
        matches!(kind, "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController")
    })
}

/// Whether a pod template takes `object`. A generated name means nothing else wherever it stands, in an argument for instance.
fn names(template: &Value, object: &Object) -> bool {
    if is_generated(object) {
        return holds_text(template, object.name());
    }
    let part = if object.is_secret() { "ecret" } else { "onfigMap" };
    refers(template, part, object.name())
}

fn holds_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.contains(text),
        Value::Array(items) => items.iter().any(|item| holds_text(item, text)),
        Value::Object(fields) => fields.values().any(|field| holds_text(field, text)),
        _ => false,
    }
}

/// Whether a field with `part` in its name refers to `name`: `secretName: N`, `secretKeyRef: {name: N}`,
/// `imagePullSecrets: [{name: N}]`, `projected.sources[].configMap.name`, a CSI driver's `nodePublishSecretRef`.
fn refers(value: &Value, part: &str, name: &str) -> bool {
    let is_it = |found: &Value| found.as_str() == Some(name);
    let refers_by = |found: &Value| match found {
        Value::String(_) => is_it(found),
        Value::Object(fields) => fields.get("name").is_some_and(is_it),
        Value::Array(items) => items.iter().filter_map(|item| item.get("name")).any(is_it),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            fields.iter().any(|(key, field)| key.contains(part) && refers_by(field) || refers(field, part, name))
        }
        Value::Array(items) => items.iter().any(|item| refers(item, part, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        Object::parse(value).unwrap()
    }

    fn core(kind: &str, name: &str) -> Object {
        object(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "n"}}))
    }

    fn workload(kind: &str, name: &str, secret: &str) -> Object {
        object(json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "n"},
            "spec": {"template": {"spec": {"containers": [{"name": "c", "envFrom": [{"secretRef": {"name": secret}}]}]}}}}))
    }

    fn owned(mut object: Object, kind: &str, name: &str) -> Object {
        object.as_value_mut()["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true}]);
        object
    }

    fn user(live: &[Object], moment: Moment<'_>, of: &Object) -> Option<(String, Use)> {
        PodTemplates::of(live, moment, "n").user(of).map(|(id, role)| (id.to_string(), role))
    }

    #[test]
    fn every_way_into_a_pod_is_found() {
        let pod = json!({
            "imagePullSecrets": [{"name": "s-pull"}],
            "initContainers": [{"name": "i", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s-env", "key": "A"}}}]}],
            "containers": [{"name": "c-none", "envFrom": [{"configMapRef": {"name": "c-from"}}], "args": ["s-args", "c-arg-82fhgmbkt4"]}],
            "volumes": [{"name": "v", "secret": {"secretName": "s-volume"}}, {"name": "w", "configMap": {"name": "c-volume"}},
                {"name": "x", "projected": {"sources": [{"secret": {"name": "s-projected"}}, {"configMap": {"name": "c-projected"}}]}},
                {"name": "y", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "s-csi"}}}]});
        let deployment = object(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": pod}}}),
        );
        let live = [deployment];
        for name in ["s-pull", "s-env", "s-volume", "s-projected", "s-csi"] {
            assert!(user(&live, Moment::Now, &core("Secret", name)).is_some(), "{name}");
            assert_eq!(user(&live, Moment::Now, &core("ConfigMap", name)), None, "{name}");
        }
        for name in ["c-from", "c-volume", "c-projected", "c-arg-82fhgmbkt4"] {
            assert!(user(&live, Moment::Now, &core("ConfigMap", name)).is_some(), "{name}");
        }
        for name in ["s-args", "c-none", "v"] {
            assert_eq!(user(&live, Moment::Now, &core("Secret", name)), None, "{name}");
        }
    }

    #[test]
    fn what_the_build_says_of_a_workload_counts_before_it_is_applied() {
        let (old, new) = (core("Secret", "old"), core("Secret", "new"));
        let live =
            [workload("Deployment", "web", "old"), owned(workload("ReplicaSet", "web-1", "old"), "Deployment", "web")];
        let deployment = workload("Deployment", "web", "new");
        let wanted = [&deployment];
        let history = Some(("ReplicaSet n/web-1".to_owned(), Use::History));
        assert_eq!(user(&live, Moment::Before(&wanted), &old), history);
        assert_eq!(user(&live, Moment::Before(&wanted), &new).unwrap().1, Use::Now);
        assert_eq!(user(&live, Moment::Now, &old), Some(("Deployment n/web".to_owned(), Use::Now)));
        // A workload that left the build stays, and uses what it uses.
        assert_eq!(user(&live, Moment::Before(&[]), &old).unwrap().1, Use::Now);
    }

    #[test]
    fn what_pods_still_run_from_is_in_use() {
        let old = core("Secret", "old");
        let mut set = owned(workload("ReplicaSet", "web-1", "old"), "Deployment", "web");
        set.as_value_mut()["status"] = json!({"replicas": 1});
        let live = [workload("Deployment", "web", "new"), set.clone()];
        assert_eq!(user(&live, Moment::Now, &old).unwrap().1, Use::Now);
        assert_eq!(user(&live, Moment::Before(&[]), &old).unwrap().1, Use::History);
        // What no Deployment made.
        let mut rollout = owned(workload("ReplicaSet", "r-1", "old"), "Rollout", "r");
        rollout.as_value_mut()["spec"]["replicas"] = json!(2);
        assert_eq!(user(&[rollout], Moment::Before(&[]), &old).unwrap().1, Use::Now);

        let revision = owned(
            object(
                json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "db-1", "namespace": "n"},
                "data": workload("StatefulSet", "db", "old").as_value()}),
            ),
            "StatefulSet",
            "db",
        );
        let mut owner = workload("StatefulSet", "db", "new");
        for (current, role) in [("db-1", Use::Now), ("db-2", Use::History)] {
            owner.as_value_mut()["status"] = json!({"currentRevision": current, "updateRevision": "db-2"});
            assert_eq!(user(&[owner.clone(), revision.clone()], Moment::Now, &old).unwrap().1, role);
        }
    }

    #[test]
    fn jobs_count_until_they_are_finished() {
        let old = core("Secret", "old");
        let mut job = workload("Deployment", "once", "old").as_value().clone();
        (job["apiVersion"], job["kind"]) = (json!("batch/v1"), json!("Job"));
        assert!(user(&[object(job.clone())], Moment::Now, &old).is_some());
        let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "n"},
            "spec": {"jobTemplate": {"spec": job["spec"]}}});
        assert!(user(&[object(cron)], Moment::Now, &old).is_some());
        job["status"] = json!({"conditions": [{"type": "Complete", "status": "True"}]});
        assert_eq!(user(&[object(job)], Moment::Now, &old), None);
    }

    #[test]
    fn pods_count_where_no_template_does_and_until_they_are_over() {
        let old = core("Secret", "old");
        let mut pod = core("Pod", "bare");
        pod.as_value_mut()["spec"] =
            json!({"containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "old"}}]}]});
        assert_eq!(user(&[pod.clone()], Moment::Before(&[]), &old), Some(("Pod n/bare".to_owned(), Use::Now)));
        for (kind, counts) in [("ReplicaSet", false), ("Job", false), ("Workflow", true)] {
            assert_eq!(user(&[owned(pod.clone(), kind, "x")], Moment::Now, &old).is_some(), counts, "{kind}");
        }
        for (phase, counts) in [("Running", true), ("Pending", true), ("Succeeded", false), ("Failed", false)] {
            pod.as_value_mut()["status"] = json!({"phase": phase});
            assert_eq!(user(&[pod.clone()], Moment::Now, &old).is_some(), counts, "{phase}");
        }
        let workload = workload("Deployment", "web", "old").as_value()["spec"].clone();
        let mut controller = core("ReplicationController", "rc");
        controller.as_value_mut()["spec"] = workload.clone();
        let mut stencil = core("PodTemplate", "t");
        stencil.as_value_mut()["template"] = workload["template"].clone();
        for object in [controller, stencil] {
            assert_eq!(user(&[object], Moment::Before(&[]), &old).unwrap().1, Use::Now);
        }
    }
}
