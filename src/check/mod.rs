//! Whether the committed files of an environment and the workflows that deploy it agree: nothing here needs a value.

mod agreement;
mod committed;
mod context;
mod environments;
mod given;

pub use agreement::Sides;
pub use committed::{dotenv, is_dotenv, is_kubeconfig_name, kubeconfig, literals, manifest, private_key};
pub use context::{BuildContext, not_ignored};
pub use environments::{Keys, differences};
pub use given::{Asking, Steps, not_given};

use crate::error::{Place, Problem};

/// Findings in the order of files and lines, each once.
pub fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let key = |problem: &Problem| {
        let place = problem.place.clone().unwrap_or_else(|| Place::new("", 0, 0));
        (place.file, place.line, place.column)
    };
    problems.sort_by_key(key);
    let mut kept: Vec<Problem> = Vec::new();
    for problem in problems {
        let again = |other: &&Problem| {
            other.place == problem.place && other.kind == problem.kind && other.message == problem.message
        };
        if !kept.iter().rev().take_while(|other| other.place == problem.place).any(|other| again(&other)) {
            kept.push(problem);
        }
    }
    kept
}
