//! What goes to the cluster and comes back.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::build;
use crate::changes;
use crate::error::{Failure, Problem, Stage, text};
use crate::kubectl::{Conflicts, Expected, Kubectl, LiveObjects, Written};
use crate::object::Object;
use crate::report::Progress;
use crate::run::apply::race::TRIES;
use crate::run::{Done, Run, Step};

/// How long a CRD of this build may take until its kind is served.
const CRD_PATIENCE: Duration = Duration::from_secs(30);

impl<O: Write, E: Write> Run<O, E> {
    /// Writes what differs: Namespaces and CRDs first where others wait for them.
    pub(in crate::run) async fn write(&mut self, kubectl: &Kubectl, plan: &mut [Step]) -> Done {
        let (later, first): (Vec<usize>, Vec<usize>) =
            (0..plan.len()).filter(|&at| plan[at].change.writes || plan[at].depends).partition(|&at| plan[at].depends);
        self.write_some(kubectl, plan, &first).await?;
        if later.is_empty() {
            return Ok(());
        }
        self.dry_run_once_served(kubectl, plan, &later).await?;
        self.write_some(kubectl, plan, &later).await
    }

    /// A CRD is served a moment after it was written.
    async fn dry_run_once_served(&mut self, kubectl: &Kubectl, plan: &mut [Step], later: &[usize]) -> Done {
        let since = Instant::now();
        loop {
            let problems = self.dry_run(kubectl, plan, later, Stage::Apply).await?;
            let mut errors = problems.iter().filter(|problem| problem.is_error()).peekable();
            let is_early = errors.peek().is_some() && errors.all(|problem| problem.kind == "unknown-kind");
            if is_early && since.elapsed() < CRD_PATIENCE {
                tokio::time::sleep(Duration::from_millis(300)).await;
                continue;
            }
            let refused = later.iter().filter(|&&at| !plan[at].answered);
            refused.for_each(|&at| self.outcome.objects[at].progress = Progress::Failed);
            return self.settle(Stage::Apply, problems);
        }
    }

    async fn write_some(&mut self, kubectl: &Kubectl, plan: &mut [Step], some: &[usize]) -> Done {
        self.hand_over(kubectl, plan, some).await?;
        let mut problems = Vec::new();
        for (calls, conflicts) in self.calls(plan, some) {
            problems.extend(self.apply_some(kubectl, plan, calls, conflicts).await);
        }
        self.settle(Stage::Apply, problems)
    }

    /// Which of `some` are applied by one call, call by call: what pods read is written before what starts pods.
    fn calls(&self, plan: &[Step], some: &[usize]) -> Vec<(Vec<usize>, Conflicts)> {
        let (starts_pods, others): (Vec<usize>, Vec<usize>) =
            some.iter().copied().partition(|&at| starts_pods(&plan[at].wanted));
        if !some.iter().any(|&at| self.is_forced(&plan[at].wanted)) {
            return vec![([others, starts_pods].concat(), Conflicts::Refuse)];
        }
        let halves = [others, starts_pods].into_iter().map(|half| {
            let (forced, others): (Vec<usize>, Vec<usize>) =
                half.into_iter().partition(|&at| self.is_forced(&plan[at].wanted));
            [(others, Conflicts::Refuse), (forced, Conflicts::Force)]
        });
        halves.flatten().filter(|(calls, _)| !calls.is_empty()).collect()
    }

    /// Applies `some`, and those again that others changed in the meantime without taking them.
    async fn apply_some(
        &mut self,
        kubectl: &Kubectl,
        plan: &mut [Step],
        mut some: Vec<usize>,
        conflicts: Conflicts,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for _ in 0..TRIES {
            let outdated = self.apply_once(kubectl, plan, &some, conflicts, &mut problems).await;
            if outdated.is_empty() {
                return problems;
            }
            some = self.look_again(kubectl, plan, outdated, &mut problems).await;
        }
        for at in some {
            self.outcome.objects[at].progress = Progress::Failed;
            problems.push(plan[at].keeps_changing());
        }
        problems
    }

    /// Returns which of `some` were not as expected.
    async fn apply_once(
        &mut self,
        kubectl: &Kubectl,
        plan: &[Step],
        some: &[usize],
        conflicts: Conflicts,
        problems: &mut Vec<Problem>,
    ) -> Vec<usize> {
        let objects: Vec<Object> = some.iter().map(|&at| plan[at].wanted.clone()).collect();
        let expected: Vec<Expected> = some.iter().map(|&at| plan[at].expected()).collect();
        // A signal may end the run before there is an answer.
        some.iter().for_each(|&at| self.outcome.objects[at].progress = Progress::Unanswered);
        let applied = kubectl.apply(&objects, &expected, conflicts).await;
        for (&at, written) in some.iter().zip(&applied.written) {
            self.tell_written(at, *written);
        }
        if applied.written.contains(&Written::Unknown) {
            let text = "some writes were sent and not confirmed: whether the server has them is not known";
            let help = "run it again: what was written is then unchanged";
            self.note([Problem::warning("write-unknown", text).help(help)]);
        }
        problems.extend(applied.problems);
        let outdated = some.iter().zip(&applied.written).filter(|(_, written)| **written == Written::Outdated);
        outdated.map(|(&at, _)| at).collect()
    }

    fn tell_written(&mut self, at: usize, written: Written) {
        let report = &mut self.outcome.objects[at];
        report.progress = match written {
            Written::Done => Progress::Done,
            Written::Refused => Progress::Failed,
            Written::Unknown => Progress::Unanswered,
            // It is looked at again.
            Written::Outdated => Progress::Planned,
        };
        if written != Written::Outdated {
            let text = text!("{} {}", report.id, report.progress.word());
            self.say(text);
        }
    }

    /// Reads the Secrets and ConfigMaps that were written back, and compares them key by key.
    pub(in crate::run) async fn read_back(&mut self, kubectl: &Kubectl, plan: &[Step]) -> Result<LiveObjects, Failure> {
        let holds_data = |step: &&Step| step.wanted.is_secret() || step.wanted.is_config_map();
        let written: Vec<Object> =
            plan.iter().filter(|step| step.change.writes).filter(holds_data).map(|step| step.wanted.clone()).collect();
        if written.is_empty() {
            return Ok(LiveObjects::new());
        }
        let mut live = kubectl.get(&written).await.map_err(|problems| Failure::new(Stage::Verify, problems))?;
        self.drop_copies(kubectl, &written, &mut live).await;
        let mut problems = Vec::new();
        for wanted in &written {
            match live.get(&wanted.id()) {
                None => problems.push(lost(&format!("{} is gone", build::without_content_hash(&wanted.id())))),
                Some(live) => problems.extend(changes::holds(wanted, live).into_iter().map(|key| {
                    lost(&format!("key `{key}` of {} has another value", build::without_content_hash(&wanted.id())))
                })),
            }
        }
        let text = text!("{} read back", crate::report::count(written.len(), "object"));
        self.say(text);
        self.settle(Stage::Verify, problems)?;
        Ok(live)
    }
}

fn starts_pods(object: &Object) -> bool {
    matches!(object.group(), "apps" | "batch") || object.group().is_empty() && object.kind() == "Pod"
}

fn lost(what: &str) -> Problem {
    Problem::error("not-as-written", text!("{what} a moment after it was written"))
        .help("something else writes to it: look at its `managedFields`")
}
