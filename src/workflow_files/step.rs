//! Jobs and steps of a workflow as they are written.

use std::rc::Rc;

use crate::build::node::{Content, Node};
use crate::error::Place;

/// One workflow file, read.
pub(super) struct Workflow<'a> {
    pub(super) file: &'a str,
    pub(super) root: Rc<Node>,
}

/// A job of a workflow.
pub(super) struct Job<'a> {
    pub(super) workflow: &'a Workflow<'a>,
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
}

/// A step of a job.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) job: &'a Job<'a>,
    /// From 1.
    pub(super) number: usize,
    pub(super) node: &'a Node,
}

/// The jobs of a workflow.
pub(super) fn jobs<'a>(workflow: &'a Workflow<'a>) -> Vec<Job<'a>> {
    let jobs = workflow.root.get("jobs").map(Node::pairs).unwrap_or_default();
    jobs.into_iter().map(|(name, node)| Job { workflow, name: name.text().unwrap_or_default(), node }).collect()
}

impl<'a> Job<'a> {
    /// Its steps, in order.
    pub(super) fn steps(&'a self) -> Vec<Step<'a>> {
        let steps = self.node.get("steps").map(Node::items).unwrap_or_default();
        steps.iter().enumerate().map(|(index, node)| Step { job: self, number: index + 1, node }).collect()
    }

    /// Where a node of its file stands.
    pub(super) fn place(&self, node: &Node) -> Place {
        Place::new(self.workflow.file, node.line, node.column)
    }
}

impl<'a> Step<'a> {
    /// The text of a field of the step itself.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.node.get(key).and_then(Node::text)
    }

    /// Such as ``step `Deploy` of job `deploy` ``.
    pub(super) fn name(&self) -> String {
        let step = match self.text("name").or(self.text("id")) {
            Some(name) => format!("step `{}`", name.replace('`', "'")),
            None => format!("step {}", self.number),
        };
        format!("{step} of job `{}`", self.job.name)
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Place {
        self.job.place(self.node)
    }

    /// The `env:` of workflow, job, its container and step: what comes later counts more.
    pub(super) fn environments(&self) -> Vec<&'a Node> {
        let container = self.job.node.get("container").filter(|_| self.text("run").is_some());
        let layers = [
            self.job.workflow.root.get("env"),
            container.and_then(|container| container.get("env")),
            self.job.node.get("env"),
            self.node.get("env"),
        ];
        layers.into_iter().flatten().collect()
    }

    /// The directory that its script starts in, as it is written.
    pub(super) fn working_directory(&self) -> Option<&'a str> {
        let default = |node: &'a Node| node.get("defaults")?.get("run")?.get("working-directory")?.text();
        self.text("working-directory")
            .or_else(|| default(self.job.node))
            .or_else(|| default(&self.job.workflow.root))
            .filter(|_| self.text("run").is_some())
    }

    /// Its `with:` as names and texts.
    pub(super) fn with(&self) -> Vec<(&'a Node, &'a str)> {
        let with = self.node.get("with").map(Node::pairs).unwrap_or_default();
        with.into_iter().filter_map(|(key, value)| Some((key, value.text()?))).collect()
    }
}

/// Calls `visit` with every text beneath `node`, those of keys included. What aliases stand for is looked at once for each alias, and no more than
/// a workflow can hold.
pub(super) fn texts<'a>(node: &'a Node, visit: &mut dyn FnMut(&'a str)) {
    let mut budget = 100_000_usize;
    visit_texts(node, visit, &mut budget);
}

fn visit_texts<'a>(node: &'a Node, visit: &mut dyn FnMut(&'a str), budget: &mut usize) {
    if *budget == 0 {
        return;
    }
    *budget -= 1;
    match &node.content {
        Content::Scalar { text, .. } => visit(text),
        Content::Sequence(items) => items.iter().for_each(|item| visit_texts(item, visit, budget)),
        Content::Mapping(pairs) => pairs.iter().for_each(|(key, value)| {
            visit_texts(key, visit, budget);
            visit_texts(value, visit, budget);
        }),
    }
}
