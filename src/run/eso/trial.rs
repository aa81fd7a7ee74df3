//! The trial: a Secret beside the real one, made from the same path, compared, and taken away again.

use serde_json::Value;

use super::clearing::{COLLECTION, STAYS, Trial, clear};
use super::step::Step;
use super::sync::Syncer;
use crate::error::Problem;
use crate::eso::shadow;

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
        let trials: Vec<Trial> = steps.iter().map(|step| Trial::of(self.plan, step.plan)).collect();
        let stay = clear(self.kubectl, &trials, self.patience.min(COLLECTION)).await?;
        for (step, why) in steps.into_iter().zip(stay) {
            step.trial_stays = step.moved.problem.is_some() && why.as_ref().is_some_and(|why| why.kind == STAYS);
            step.moved.problem = step.moved.problem.take().or(why);
        }
        Ok(())
    }
}
