//! `check`: template, base, overlay, ignore files and workflows agree, and nothing secret is committed; all findings at once.

pub(super) mod checkout;
mod committed;
mod overlay;
mod place;
mod plan;
mod plans;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use self::plan::Checked;
use self::plans::Plan;
use super::{Done, Run};
use crate::check::{self, Keys, Steps};
use crate::error::{Failure, Problem, Stage, text};
use crate::files::Overlay;
use crate::inputs::Command;
use crate::workflow_files::{Call, Calls};

impl<O: Write, E: Write> Run<O, E> {
    pub(super) async fn check(&mut self) -> Done {
        self.enter(Stage::Inputs);
        self.send_masks()?;
        let checkout = self.checkout()?;
        let calls = checkout.calls();
        let (plans, mut found) = self.plans(&checkout, &calls);

        self.enter(Stage::Check);
        let kubectl = if self.may_build(&plans, &mut found)? { self.builder_if_there(&mut found) } else { None };
        let mut checked = Vec::new();
        for plan in &plans {
            checked.push(match plan.judged {
                true => self.check_plan(&checkout, plan, kubectl.as_ref()).await,
                false => self.asked_by(plan).await,
            });
        }
        found.extend(calls.problems.iter().filter(|_| plans.iter().any(|plan| plan.judged)).cloned());
        found.extend(self.committed(&checkout, &plans));
        found.extend(unused(&plans, &checked, &calls));
        found.extend(differences(&plans, &checked));
        let judged = plans.iter().zip(checked).filter(|(plan, _)| plan.judged);
        found.extend(judged.flat_map(|(_, checked)| checked.problems));
        self.outcome.environment = environments(&plans).join(", ");
        self.settle(Stage::Check, check::in_order(found))
    }

    /// What the workflows ask for, as far as their files tell.
    pub(in crate::run) fn workflow_calls(&self) -> Result<Vec<Call>, Failure> {
        Ok(self.checkout()?.calls().calls)
    }

    /// Whether overlays may be built: those in the tree of somebody else are looked at only.
    fn may_build(&self, plans: &[Plan], found: &mut Vec<Problem>) -> Result<bool, Failure> {
        let mut paths: Vec<&Path> = Vec::new();
        for plan in plans {
            paths.extend(plan.layout.templates.iter().map(PathBuf::as_path));
            paths.extend(match &plan.layout.overlay {
                Overlay::Directory(overlay) => Some(overlay.as_path()),
                Overlay::None => None,
            });
        }
        let refusals = self.foreign_trees(&paths)?;
        found.extend(refusals.iter().filter(|_| self.outsider.is_none()).map(|refusal| {
            let text = text!("{}: what the overlays build is not checked", refusal.message);
            Problem::notice(refusal.kind, text)
        }));
        Ok(refusals.is_empty())
    }
}

fn environments(plans: &[Plan]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for plan in plans.iter().filter(|plan| plan.judged) {
        if !names.contains(&plan.environment) {
            names.push(plan.environment.clone());
        }
    }
    names.sort();
    names
}

/// Names that steps give in vain, where at least one environment that they deploy is looked at.
fn unused(plans: &[Plan], checked: &[Checked], calls: &Calls) -> Vec<Problem> {
    let judged: Vec<_> =
        plans.iter().filter(|plan| plan.judged).flat_map(|plan| &plan.calls).map(|call| &call.place).collect();
    let mut steps = Steps::default();
    calls.calls.iter().filter(|call| call.inputs.command == Command::Check).for_each(|call| steps.take_check(call));
    for (plan, checked) in plans.iter().zip(checked) {
        for call in plan.calls.iter().filter(|call| judged.contains(&&call.place)) {
            steps.take(call, checked.asking.as_ref().map(|asking| &asking.names));
        }
    }
    steps.unused(&calls.unresolved)
}

/// The environments of each root side by side.
fn differences(plans: &[Plan], checked: &[Checked]) -> Vec<Problem> {
    let mut roots: BTreeMap<Option<&PathBuf>, Vec<Keys>> = BTreeMap::new();
    for (plan, checked) in plans.iter().zip(checked).filter(|(plan, _)| plan.judged) {
        let keys = roots.entry(plan.root.as_ref()).or_default();
        if let Some(own) = &checked.keys
            && !keys.iter().any(|other| other.environment == plan.environment)
        {
            keys.push(own.clone());
        }
    }
    roots.values().filter(|keys| keys.len() > 1).flat_map(|keys| check::differences(keys)).collect()
}
