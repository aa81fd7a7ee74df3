//! Whether the steps that run the program give it the names that the template asks for, and no others.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Place, Problem, text};
use crate::inputs::Command;
use crate::template::Asked;
use crate::workflow_files::{Call, Content, Rest, Variable};

/// What a template asks for.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// Every name, with what is filled without a value included.
    pub names: BTreeSet<String>,
    /// Names that go into Secrets and nowhere else.
    pub secret: BTreeSet<String>,
}

/// Findings about one call: `lacking` are the placeholders that it could not fill.
pub fn not_given(call: &Call, lacking: &[Asked], asking: &Asking) -> Vec<Problem> {
    let mut problems = literals(call, asking);
    let takes_values = match call.inputs.command {
        Command::Render | Command::Apply => true,
        Command::Diff => call.inputs.base.is_none(),
        _ => false,
    };
    if !takes_values || call.given.rest == Rest::Passed {
        return problems;
    }
    let empty = |name: &&String| call.given.environment.get(*name).filter(|v| v.content == Content::Empty);
    let mut places: BTreeMap<&String, &Place> = BTreeMap::new();
    for asked in lacking {
        places.entry(&asked.name).or_insert(&asked.place);
    }
    let (empties, missing): (Vec<_>, Vec<_>) = places.into_iter().partition(|(name, _)| empty(name).is_some());
    problems.extend(empties.into_iter().filter_map(|(name, _)| {
        let text = text!("`{name}` is empty, and a template asks for it");
        let help = text!("give it a value: `{name}: ${{{{ secrets.{name} }}}}`, or allow it: `allow-empty: {name}`");
        Some(Problem::error("env-empty", text).at(empty(&name)?.place.clone()).help(help))
    }));
    problems.extend(match &call.given.rest {
        _ if missing.is_empty() => None,
        Rest::Unknown(why) => {
            let text =
                text!("only the run knows whether {} gets {}: {why} may put it there", call.step, list(&missing));
            Some(Problem::notice("env-unresolved", text).at(call.env_place.clone()))
        }
        _ => Some(not_there(call, &missing, asking)),
    });
    problems
}

fn not_there(call: &Call, missing: &[(&String, &Place)], asking: &Asking) -> Problem {
    let places: Vec<String> = missing.iter().map(|(name, place)| format!("`{name}` ({place})")).collect();
    let environment = &call.inputs.environment;
    let text =
        text!("{} does not give what the template of `{environment}` asks for: {}", call.step, places.join(", "));
    let lines: Vec<String> = missing.iter().map(|(name, _)| format!("    {name}: ${{{{ secrets.{name} }}}}")).collect();
    let unused = call.own.iter().filter(|variable| !variable.used && !asking.names.contains(&variable.name));
    let unused: Vec<&str> = unused.map(|variable| variable.name.as_str()).collect();
    let meant = missing
        .iter()
        .filter_map(|(name, _)| Some(format!("`{}` there is unused: is `{name}` meant?\n", similar(name, &unused)?)));
    let help = text!("{}add to the step's `env:`:\n{}", meant.collect::<String>(), lines.join("\n"));
    // A diff goes on without: the job of a pull request may be meant to have no values.
    let problem = if call.inputs.command == Command::Diff { Problem::notice } else { Problem::error };
    problem("env-missing", text).at(call.env_place.clone()).help(help)
}

fn similar<'a>(name: &str, unused: &[&'a str]) -> Option<&'a str> {
    let scores = unused.iter().map(|other| (strsim::jaro_winkler(name, other), *other));
    scores.filter(|(score, _)| *score > 0.85).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other)
}

/// Texts of the workflow that end up in a Secret: they are committed.
fn literals(call: &Call, asking: &Asking) -> Vec<Problem> {
    let variables = call.given.environment.values().filter(|variable| variable.content == Content::Literal);
    let secret = variables.filter(|variable| {
        asking.secret.contains(&variable.name) && !call.inputs.nonsensitive.contains(&variable.name)
    });
    secret
        .map(|variable| {
            let name = &variable.name;
            let text = text!("`{name}` goes into a Secret, and its value is committed here");
            let help = text!("take it from a secret: `{name}: ${{{{ secrets.{name} }}}}`; if it is none, name it: `nonsensitive: {name}`");
            Problem::warning("literal-in-workflow", text).at(variable.place.clone()).help(help)
        })
        .collect()
}

fn list(names: &[(&String, &Place)]) -> String {
    names.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The steps with their own `env:`, and all that is asked of them in the ways in which they run.
#[derive(Debug, Default)]
pub struct Steps(BTreeMap<Place, Step>);

#[derive(Debug, Default)]
struct Step {
    name: String,
    own: Vec<Variable>,
    asked: BTreeSet<String>,
    /// A way of running it could not be looked into, or other programs of its script may need names.
    excused: bool,
    takes_values: bool,
}

impl Steps {
    /// Takes a call into account with what its template asks for; `None` where there is no template to look at.
    pub fn take(&mut self, call: &Call, asked: Option<&BTreeSet<String>>) {
        let step = self.step(call);
        step.takes_values = true;
        step.excused |= asked.is_none();
        step.asked.extend(asked.into_iter().flatten().cloned());
    }

    /// Takes a call of `check` into account, which asks for nothing.
    pub fn take_check(&mut self, call: &Call) {
        self.step(call);
    }

    fn step(&mut self, call: &Call) -> &mut Step {
        let step = self.0.entry(call.place.clone()).or_default();
        step.name.clone_from(&call.step);
        step.own.clone_from(&call.own);
        step.excused |= call.shares_environment;
        step
    }

    /// Names of `env:` that nothing asks for; steps of which something is not known are left out.
    pub fn unused(&self, unresolved: &BTreeSet<Place>) -> Vec<Problem> {
        let judged = self.0.iter().filter(|(place, step)| !step.excused && !unresolved.contains(*place));
        judged.flat_map(|(_, step)| step.unused()).collect()
    }
}

impl Step {
    fn unused(&self) -> Vec<Problem> {
        let unused = self.own.iter().filter(|variable| !variable.used && !self.asked.contains(&variable.name));
        unused
            .map(|variable| {
                let why =
                    if self.takes_values { "no template of it asks for the name" } else { "`check` takes no values" };
                let text = text!("`{}` is in vain in the `env:` of {}: {why}", variable.name, self.name);
                let help = "remove the line, or write the placeholder that is to take it";
                Problem::warning("env-unused", text).at(variable.place.clone()).help(help)
            })
            .collect()
    }
}
