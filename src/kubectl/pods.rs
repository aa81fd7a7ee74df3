//! Why the pods of a workload are not ready, in the words of their own status.

use serde_json::Value;

use super::cut::{cut, one_line, shortened};
use super::{Ending, Kubectl, Launch, items};
use crate::object::Object;

/// What a container is doing as long as nothing is wrong.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

impl<L: Launch> Kubectl<L> {
    /// The trouble of the pods that `workload` (live) selects; `None` where they have none, or may not be read.
    pub(super) async fn pods_trouble(&self, workload: &Object) -> Option<String> {
        let selector = selector(workload.as_value().pointer("/spec/selector")?)?;
        let namespace = workload.namespace().unwrap_or(&self.namespace);
        let words = ["get", "pods", "-n", namespace, "-l", &selector, "-o", "json"];
        let Ending::Success { stdout, .. } = self.cluster(&words, Default::default()).await else { return None };
        trouble(&items(&stdout)?)
    }
}

/// `app=web,tier in (a,b),!old`; `None` for one that selects everything.
fn selector(selector: &Value) -> Option<String> {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut terms: Vec<String> =
        labels.filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let name = expression["key"].as_str()?;
        let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join(",");
        terms.push(match expression["operator"].as_str()? {
            "In" => format!("{name} in ({values})"),
            "NotIn" => format!("{name} notin ({values})"),
            "Exists" => name.to_owned(),
            "DoesNotExist" => format!("!{name}"),
            _ => return None,
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}

/// The trouble of the youngest pod that has any, and how many others have some.
fn trouble(pods: &[Object]) -> Option<String> {
    let mut pods: Vec<&Object> =
        pods.iter().filter(|pod| pod.as_value().pointer("/metadata/deletionTimestamp").is_none()).collect();
    pods.sort_by_key(|pod| std::cmp::Reverse(pod.as_value()["metadata"]["creationTimestamp"].as_str()));
    let mut troubles = pods.iter().filter_map(|pod| Some((pod.name(), of_pod(pod.as_value())?)));
    let (name, why) = troubles.next()?;
    let others = match troubles.count() {
        0 => String::new(),
        1 => " (and 1 pod more)".to_owned(),
        more => format!(" (and {more} pods more)"),
    };
    Some(shortened(&one_line(&format!("pod {name}: {why}{others}"))))
}

fn of_pod(pod: &Value) -> Option<String> {
    let status = &pod["status"];
    if status["phase"] == "Failed" {
        return Some(said(&status["reason"], &status["message"], "failed"));
    }
    let conditions = || status["conditions"].as_array().into_iter().flatten();
    if let Some(unscheduled) = conditions().find(|c| c["type"] == "PodScheduled" && c["status"] == "False") {
        return Some(said(&unscheduled["reason"], &unscheduled["message"], "not scheduled"));
    }
    let lists = ["initContainerStatuses", "containerStatuses"].into_iter();
    let containers: Vec<&Value> = lists.flat_map(|list| status[list].as_array().into_iter().flatten()).collect();
    let first = |of: fn(&Value) -> Option<String>| containers.iter().find_map(|container| of(container));
    first(stuck).or_else(|| first(ended)).or_else(|| first(not_ready)).or_else(|| first(starting))
}

fn stuck(container: &Value) -> Option<String> {
    let waiting = container.pointer("/state/waiting")?;
    let reason = waiting["reason"].as_str().filter(|reason| !STARTING.contains(reason))?;
    let last = container.pointer("/lastState/terminated").map(exit).unwrap_or_default();
    let said = said(&Value::from(reason), &waiting["message"], "waits");
    Some(format!("container {}: {said}{last}", name(container)))
}

/// Its own last words are not repeated: they may hold anything.
fn ended(container: &Value) -> Option<String> {
    let terminated = container.pointer("/state/terminated").filter(|state| state["exitCode"] != 0)?;
    Some(format!("container {} ended{}", name(container), exit(terminated)))
}

fn not_ready(container: &Value) -> Option<String> {
    let runs = container.pointer("/state/running").is_some() && container["ready"] == false;
    runs.then(|| format!("container {} runs and is not ready", name(container)))
}

fn starting(container: &Value) -> Option<String> {
    let reason = container.pointer("/state/waiting/reason")?.as_str()?;
    Some(format!("container {}: {}", name(container), cut(reason)))
}

/// ` (exit code 137, OOMKilled)`
fn exit(terminated: &Value) -> String {
    let code = terminated["exitCode"].as_i64().map(|code| format!("exit code {code}"));
    let reason = terminated["reason"].as_str().filter(|reason| *reason != "Error").map(cut);
    let parts: Vec<String> = code.into_iter().chain(reason).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn name(container: &Value) -> String {
    cut(container["name"].as_str().unwrap_or_default())
}

fn said(reason: &Value, message: &Value, otherwise: &str) -> String {
    let reason = reason.as_str().filter(|reason| !reason.is_empty()).unwrap_or(otherwise);
    match message.as_str().filter(|message| !message.is_empty()) {
        Some(message) => format!("{}: {}", cut(reason), cut(message)),
        None => cut(reason),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, created: &str, status: Value) -> Object {
        let metadata = json!({"name": name, "creationTimestamp": created});
        Object::parse(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})).unwrap()
    }

    fn told(status: Value) -> Option<String> {
        trouble(&[pod("p", "2026-01-01T00:00:00Z", status)])
    }

    #[test]
    fn every_trouble_has_its_words() {
        let running = json!({"name": "ok", "ready": true, "state": {"running": {}}});
        let waiting = |reason: &str, message: &str| json!({"containerStatuses": [running, {"name": "web", "ready": false, "state": {"waiting": {"reason": reason, "message": message}}}]});
        for (status, expected) in [
            (
                waiting("ImagePullBackOff", "Back-off pulling image \"ghcr.io/x/web:1\""),
                "container web: ImagePullBackOff: Back-off pulling image \"ghcr.io/x/web:1\"",
            ),
            (
                waiting("CreateContainerConfigError", "couldn't find key K in Secret n/app"),
                "container web: CreateContainerConfigError: couldn't find key K in Secret n/app",
            ),
            (waiting("ContainerCreating", ""), "container web: ContainerCreating"),
            (
                json!({"initContainerStatuses": [{"name": "init", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "hush"}}}]}),
                "container init: CrashLoopBackOff: back-off (exit code 137, OOMKilled)",
            ),
            (
                json!({"containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 2, "reason": "Error", "message": "hush"}}}]}),
                "container web ended (exit code 2)",
            ),
            (
                json!({"containerStatuses": [{"name": "web", "ready": false, "state": {"running": {}}}]}),
                "container web runs and is not ready",
            ),
            (
                json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "0/3 nodes are available: 3 Insufficient cpu."}]}),
                "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
            ),
            (
                json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
                "Evicted: The node was low on resource: memory.",
            ),
        ] {
            assert_eq!(told(status), Some(format!("pod p: {expected}")));
        }
        assert_eq!(told(json!({"containerStatuses": [running]})), None);
    }

    #[test]
    fn the_youngest_pod_speaks_for_the_others() {
        let status = json!({"phase": "Failed", "reason": "Evicted"});
        let mut going = pod("going", "2026-01-09T00:00:00Z", status.clone());
        going.as_value_mut()["metadata"]["deletionTimestamp"] = json!("2026-01-09T00:00:01Z");
        let pods = [
            pod("old", "2026-01-01T00:00:00Z", status.clone()),
            pod("young", "2026-01-02T00:00:00Z", status.clone()),
            pod("well", "2026-01-03T00:00:00Z", json!({"phase": "Running"})),
            going,
        ];
        assert_eq!(trouble(&pods).as_deref(), Some("pod young: Evicted (and 1 pod more)"));
        assert_eq!(trouble(&[]), None);
    }

    #[test]
    fn selectors_are_written_as_kubectl_reads_them() {
        let expressions = json!([
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "zone", "operator": "NotIn", "values": ["c"]},
            {"key": "x", "operator": "Exists"},
            {"key": "y", "operator": "DoesNotExist"},
        ]);
        let whole = json!({"matchLabels": {"app": "web"}, "matchExpressions": expressions});
        assert_eq!(selector(&whole).as_deref(), Some("app=web,tier in (a,b),zone notin (c),x,!y"));
        assert_eq!(selector(&json!({})), None);
    }
}
