//! The question before a person writes to a cluster.

use std::io::{Read, Write};

use crate::build;
use crate::error::{Failure, Problem, Stage, Text, text};
use crate::report::{Change, capital, count, listed};
use crate::run::{Done, Run, Step};

impl<O: Write, E: Write> Run<O, E> {
    /// Asks, unless the inputs answer already: `--yes`, or a context that was named. Nothing to write needs no answer.
    pub(in crate::run) async fn confirm(&mut self, plan: &[Step], deletions: usize) -> Done {
        let writes = plan.iter().filter(|step| step.change.writes).count();
        let restarts = self.outcome.restarts.len();
        if self.inputs.command_line.yes || self.inputs.context.is_some() || writes + restarts + deletions == 0 {
            return Ok(());
        }
        let (context, server) = self
            .outcome
            .target
            .as_ref()
            .map(|target| (target.context.clone(), target.server.clone()))
            .unwrap_or_default();
        if !self.context.terminals.stdin {
            let text = text!("nobody can be asked whether to apply to context `{context}` at {server}");
            let help = text!("name the context: `--context {context}`, or say `--yes`");
            return Err(Failure::usage(vec![Problem::error("not-confirmed", text).help(help)]));
        }
        for step in plan.iter().filter(|step| step.change.writes) {
            let word = if step.change.change == Change::Unchanged { "taken over" } else { step.change.change.word() };
            let mut text = text!("{} ", build::without_content_hash(&step.change.id));
            text.push(word);
            self.say(text);
        }
        let restarted = self.outcome.restarts.iter().map(|restart| text!("{} restarted", restart.id));
        let doomed = self.outcome.left_over.iter().filter(|object| object.pruned);
        let doomed = doomed.map(|object| text!("{} deleted", object.id));
        let lines: Vec<Text> = restarted.chain(doomed).collect();
        lines.into_iter().for_each(|text| self.say(text));
        let question = text!("{} context {context} at {server}? [y/N] ", what(writes, restarts, deletions));
        let question = self.masker.redact_text(&question);
        self.console.question(&question);
        if self.answered_yes().await {
            return Ok(());
        }
        Err(Failure::new(Stage::Compare, vec![Problem::error("declined", "not applied, as you said")]))
    }

    pub(in crate::run) async fn answered_yes(&mut self) -> bool {
        let read = |stdin: &mut dyn Read| {
            let (mut answer, mut byte) = (Vec::new(), [0]);
            while answer.len() < 16 && stdin.read(&mut byte).is_ok_and(|count| count == 1) && byte != *b"\n" {
                answer.extend_from_slice(&byte);
            }
            answer
        };
        let answer = self.read_stdin(read).await.unwrap_or_default();
        matches!(answer.to_ascii_lowercase().as_slice(), b"y" | b"yes")
    }
}

/// `Apply 2 objects to`, `Apply 2 objects, restart 1 workload and delete 1 object in`.
fn what(writes: usize, restarts: usize, deletions: usize) -> String {
    let parts = [("apply", writes, "object"), ("restart", restarts, "workload"), ("delete", deletions, "object")];
    let parts = parts.iter().filter(|(_, many, _)| *many > 0);
    let parts: Vec<String> = parts.map(|(verb, many, noun)| format!("{verb} {}", count(*many, noun))).collect();
    let preposition = if restarts + deletions == 0 { "to" } else { "in" };
    format!("{} {preposition}", capital(&listed(&parts)))
}
