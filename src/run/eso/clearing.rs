//! Taking trials away: those of this run on every way out of it, and those that a killed one left.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::super::Run;
use super::ground::Ground;
use super::snapshots::{bare, by_name};
use super::sync::{Named, PAUSE};
use crate::error::{Problem, text};
use crate::eso::{PLAN_ANNOTATION, Plan, SecretPlan};
use crate::kubectl::Kubectl;
use crate::object::Object;

/// How long a trial may take to go. A garbage collector that has just started, or just heard of a new kind, begins up to a minute later.
pub(super) const COLLECTION: Duration = Duration::from_secs(120);
/// How long a run that is stopped, or has failed, takes for it: the runner kills a cancelled step soon after.
const FAREWELL: Duration = Duration::from_secs(3);
/// The kind of the problem that a trial is still there.
pub(super) const STAYS: &str = "trial-stays";
/// How many are deleted at once.
const AT_ONCE: usize = 4;

/// An ExternalSecret that makes a Secret for a trial, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trial {
    api_version: String,
    namespace: String,
    external: String,
    secret: String,
}

/// Trials that are under way, until they are known to be gone.
pub(in crate::run) struct UnderTrial {
    pub(super) kubectl: Arc<Kubectl>,
    pub(super) trials: Vec<Trial>,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Takes away what a run of the plan that was killed has left, of Secrets too that will not move this time.
    pub(super) async fn clear_earlier_trials(&mut self, kubectl: &Kubectl, plan: &Plan, ground: &Ground) {
        if self.inputs.dry_run {
            return;
        }
        // The same name in another namespace may be under another run's trial at this moment.
        let ours: BTreeSet<(String, String)> = plan.secrets.iter().map(|secret| Trial::of(plan, secret).id()).collect();
        let is_left = |external: &&Object| {
            let id = Trial::found(external).id();
            is_trial(external) && (ours.contains(&id) || plan_of(external) == Some(&plan.id))
        };
        let left: Vec<Trial> = ground.externals.values().filter(is_left).map(Trial::found).collect();
        let problems = match clear(kubectl, &left, self.inputs.timeout.min(COLLECTION)).await {
            Ok(stay) => stay.into_iter().flatten().collect(),
            Err(problem) => vec![problem],
        };
        self.note(problems.into_iter().map(Problem::as_warning));
    }

    /// Takes away the trials that are under way, wherever the run has ended, and names those that may stay.
    pub(in crate::run) async fn end_trials(&mut self) {
        let Some(UnderTrial { kubectl, trials }) = self.under_trial.take() else { return };
        let cleared = tokio::time::timeout(FAREWELL, clear(&kubectl, &trials, FAREWELL)).await;
        let stay =
            cleared.ok().and_then(Result::ok).unwrap_or_else(|| trials.iter().map(Trial::stays).map(Some).collect());
        let left = trials.iter().zip(stay).filter(|(_, stays)| stays.as_ref().is_some_and(|why| why.kind == STAYS));
        let left: Vec<String> = left.map(|(trial, _)| format!("{}/{}", trial.namespace, trial.external)).collect();
        if !left.is_empty() {
            let text = text!("trials may be left, with the values of their Secrets: {}", left.join(", "));
            self.note([Problem::warning(STAYS, text)
                .help("the next run of this plan removes them; by hand: `kubectl delete externalsecret NAME`")]);
        }
    }
}

/// Removes `trials` and waits until they are gone, but no longer than `patience`. In the same order, why one stays.
///
/// # Errors
/// Why it cannot be known what is there.
pub(super) async fn clear(
    kubectl: &Kubectl,
    trials: &[Trial],
    patience: Duration,
) -> Result<Vec<Option<Problem>>, Problem> {
    let until = Instant::now() + patience;
    let mut refused = BTreeMap::new();
    loop {
        let found = Found::read(kubectl, trials).await?;
        refused.extend(found.delete(kubectl).await);
        let is_going = |trial: &Trial| found.has(trial) && !found.is_taken(trial) && !refused.contains_key(&trial.id());
        if !trials.iter().any(is_going) || Instant::now() >= until {
            return Ok(trials.iter().map(|trial| found.why_it_stays(trial, &refused)).collect());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Trial {
    pub(super) fn of(plan: &Plan, secret: &SecretPlan) -> Self {
        let (external, name) = secret.trial();
        Self { api_version: plan.api_version.clone(), namespace: secret.namespace.clone(), external, secret: name }
    }

    /// Of the ExternalSecret of a trial.
    fn found(external: &Object) -> Self {
        Self {
            api_version: external.api_version().to_owned(),
            namespace: external.namespace().unwrap_or_default().to_owned(),
            external: external.name().to_owned(),
            secret: target(external).unwrap_or_default().to_owned(),
        }
    }

    fn id(&self) -> (String, String) {
        (self.namespace.clone(), self.external.clone())
    }

    fn stays(&self) -> Problem {
        let text = text!("the ExternalSecret `{}/{}` of a trial does not go away", self.namespace, self.external);
        Problem::error(STAYS, text).help("check that External Secrets runs: it has to take its finalizer off")
    }
}

/// What is there under the names of trials.
struct Found {
    externals: Named,
    secrets: Named,
}

impl Found {
    async fn read(kubectl: &Kubectl, trials: &[Trial]) -> Result<Self, Problem> {
        let external = |trial: &Trial| bare(&trial.api_version, "ExternalSecret", &trial.namespace, &trial.external);
        let secret = |trial: &Trial| bare("v1", "Secret", &trial.namespace, &trial.secret);
        let wanted: Vec<Object> = trials.iter().flat_map(|trial| [external(trial), secret(trial)]).flatten().collect();
        let read = kubectl.read(&wanted).await;
        if let Some(problem) = read.problems.into_iter().next() {
            return Err(problem);
        }
        let (secrets, externals): (Vec<Object>, Vec<Object>) =
            read.live.into_values().partition(|object| object.kind() == "Secret");
        Ok(Self { externals: by_name(externals), secrets: by_name(secrets) })
    }

    /// Deletes what is not on its way already; which of them may not be deleted, and why.
    async fn delete(&self, kubectl: &Kubectl) -> BTreeMap<(String, String), Problem> {
        let is_staying = |external: &Object| external.as_value().pointer("/metadata/deletionTimestamp").is_none();
        let due = self.externals.iter().filter(|(_, external)| is_trial(external) && is_staying(external));
        let deleted = stream::iter(due).map(|(id, external)| async move {
            let ended = kubectl.delete_same(external, "externalsecrets").await;
            ended.err().map(|problem| (id.clone(), problem))
        });
        deleted.buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await
    }

    fn external(&self, trial: &Trial) -> Option<&Object> {
        self.externals.get(&trial.id())
    }

    fn secret(&self, trial: &Trial) -> Option<&Object> {
        self.secrets.get(&(trial.namespace.clone(), trial.secret.clone()))
    }

    fn has(&self, trial: &Trial) -> bool {
        self.external(trial).is_some() || self.secret(trial).is_some()
    }

    /// Whether somebody else has one of its names.
    fn is_taken(&self, trial: &Trial) -> bool {
        self.external(trial).is_some_and(|external| !is_trial(external))
            || self.secret(trial).is_some_and(|secret| !is_made_by_trial(secret))
    }

    fn why_it_stays(&self, trial: &Trial, refused: &BTreeMap<(String, String), Problem>) -> Option<Problem> {
        let Trial { namespace, external, secret, .. } = trial;
        if self.is_taken(trial) {
            let text = text!("`{namespace}` has a `{external}` or `{secret}` that is no trial of this program");
            let help = "the trial needs these names: rename what has them, or edit `externalSecret` in the plan";
            return Some(Problem::error("trial-name-taken", text).help(help));
        }
        if let Some(why) = refused.get(&trial.id()) {
            let text = text!("the ExternalSecret `{namespace}/{external}` of a trial stays: {}", why.message);
            return Some(Problem::error(STAYS, text).help("delete it: its Secret holds values"));
        }
        if self.external(trial).is_some() {
            return Some(trial.stays());
        }
        self.secret(trial).map(|_| {
            let text = text!("the Secret `{namespace}/{secret}` of a trial does not go away");
            let help = "check that kube-controller-manager collects garbage, or delete it by hand";
            Problem::error(STAYS, text).help(help)
        })
    }
}

fn plan_of(external: &Object) -> Option<&str> {
    external.as_value().pointer("/metadata/annotations")?.get(PLAN_ANNOTATION)?.as_str()
}

fn target(external: &Object) -> Option<&str> {
    external.as_value().pointer("/spec/target/name").and_then(Value::as_str)
}

fn is_trial(external: &Object) -> bool {
    plan_of(external).is_some() && target(external).is_some_and(|name| name.ends_with("-eso-check"))
}

fn is_made_by_trial(secret: &Object) -> bool {
    let owners = secret.as_value().pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| {
        owner["kind"] == "ExternalSecret" && owner["name"].as_str().is_some_and(|name| name.ends_with("-eso-check"))
    })
}
