//! Letting External Secrets take over: first a trial beside the Secret, then for real, each believed only when it is seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::snapshots::{bare, by_name};
use super::step::Step;
use crate::changes::LAST_APPLIED;
use crate::error::{Problem, text};
use crate::eso::{Plan, SecretPlan, Sync, real};
use crate::kubectl::{Conflicts, Expected, Kubectl, Writes, Written};
use crate::object::Object;

/// Between two looks at the ExternalSecrets.
pub(super) const PAUSE: Duration = Duration::from_millis(150);
/// How long an ExternalSecret may stay without any status before nobody is thought to look at it.
pub(super) const SILENCE: Duration = Duration::from_secs(40);
/// How long one that is not ready is waited for: the controller tries four times in two seconds.
pub(super) const HOPE: Duration = Duration::from_secs(6);
/// How many are under way at once.
pub(super) const AT_ONCE: usize = 50;

pub(super) type Named = BTreeMap<(String, String), Object>;

/// Applies ExternalSecrets and waits for them.
pub(super) struct Syncer<'a> {
    pub(super) kubectl: &'a Kubectl,
    pub(super) plan: &'a Plan,
    pub(super) patience: Duration,
    /// How many are in sync.
    pub(super) done: &'a AtomicUsize,
}

impl Syncer<'_> {
    /// Lets External Secrets make the Secrets of `steps`. What keeps one from that is told in its step.
    ///
    /// # Errors
    /// What keeps all of them from it.
    pub(super) async fn sync(&self, steps: &mut [Step<'_>]) -> Result<(), Problem> {
        self.try_out(steps).await?;
        self.take_over(steps).await?;
        self.strip(steps).await
    }

    async fn take_over(&self, steps: &mut [Step<'_>]) -> Result<(), Problem> {
        let mut going: Vec<&mut Step<'_>> = steps.iter_mut().filter(|step| step.goes_on()).collect();
        // What was changed since the snapshot would be overwritten with what Vault has.
        self.compare(&mut going, |plan| plan.secret.clone(), Some("changed-meanwhile")).await?;
        going.retain(|step| step.moved.is_well());
        let manifests: Vec<Value> = going.iter().map(|step| real(self.plan, step.plan)).collect();
        self.apply(&mut going, manifests).await;
        self.force(&mut going).await?;
        self.wait(&mut going, |plan| plan.external_secret.clone()).await?;
        self.compare(&mut going, |plan| plan.secret.clone(), Some("secret-differs")).await?;
        for step in going.into_iter().filter(|step| step.moved.is_well()) {
            step.moved.sync = Sync::Done;
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes `last-applied-configuration` off Secrets that are in sync.
    async fn strip(&self, steps: &mut [Step<'_>]) -> Result<(), Problem> {
        let path = format!("/metadata/annotations/{}", LAST_APPLIED.replace('/', "~1"));
        let is_due = |step: &&mut Step<'_>| step.in_clear && step.moved.is_well() && step.moved.sync != Sync::None;
        for step in steps.iter_mut().filter(is_due) {
            let Some(secret) = bare("v1", "Secret", &step.plan.namespace, &step.plan.secret) else { continue };
            let operations = json!([
                {"op": "test", "path": "/metadata/uid", "value": step.uid},
                {"op": "remove", "path": path},
            ]);
            match self.kubectl.patch(&secret, &operations, Writes::Really).await {
                Ok(_) => step.moved.stripped = true,
                Err(problem) => step.moved.problem = Some(problem),
            }
        }
        Ok(())
    }

    /// Objects of one kind by the names that `name` gives them.
    pub(super) async fn read(
        &self,
        steps: &[&mut Step<'_>],
        version: &str,
        kind: &str,
        name: impl Fn(&SecretPlan) -> String,
    ) -> Result<Named, Problem> {
        let wanted = steps.iter().filter_map(|step| bare(version, kind, &step.plan.namespace, &name(step.plan)));
        let read = self.kubectl.read(&wanted.collect::<Vec<_>>()).await;
        match read.problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(by_name(read.live.into_values())),
        }
    }

    /// Applies one manifest a step, all in one call.
    pub(super) async fn apply(&self, steps: &mut [&mut Step<'_>], manifests: Vec<Value>) {
        let objects: Vec<Object> = manifests.into_iter().filter_map(|one| Object::parse(one).ok()).collect();
        let expected = vec![Expected::Anything; objects.len()];
        let applied = self.kubectl.apply(&objects, &expected, Conflicts::Refuse).await;
        let answers = objects.iter().zip(applied.written);
        for (step, (object, written)) in steps.iter_mut().zip(answers) {
            step.moved.problem = match written {
                Written::Done => None,
                // What the call says of several is not said of each.
                Written::Refused | Written::Outdated => self.apply_alone(object).await,
                Written::Unknown => Some(not_applied(object, &applied.problems)),
            };
        }
    }

    /// Why `object` is not applied, if it is not.
    async fn apply_alone(&self, object: &Object) -> Option<Problem> {
        let one = std::slice::from_ref(object);
        let applied = self.kubectl.apply(one, &[Expected::Anything], Conflicts::Refuse).await;
        (applied.written != [Written::Done]).then(|| not_applied(object, &applied.problems))
    }

    /// Compares the Secrets that `name` names with the snapshots. `kind` is the word for a difference, [`None`] for the trial's.
    pub(super) async fn compare(
        &self,
        steps: &mut [&mut Step<'_>],
        name: impl Fn(&SecretPlan) -> String,
        kind: Option<&'static str>,
    ) -> Result<(), Problem> {
        let well: Vec<&mut Step<'_>> =
            steps.iter_mut().filter(|step| step.moved.is_well()).map(|step| &mut **step).collect();
        let found = self.read(&well, "v1", "Secret", &name).await?;
        for step in well {
            let id = (step.plan.namespace.clone(), name(step.plan));
            let secret = found.get(&id);
            if secret.is_none() && kind.is_none() {
                step.moved.problem = Some(gone("Secret", &id));
                continue;
            }
            let wrong = secret.map_or_else(|| vec!["all of it".to_owned()], |secret| step.differing(secret));
            let is_same = kind.is_none() || secret.is_some_and(|secret| secret.uid() == step.uid);
            if !wrong.is_empty() || !is_same {
                step.moved.problem = Some(differs(step.plan, kind, &wrong));
            }
        }
        Ok(())
    }
}

fn not_applied(object: &Object, problems: &[Problem]) -> Problem {
    let why = problems.iter().find(|problem| problem.is_error());
    why.cloned().unwrap_or_else(|| {
        Problem::error("not-applied", text!("the ExternalSecret `{}` was not applied", object.name())).help("run again")
    })
}

/// What this run has made, and somebody else took away.
pub(super) fn gone(kind: &str, (namespace, name): &(String, String)) -> Problem {
    let text = text!("the {kind} `{namespace}/{name}` was there, and is gone");
    Problem::error("gone-meanwhile", text)
        .help("the Secret is as it was; two runs of one plan take away each other's trials: let one end, and run again")
}

fn differs(plan: &SecretPlan, kind: Option<&'static str>, keys: &[String]) -> Problem {
    let (id, keys) = (plan.id(), keys.join(", "));
    match kind {
        None => Problem::error(
            "trial-differs",
            text!("what External Secrets makes of `{}` is not what Secret `{id}` holds, in: {keys}", plan.path),
        )
        .help("the Secret is as it was; check that the store reads the Vault, namespace and mount that were written"),
        Some("changed-meanwhile") => {
            Problem::error("changed-meanwhile", text!("Secret `{id}` was changed during the run, in: {keys}"))
                .help(text!("run again with `overwrite: {}`, which writes the new values", plan.path))
        }
        Some(kind) => Problem::error(kind, text!("Secret `{id}` is another one than before, in: {keys}"))
            .help("Vault has the values from before the run; look who else writes the Secret"),
    }
}
