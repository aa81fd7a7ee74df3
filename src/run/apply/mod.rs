//! `apply`: render, build, check, compare, write, read back, wait.

pub(in crate::run) mod confirm;
pub(in crate::run) mod inherit;
pub(in crate::run) mod prune;
pub(in crate::run) mod race;
pub(in crate::run) mod restart;
pub(in crate::run) mod restore;
pub(in crate::run) mod rollout;
pub(in crate::run) mod write;

use std::collections::BTreeSet;
use std::io::Write;

use crate::error::{Problem, Stage, text};
use crate::inputs::Rollout;
use crate::run::foresee::Foreseen;
use crate::run::{Done, Run};
use crate::template::{Asked, Filled, StandIns};

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) async fn apply(&mut self) -> Done {
        let deployment = self.deployment()?;

        self.enter(Stage::Values);
        let template = self.template(&deployment.layout).await?;
        let values = self.values(&template).await?;

        self.enter(Stage::Render);
        let filled = self.fill(&template, &values, StandIns::Make)?;
        self.refuse_defaults(&filled)?;

        let foreseen = self.foresee(deployment, &filled, &values).await?;
        let Foreseen { kubectl, set, mut plan, doomed, restarts, .. } = foreseen.allowed()?;
        if self.inputs.dry_run {
            return Ok(());
        }
        self.confirm(&plan, doomed.len()).await?;

        self.enter(Stage::Apply);
        self.write(&kubectl, &mut plan).await?;

        self.enter(Stage::Verify);
        let written = self.read_back(&kubectl, &plan).await?;
        if self.inputs.rollout != Rollout::Skip {
            self.enter(Stage::Rollout);
            self.roll_out(&kubectl, &plan, &restarts, &written).await?;
        }

        self.prune(&kubectl, &set, &plan, &doomed).await
    }

    /// A renamed GitHub secret arrives empty, and its default would replace the good value in the cluster.
    fn refuse_defaults(&mut self, filled: &Filled) -> Done {
        let problem = |asked: &Asked| {
            let name = &asked.name;
            Problem::error("default-in-secret", text!("`{name}` is not set, and its default would go into a Secret"))
                .at(asked.place.clone())
                .help(text!("set `{name}`, or allow the default: `allow-default: {name}`"))
        };
        let problems: Vec<Problem> = self.refused_defaults(filled).map(problem).collect();
        self.settle(Stage::Render, problems)
    }

    /// Defaults that fill a key of a Secret, and may not.
    pub(in crate::run) fn refused_defaults<'a>(&self, filled: &'a Filled) -> impl Iterator<Item = &'a Asked> {
        let allowed: BTreeSet<String> = self.inputs.allow_default.iter().cloned().collect();
        filled.defaults_in_secrets.iter().filter(move |asked| !allowed.contains(&asked.name))
    }
}
