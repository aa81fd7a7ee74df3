//! Deleting what left the build, after all else went well.

use std::io::Write;

use futures_util::stream::{self, StreamExt as _};

use crate::changes::{LeftOver, Moment, Set, Spared};
use crate::error::{Failure, Problem, Stage, text};
use crate::kubectl::{Deleted, Kubectl};
use crate::object::ObjectId;
use crate::report::Progress;
use crate::run::apply::race::TRIES;
use crate::run::foresee::left_over::{Doomed, Ground, Search, resource, why};
use crate::run::{Done, Run, Step};

/// How many objects are deleted at once.
const CONCURRENCY: usize = 4;

/// Failures after which the server may have done what it was asked for.
const NO_ANSWER: [&str; 4] = ["server-unreachable", "server-failed", "kubectl-timeout", "kubectl-killed"];

impl<O: Write, E: Write> Run<O, E> {
    /// Deletes what is doomed, unless somebody has come to use it or taken it meanwhile.
    pub(in crate::run) async fn prune(
        &mut self,
        kubectl: &Kubectl,
        set: &Set,
        plan: &[Step],
        doomed: &[Doomed],
    ) -> Done {
        if doomed.is_empty() {
            return Ok(());
        }
        self.enter(Stage::Prune);
        let failure = |problems| Failure::new(Stage::Prune, problems);
        let ground = Ground::of(&self.inputs, plan.iter().map(|step| &step.wanted), &kubectl.namespace);
        let search = Search::of(kubectl, set, &ground, plan);
        let ids: Vec<ObjectId> = doomed.iter().map(|doomed| doomed.left.live.id()).collect();
        let now = search.left(&ids).await.map_err(failure)?;
        let templates = search.templates(Moment::Now).await.map_err(failure)?;
        let mut deletable = Vec::new();
        for doomed in doomed {
            let found = now.iter().find(|found| found.live.id() == doomed.left.live.id());
            match found.map(|found| (found, found.spared(&templates))) {
                Some((found, None)) => deletable.push(Doomed { at: doomed.at, left: found.clone() }),
                Some((_, Some(spared))) => self.spare(doomed.at, Some(&spared)),
                None => self.spare(doomed.at, None),
            }
        }
        self.delete(&search, deletable).await
    }

    async fn delete(&mut self, search: &Search<'_>, deletable: Vec<Doomed>) -> Done {
        // A signal may end the run before there is an answer.
        deletable.iter().for_each(|doomed| self.outcome.left_over[doomed.at].progress = Progress::Unanswered);
        let mut ended = stream::iter(deletable)
            .map(|doomed| async move { (doomed.at, delete_one(search, doomed.left).await) })
            .buffer_unordered(CONCURRENCY);
        let mut problems = Vec::new();
        while let Some((at, ended)) = ended.next().await {
            let progress = match &ended {
                Ok(Deleted::Changed) => {
                    self.spare(at, None);
                    continue;
                }
                Ok(Deleted::Done | Deleted::Absent) => Progress::Done,
                Err(problem) if NO_ANSWER.contains(&problem.kind) => Progress::Unanswered,
                Err(_) => Progress::Failed,
            };
            let report = &mut self.outcome.left_over[at];
            report.progress = progress;
            let word = if progress == Progress::Done { "deleted" } else { progress.word() };
            let text = text!("{} {word}", report.id);
            self.say(text);
            problems.extend(ended.err());
        }
        self.settle(Stage::Prune, problems)
    }

    /// The object stays after all: `spared`, or no longer what it was.
    fn spare(&mut self, at: usize, spared: Option<&Spared>) {
        let why = spared.map_or_else(|| "another changed or deleted it meanwhile".to_owned(), why);
        let report = &mut self.outcome.left_over[at];
        (report.pruned, report.progress) = (false, Progress::Planned);
        let text = text!("`{}` is not deleted: {why}", report.id);
        report.note = Some(why.replace('`', ""));
        self.note([Problem::notice("left-over", text).help("a later run looks at it again")]);
    }
}

/// Deletes one object. If it changed since it was read and is still left over, it is read and tried again.
async fn delete_one(search: &Search<'_>, mut left: LeftOver) -> Result<Deleted, Problem> {
    for _ in 0..TRIES {
        let ended = search.kubectl.delete(&left.live, resource(&left.live)).await?;
        if ended != Deleted::Changed {
            return Ok(ended);
        }
        let now = search.left(&[left.live.id()]).await.map_err(|mut problems| problems.remove(0))?;
        match now.into_iter().find(|now| now.live.uid() == left.live.uid()) {
            Some(now) => left = now,
            None => break,
        }
    }
    Ok(Deleted::Changed)
}
