//! Which workloads a run has to restart, worked out from the plan and from who uses what it writes.

use std::hash::{BuildHasher as _, RandomState};

use crate::build;
use crate::changes::{self, Restart, Restarts, Revision, Since, Used, Wave, Workload};
use crate::object::{Object, ObjectId};
use crate::report::{Change, Progress, RestartReport};
use crate::rights::Need;
use crate::run::Step;

/// What a run has to do about the workloads that use what it writes, or what a run before it wrote.
#[derive(Debug, Default)]
pub(in crate::run) struct RestartPlan {
    /// Who is restarted, and who was.
    pub(in crate::run) restarts: Restarts,
    /// The objects that remember it (places in the plan), and what they remember.
    pub(in crate::run) revisions: Vec<(usize, Revision)>,
    /// Rights that are missing to know or do all of it.
    pub(in crate::run) needs: Vec<Need>,
}

impl RestartPlan {
    /// What the steps at `concerned` ask of `workloads`. A change of this run is written into what is applied.
    pub(in crate::run) fn of(plan: &mut [Step], concerned: &[usize], workloads: &[Workload], of_context: &str) -> Self {
        let (waves, revisions) = waves(plan, concerned, workloads, of_context);
        let changes_anyway = |workload: &Object| changes_anyway(plan, workload);
        Self { restarts: changes::restarts(&waves, workloads, &changes_anyway), revisions, needs: Vec::new() }
    }

    /// The part of it that those steps of `plan` ask for that are `done`.
    pub(in crate::run) fn only(&self, plan: &[Step], done: &[bool], of_context: &str) -> Self {
        let asks = |restart: &&Restart| {
            let namespace = restart.workload.namespace().unwrap_or_default();
            let uses = |step: &Step| {
                step.namespace(of_context) == namespace && restart.objects().any(|used| step.used() == *used)
            };
            plan.iter().zip(done).any(|(step, done)| *done && uses(step))
        };
        let due = self.restarts.due.iter().filter(asks).cloned().collect();
        let revisions = self.revisions.iter().filter(|(at, _)| done[*at]).cloned().collect();
        Self { restarts: Restarts { due, restarted: Vec::new() }, revisions, needs: Vec::new() }
    }
}

impl Step {
    /// Whether its data changes now, or changed in a run that did not get to its end.
    pub(in crate::run) fn asks_for_restarts(&self) -> bool {
        !self.depends && (self.changes_data() || self.left_by_earlier_run().is_some())
    }

    fn changes_data(&self) -> bool {
        self.change.writes && self.change.data_changes
    }

    fn left_by_earlier_run(&self) -> Option<Revision> {
        let live = self.live.as_ref().filter(|live| live.is_secret() || live.is_config_map())?;
        Revision::of(live).filter(|revision| !revision.awaiting.is_empty())
    }

    pub(in crate::run) fn namespace<'a>(&'a self, of_context: &'a str) -> &'a str {
        self.wanted.namespace().unwrap_or(of_context)
    }

    fn used(&self) -> Used {
        Used { kind: self.wanted.kind().to_owned(), name: self.wanted.name().to_owned() }
    }

    /// Whether it is this live object.
    pub(in crate::run) fn is(&self, live: &Object, of_context: &str) -> bool {
        let id = self.wanted.id();
        ObjectId { namespace: Some(self.namespace(of_context).to_owned()), ..id } == live.id()
    }

    /// Whether its pods get a new template by this apply.
    fn changes_template(&self) -> bool {
        let is_of_template = |key: &str| key == "spec.template" || key.starts_with("spec.template.");
        let mut keys = self.change.keys.iter();
        self.change.writes && keys.any(|key| key.change != Change::Unchanged && is_of_template(&key.key))
    }
}

fn changes_anyway(plan: &[Step], workload: &Object) -> bool {
    let is = |step: &&Step| step.live.as_ref().is_some_and(|live| live.id() == workload.id());
    plan.iter().find(is).is_some_and(Step::changes_template)
}

/// The changes that pods have to read. Those of this run are written into what is applied.
fn waves(
    plan: &mut [Step],
    concerned: &[usize],
    workloads: &[Workload],
    of_context: &str,
) -> (Vec<Wave>, Vec<(usize, Revision)>) {
    let (mut waves, mut revisions) = (Vec::new(), Vec::new());
    for &at in concerned {
        let (namespace, object) = (plan[at].namespace(of_context).to_owned(), plan[at].used());
        let left = plan[at].left_by_earlier_run();
        let (revision, since) = if plan[at].changes_data() {
            let changes_anyway = |workload: &Object| changes_anyway(plan, workload);
            let awaiting = changes::awaiting(&namespace, &object, workloads, &changes_anyway);
            if awaiting.is_empty() && left.is_none() {
                continue;
            }
            let revision = Revision { id: random(), awaiting };
            revision.write(&mut plan[at].wanted);
            (revision, Since::Now)
        } else {
            let Some(revision) = left else { continue };
            let since = Since::Before(revision.awaiting.clone());
            (revision, since)
        };
        waves.push(Wave { namespace, object, id: revision.id.clone(), since });
        revisions.push((at, revision));
    }
    (waves, revisions)
}

/// The standard library's maps are keyed by the system's randomness.
fn random() -> String {
    format!("{:016x}", RandomState::new().hash_one(0))
}

pub(in crate::run) fn report(plan: &[Step], restart: &Restart, of_context: &str) -> RestartReport {
    let workload = &restart.workload;
    let own = plan.iter().find(|step| step.is(workload, of_context));
    let namespace = workload.namespace().unwrap_or_default();
    let object = |used: &Used| {
        let step = plan.iter().find(|step| step.used() == *used && step.namespace(of_context) == namespace);
        step.map(|step| build::without_content_hash(&step.wanted.id()))
    };
    RestartReport {
        id: own.map_or_else(|| workload.id(), |step| step.wanted.id()),
        uses: restart.objects().filter_map(object).collect(),
        progress: Progress::Planned,
        note: changes::not_awaited(own.map(|step| &step.wanted), Some(workload)),
    }
}
