//! The trial: a Secret beside the real one, made from the same path, compared, and taken away again.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::step::Step;
use super::sync::{Named, PAUSE, Syncer};
use crate::error::{Problem, text};
use crate::eso::{PLAN_ANNOTATION, shadow};
use crate::object::Object;

/// How long a trial may take to go. A garbage collector that has just started, or just heard of a new kind, begins up to a minute later.
const COLLECTION: Duration = Duration::from_secs(120);

impl Syncer<'_> {
    /// Makes a Secret beside each from the same path, compares the two, and takes it away again.
    pub(super) async fn try_out(&self, steps: &mut [Step<'_>]) -> Result<(), Problem> {
        self.clear_trials(steps).await?;
        let mut tried: Vec<&mut Step<'_>> = steps.iter_mut().filter(|step| step.goes_on()).collect();
        tried.iter_mut().for_each(|step| step.tried = true);
        let manifests: Vec<Value> = tried.iter().map(|step| shadow(self.plan, step.plan)).collect();
        self.apply(&mut tried, manifests).await;
        let waited = self.wait(&mut tried, |plan| plan.trial().0).await;
        if waited.is_ok() {
            let compared = self.compare(&mut tried, |plan| plan.trial().1, None).await;
            self.clear_trials(steps).await?;
            return compared;
        }
        // Whatever happened: no trial stays.
        self.clear_trials(steps).await?;
        waited
    }

    /// Removes trials of this and earlier runs; what is there under their names and is none keeps its step from going on.
    async fn clear_trials(&self, steps: &mut [Step<'_>]) -> Result<(), Problem> {
        let steps: Vec<&mut Step<'_>> = steps.iter_mut().filter(|step| step.may_have_trial()).collect();
        let api = self.plan.api_version.as_str();
        let until = Instant::now() + self.patience.min(COLLECTION);
        loop {
            let externals = self.read(&steps, api, "ExternalSecret", |plan| plan.trial().0).await?;
            let secrets = self.read(&steps, "v1", "Secret", |plan| plan.trial().1).await?;
            for external in externals.values().filter(|external| is_trial(external)) {
                self.kubectl.delete_same(external, "externalsecrets").await?;
            }
            let foreign: Vec<(String, String)> = externals
                .values()
                .filter(|one| !is_trial(one))
                .chain(secrets.values().filter(|one| !is_made_by_trial(one)))
                .map(|one| (one.namespace().unwrap_or_default().to_owned(), one.name().to_owned()))
                .collect();
            let gone = externals.is_empty() && secrets.is_empty();
            if gone || !foreign.is_empty() || Instant::now() >= until {
                Self::keep_back(steps, &foreign, &externals, &secrets);
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn keep_back(steps: Vec<&mut Step<'_>>, foreign: &[(String, String)], externals: &Named, secrets: &Named) {
        for step in steps.into_iter().filter(|step| step.moved.is_well()) {
            let (external, secret) = step.plan.trial();
            let namespace = step.plan.namespace.clone();
            let is_foreign = |name: &String| foreign.contains(&(namespace.clone(), name.clone()));
            if is_foreign(&external) || is_foreign(&secret) {
                let text = text!("`{namespace}` has a `{external}` or `{secret}` that is no trial of this program");
                let help = "the trial needs these names: rename what has them, or edit `externalSecret` in the plan";
                step.moved.problem = Some(Problem::error("trial-name-taken", text).help(help));
            } else if externals.contains_key(&(namespace.clone(), external.clone())) {
                let text = text!("the ExternalSecret `{namespace}/{external}` of a trial does not go away");
                let help = "check that External Secrets runs: it has to take its finalizer off";
                step.moved.problem = Some(Problem::error("trial-stays", text).help(help));
            } else if secrets.contains_key(&(namespace.clone(), secret.clone())) {
                let text = text!("the Secret `{namespace}/{secret}` of a trial does not go away");
                let help = "check that kube-controller-manager collects garbage, or delete it by hand";
                step.moved.problem = Some(Problem::error("trial-stays", text).help(help));
            }
        }
    }
}

fn is_trial(external: &Object) -> bool {
    external.as_value().pointer("/metadata/annotations").is_some_and(|all| all.get(PLAN_ANNOTATION).is_some())
        && external
            .as_value()
            .pointer("/spec/target/name")
            .and_then(Value::as_str)
            .is_some_and(|name| name.ends_with("-eso-check"))
}

fn is_made_by_trial(secret: &Object) -> bool {
    let owners = secret.as_value().pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| {
        owner["kind"] == "ExternalSecret" && owner["name"].as_str().is_some_and(|name| name.ends_with("-eso-check"))
    })
}
