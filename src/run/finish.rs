//! The end of every run: the report, the step summary and the outputs tell the same story as the exit code.

use std::io::{self, Write};

use super::Run;
use crate::error::{Problem, text};
use crate::inputs::{Command, Context, Format, Mode};
use crate::mask::{Masked, Masker};
use crate::report::{Outcome, json, markdown, text};
use crate::workflow::{Console, add_summary, set_outputs};

impl<O: Write, E: Write> Run<O, E> {
    pub(super) fn finish(mut self, code: u8) -> u8 {
        self.leave();
        if self.inputs.command == Command::Cleanup {
            // What was found has been said; the job's summary is the main stage's.
            return self.console.finish().map_or(code.max(1), |()| code);
        }
        tell_runner(&mut self.console, &self.context, &self.outcome, &self.masker);
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
        close(self.console, code)
    }
}

/// The exit code, given what the run itself ends with.
pub(super) fn close<O: Write, E: Write>(console: Console<O, E>, code: u8) -> u8 {
    match console.finish() {
        Ok(()) => code,
        // What was to be done is done or told by the code already; a report that nobody reads changes that only if all was well.
        Err(_) => code.max(1),
    }
}

/// Writes the step summary and the outputs.
pub(super) fn tell_runner<O: Write, E: Write>(
    console: &mut Console<O, E>,
    context: &Context,
    outcome: &Outcome,
    masker: &Masker,
) {
    let told =
        [("step summary", summarise(context, outcome, masker)), ("outputs", set_outputs_of(context, outcome, masker))];
    for (what, error) in told.into_iter().filter_map(|(what, told)| Some((what, told.err()?))) {
        let text = text!("the {what} could not be written: {error}");
        console.problem(&Problem::warning("runner-files", text));
    }
}

fn summarise(context: &Context, outcome: &Outcome, masker: &Masker) -> io::Result<()> {
    let Some(file) = &context.step_summary else { return Ok(()) };
    add_summary(file, |room| markdown::render(outcome, masker, room))
}

fn set_outputs_of(context: &Context, outcome: &Outcome, masker: &Masker) -> io::Result<()> {
    let Some(file) = &context.output_file else { return Ok(()) };
    // A path that a later step opens: a value that is a word of it must not make it another.
    let patch = Masked::of_redacted_parts(outcome.patch.clone().unwrap_or_default());
    let changed = masker.redact(if outcome.changed() { "true" } else { "false" });
    set_outputs(
        file,
        &[
            ("patch", patch),
            ("changed", changed),
            ("changed-objects", json::changed_objects(outcome, masker)),
            ("changed-keys", json::changed_keys(outcome, masker)),
            ("report", json::render(outcome, masker, json::OUTPUT_LIMIT)),
        ],
    )
}
