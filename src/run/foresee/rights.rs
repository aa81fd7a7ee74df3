//! Rights first: what later stages need is asked of the server before anything is written.

use std::collections::BTreeMap;
use std::io::Write;

use crate::changes;
use crate::error::{Failure, Problem, text};
use crate::inputs::{Command, Rollout};
use crate::kubectl::{Kubectl, Review};
use crate::object::Object;
use crate::rights::{self, Need, Resource, Scope, Verb};
use crate::run::foresee::left_over::Ground;
use crate::run::foresee::restart_plan::RestartPlan;
use crate::run::{Run, Standing, Step};

/// What the kinds of a build are called in rules.
pub(in crate::run) struct Naming {
    /// By group and kind.
    resources: BTreeMap<(String, String), Resource>,
    /// Of what names none.
    namespace: String,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Which of `needs` for an apply of `plan` are known to be missing. Nothing is asked where there is none. A diff by an account that
    /// only looks is not refused for them: they are told.
    pub(in crate::run) async fn missing_rights(
        &mut self,
        kubectl: &Kubectl,
        plan: &[Step],
        needs: Vec<Need>,
    ) -> Option<Problem> {
        if needs.is_empty() {
            return None;
        }
        let review = match kubectl.review(&needs).await {
            Ok(review) => review,
            Err(problem) => {
                let text = text!("the server does not say what this account may do: {}", problem.message);
                self.note([Problem::notice("rights-unknown", text).help("what it refuses will be told when it does")]);
                return None;
            }
        };
        self.note(undecided(&review));
        let missing = missing(&review)?;
        if self.inputs.command == Command::Diff && only_looks(kubectl, plan).await {
            let text = text!("an apply takes rights that this account has not: {}", rights::told(&review.missing));
            self.note([Problem::notice("only-looks", text)]);
            return None;
        }
        Some(missing)
    }

    /// The same failure with all that is missing at once, where it is a matter of rights: a refusal names only the first verb.
    pub(in crate::run) async fn with_rights(&mut self, kubectl: &Kubectl, failure: Failure, plan: &[Step]) -> Failure {
        let is_forbidden = |problem: &Problem| problem.kind == "forbidden";
        if !failure.problems.iter().any(is_forbidden) {
            return failure;
        }
        let needs = self.needs_of_all(kubectl, plan).await;
        let Ok(review) = kubectl.review(&needs).await else { return failure };
        let Some(missing) = missing(&review) else { return failure };
        let others = failure.problems.into_iter().filter(|problem| !is_forbidden(problem));
        Failure { problems: others.chain([missing]).collect(), ..failure }
    }

    /// All that reading, comparing and applying the objects of `plan` needs; every one of them where nothing is known of them yet.
    async fn needs_of_all(&self, kubectl: &Kubectl, plan: &[Step]) -> Vec<Need> {
        let naming = Naming::of(kubectl, plan.iter().map(|step| &step.wanted)).await;
        let differing = plan.iter().filter(|step| step.change.writes);
        let mut needs: Vec<Need> = differing.clone().flat_map(|step| naming.to_write(step)).collect();
        let reads = plan.iter().filter_map(|step| naming.need(Verb::Get, &step.wanted));
        if self.inputs.command == Command::Diff {
            return reads.collect();
        }
        needs.extend(reads);
        needs.extend(self.needs_of_rollout(&naming, differing));
        if self.inputs.prune {
            let wanted = plan.iter().map(|step| &step.wanted);
            needs.extend(Ground::of(&self.inputs, wanted, &kubectl.namespace).needs());
        }
        needs
    }

    /// What applying `plan` needs beyond what the server has shown to allow, by answering reads and dry-runs.
    pub(in crate::run) async fn needs_beyond_trial(&self, kubectl: &Kubectl, plan: &[Step]) -> Vec<Need> {
        let is_untried = |step: &&Step| !step.answered && !step.is_unchanged();
        let waits = |step: &&Step| step.change.writes && changes::is_workload(&step.wanted);
        if !plan.iter().any(|step| is_untried(&step) || waits(&step)) {
            return Vec::new();
        }
        let untried = plan.iter().filter(is_untried);
        let naming = Naming::of(kubectl, plan.iter().map(|step| &step.wanted)).await;
        let mut needs: Vec<Need> = untried.flat_map(|step| naming.to_write(step)).collect();
        needs.extend(self.needs_of_rollout(&naming, plan.iter().filter(waits)));
        needs
    }

    /// What restarting and awaiting the workloads that are due needs, and what is missing to know them all.
    pub(in crate::run) fn needs_of_restarts(&self, due: &RestartPlan) -> Vec<Need> {
        if self.inputs.rollout != Rollout::Restart {
            return Vec::new();
        }
        let need = |workload: &Object, verb: Verb| {
            let resource = rights::builtin(workload.group(), workload.kind())?;
            Some(Need::new(verb, workload.group(), &resource.plural, workload.namespace()).of(workload.name()))
        };
        let patched = due.restarts.due.iter().map(|restart| &restart.workload);
        let awaited = patched.clone().chain(&due.restarts.restarted);
        let mut needs = due.needs.clone();
        needs.extend(patched.filter_map(|workload| need(workload, Verb::Patch)));
        needs.extend(awaited.flat_map(|workload| [Verb::Get, Verb::Watch].map(|verb| need(workload, verb))).flatten());
        needs
    }

    /// Waiting is a list of the one object, and then a watch.
    fn needs_of_rollout<'a>(&self, naming: &Naming, steps: impl Iterator<Item = &'a Step>) -> Vec<Need> {
        if self.inputs.rollout == Rollout::Skip {
            return Vec::new();
        }
        let workloads = steps.map(|step| &step.wanted).filter(|wanted| changes::is_workload(wanted));
        workloads
            .flat_map(|wanted| [Verb::Get, Verb::List, Verb::Watch].map(|verb| naming.need(verb, wanted)))
            .flatten()
            .collect()
    }
}

impl Naming {
    /// Asks the server only for kinds that neither Kubernetes nor the build itself brings.
    async fn of<'a>(kubectl: &Kubectl, objects: impl Iterator<Item = &'a Object> + Clone) -> Self {
        let mut resources: BTreeMap<(String, String), Resource> = objects
            .clone()
            .filter(|object| object.kind() == "CustomResourceDefinition")
            .filter_map(rights::of_definition)
            .map(|(group, kind, resource)| ((group, kind), resource))
            .collect();
        let mut unknown = false;
        for object in objects {
            let key = (object.group().to_owned(), object.kind().to_owned());
            match rights::builtin(object.group(), object.kind()) {
                Some(resource) => drop(resources.insert(key, resource)),
                None => unknown |= !resources.contains_key(&key),
            }
        }
        if unknown && let Ok(known) = kubectl.resources().await {
            resources.extend(known);
        }
        Self { resources, namespace: kubectl.namespace.clone() }
    }

    /// `None` for a kind that nobody knows.
    fn need(&self, verb: Verb, object: &Object) -> Option<Need> {
        let resource = self.resources.get(&(object.group().to_owned(), object.kind().to_owned()))?;
        let namespace = match resource.scope {
            Scope::Namespaced => Some(object.namespace().unwrap_or(&self.namespace)),
            // A Namespace is asked for beneath its own name.
            Scope::Cluster => Some(object.name()).filter(|_| resource.plural == "namespaces"),
        };
        Some(Need::new(verb, object.group(), &resource.plural, namespace).of(object.name()))
    }

    fn to_write(&self, step: &Step) -> Vec<Need> {
        let verbs: &[Verb] = match (step.standing, &step.live) {
            (Standing::Shared | Standing::Foreign | Standing::Unread, _) => &[],
            (Standing::Ours, None) => &[Verb::Create, Verb::Patch],
            (Standing::Ours, Some(_)) => &[Verb::Patch],
        };
        verbs.iter().filter_map(|&verb| self.need(verb, &step.wanted)).collect()
    }
}

/// Whether the account may write no object of `plan`, as far as the server tells.
async fn only_looks(kubectl: &Kubectl, plan: &[Step]) -> bool {
    if plan.iter().any(|step| step.answered) {
        return false;
    }
    let naming = Naming::of(kubectl, plan.iter().map(|step| &step.wanted)).await;
    let writes: Vec<Need> = plan.iter().flat_map(|step| naming.to_write(step)).collect();
    let review = kubectl.review(&writes).await;
    review.is_ok_and(|review| writes.iter().all(|write| review.missing.contains(write)))
}

fn missing(review: &Review) -> Option<Problem> {
    if review.missing.is_empty() {
        return None;
    }
    let who = review.user.as_ref().map_or("the kubeconfig's user".to_owned(), |user| format!("`{user}`"));
    let text = text!("{who} lacks rights: {}", rights::told(&review.missing));
    let help = text!("have this applied and bound to {who}:\n{}", rights::role(&review.missing));
    Some(Problem::error("forbidden", text).help(help))
}

fn undecided(review: &Review) -> Option<Problem> {
    let (_, why) = review.undecided.first()?;
    let all: Vec<Need> = review.undecided.iter().map(|(need, _)| need.clone()).collect();
    let text = text!("the server cannot say whether this is allowed: {} ({why})", rights::told(&all));
    Some(Problem::notice("rights-unknown", text).help("what it refuses will be told when it does"))
}
