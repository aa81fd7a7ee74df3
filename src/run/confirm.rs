//! The question before a person writes to a cluster.

use std::io::{Read, Write};

use super::{Done, Run, Step};
use crate::build;
use crate::error::{Failure, Problem, Stage};
use crate::report::{Change, count};

impl<O: Write, E: Write> Run<O, E> {
    /// Asks, unless the inputs answer already: `--yes`, or a context that was named. Nothing to write needs no answer.
    pub(super) async fn confirm(&mut self, plan: &[Step], deletions: usize) -> Done {
        let writes = plan.iter().filter(|step| step.change.writes).count();
        if self.inputs.command_line.yes || self.inputs.context.is_some() || writes + deletions == 0 {
            return Ok(());
        }
        let (context, server) = self
            .outcome
            .target
            .as_ref()
            .map(|target| (target.context.clone(), target.server.clone()))
            .unwrap_or_default();
        if !self.context.terminals.stdin {
            let text = format!("nobody can be asked whether to apply to context `{context}` at {server}");
            let help = format!("name the context: `--context {context}`, or say `--yes`");
            return Err(Failure::usage(vec![Problem::error("not-confirmed", text).help(help)]));
        }
        for step in plan.iter().filter(|step| step.change.writes) {
            let word = if step.change.change == Change::Unchanged { "taken over" } else { step.change.change.word() };
            let text = format!("{} {word}", build::without_content_hash(&step.change.id));
            self.say(&text);
        }
        let doomed = self.outcome.left_over.iter().filter(|object| object.pruned);
        let doomed: Vec<String> = doomed.map(|object| format!("{} deleted", object.id)).collect();
        doomed.iter().for_each(|text| self.say(text));
        let what = match (writes, deletions) {
            (_, 0) => format!("Apply {} to", count(writes, "object")),
            (0, _) => format!("Delete {} in", count(deletions, "object")),
            _ => format!("Apply {} to and delete {deletions} in", count(writes, "object")),
        };
        let question = self.redacted(&format!("{what} context {context} at {server}? [y/N] "));
        self.console.question(&question);
        if self.answered_yes().await {
            return Ok(());
        }
        Err(Failure::new(Stage::Compare, vec![Problem::error("declined", "not applied, as you said")]))
    }

    async fn answered_yes(&mut self) -> bool {
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
