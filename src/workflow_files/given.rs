//! The names of the values that a step gives to the program.

use std::collections::{BTreeMap, BTreeSet};

use super::exported::Exported;
use super::expression::without_expressions;
use super::shell::Command;
use super::step::{Step, texts};
use crate::build::node::Content as NodeContent;
use crate::error::Place;
use crate::values::is_reserved;

/// A name of an `env:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it holds.
    pub content: Content,
    /// Something else of its step names it too, or it steers the program or its runner.
    pub used: bool,
}

/// What an `env:` entry holds; never the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing: the program takes it for missing.
    Empty,
    /// A text that is committed.
    Literal,
    /// A `${{ … }}`.
    Expression,
}

/// The names that are there when a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// From `env:` of step, job and workflow.
    pub environment: BTreeMap<String, Variable>,
    /// By an earlier step, the script itself, or a JSON object that lists them.
    pub otherwise: BTreeSet<String>,
    /// What else may be there.
    pub rest: Rest,
}

/// Names that no file lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// There are none.
    Nothing,
    /// All secrets or variables of the repository, or those of a Vault path.
    Passed,
    /// Whatever this, in the user's words, puts there.
    Unknown(String),
}

/// Names that the program, its children or a terminal look at.
const STEERING: [&str; 14] = [
    "RUST_LOG",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "TERM",
    "TZ",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

impl Given {
    /// Whether `name` is known to be there, and not empty.
    pub fn holds(&self, name: &str) -> bool {
        let variable = self.environment.get(name);
        variable.is_some_and(|variable| variable.content != Content::Empty) || self.otherwise.contains(name)
    }

    /// What stands in the `env:` that `step` sees, and what earlier steps of its job export.
    pub(super) fn of(step: &Step<'_>, exported: &Exported) -> Self {
        let otherwise = exported.names.clone();
        let mut given = Self { environment: BTreeMap::new(), otherwise, rest: Rest::Nothing };
        for layer in step.environments() {
            match &layer.content {
                NodeContent::Mapping(_) => given
                    .environment
                    .extend(variables(step, layer).into_iter().map(|variable| (variable.name.clone(), variable))),
                _ if layer.is_present() => given.may_hold(Rest::Unknown("an `env:` that is an expression".to_owned())),
                _ => {}
            }
        }
        if let Some(by) = &exported.unknown {
            given.may_hold(Rest::Unknown(by.clone()));
        }
        given
    }

    /// The step's own `env:`, each with whether another field of the step names it.
    pub(super) fn own(step: &Step<'_>) -> Vec<Variable> {
        let Some(own) = step.node.get("env") else { return Vec::new() };
        let mut named = BTreeSet::new();
        for (key, value) in step.node.pairs() {
            if key.text() != Some("env") {
                texts(value, &mut |text| named.extend(words(text)));
            }
        }
        let mut variables = variables(step, own);
        for variable in &mut variables {
            let name = variable.name.as_str();
            variable.used = named.contains(name) || is_reserved(name) || STEERING.contains(&name);
        }
        variables
    }

    /// What an input such as `secrets` gives: the keys of a JSON object, or all that its expression may hold.
    pub(super) fn take_json(&mut self, text: &str) {
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&without_expressions(text)) {
            Ok(members) => self.otherwise.extend(members.into_iter().map(|(name, _)| name)),
            Err(_) => self.may_hold(Rest::Passed),
        }
    }

    /// What the script itself does before it runs the program.
    pub(super) fn take_command(&mut self, command: &Command) {
        self.otherwise.extend(command.assigned.iter().cloned());
        if let Some(word @ ("source" | "." | "eval")) = command.words.first().map(String::as_str) {
            self.may_hold(Rest::Unknown(format!("`{word}` in the script")));
        }
    }

    /// Adds what may be there; what is unknown is worth more words.
    pub(super) fn may_hold(&mut self, rest: Rest) {
        if !matches!(self.rest, Rest::Unknown(_)) {
            self.rest = rest;
        }
    }
}

fn variables(step: &Step<'_>, layer: &crate::build::node::Node) -> Vec<Variable> {
    let variable = |(key, value): (&crate::build::node::Node, &crate::build::node::Node)| {
        let text = value.text()?;
        let content = if text.contains("${{") {
            Content::Expression
        } else if text.is_empty() || !value.is_present() {
            Content::Empty
        } else {
            Content::Literal
        };
        Some(Variable { name: key.text()?.to_owned(), place: step.job.place(key), content, used: false })
    };
    layer.pairs().into_iter().filter_map(variable).collect()
}

/// The names in a text: letters, digits and `_`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_json_passes_are_read() {
        let taken = |text: &str| {
            let mut given = Given { environment: BTreeMap::new(), otherwise: BTreeSet::new(), rest: Rest::Nothing };
            given.take_json(text);
            (given.otherwise.into_iter().collect::<Vec<_>>(), given.rest)
        };
        assert_eq!(taken("${{ toJSON(secrets) }}"), (vec![], Rest::Passed));
        let listed = "{\"A\": \"${{ secrets.A }}\", \"B\": ${{ toJSON(secrets.A) }}}";
        assert_eq!(taken(listed), (vec!["A".to_owned(), "B".to_owned()], Rest::Nothing));
    }
}
