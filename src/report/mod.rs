//! What a run found and did, as data; printed as text, Markdown or JSON.

mod bar;
pub mod comment;
mod inert;
pub mod json;
pub mod markdown;
mod redacted;
mod rows;
mod sentence;
mod survey;
pub mod text;
mod words;

use std::time::Duration;

use crate::error::{Problem, Stage};
use crate::object::ObjectId;

pub use self::bar::Bar;
pub(crate) use self::sentence::{capital, listed};
pub use self::survey::{Cell, Survey, Table};
pub(crate) use self::words::{count, printable, printable_lines, severity_word};

/// The difference between the cluster and the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// The cluster lacks it.
    Added,
    /// Both have it, with different content.
    Changed,
    /// The cluster has it and will not any more.
    Removed,
    /// Both have the same.
    Unchanged,
    /// Cannot be told, because its value is not given here.
    Unknown,
}

/// One key of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReport {
    /// Key of a Secret or ConfigMap, or the dotted path of a field of another kind.
    pub key: String,
    /// What happens to it.
    pub change: Change,
    /// The placeholders that fill it, each with where its value came from; empty for a literal.
    pub values: Vec<ValueReport>,
    /// What it holds, where that may be shown.
    pub shown: Shown,
    /// The object that it goes to (where it is removed) or comes from (where it is added).
    pub moved: Option<ObjectId>,
}

/// What a key or field holds: text that everybody may read, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// In the cluster, or in the base.
    pub before: Option<String>,
    /// In the build.
    pub after: Option<String>,
}

/// A placeholder's name and the source of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueReport {
    /// The placeholder's name.
    pub name: String,
    /// Where its value came from, such as `environment`, `secrets`, `vars`, `env-file`, `default`.
    pub source: &'static str,
    /// Whether the value must not be shown.
    pub sensitive: bool,
}

/// How far an object got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is to be done, or this run does not write.
    Planned,
    /// Written, and read back as written where it holds data.
    Done,
    /// The write was refused.
    Failed,
    /// The write was sent and not answered: whether the server has it is not known.
    Unanswered,
    /// Written, and after a failed rollout as it was before.
    Restored,
    /// The run stopped before it.
    NotReached,
}

/// One object of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReport {
    /// Which one.
    pub id: ObjectId,
    /// What happens to it.
    pub change: Change,
    /// Whether it holds what is wanted already, and becomes ours.
    pub taken_over: bool,
    /// How far it got.
    pub progress: Progress,
    /// Its keys or fields; all of them for a Secret or ConfigMap, the changed ones for other kinds.
    pub keys: Vec<KeyReport>,
    /// What others keep of it with another content.
    pub conflicts: Vec<ConflictReport>,
}

/// Fields that another field manager keeps with other values than the build's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictReport {
    /// The manager's name, with its subresource if it has one.
    pub manager: String,
    /// Dotted paths.
    pub fields: Vec<String>,
    /// Whether an apply takes them over, because it was asked to.
    pub forced: bool,
}

/// A workload that an apply restarts, or has restarted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartReport {
    /// Which one.
    pub id: ObjectId,
    /// The objects whose change its pods have to read.
    pub uses: Vec<ObjectId>,
    /// How far it got.
    pub progress: Progress,
    /// Why nobody waits for its pods, such as `it is paused`.
    pub note: Option<&'static str>,
}

/// An object of our set in the cluster that the build lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOverReport {
    /// Which one.
    pub id: ObjectId,
    /// Whether an apply deletes it.
    pub pruned: bool,
    /// How far its deletion got.
    pub progress: Progress,
    /// Why it stays, or what has its place.
    pub note: Option<String>,
}

/// What a comparison without a cluster has beside its objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseReport {
    /// Names of values that the build asks for and the base does not.
    pub gained: Vec<String>,
    /// Names of values that the base asks for and the build does not.
    pub lost: Vec<String>,
}

/// A workload that was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutReport {
    /// Which one.
    pub id: ObjectId,
    /// Whether it became ready in time.
    pub ready: bool,
    /// What was seen, such as `2 of 2 pods ready` or why it failed.
    pub detail: String,
}

/// The cluster that a run compares with or writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kubeconfig's context.
    pub context: String,
    /// The API server's URL.
    pub server: String,
}

/// All that a run has to say when it ends, well or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The command's word, such as `apply`; empty where the inputs do not tell.
    pub command: &'static str,
    /// The environment's name, such as `staging`.
    pub environment: String,
    /// Nothing was written to the cluster because the user asked for that.
    pub dry_run: bool,
    /// The cluster, once it is known.
    pub target: Option<Target>,
    /// The secret patch's path relative to the workspace, if one was written and stays.
    pub patch: Option<String>,
    /// Every placeholder that was filled.
    pub values: Vec<ValueReport>,
    /// Every object of the build, in the build's order; for `render`, of the patch.
    pub objects: Vec<ObjectReport>,
    /// Whether every object was compared, even if an apply would be refused.
    pub compared: bool,
    /// Workloads that an apply restarts, or that this one has restarted.
    pub restarts: Vec<RestartReport>,
    /// Objects of the set that are no longer in the build.
    pub left_over: Vec<LeftOverReport>,
    /// Beside a comparison with another checkout instead of a cluster.
    pub base: Option<BaseReport>,
    /// Workloads that were waited for.
    pub rollouts: Vec<RolloutReport>,
    /// What an `eso` command found and did.
    pub survey: Option<Survey>,
    /// Findings of every weight, in the order they were found.
    pub problems: Vec<Problem>,
    /// How long each stage took, in order.
    pub stages: Vec<(Stage, Duration)>,
    /// The stage that failed, if one did.
    pub failed: Option<Stage>,
}

impl Outcome {
    /// Whether something of the cluster is known to differ from the build (or differed, before it was applied).
    pub fn changed(&self) -> bool {
        self.objects.iter().any(|object| object.change.differs()) || self.left_over.iter().any(|object| object.pruned)
    }

    /// How many objects become ours as they are.
    pub(self) fn taken_over(&self) -> usize {
        self.objects.iter().filter(|object| object.taken_over).count()
    }

    /// The run ended at `stage`. Once anything was begun, what was planned and is not done is told as not reached.
    pub fn fail_at(&mut self, stage: Stage) {
        self.failed = Some(stage);
        let begun = self.objects.iter().map(|object| object.progress);
        let mut begun = begun.chain(self.restarts.iter().map(|restart| restart.progress));
        if begun.all(|progress| progress == Progress::Planned) {
            return;
        }
        let differing =
            self.objects.iter_mut().filter(|object| object.change != Change::Unchanged || object.taken_over);
        let doomed = self.left_over.iter_mut().filter(|object| object.pruned);
        let planned = differing.map(|object| &mut object.progress);
        let planned = planned.chain(self.restarts.iter_mut().map(|restart| &mut restart.progress));
        let planned = planned.chain(doomed.map(|object| &mut object.progress));
        for progress in planned.filter(|progress| **progress == Progress::Planned) {
            *progress = Progress::NotReached;
        }
    }
}

#[cfg(test)]
mod tests;
