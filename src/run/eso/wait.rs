//! Waiting for External Secrets, and why that ends without what is waited for.

use std::collections::BTreeMap;
use std::time::Instant;

use super::step::Step;
use super::sync::{HOPE, PAUSE, SILENCE, Syncer, gone};
use crate::error::{Problem, text};
use crate::eso::{External, SecretPlan, forced};
use crate::kubectl::Writes;

impl Syncer<'_> {
    /// Makes the controller look again at ExternalSecrets that were there before the run: by itself it retries an error only
    /// after a long pause.
    pub(super) async fn force(&self, steps: &mut [&mut Step<'_>]) -> Result<(), Problem> {
        let mark = super::now().0.to_string();
        for step in steps.iter_mut().filter(|step| step.moved.is_well()) {
            let Some(external) = &step.external else { continue };
            if let Err(problem) = self.kubectl.patch(external, &forced(external, &mark), Writes::Really).await {
                step.moved.problem = Some(problem);
            }
        }
        Ok(())
    }

    /// Waits until the ExternalSecrets that `name` names are in sync with their specs.
    pub(super) async fn wait(
        &self,
        steps: &mut [&mut Step<'_>],
        name: impl Fn(&SecretPlan) -> String + Copy,
    ) -> Result<(), Problem> {
        let (began, api) = (Instant::now(), self.plan.api_version.as_str());
        let mut heard = began;
        let mut failing: BTreeMap<(String, String), Instant> = BTreeMap::new();
        steps.iter_mut().for_each(|step| step.seen = false);
        loop {
            let waiting = steps.iter_mut().filter(|step| step.moved.is_well() && !step.seen);
            let waiting: Vec<&mut Step<'_>> = waiting.map(|step| &mut **step).collect();
            if waiting.is_empty() {
                return Ok(());
            }
            let found = self.read(&waiting, api, "ExternalSecret", name).await?;
            for step in waiting {
                let id = (step.plan.namespace.clone(), name(step.plan));
                let Some(external) = found.get(&id).map(External::of) else {
                    step.moved.problem = Some(gone("ExternalSecret", &id));
                    continue;
                };
                if is_seen(step, &external) {
                    step.seen = true;
                    heard = Instant::now();
                    continue;
                }
                let fails_since = match &external.ready {
                    Some(ready) if ready.status != "True" => {
                        Some(*failing.entry(id.clone()).or_insert_with(Instant::now))
                    }
                    _ => failing.remove(&id).and(None),
                };
                if self.gives_up(&external, fails_since, began, heard) {
                    step.moved.problem = Some(self.unsynced(&external).await);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// `heard` is when the controller was last seen to do something: one that is busy with others is not silent.
    fn gives_up(&self, external: &External, fails_since: Option<Instant>, began: Instant, heard: Instant) -> bool {
        let is_silent = external.ready.is_none();
        fails_since.is_some_and(|since| since.elapsed() > HOPE)
            || is_silent && heard.elapsed() > SILENCE.min(self.patience)
            || began.elapsed() > self.patience
    }

    /// Why an ExternalSecret is not in sync: the condition never says, the newest warning does.
    async fn unsynced(&self, External { namespace, name, ready, .. }: &External) -> Problem {
        let Some(ready) = ready else {
            let text = text!("nobody looks at the ExternalSecret `{namespace}/{name}`");
            return Problem::error("external-secrets-silent", text).help(
                "check that the controller of External Secrets runs, and is not limited to other namespaces or classes",
            );
        };
        let why = self.kubectl.newest_warning(namespace, name).await.unwrap_or_else(|| ready.message.clone());
        let text = text!("the ExternalSecret `{namespace}/{name}` is not in sync: {}: {why}", ready.reason);
        Problem::error("not-synced", text).help("the Secret is as it was; repair the cause and run again")
    }
}

/// Whether `external` is in sync with its spec, and has been looked at since it was forced, where it was there before.
fn is_seen(step: &Step<'_>, external: &External) -> bool {
    let before = step.external.as_ref().filter(|_| external.name == step.plan.external_secret);
    external.is_synced() && before.is_none_or(|before| External::of(before).synced != external.synced)
}
