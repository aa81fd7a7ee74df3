//! One way in which a step runs the program, read by the program's own reader of inputs and arguments.

use std::ffi::OsString;
use std::path::PathBuf;

use super::expression::Evaluator;
use crate::error::Problem;
use crate::inputs::names::{self, Input};
use crate::inputs::{Command, Context, Environment, FileName, Inputs, Overlay, Request, Terminals, Word as _, read};

/// In place of a word that only the run knows; no name and no path of a repository holds it.
const UNKNOWN: char = '\u{e000}';

/// Inputs that say what is checked; where others are not known, that changes nothing.
const DECISIVE: [Input; 12] = [
    names::COMMAND,
    names::ENVIRONMENT,
    names::ROOT,
    names::TEMPLATE,
    names::OUTPUT,
    names::OVERLAY,
    names::ENV_FILE,
    names::NONSENSITIVE,
    names::KEEP_PLACEHOLDERS,
    names::ALLOW_EMPTY,
    names::ALLOW_DEFAULT,
    names::ALLOW_REMOTE,
];

/// What a way of running came to.
pub(super) enum Way {
    Call {
        inputs: Box<Inputs>,
        directory: PathBuf,
        notes: Vec<Problem>,
    },
    /// The text that only the run knows.
    Unknown(String),
    Wrong(Vec<Problem>),
    Nothing,
}

/// The directory that a script has gone to.
pub(super) fn joined(evaluator: &mut Evaluator<'_>, parts: &[String]) -> Result<PathBuf, String> {
    parts.iter().try_fold(PathBuf::new(), |path, part| match evaluator.word(part) {
        Some(part) => Ok(path.join(part)),
        None => Err(part.clone()),
    })
}

/// The inputs of the action.
pub(super) fn of_action(evaluator: &mut Evaluator<'_>, with: &[(&str, &str)]) -> Way {
    let mut environment = Environment::from([("GITHUB_ACTIONS".to_owned(), OsString::from("true"))]);
    let is_check = with.contains(&(names::COMMAND.name, Command::Check.word()));
    for (name, text) in with {
        let decisive = DECISIVE.iter().any(|input| input.name == *name);
        match names::find(name) {
            Some(input) if input.sensitive || input == names::VARS => {}
            Some(_) => match evaluator.text(text) {
                Some(text) => drop(environment.insert(format!("INPUT_{}", name.to_uppercase()), text.into())),
                // Whatever it is that `check` looks at, it asks for no values.
                None if decisive && !is_check => return Way::Unknown((*text).to_owned()),
                None => {}
            },
            None => drop(environment.insert(format!("INPUT_{}", name.to_uppercase()), "x".into())),
        }
    }
    outcome(&["secret-patch".into()], &environment, PathBuf::new())
}

/// The arguments of a call on the command line.
pub(super) fn of_arguments(evaluator: &mut Evaluator<'_>, words: &[String], directory: PathBuf) -> Way {
    let mut arguments = vec![OsString::from("secret-patch")];
    let mut unknown = None;
    for word in words {
        arguments.push(match evaluator.word(word) {
            Some(word) => word.into(),
            None => {
                unknown.get_or_insert_with(|| word.clone());
                UNKNOWN.to_string().into()
            }
        });
    }
    let environment = Environment::from([("GITHUB_ACTIONS".to_owned(), OsString::from("true"))]);
    match (outcome(&arguments, &environment, directory), unknown) {
        (_, Some(_)) if words.first().is_some_and(|verb| verb == Command::Check.word()) => Way::Nothing,
        (Way::Wrong(_), Some(word)) => Way::Unknown(word),
        (Way::Call { inputs, .. }, Some(word)) if !is_known(&inputs) => Way::Unknown(word),
        (way, _) => way,
    }
}

/// Whether nothing that decides holds a word that only the run knows.
fn is_known(inputs: &Inputs) -> bool {
    let file = |file: &FileName| matches!(file, FileName::Path(path) if path.to_string_lossy().contains(UNKNOWN));
    let names = [&inputs.nonsensitive, &inputs.keep_placeholders, &inputs.allow_empty, &inputs.allow_default];
    let overlay = matches!(&inputs.overlay, Some(Overlay::Path(path)) if path.to_string_lossy().contains(UNKNOWN));
    !(inputs.environment.contains(UNKNOWN)
        || inputs.root.as_ref().is_some_and(|root| root.to_string_lossy().contains(UNKNOWN))
        || inputs.templates.iter().chain(&inputs.output).any(file)
        || overlay
        || names.into_iter().flatten().any(|name| name.contains(UNKNOWN)))
}

fn outcome(arguments: &[OsString], environment: &Environment, directory: PathBuf) -> Way {
    let context = Context::read(arguments, environment, Terminals::default());
    match read(arguments, environment, &context) {
        Ok(Request::Run { inputs, problems }) if inputs.command.takes_template() => {
            Way::Call { inputs, directory, notes: problems }
        }
        Ok(_) => Way::Nothing,
        Err(failure) => Way::Wrong(failure.problems),
    }
}
