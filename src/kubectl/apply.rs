//! Server-side apply: on trial, and for real.

use futures_util::stream::{self, StreamExt as _};

use super::attribution::{Refusals, Told};
use super::requests::{Answer, Report};
use super::{CONCURRENCY, Ending, Kubectl, Launch, Untrusted, errors, items, list, unreadable};
use crate::changes::{MANAGER, clean};
use crate::error::{Problem, text};
use crate::object::Object;

/// So many refused objects are asked for one by one when their errors cannot be told apart; the others are only counted.
const ONE_BY_ONE: usize = 40;

/// The server, or a proxy before it, gave up on its own store or on the server, which may have written all the same.
const GAVE_UP: [u16; 3] = [500, 502, 504];

/// What happens to fields that another manager owns with another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflicts {
    /// The object is refused.
    Refuse,
    /// The fields become ours.
    Force,
}

/// The server's answers to an apply that writes nothing.
#[derive(Debug, Default)]
pub struct DryRun {
    /// What each object would become, in the order of the input; `None` for those that would be refused.
    pub answers: Vec<Option<Object>>,
    /// Why objects would be refused, and the server's warnings.
    pub problems: Vec<Problem>,
}

/// What must still be so of the live object when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is by then.
    Anything,
    /// There is none: the apply creates it.
    Absent,
    /// It has this `resourceVersion`.
    Version(String),
}

/// A `resourceVersion` that no object ever has: the store begins with it when it is empty. An object that does not exist is
/// created whatever its manifest says; one that does is refused for it.
const NEVER: &str = "1";

impl Expected {
    /// What the manifest says for it.
    fn resource_version(&self) -> Option<&str> {
        match self {
            Self::Anything => None,
            Self::Absent => Some(NEVER),
            Self::Version(version) => Some(version),
        }
    }
}

/// How an apply ended for one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The server has it.
    Done,
    /// The server has it as it was.
    Refused,
    /// Refused, because it is not as it was [`Expected`].
    Outdated,
    /// The call ended before the server's answer, or it failed halfway: read it back to know.
    Unknown,
}

/// What an apply did.
#[derive(Debug)]
pub struct Applied {
    /// Of each object, in the order of the input.
    pub written: Vec<Written>,
    /// Why objects were not written, and the server's warnings. What is [`Written::Outdated`] has none.
    pub problems: Vec<Problem>,
}

impl Applied {
    fn all(written: Written, objects: &[Object], problems: Vec<Problem>) -> Self {
        Self { written: vec![written; objects.len()], problems }
    }
}

impl<L: Launch> Kubectl<L> {
    /// Asks the server what an apply of `objects` would make of them. A Namespace or CRD of the same input does not count as there.
    ///
    /// # Errors
    /// Why there was no answer at all; what is refused is in the [`DryRun`].
    pub async fn dry_run(&self, objects: &[Object], conflicts: Conflicts) -> Result<DryRun, Problem> {
        if objects.is_empty() {
            return Ok(DryRun::default());
        }
        let all: Vec<&Object> = objects.iter().collect();
        let stderr = match self.trial(&all, conflicts).await? {
            Trial::Accepted(answers, problems) => {
                return Ok(DryRun { answers: answers.into_iter().map(Some).collect(), problems });
            }
            Trial::Refused(stderr) => stderr,
        };
        let refusals = Refusals::of(objects, &self.namespace, &stderr)?;
        let mut dry_run = DryRun { answers: vec![None; objects.len()], problems: refusals.problems };
        // A batch in which one is refused prints nothing of the others: they are asked for again, together.
        let accepted: Vec<usize> =
            (0..objects.len()).filter(|&at| refusals.answers[at].is_some_and(Answer::is_success)).collect();
        let failed_again = self.try_again(objects, &accepted, conflicts, &mut dry_run).await?;
        if let Told::InPart = refusals.told {
            let refused: Vec<usize> = (0..objects.len()).filter(|at| !accepted.contains(at)).collect();
            dry_run.problems = self.one_by_one(objects, &refused, conflicts, &mut dry_run.answers).await?;
        }
        dry_run.problems.extend(failed_again);
        Ok(dry_run)
    }

    /// Applies `objects` in one call, once, each only if it is as `expected` (in the same order). What a failure left undone is
    /// told for each object.
    pub async fn apply(&self, objects: &[Object], expected: &[Expected], conflicts: Conflicts) -> Applied {
        if objects.is_empty() {
            return Applied { written: Vec::new(), problems: Vec::new() };
        }
        let sent = objects.iter().zip(expected).map(|(object, expected)| sendable(object, expected)).collect();
        let ending = self.server_side_apply(sent, &["-o", "name", "-v=6"], conflicts).await;
        let unfinished = errors::unfinished(&ending);
        match &ending {
            Ending::Success { stderr, .. } => Applied::all(Written::Done, objects, errors::warnings(stderr, None)),
            Ending::Failed { stderr, .. } => self.applied_in_part(objects, stderr, None),
            Ending::TimedOut { stderr, .. } | Ending::Killed { stderr, .. } => {
                self.applied_in_part(objects, stderr, Some(unfinished))
            }
            Ending::NotStarted { .. } => Applied::all(Written::Refused, objects, vec![unfinished]),
            Ending::TooMuchOutput => Applied::all(Written::Unknown, objects, vec![unfinished]),
        }
    }

    /// `interrupted` is why kubectl did not get to the end.
    fn applied_in_part(&self, objects: &[Object], stderr: &Untrusted, interrupted: Option<Problem>) -> Applied {
        let (answers, outdated, mut problems) = match Refusals::of(objects, &self.namespace, stderr) {
            Ok(refusals) => (refusals.answers, refusals.outdated, refusals.problems),
            Err(problem) => {
                let why = if interrupted.is_none() { vec![problem] } else { Vec::new() };
                (Report::parse(stderr).answers(objects, &self.namespace), Vec::new(), why)
            }
        };
        // A connection lost on the way may leave no trace of the request, and perhaps an object.
        let lost = interrupted.is_some() || problems.iter().any(|problem| problem.kind == "server-unreachable");
        // The webhooks are asked before anything is written.
        let asked = !problems.iter().any(|problem| problem.kind == "admission-unavailable");
        problems.extend(interrupted);
        let written = answers.iter().enumerate().map(|(at, answer)| match answer {
            _ if outdated.contains(&at) => Written::Outdated,
            Some(Answer::Lost) => Written::Unknown,
            Some(Answer::Status(status)) if asked && GAVE_UP.contains(status) => Written::Unknown,
            Some(answer) if answer.is_success() => Written::Done,
            None if lost => Written::Unknown,
            Some(Answer::Status(_)) | None => Written::Refused,
        });
        Applied { written: written.collect(), problems }
    }

    /// `objects` as [`sendable`] gives them.
    async fn server_side_apply(&self, objects: Vec<Object>, output: &[&str], conflicts: Conflicts) -> Ending {
        let manager = format!("--field-manager={MANAGER}");
        // Unknown fields are refused by the server without the client's validation, which costs two requests.
        let mut words = vec!["apply", "--server-side", &manager, "--validate=ignore", "-f", "-"];
        words.extend(output);
        if conflicts == Conflicts::Force {
            words.push("--force-conflicts");
        }
        self.cluster(&words, list(objects.iter().map(Object::as_value))).await
    }

    async fn trial(&self, objects: &[&Object], conflicts: Conflicts) -> Result<Trial, Problem> {
        let output = ["--dry-run=server", "-o", "json", "--show-managed-fields", "-v=6"];
        let sent = objects.iter().map(|object| sendable(object, &Expected::Anything)).collect();
        match self.server_side_apply(sent, &output, conflicts).await {
            Ending::Success { stdout, stderr } => match items(&stdout) {
                Some(answers) if answers.len() == objects.len() => {
                    Ok(Trial::Accepted(answers, errors::warnings(&stderr, None)))
                }
                _ => Err(unreadable("kubectl apply --dry-run=server -o json")),
            },
            Ending::Failed { stderr, .. } => Ok(Trial::Refused(stderr)),
            other => Err(errors::unfinished(&other)),
        }
    }

    /// Why the second answer is not there either, if it is not.
    async fn try_again(
        &self,
        objects: &[Object],
        accepted: &[usize],
        conflicts: Conflicts,
        dry_run: &mut DryRun,
    ) -> Result<Option<Problem>, Problem> {
        if accepted.is_empty() {
            return Ok(None);
        }
        let some: Vec<&Object> = accepted.iter().map(|&at| &objects[at]).collect();
        match self.trial(&some, conflicts).await? {
            Trial::Accepted(answers, _) => {
                for (&at, answer) in accepted.iter().zip(answers) {
                    dry_run.answers[at] = Some(answer);
                }
                Ok(None)
            }
            Trial::Refused(stderr) => Ok(Some(errors::problem(&stderr, None))),
        }
    }

    /// One call for each of `refused`: slow, and certain of which object an error belongs to.
    async fn one_by_one(
        &self,
        objects: &[Object],
        refused: &[usize],
        conflicts: Conflicts,
        answers: &mut [Option<Object>],
    ) -> Result<Vec<Problem>, Problem> {
        let asked = &refused[..refused.len().min(ONE_BY_ONE)];
        let trials: Vec<_> = stream::iter(asked)
            .map(|&at| async move { (at, self.trial(&[&objects[at]], conflicts).await) })
            .buffered(CONCURRENCY)
            .collect()
            .await;
        let mut problems = Vec::new();
        for (at, trial) in trials {
            match trial? {
                Trial::Accepted(answer, warnings) => {
                    answers[at] = answer.into_iter().next();
                    problems.extend(warnings);
                }
                Trial::Refused(stderr) => problems.push(errors::problem(&stderr, Some(&objects[at].id()))),
            }
        }
        if refused.len() > asked.len() {
            let count = refused.len() - asked.len();
            problems.push(Problem::error("more-refused", text!("{count} more objects would be refused")));
        }
        Ok(errors::folded(problems))
    }
}

/// Without the server's own fields, but for the precondition.
fn sendable(object: &Object, expected: &Expected) -> Object {
    let mut object = clean(object.clone());
    if let (Some(version), Some(metadata)) = (expected.resource_version(), object.as_value_mut().get_mut("metadata")) {
        metadata["resourceVersion"] = version.into();
    }
    object
}

enum Trial {
    Accepted(Vec<Object>, Vec<Problem>),
    Refused(Untrusted),
}
