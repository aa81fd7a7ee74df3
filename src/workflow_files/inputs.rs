//! The values that a workflow's own inputs can have: choices of a manual run, and what callers in the same repository hand over.

use std::collections::BTreeMap;

use super::expression::{Choices, Evaluator, Facts};
use super::step::{Workflow, jobs};
use super::{matrix, step};
use crate::build::node::Node;

/// By name; an input that is missing can be anything.
pub(super) type Inputs = BTreeMap<String, Vec<String>>;

/// The inputs of `workflow`, which others of `all` may call.
pub(super) fn of(workflow: &Workflow<'_>, all: &[Workflow<'_>]) -> Inputs {
    let mut inputs = chosen_by_hand(workflow);
    let Some(called) = workflow.root.get("on").and_then(|on| on.get("workflow_call")) else { return inputs };
    let declared = called.get("inputs").map(Node::pairs).unwrap_or_default();
    for name in declared.into_iter().filter_map(|(name, _)| name.text()) {
        match handed_over(workflow.file, name, all) {
            Some(values) => inputs.entry(name.to_owned()).or_default().extend(values),
            None => {
                inputs.remove(name);
            }
        }
    }
    inputs.values_mut().for_each(|values| {
        values.sort();
        values.dedup();
    });
    inputs
}

/// `workflow_dispatch` inputs of the types that list their values.
fn chosen_by_hand(workflow: &Workflow<'_>) -> Inputs {
    let by_hand = workflow.root.get("on").and_then(|on| on.get("workflow_dispatch")?.get("inputs"));
    let values = |input: &Node| match input.text_at(&["type"]) {
        Some("choice") => {
            Some(input.get("options")?.items().iter().filter_map(|option| option.text().map(str::to_owned)).collect())
        }
        Some("boolean") => Some(vec!["true".to_owned(), "false".to_owned()]),
        _ => None,
    };
    let inputs = by_hand.map(Node::pairs).unwrap_or_default().into_iter();
    inputs.filter_map(|(name, input)| Some((name.text()?.to_owned(), values(input)?))).collect()
}

/// What the callers in this repository give for the input; `None` where one of them, or nobody, tells.
fn handed_over(file: &str, name: &str, all: &[Workflow<'_>]) -> Option<Vec<String>> {
    let mut values = Vec::new();
    for caller in all {
        let known = chosen_by_hand(caller);
        for job in jobs(caller).into_iter().filter(|job| calls(job, file)) {
            let text = job.node.get("with").and_then(|with| with.get(name)?.text())?;
            let env = caller.root.get("env").map(Node::pairs).unwrap_or_default();
            let facts = Facts {
                matrix: matrix::jobs(job.node),
                inputs: known.clone(),
                env: env.into_iter().filter_map(|(name, value)| Some((name.text()?, value.text()?))).collect(),
                variables: BTreeMap::new(),
            };
            values.extend(every(&facts, text)?);
        }
    }
    (!values.is_empty()).then_some(values)
}

fn calls(job: &step::Job<'_>, file: &str) -> bool {
    let uses = job.node.get("uses").and_then(Node::text);
    uses.and_then(|uses| uses.strip_prefix("./")).is_some_and(|path| path == file)
}

/// Every text that `text` can come out as, if all are known.
fn every(facts: &Facts<'_>, text: &str) -> Option<Vec<String>> {
    let mut choices = Choices::default();
    let mut found = Vec::new();
    loop {
        found.push(Evaluator { facts, choices: &mut choices }.text(text)?);
        if !choices.advance() || found.len() > 256 {
            return Some(found);
        }
    }
}
