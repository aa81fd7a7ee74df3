//! What an apply would do, worked out and told before anything is written.

use std::io::Write;

use super::compare::Compared;
use super::left_over::{Doomed, Ground, needs_of_pruning};
use super::restart_plan::RestartPlan;
use super::{Run, Step};
use crate::changes::Set;
use crate::error::{Failure, Problem, Stage};
use crate::files::{Layout, PatchFile};
use crate::inputs::Command;
use crate::kubectl::Kubectl;
use crate::template::Filled;
use crate::values::Values;

/// What is deployed, and where to.
pub(super) struct Deployment {
    /// Where its files lie.
    pub(super) layout: Layout,
    /// The place of the secret patch, where an overlay needs one.
    patch_file: Option<PatchFile>,
    set: Set,
    kubectl: Kubectl,
}

/// What an apply would do, and why it would be refused.
pub(super) struct Foreseen {
    /// The way to the cluster.
    pub(super) kubectl: Kubectl,
    /// Whose the objects are to be.
    pub(super) set: Set,
    /// Every object of the build.
    pub(super) plan: Vec<Step>,
    /// What is pruned.
    pub(super) doomed: Vec<Doomed>,
    /// Who is restarted.
    pub(super) restarts: RestartPlan,
    /// Errors.
    pub(super) refused: Vec<Problem>,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Stage [`Stage::Inputs`] of whatever looks at the cluster.
    pub(super) fn deployment(&mut self) -> Result<Deployment, Failure> {
        self.enter(Stage::Inputs);
        let layout = self.layout()?;
        self.refuse_foreign_trees(&layout)?;
        Ok(Deployment {
            patch_file: self.patch_file_for(&layout)?,
            set: self.set(&layout)?,
            kubectl: self.cluster()?,
            layout,
        })
    }

    /// Builds, checks, compares with the cluster, and tells what follows from it. An apply ends at what refuses it, a diff goes on and
    /// tells the rest.
    ///
    /// # Errors
    /// What keeps the build from being made, or the cluster from being compared at all.
    pub(super) async fn foresee(
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
        let ground = Ground::of(&self.inputs, wanted.objects(), &kubectl.namespace);
        let marked = kubectl.marked(&set, &ground.holders, &ground.namespaces);
        let (marked, compared) = tokio::join!(marked, self.compare(&kubectl, wanted, &view, &set));
        let compared = compared?;
        self.tell(&compared, &view, values);
        let Compared { mut plan, mut refused, tried, .. } = compared;
        if !refused.is_empty() && self.inputs.command != Command::Diff {
            return Err(Failure::new(Stage::Compare, refused));
        }
        let doomed = self.left_over(&kubectl, &set, &plan, marked).await;
        let doomed = self.or_refused(doomed, &mut refused)?;
        let restarts = self.plan_restarts(&kubectl, &mut plan).await;
        let restarts = self.or_refused(restarts, &mut refused)?;
        // Whoever may not even try an apply has been told which rights it takes.
        if tried {
            let mut needs = self.needs_beyond_trial(&kubectl, &plan).await;
            needs.extend(needs_of_pruning(&doomed));
            needs.extend(self.needs_of_restarts(&restarts));
            refused.extend(self.missing_rights(&kubectl, needs).await);
        }
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
    pub(super) fn allowed(self) -> Result<Self, Failure> {
        if self.refused.is_empty() { Ok(self) } else { Err(Failure::new(Stage::Compare, self.refused)) }
    }
}
