//! Which objects of a failed call the server refused, and why.

use super::requests::{Answer, Report};
use super::{Untrusted, errors};
use crate::error::Problem;
use crate::object::Object;

/// Whether every refusal could be given to its object.
pub(super) enum Told {
    Whole,
    InPart,
}

/// Which objects of a failed call were refused, and why.
pub(super) struct Refusals {
    pub(super) answers: Vec<Option<Answer>>,
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
        let (unknown, refusals): (Vec<&String>, Vec<&String>) =
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
        let refused: Vec<&Object> = objects
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.is_some_and(|answer| !answer.is_success()))
            .map(|(o, _)| o)
            .collect();
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
        Ok(Self { answers, problems: errors::folded(problems), told })
    }
}

/// Where the errors do not say whose they are.
fn refused_somehow(object: &Object) -> Problem {
    Problem::error("refused", format!("`{}` was not written", object.id()))
        .help("one of the other errors tells why; `--dry-run` asks for each object by itself")
}
