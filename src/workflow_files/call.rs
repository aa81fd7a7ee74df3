//! From a step to its calls: its inputs or arguments read by the program's own reader, in every way in which its expressions come out.

use std::path::PathBuf;

use super::checkout::Workspace;
use super::exported::Exported;
use super::expression::{Choices, Evaluator, Facts};
use super::inputs::Inputs as WorkflowInputs;
use super::program::{self, Program};
use super::shell::{Command, commands};
use super::step::{Job, Step};
use super::way::{self, Way};
use super::{Call, Calls, Files, Given, Rest, matrix};
use crate::error::{Place, Problem, text};
use crate::inputs::Inputs;
use crate::inputs::names;
use crate::inputs::vault;

/// More ways than any step has.
const MOST_WAYS: usize = 256;
/// More steps than any job has.
const MOST_STEPS: usize = 300;

/// Adds the calls of a job's steps.
pub(super) fn of_job(job: &Job<'_>, inputs: &WorkflowInputs, files: &Files<'_>, found: &mut Calls) {
    let matrix = matrix::jobs(job.node);
    let mut exported = Exported::default();
    for step in job.steps().into_iter().take(MOST_STEPS) {
        let program = program::of(&step, files);
        if let Some(program) = &program {
            let facts = facts(&step, matrix.clone(), inputs);
            let given = Given::of(&step, &exported);
            let mut reader = Reader { step, given, facts, found };
            reader.program(program);
        }
        exported.take(&step, program.as_ref(), files);
    }
    let uses = job.node.get("uses").and_then(|uses| uses.text()).unwrap_or_default();
    if uses.is_empty() || uses.starts_with("./") {
        return;
    }
    if uses.contains("secret-patch") {
        let text = text!("job `{}` calls `{uses}`: what its steps need is not checked", job.name);
        found.problems.push(Problem::notice("step-unresolved", text).at(job.place(job.node)));
        found.unresolved.insert(job.place(job.node));
    } else {
        found.elsewhere.push((job.place(job.node), uses.to_owned()));
    }
}

fn facts<'a>(
    step: &Step<'a>,
    matrix: Option<Vec<std::collections::BTreeMap<String, String>>>,
    inputs: &WorkflowInputs,
) -> Facts<'a> {
    let layers = step.environments().into_iter().flat_map(|layer| layer.pairs());
    let env = layers.filter_map(|(name, value)| Some((name.text()?, value.text()?))).collect();
    let mut facts = Facts { matrix, inputs: inputs.clone(), env, ..Facts::default() };
    for earlier in step.job.steps().into_iter().take_while(|earlier| earlier.number < step.number) {
        let script = earlier.text("run").filter(|script| script.contains("GITHUB_ENV")).unwrap_or_default();
        let words = commands(script).into_iter().filter(|c| c.words.first().is_some_and(|w| w == "echo"));
        for (name, value) in words.flat_map(|c| c.words).filter_map(|word| exported(&word)) {
            facts.variables.entry(name).or_default().push(value);
        }
    }
    facts
}

/// `NAME=value` without anything to replace.
fn exported(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    (!value.contains(['$', '`'])).then(|| (name.to_owned(), value.to_owned()))
}

struct Reader<'a, 'b> {
    step: Step<'a>,
    given: Given,
    facts: Facts<'a>,
    found: &'b mut Calls,
}

impl Reader<'_, '_> {
    fn program(&mut self, program: &Program) {
        match program {
            Program::Action => self.action(),
            Program::Container(arguments) => {
                let arguments: Vec<String> = commands(arguments).into_iter().flat_map(|c| c.words).collect();
                self.every_way(&self.given.clone(), false, &|evaluator| {
                    way::of_arguments(evaluator, &arguments, PathBuf::new())
                });
            }
            Program::Script(commands) => self.script(commands),
            Program::Hidden(what) => self.unresolved(&format!("{what}, is not looked into")),
        }
    }

    fn action(&mut self) {
        let with: Vec<(&str, &str)> =
            self.step.with().into_iter().filter_map(|(key, text)| Some((key.text()?, text))).collect();
        let mut given = self.given.clone();
        for (name, text) in &with {
            if [names::SECRETS.name, names::VARS.name].contains(name) && !text.trim().is_empty() {
                given.take_json(text);
            } else if *name == vault::SECRETS.name && text.contains("${{") {
                given.may_hold(Rest::Passed);
            }
        }
        self.every_way(&given, false, &|evaluator| way::of_action(evaluator, &with));
    }

    fn script(&mut self, commands: &[Command]) {
        let shares = commands.iter().any(program::is_other);
        let mut given = self.given.clone();
        if [names::SECRETS, names::VARS].iter().any(|input| given.environment.contains_key(&input.variable())) {
            given.may_hold(Rest::Passed);
        }
        let mut directory = vec![self.step.working_directory().unwrap_or_default().to_owned()];
        for command in commands {
            given.take_command(command);
            match command.words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["cd" | "pushd", to, ..] => directory.push((*to).to_owned()),
                ["for", name, "in", values @ ..] => {
                    let values = values.iter().map(|value| (*value).to_owned()).collect();
                    self.facts.variables.insert((*name).to_owned(), values);
                }
                _ => {}
            }
            if program::is_hidden(command) {
                self.unresolved("runs the program inside of another command, which is not looked into");
            } else if let Some(at) = program::position(command) {
                let mut given = given.clone();
                if let Some(wrapper) = program::wrapper(command, at) {
                    given.may_hold(Rest::Unknown(format!("`{wrapper}`")));
                }
                take_flags(&mut given, &command.words[at + 1..]);
                let (words, directory) = (&command.words[at + 1..], &directory);
                self.every_way(&given, shares, &|evaluator| match way::joined(evaluator, directory) {
                    Ok(directory) => way::of_arguments(evaluator, words, directory),
                    Err(text) => Way::Unknown(text),
                });
            }
        }
    }

    /// Reads the step in each way, and keeps those that differ.
    fn every_way(&mut self, given: &Given, shares: bool, read: &dyn Fn(&mut Evaluator<'_>) -> Way) {
        let mut choices = Choices::default();
        let mut calls: Vec<Call> = Vec::new();
        for _ in 0..MOST_WAYS {
            let way = read(&mut Evaluator { facts: &self.facts, choices: &mut choices });
            match way {
                Way::Call { inputs, directory, notes } => {
                    self.note(notes);
                    match self.call(*inputs, directory, given, shares) {
                        Some(call) if !calls.iter().any(|other| same(other, &call)) => calls.push(call),
                        Some(_) => {}
                        None => self.unresolved("works in another repository's files"),
                    }
                }
                Way::Unknown(text) => self.unresolved(&format!("depends on `{text}`, which only the run knows")),
                Way::Wrong(problems) => self.note(problems),
                Way::Nothing => {}
            }
            if !choices.advance() {
                break;
            }
        }
        self.found.calls.append(&mut calls);
    }

    fn call(&self, mut inputs: Inputs, mut directory: PathBuf, given: &Given, shares: bool) -> Option<Call> {
        Workspace::before(&self.step)?.relocate(&mut inputs, &mut directory).then_some(())?;
        let env = self.step.node.get("env");
        let mut given = given.clone();
        for line in &inputs.vault.secrets {
            match line.fixed_name() {
                Some(name) => drop(given.otherwise.insert(name)),
                None => given.may_hold(Rest::Passed),
            }
        }
        Some(Call {
            step: self.step.name(),
            place: self.step.place(),
            env_place: env.map_or_else(|| self.step.place(), |_| self.env_key()),
            inputs,
            directory,
            given,
            own: Given::own(&self.step),
            shares_environment: shares,
        })
    }

    /// The line of the key `env:`.
    fn env_key(&self) -> Place {
        let pairs = self.step.node.pairs();
        let key = pairs.into_iter().find(|(key, _)| key.text() == Some("env")).map(|(key, _)| key);
        self.step.job.place(key.unwrap_or(self.step.node))
    }

    fn unresolved(&mut self, why: &str) {
        let text = text!("{} {why}: what it needs is not checked", self.step.name());
        self.note(vec![Problem::notice("step-unresolved", text)]);
        self.found.unresolved.insert(self.step.place());
    }

    /// Adds findings at the step, each once.
    fn note(&mut self, problems: Vec<Problem>) {
        for mut problem in problems {
            let named = |(key, _): &(&crate::build::node::Node, &str)| {
                key.text().is_some_and(|key| problem.message.contains(&format!("`{key}`")))
            };
            let at = self.step.with().into_iter().find(named).map_or(self.step.node, |(key, _)| key);
            problem.place = Some(self.step.job.place(at));
            if !self.found.problems.contains(&problem) {
                self.found.problems.push(problem);
            }
        }
    }
}

fn same(a: &Call, b: &Call) -> bool {
    a.inputs == b.inputs && a.directory == b.directory && a.given == b.given
}

/// Values that flags give.
fn take_flags(given: &mut Given, words: &[String]) {
    for (index, word) in words.iter().enumerate() {
        let (flag, value) = word.split_once('=').map_or((word.as_str(), None), |(flag, value)| (flag, Some(value)));
        let value = value.or(words.get(index + 1).map(String::as_str)).unwrap_or_default();
        match flag {
            "--secrets" | "--vars" => given.take_json(value),
            "--vault-secrets" if value.contains('$') => given.may_hold(Rest::Passed),
            _ => {}
        }
    }
}
