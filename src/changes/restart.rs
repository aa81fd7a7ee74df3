//! Which workloads still run with data from before a change, and how each is restarted exactly once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::revision::{Awaiting, Marks, REVISIONS_ANNOTATION};
use super::uses::{Used, uses};
use crate::object::Object;

/// A change of one object's data, which the pods that use the object have to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Where the object and its users live.
    pub namespace: String,
    /// The object.
    pub object: Used,
    /// The id of the change.
    pub id: String,
    /// When the data changed.
    pub since: Since,
}

/// When an object's data changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// With this run: whoever uses the object has the data before.
    Now,
    /// In a run that did not get to its end: these had the data before.
    Before(Vec<Awaiting>),
}

/// What is left to do about some waves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restarts {
    /// Workloads to restart, in the order of the list.
    pub due: Vec<Restart>,
    /// Workloads that an earlier run has restarted, and perhaps not awaited.
    pub restarted: Vec<Object>,
}

/// One workload to restart.
#[derive(Debug, Clone, PartialEq)]
pub struct Restart {
    /// As it was listed.
    pub workload: Object,
    lacks: Vec<Lack>,
}

/// A change that a workload's pods have not read.
#[derive(Debug, Clone, PartialEq)]
struct Lack {
    object: Used,
    id: String,
    of_earlier_run: bool,
}

/// A live workload and what its pods take.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    object: Object,
    uses: BTreeSet<Used>,
}

impl Workload {
    /// `None` for another kind, and for what is being deleted.
    #[must_use]
    pub fn of(object: Object) -> Option<Self> {
        let is_going = object.as_value().pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
        if is_going || !is_workload(&object) {
            return None;
        }
        Some(Self { uses: uses(object.as_value()), object })
    }

    fn takes(&self, namespace: &str, used: &Used) -> bool {
        self.object.namespace() == Some(namespace) && self.uses.contains(used)
    }
}

/// Whether a Deployment, StatefulSet or DaemonSet of `apps`.
#[must_use]
pub fn is_workload(object: &Object) -> bool {
    object.group() == "apps" && matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet")
}

/// What `waves` ask of `workloads` (of any namespaces). `changes_anyway` says which of them get a new pod template by this run:
/// they need no restart.
#[must_use]
pub fn restarts(waves: &[Wave], workloads: &[Workload], changes_anyway: &dyn Fn(&Object) -> bool) -> Restarts {
    let mut restarts = Restarts::default();
    for workload in workloads.iter().filter(|workload| !changes_anyway(&workload.object)) {
        let states: Vec<State> = waves.iter().map(|wave| wave.state(workload)).collect();
        let lacks: Vec<Lack> = states
            .iter()
            .zip(waves)
            .filter(|(state, _)| **state == State::Lacks)
            .map(|(_, wave)| Lack {
                object: wave.object.clone(),
                id: wave.id.clone(),
                of_earlier_run: wave.since != Since::Now,
            })
            .collect();
        if !lacks.is_empty() {
            restarts.due.push(Restart { workload: workload.object.clone(), lacks });
        } else if states.contains(&State::Has) {
            restarts.restarted.push(workload.object.clone());
        }
    }
    restarts
}

/// Who uses an object, to be remembered with the change of its data.
#[must_use]
pub fn awaiting(
    namespace: &str,
    object: &Used,
    workloads: &[Workload],
    changes_anyway: &dyn Fn(&Object) -> bool,
) -> Vec<Awaiting> {
    let users = workloads.iter().filter(|workload| workload.takes(namespace, object)).map(|workload| &workload.object);
    users
        .map(|workload| Awaiting {
            uid: workload.uid().to_owned(),
            generation: generation(workload).filter(|_| changes_anyway(workload)),
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    NotConcerned,
    Lacks,
    Has,
}

impl Wave {
    fn state(&self, workload: &Workload) -> State {
        if !workload.takes(&self.namespace, &self.object) {
            return State::NotConcerned;
        }
        let workload = &workload.object;
        let Since::Before(awaiting) = &self.since else { return State::Lacks };
        let Some(entry) = awaiting.iter().find(|entry| entry.uid == workload.uid()) else { return State::NotConcerned };
        let rolled = entry.generation.is_some_and(|before| generation(workload).is_some_and(|now| now > before));
        if rolled || marks(workload).holds(&self.object, &self.id) { State::Has } else { State::Lacks }
    }
}

impl Restart {
    /// The objects whose data the pods have not read.
    pub fn objects(&self) -> impl Iterator<Item = &Used> {
        self.lacks.iter().map(|lack| &lack.object)
    }

    /// Whether all that is lacked comes from earlier runs.
    pub fn is_of_earlier_run(&self) -> bool {
        self.lacks.iter().all(|lack| lack.of_earlier_run)
    }

    /// Whether the workload was restarted for all of it before and then rolled back, by `history`: ReplicaSets and
    /// ControllerRevisions. The pods it has now are younger than the change.
    pub fn was_rolled_back(&self, history: &[Object]) -> bool {
        let uid = self.workload.uid();
        let own: Vec<Marks> = history.iter().filter(|past| is_owned(past, uid)).map(marks_of_past).collect();
        self.is_of_earlier_run()
            && self.lacks.iter().all(|lack| own.iter().any(|marks| marks.holds(&lack.object, &lack.id)))
    }

    /// Whether `live`, read later, needs it no more: it is restarted, or another object of the same name.
    pub fn is_done(&self, live: &Object) -> bool {
        let marks = marks(live);
        live.uid() != self.workload.uid() || self.lacks.iter().all(|lack| marks.holds(&lack.object, &lack.id))
    }

    /// The JSON patch that restarts `live` as it is; nothing may have happened to it since it was read.
    #[must_use]
    pub fn patch(&self, live: &Object) -> Value {
        const TEMPLATE: &str = "/spec/template/metadata";
        let used: BTreeSet<String> = uses(live.as_value()).iter().map(ToString::to_string).collect();
        let mut marks = marks(live);
        marks.retain(|object| used.contains(object));
        self.lacks.iter().for_each(|lack| marks.insert(&lack.object, &lack.id));
        let version = live.resource_version();
        let mut operations = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
        for path in [TEMPLATE.to_owned(), format!("{TEMPLATE}/annotations")] {
            if !live.as_value().pointer(&path).is_some_and(Value::is_object) {
                operations.push(json!({"op": "add", "path": path, "value": {}}));
            }
        }
        let path = format!("{TEMPLATE}/annotations/{}", REVISIONS_ANNOTATION.replace('/', "~1"));
        operations.push(json!({"op": "add", "path": path, "value": marks.to_text()}));
        Value::Array(operations)
    }
}

/// Why nobody can wait for a workload's pods, by what the build says of it and by what is live.
#[must_use]
pub fn not_awaited(wanted: Option<&Object>, live: Option<&Object>) -> Option<&'static str> {
    let field = |pointer: &str| {
        [wanted, live].into_iter().flatten().find_map(|object| object.as_value().pointer(pointer)).cloned()
    };
    if field("/spec/paused") == Some(Value::Bool(true)) {
        return Some("it is paused: its pods change when it is resumed");
    }
    if field("/spec/updateStrategy/type").is_some_and(|kind| kind == "OnDelete") {
        return Some("its pods change when they are deleted (OnDelete)");
    }
    let none = field("/spec/replicas").is_some_and(|replicas| replicas == 0);
    none.then_some("it has no pods (0 replicas)")
}

fn is_owned(object: &Object, uid: &str) -> bool {
    let owners = object.as_value().pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner["controller"] == true && owner["uid"] == uid)
}

fn generation(object: &Object) -> Option<i64> {
    object.as_value().pointer("/metadata/generation").and_then(Value::as_i64)
}

fn marks(workload: &Object) -> Marks {
    Marks::of(workload.as_value().pointer("/spec/template"))
}

/// A ReplicaSet has a template as its Deployment has; a ControllerRevision keeps it as data.
fn marks_of_past(past: &Object) -> Marks {
    let pointer = if past.kind() == "ControllerRevision" { "/data/spec/template" } else { "/spec/template" };
    Marks::of(past.as_value().pointer(pointer))
}

#[cfg(test)]
mod tests;
