//! The end of every run: the report, the step summary and the outputs tell the same story as the exit code.

use std::io::Write;

use super::Run;
use crate::error::Problem;
use crate::inputs::{Format, Mode};
use crate::report::{json, markdown, text};
use crate::workflow::{add_summary, set_outputs};

impl<O: Write, E: Write> Run<O, E> {
    pub(super) fn finish(mut self, code: u8) -> u8 {
        self.leave();
        let told = self.summarise().and_then(|()| self.set_outputs());
        if let Err(error) = told {
            self.console.problem(&Problem::warning(
                "runner-files",
                format!("the runner's files could not be written: {error}"),
            ));
        }
        let report = match self.inputs.format {
            Format::Text => {
                let colours = self.context.mode != Mode::Action
                    && self.context.colours(self.inputs.command_line.colour, self.context.terminals.stdout);
                text::render(&self.outcome, &self.masker, colours)
            }
            Format::Markdown => markdown::render(&self.outcome, &self.masker, usize::MAX),
            Format::Json => json::render(&self.outcome, &self.masker, usize::MAX),
        };
        self.console.report(&report);
        match self.console.finish() {
            Ok(()) => code,
            // What was to be done is done or told by the code already; a report that nobody reads changes that only if all was well.
            Err(_) => code.max(1),
        }
    }

    fn summarise(&self) -> std::io::Result<()> {
        let Some(file) = &self.context.step_summary else { return Ok(()) };
        add_summary(file, |room| markdown::render(&self.outcome, &self.masker, room))
    }

    fn set_outputs(&self) -> std::io::Result<()> {
        let Some(file) = &self.context.output_file else { return Ok(()) };
        let patch = self.masker.redact(self.outcome.patch.as_deref().unwrap_or_default());
        let changed = self.masker.redact(if self.outcome.changed() { "true" } else { "false" });
        set_outputs(
            file,
            &[
                ("patch", patch),
                ("changed", changed),
                ("changed-objects", json::changed_objects(&self.outcome, &self.masker)),
                ("changed-keys", json::changed_keys(&self.outcome, &self.masker)),
                ("report", json::render(&self.outcome, &self.masker, json::OUTPUT_LIMIT)),
            ],
        )
    }
}
