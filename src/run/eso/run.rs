//! `eso run`: carrying a plan out, in place. What was done is read from cluster and Vault, so that the next run goes on
//! where a killed one stopped.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::{Done, Run};
use super::clearing::{Trial, UnderTrial};
use super::ground::Ground;
use super::keep::Keeper;
use super::snapshots::Snapshots;
use super::step::{Step, steps};
use super::sync::{AT_ONCE, Syncer};
use crate::error::{Failure, Problem, Stage, text};
use crate::eso::{self, Moved, Plan, Sync, Told};
use crate::files;
use crate::kubectl::Kubectl;
use crate::report::Bar;
use crate::vault::Vault;

/// How often the line on the terminal is renewed.
const TICK: Duration = Duration::from_millis(200);
/// How often a line elsewhere tells that it goes on.
const NOW_AND_THEN: Duration = Duration::from_secs(30);
/// How long all requests to Vault together may take: a plan may hold thousands of Secrets.
const DEADLINE: Duration = Duration::from_secs(6 * 3600);

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) async fn eso_run(&mut self) -> Done {
        self.enter(Stage::Inputs);
        let plan = self.plan_file()?;
        self.refuse_foreign_plan()?;
        let kubectl = Arc::new(self.reach_cluster()?);
        let vault = self.vault_of_inputs(DEADLINE).await?;
        self.send_masks()?;

        self.enter(Stage::Inventory);
        let ground = self.ground(&kubectl, &vault, &plan).await?;
        self.ask_to_move(&plan).await?;
        self.require_rights(&kubectl, &plan).await?;
        self.clear_earlier_trials(&kubectl, &plan, &ground).await;

        let mut moved = Vec::new();
        let ended = self.move_all(&kubectl, &vault, &plan, &ground, &mut moved).await;
        moved.sort_by_key(|one: &Moved| plan.secrets.iter().position(|secret| secret.id() == one.plan.id()));
        let (files, unwritten) = self.write_manifests(&plan, &moved);
        let told = Told {
            dry_run: self.inputs.dry_run,
            write_only: self.inputs.eso.write_only,
            files,
            remains: self.remains(&moved),
            neighbours: if ended.is_ok() { self.neighbours(&kubectl, &plan).await } else { Vec::new() },
        };
        self.outcome.survey = Some(eso::survey(&plan, &moved, &told));
        let refused = moved.into_iter().filter_map(|one| one.warning().or(one.problem)).chain(unwritten).collect();
        match ended {
            Err(mut failure) => {
                failure.problems.extend(unique(refused));
                Err(failure)
            }
            Ok(()) => self.settle(Stage::Sync, unique(refused)),
        }
    }

    /// Batch by batch, so that never more values than those of a batch are held.
    async fn move_all(
        &mut self,
        kubectl: &Arc<Kubectl>,
        vault: &Vault,
        plan: &Plan,
        ground: &Ground,
        moved: &mut Vec<Moved>,
    ) -> Done {
        let overwrite = self.inputs.eso.overwrite.clone();
        let (dry_run, concurrency) = (self.inputs.dry_run, self.inputs.vault.concurrency.max(1));
        let (done, in_sync) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let keeper = Keeper { vault, plan, overwrite: &overwrite, dry_run, concurrency, done: &done };
        let syncer = Syncer { kubectl, plan, patience: self.inputs.timeout, done: &in_sync };
        let mut snapshots = Snapshots::of(&plan.secrets);
        loop {
            self.enter(Stage::Inventory);
            let batch =
                snapshots.next(kubectl).await.map_err(|problem| Failure::new(Stage::Inventory, vec![problem]))?;
            let Some(batch) = batch else { return Ok(()) };
            let mut steps = steps(batch, plan, ground);
            self.require_rights_to_strip(kubectl, &steps).await?;
            self.enter(Stage::Vault);
            let total = plan.secrets.len();
            let shown = || Bar { done: done.load(Ordering::Relaxed), total, what: "compared with Vault" };
            let kept = self.showing(keeper.keep(&mut steps), shown).await;
            let synced = if kept.is_ok() && self.applies_externals() {
                self.sync_batch(kubectl, &syncer, &mut steps).await
            } else {
                Ok(())
            };
            moved.extend(steps.into_iter().map(|step| step.moved));
            self.say_progress(moved, plan);
            kept.map_err(|problem| Failure::new(Stage::Vault, vec![problem]))?;
            synced.map_err(|problem| Failure::new(Stage::Sync, vec![problem]))?;
        }
    }

    /// Lets External Secrets take the Secrets of `steps` over. Trials that are under way are known, wherever that ends.
    async fn sync_batch(
        &mut self,
        kubectl: &Arc<Kubectl>,
        syncer: &Syncer<'_>,
        steps: &mut [Step<'_>],
    ) -> Result<(), Problem> {
        self.enter(Stage::Sync);
        let before = steps.iter().filter(|step| step.moved.sync == Sync::Already).count();
        syncer.done.fetch_add(before, Ordering::Relaxed);
        let trial = |step: &Step<'_>| Trial::of(syncer.plan, step.plan);
        let staying = self.under_trial.take().map(|earlier| earlier.trials).unwrap_or_default();
        let tried = steps.iter().filter(|step| step.goes_on()).map(trial);
        let trials = staying.iter().cloned().chain(tried).collect();
        self.under_trial = Some(UnderTrial { kubectl: Arc::clone(kubectl), trials });
        let total = syncer.plan.secrets.len();
        let shown = || Bar { done: syncer.done.load(Ordering::Relaxed), total, what: "in sync" };
        self.showing(sync(syncer, steps), shown).await?;
        let stay = steps.iter().filter(|step| step.trial_stays).map(trial);
        let trials: Vec<Trial> = staying.into_iter().chain(stay).collect();
        self.under_trial = (!trials.is_empty()).then(|| UnderTrial { kubectl: Arc::clone(kubectl), trials });
        Ok(())
    }

    /// Does `work` while a bar on the terminal, or a line now and then elsewhere, tells how far it is.
    async fn showing<T>(&mut self, work: impl Future<Output = T>, shown: impl Fn() -> Bar) -> T {
        let (mut work, mut told) = (std::pin::pin!(work), Instant::now());
        loop {
            tokio::select! {
                ended = &mut work => {
                    self.console.passing(None);
                    return ended;
                }
                () = tokio::time::sleep(TICK) => {
                    let bar = self.masker.redact(&shown().drawn());
                    if !self.console.passing(Some(&bar)) && told.elapsed() > NOW_AND_THEN {
                        self.say(text!("{}", shown()));
                        told = Instant::now();
                    }
                }
            }
        }
    }

    fn say_progress(&mut self, moved: &[Moved], plan: &Plan) {
        let (well, refused) = moved.iter().partition::<Vec<&Moved>, _>(|one| one.is_well());
        let refused = if refused.is_empty() { String::new() } else { format!(", {} refused", refused.len()) };
        self.say(text!("{} of {} done{refused}", well.len(), plan.secrets.len()));
    }

    /// The plan of the inputs.
    pub(super) fn plan_file(&self) -> Result<Plan, Failure> {
        let failure = |problems| Failure::new(Stage::Inputs, problems);
        let file = self.inputs.eso.plan.clone().unwrap_or_default();
        let yaml = files::read_text(&self.absolute(&file)).map_err(|problem| failure(vec![problem]))?;
        let mut plan = Plan::parse(&file.display().to_string(), &yaml).map_err(failure)?;
        let wanted = &self.inputs.eso.namespaces;
        plan.secrets.retain(|secret| wanted.is_empty() || wanted.contains(&secret.namespace));
        Ok(plan)
    }

    /// A plan decides which Secrets go where: somebody else's is not carried out.
    fn refuse_foreign_plan(&self) -> Done {
        let file = self.inputs.eso.plan.clone().unwrap_or_default();
        let problems = self.foreign_trees(&[self.absolute(&file).parent().unwrap_or(&file)])?;
        if problems.is_empty() { Ok(()) } else { Err(Failure::new(Stage::Inputs, problems)) }
    }

    /// A person at a terminal is asked; a plan that was reviewed needs no other word.
    async fn ask_to_move(&mut self, plan: &Plan) -> Done {
        let asks = self.context.terminals.stdin && !self.inputs.command_line.yes && !self.inputs.dry_run;
        if !asks {
            return Ok(());
        }
        let target = self.outcome.target.as_ref().map(|target| target.context.clone()).unwrap_or_default();
        let (many, mount) = (plan.secrets.len(), &plan.mount);
        let question = text!("Move {many} Secrets of context {target} to `{mount}` in Vault? [y/N] ");
        let question = self.masker.redact_text(&question);
        self.console.question(&question);
        if self.answered_yes().await {
            return Ok(());
        }
        Err(Failure::new(Stage::Inventory, vec![Problem::error("declined", "nothing was moved, as you said")]))
    }
}

/// One problem said of many Secrets is told once.
fn unique(problems: Vec<Problem>) -> Vec<Problem> {
    let mut kept: Vec<Problem> = Vec::new();
    for problem in problems {
        if !kept.contains(&problem) {
            kept.push(problem);
        }
    }
    kept
}

async fn sync(syncer: &Syncer<'_>, steps: &mut [Step<'_>]) -> Result<(), Problem> {
    for some in steps.chunks_mut(AT_ONCE) {
        syncer.sync(some).await?;
    }
    Ok(())
}
