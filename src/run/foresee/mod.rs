//! What an apply would do, worked out and told before anything is written.

pub(in crate::run) mod compare;
pub(in crate::run) mod left_over;
pub(in crate::run) mod restart_plan;
pub(in crate::run) mod rights;
pub(in crate::run) mod set;
pub(in crate::run) mod told;
pub(in crate::run) mod trial;
pub(in crate::run) mod view;

use std::io::Write;

use crate::changes::Set;
use crate::error::{Failure, Problem, Stage};
use crate::files::{Layout, PatchFile};
use crate::inputs::Command;
use crate::kubectl::Kubectl;
use crate::run::foresee::compare::Compared;
use crate::run::foresee::left_over::{Doomed, needs_of_pruning};
use crate::run::foresee::restart_plan::RestartPlan;
use crate::run::{Run, Step};
use crate::template::Filled;
use crate::values::Values;

/// What is deployed, and where to.
pub(in crate::run) struct Deployment {
    /// Where its files lie.
    pub(in crate::run) layout: Layout,
    /// The place of the secret patch, where an overlay needs one.
    patch_file: Option<PatchFile>,
    set: Set,
    kubectl: Kubectl,
}

/// What an apply would do, and why it would be refused.
pub(in crate::run) struct Foreseen {
    /// The way to the cluster.
    pub(in crate::run) kubectl: Kubectl,
    /// Whose the objects are to be.
    pub(in crate::run) set: Set,
    /// Every object of the build.
    pub(in crate::run) plan: Vec<Step>,
    /// What is pruned.
    pub(in crate::run) doomed: Vec<Doomed>,
    /// Who is restarted.
    pub(in crate::run) restarts: RestartPlan,
    /// Errors.
    pub(in crate::run) refused: Vec<Problem>,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Stage [`Stage::Inputs`] of whatever looks at the cluster.
    pub(in crate::run) fn deployment(&mut self) -> Result<Deployment, Failure> {
        self.enter(Stage::Inputs);
        let layout = self.layout();
        if let Ok(layout) = &layout {
            // Whoever brings another's tree is told that, and not what else he has not been given.
            self.refuse_foreign_trees(layout)?;
        }
        let (layout, kubectl) = Failure::of_both(layout, self.reach_cluster())?;
        // The comment of an earlier run is found by set and cluster, whatever else is wrong.
        let set = self.set(&layout);
        let (set, patch_file) = Failure::of_both(set, self.patch_file_for(&layout))?;
        Ok(Deployment { layout, patch_file, set, kubectl })
    }

    /// Builds, checks, compares with the cluster, and tells what follows from it. An apply ends at what refuses it, a diff goes on and
    /// tells the rest.
    ///
    /// # Errors
    /// What keeps the build from being made, or the cluster from being compared at all.
    pub(in crate::run) async fn foresee(
        &mut self,
        deployment: Deployment,
        filled: &Filled,
        values: &Values,
    ) -> Result<Foreseen, Failure> {
        let Deployment { layout, patch_file, set, kubectl } = deployment;
        let built = self.built(&layout, patch_file.as_ref(), filled, &kubectl).await?;
        drop(patch_file);
        let (wanted, view) = self.wanted(built, &set, values);

        self.enter(Stage::Compare);
        let compared = self.compare(&kubectl, wanted, &view, &set).await?;
        self.tell(&compared, &view, values);
        let Compared { mut plan, marked, mut refused, .. } = compared;
        if !refused.is_empty() && self.inputs.command != Command::Diff {
            return Err(Failure::new(Stage::Compare, refused));
        }
        let doomed = self.left_over(&kubectl, &set, &plan, marked).await;
        let doomed = self.or_refused(doomed, &mut refused)?;
        let restarts = self.plan_restarts(&kubectl, &mut plan).await;
        let restarts = self.or_refused(restarts, &mut refused)?;
        let mut needs = self.needs_beyond_trial(&kubectl, &plan).await;
        needs.extend(needs_of_pruning(&doomed));
        needs.extend(self.needs_of_restarts(&restarts));
        refused.extend(self.missing_rights(&kubectl, &plan, needs).await);
        Ok(Foreseen { kubectl, set, plan, doomed, restarts, refused })
    }

    /// A diff tells why an apply would stop here, and goes on.
    fn or_refused<T: Default>(&self, found: Result<T, Failure>, refused: &mut Vec<Problem>) -> Result<T, Failure> {
        match found {
            Err(failure) if self.inputs.command == Command::Diff => {
                refused.extend(failure.problems);
                Ok(T::default())
            }
            found => found,
        }
    }
}

impl Foreseen {
    /// The same, where nothing speaks against an apply.
    ///
    /// # Errors
    /// Why it would be refused.
    pub(in crate::run) fn allowed(self) -> Result<Self, Failure> {
        if self.refused.is_empty() { Ok(self) } else { Err(Failure::new(Stage::Compare, self.refused)) }
    }
}
