//! What a repository's workflows say about the steps that run this program: which command, which environment, which names they give.

mod call;
mod checkout;
mod exported;
mod expression;
mod given;
mod inputs;
mod matrix;
mod program;
mod shell;
mod step;
mod way;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::build::node::documents;
use crate::error::{Place, Problem, text};
use crate::inputs::Inputs;

pub use self::given::{Content, Given, Rest, Variable};

/// A workflow file.
#[derive(Debug, Clone)]
pub struct WorkflowFile {
    /// Its path from the checkout on, such as `.github/workflows/deploy.yml`.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// One way in which a step runs the program.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as ``step `Deploy` of job `deploy` ``.
    pub step: String,
    /// Where the step begins.
    pub place: Place,
    /// Where its `env:` stands, or else the step.
    pub env_place: Place,
    /// What the program would be asked to do.
    pub inputs: Inputs,
    /// Where paths start, relative to the checkout.
    pub directory: PathBuf,
    /// The names that are there when it runs.
    pub given: Given,
    /// The step's own `env:`.
    pub own: Vec<Variable>,
    /// Whether names of [`Call::own`] can be there for other programs of the script.
    pub shares_environment: bool,
}

/// All calls of all workflows.
#[derive(Debug, Default)]
pub struct Calls {
    /// In the order of files and steps; several for a step with a matrix.
    pub calls: Vec<Call>,
    /// Steps of which only the run knows what they do: the places at which they begin.
    pub unresolved: BTreeSet<Place>,
    /// Workflows of other repositories that jobs call, by the job's place: they may run anything.
    pub elsewhere: Vec<(Place, String)>,
    /// What was found on the way.
    pub problems: Vec<Problem>,
}

/// The text of a file of the checkout by its path from there on; `None` where there is none that can be read.
pub type Files<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// GitHub takes no longer ones.
const MOST_BYTES: usize = 1024 * 1024;
/// More steps and ways than any repository has.
const MOST_CALLS: usize = 1000;

/// Finds every step of `workflows` that runs this program; `files` gives the local actions and scripts that they name.
pub fn calls(workflows: &[WorkflowFile], files: &Files<'_>) -> Calls {
    let mut found = Calls::default();
    let mut read = Vec::new();
    for file in workflows {
        match parse(file) {
            Ok(root) => read.extend(root.map(|root| step::Workflow { file: &file.name, root })),
            Err(problem) => found.problems.push(problem),
        }
    }
    for workflow in &read {
        let inputs = inputs::of(workflow, &read);
        for job in step::jobs(workflow) {
            call::of_job(&job, &inputs, files, &mut found);
        }
        if found.calls.len() > MOST_CALLS {
            let text = text!("there are more than {MOST_CALLS} calls in the workflows: the rest is not checked");
            found.problems.push(Problem::warning("workflow-unreadable", text).at(Place::new(workflow.file, 1, 1)));
            found.calls.truncate(MOST_CALLS);
            break;
        }
    }
    found
}

fn parse(file: &WorkflowFile) -> Result<Option<std::rc::Rc<crate::build::node::Node>>, Problem> {
    let unreadable = |reason: &str, line: usize, column: usize| {
        Problem::warning("workflow-unreadable", text!("`{}` {reason}: its steps are not checked", file.name))
            .at(Place::new(&file.name, line, column))
    };
    if file.text.len() > MOST_BYTES {
        return Err(unreadable("is too large for a workflow", 1, 1));
    }
    let found = documents(&file.text).map_err(|error| unreadable(error.reason, error.line, error.column))?;
    Ok(found.into_iter().next())
}

#[cfg(test)]
mod tests;
