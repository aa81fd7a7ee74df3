//! The action's way in: `INPUT_*` as the runner (dashes kept) and act (underscores) write them.

use super::names::{self, ALL, Input, closest, find};
use super::{ActionStage, Command, CommandLine, Environment, Raw, Word as _, not_utf8};
use crate::error::{Problem, text};

/// Inputs that the runner itself adds to every container action.
const OF_THE_RUNNER: [&str; 2] = ["entrypoint", "args"];

/// All that the post stage looks at: neither values nor credentials.
const OF_THE_POST_STAGE: [Input; 3] = [names::ENVIRONMENT, names::ROOT, names::OUTPUT];

/// Reads the `INPUT_*` of a stage; a run of the action is never asked back.
pub(super) fn read(environment: &Environment, stage: ActionStage) -> Raw {
    match stage {
        ActionStage::Main => {
            let mut raw = given(environment, &ALL);
            raw.problems.extend(unknown(environment));
            raw
        }
        ActionStage::Post => {
            let mut raw = given(environment, &OF_THE_POST_STAGE);
            raw.set(names::COMMAND, Command::Cleanup.word());
            raw
        }
    }
}

fn given(environment: &Environment, inputs: &[Input]) -> Raw {
    let mut raw = Raw { command_line: CommandLine { yes: true, ..CommandLine::default() }, ..Raw::default() };
    for &input in inputs {
        let runner = format!("INPUT_{}", input.name.to_uppercase());
        let act = runner.replace('-', "_");
        let given = [runner, act].into_iter().filter_map(|name| environment.get(&name));
        match given.map(|value| value.to_str()).find(|text| text.is_none_or(|text| !text.trim().is_empty())) {
            Some(Some(text)) => raw.set(input, text),
            Some(None) => raw.problems.push(not_utf8(input.name)),
            None => {}
        }
    }
    raw
}

fn unknown(environment: &Environment) -> impl Iterator<Item = Problem> {
    let names = environment.keys().filter_map(|name| name.strip_prefix("INPUT_"));
    let names = names.map(|name| name.to_lowercase().replace('_', "-"));
    names.filter(|name| find(name).is_none() && !OF_THE_RUNNER.contains(&name.as_str())).map(|name| {
        let problem = Problem::warning("unknown-input", text!("there is no input `{name}`; it is ignored"));
        match closest(&name, ALL.map(|input| input.name)) {
            Some(meant) => problem.help(text!("did you mean `{meant}`?")),
            None => problem,
        }
    })
}
