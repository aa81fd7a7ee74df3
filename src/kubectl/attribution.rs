//! Which objects of a failed call the server refused, and why.

use super::errors::between;
use super::requests::{Answer, Report, is_plural};
use super::{Untrusted, errors};
use crate::error::{Problem, text};
use crate::object::Object;

/// Whether every refusal could be given to its object.
pub(super) enum Told {
    Whole,
    InPart,
}

/// Which objects of a failed call were refused, and why.
pub(super) struct Refusals {
    pub(super) answers: Vec<Option<Answer>>,
    /// Positions of the objects that had another version than was expected; they have no problem.
    pub(super) outdated: Vec<usize>,
    pub(super) problems: Vec<Problem>,
    pub(super) told: Told,
}

impl Refusals {
    /// kubectl names no object in a conflict, but tells failures in the order of the input, and those of kinds that the server
    /// does not know before them. Where the counts do not agree, errors and objects are told side by side.
    ///
    /// # Errors
    /// Why no object was answered at all.
    pub(super) fn of(objects: &[Object], namespace: &str, stderr: &Untrusted) -> Result<Self, Problem> {
        let report = Report::parse(stderr);
        let answers = report.answers(objects, namespace);
        let mut problems = errors::warnings(stderr, None);
        let (unknown, mut refusals): (Vec<&String>, Vec<&String>) =
            report.failures.iter().partition(|text| errors::failure(text, None).kind == "unknown-kind");
        if !answers.iter().any(|answer| matches!(answer, Some(Answer::Status(_)))) && unknown.is_empty() {
            return Err(errors::problem(stderr, None));
        }
        for object in objects {
            let version = format!("no matches for kind \"{}\" in version \"{}\"", object.kind(), object.api_version());
            if let Some(text) = unknown.iter().find(|text| text.contains(&version)) {
                problems.push(errors::failure(text, Some(&object.id())));
            }
        }
        let mut refused: Vec<usize> =
            (0..objects.len()).filter(|&at| answers[at].is_some_and(|answer| !answer.is_success())).collect();
        let mut outdated = Vec::new();
        refusals.retain(|text| {
            let found = refused.iter().position(|&at| is_outdated(text, &objects[at], answers[at]));
            outdated.extend(found.map(|found| refused.remove(found)));
            found.is_none()
        });
        let refused: Vec<&Object> = refused.into_iter().map(|at| &objects[at]).collect();
        let told = if refused.len() == refusals.len() { Told::Whole } else { Told::InPart };
        match told {
            Told::Whole => {
                let told = refused.iter().zip(refusals);
                problems.extend(told.map(|(object, text)| errors::failure(text, Some(&object.id()))));
            }
            Told::InPart => {
                problems.extend(refusals.iter().map(|text| errors::failure(text, None)));
                problems.extend(refused.iter().map(|object| refused_somehow(object)));
            }
        }
        Ok(Self { answers, outdated, problems: errors::folded(problems), told })
    }
}

/// Whether `text` says that `object`, which was answered so, had another version than was expected:
/// `Operation cannot be fulfilled on deployments.apps "web": the object has been modified; …`.
fn is_outdated(text: &str, object: &Object, answer: Option<Answer>) -> bool {
    let resource = between(text, "Operation cannot be fulfilled on ", " \"").and_then(|name| name.split('.').next());
    answer == Some(Answer::Status(409))
        && between(text, " \"", "\": the object has been modified") == Some(object.name())
        && resource.is_some_and(|plural| is_plural(plural, object.kind()))
}

/// Where the errors do not say whose they are.
fn refused_somehow(object: &Object) -> Problem {
    Problem::error("refused", text!("`{}` was not written", object.id()))
        .help("one of the other errors tells why; `--dry-run` asks for each object by itself")
}
