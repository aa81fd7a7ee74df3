//! Others who write the same objects at the same moment: two sets that want one name, a hand or a controller that is faster.

use std::io::Write;

use crate::build;
use crate::changes::{self, Set};
use crate::error::{Problem, text};
use crate::kubectl::{Expected, Kubectl};
use crate::object::Object;
use crate::report::{Change, Progress};
use crate::run::foresee::set::{shared, tracked};
use crate::run::{Run, Step};

/// How often an object is tried that changes each time before it is written.
pub(in crate::run) const TRIES: usize = 5;

impl Step {
    /// What must still be so when the object is written: until it bears the mark of this set, another may take it.
    pub(in crate::run) fn expected(&self) -> Expected {
        match &self.live {
            None => Expected::Absent,
            Some(live) if Set::of(live) == Set::of(&self.wanted) => Expected::Anything,
            Some(live) => {
                live.resource_version().map_or(Expected::Anything, |version| Expected::Version(version.to_owned()))
            }
        }
    }

    /// Why the object cannot be ours any more, as it is `live` now.
    pub(in crate::run) fn lost_to(&self, live: &Object) -> Option<Problem> {
        let id = build::without_content_hash(&self.wanted.id());
        let (before, now) = (self.live.as_ref().map(Set::of), Set::of(live));
        if now == Set::of(&self.wanted) {
            return None;
        }
        let problem = match (changes::tracked_by(live), before, now) {
            (Some(tracker), ..) => return Some(tracked(&id, tracker)),
            (None, Some(before), now) if before == now => return None,
            (None, _, Some(other)) => {
                Problem::error("other-set", text!("`{id}` was taken by the set `{other}` meanwhile"))
            }
            (None, ..) => Problem::error("object-modified", text!("`{id}` was made by another meanwhile")),
        };
        Some(problem.help("run this again to see what belongs to whom"))
    }

    /// What to say when it is never as it was read a moment before.
    pub(in crate::run) fn keeps_changing(&self) -> Problem {
        let id = build::without_content_hash(&self.wanted.id());
        let text = text!("`{id}` keeps being changed by another while it is taken over");
        Problem::error("object-modified", text)
            .help("look at its `managedFields` for who writes to it, and run this again when that has ended")
    }
}

impl<O: Write, E: Write> Run<O, E> {
    /// Reads what was not as expected; returns what may be tried again as it is now.
    pub(in crate::run) async fn look_again(
        &mut self,
        kubectl: &Kubectl,
        plan: &mut [Step],
        outdated: Vec<usize>,
        problems: &mut Vec<Problem>,
    ) -> Vec<usize> {
        let objects: Vec<Object> = outdated.iter().map(|&at| plan[at].wanted.clone()).collect();
        let mut live = match kubectl.get(&objects).await {
            Ok(live) => live,
            Err(unread) => {
                outdated.iter().for_each(|&at| self.outcome.objects[at].progress = Progress::Failed);
                problems.extend(unread);
                return Vec::new();
            }
        };
        let mut again = Vec::new();
        for at in outdated {
            let step = &mut plan[at];
            let now = live.remove(&step.wanted.id());
            let lost = now.as_ref().and_then(|now| Some((step.lost_to(now)?, now)));
            let Some((problem, now)) = lost else {
                step.live = now;
                again.push(at);
                continue;
            };
            let report = &mut self.outcome.objects[at];
            if changes::is_shared(&step.wanted, now) {
                step.leave_alone();
                (report.change, report.taken_over, report.progress) = (Change::Unchanged, false, Progress::Planned);
                let notice = shared(&step.wanted.id(), now);
                self.note([notice]);
            } else {
                report.progress = Progress::Failed;
                problems.push(problem);
            }
        }
        again
    }
}
