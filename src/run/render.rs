//! `render`: template and values become the secret patch.

use std::io::Write;

use super::{Done, Run};
use crate::error::{Failure, Problem, Stage, reason, text};
use crate::files::Lasting;
use crate::inputs::{FileName, Mode, SAVED_PATCH};
use crate::mask::Masked;
use crate::template::StandIns;
use crate::workflow::save_state;

impl<O: Write, E: Write> Run<O, E> {
    pub(super) async fn render(&mut self) -> Done {
        self.enter(Stage::Inputs);
        let layout = self.layout()?;
        self.refuse_foreign_trees(&layout)?;
        let to_stdout = self.inputs.output == Some(FileName::Standard);
        let patch_file = if to_stdout { None } else { Some(self.patch_file(&layout)?) };

        self.enter(Stage::Values);
        let template = self.template(&layout).await?;
        let values = self.values(&template).await?;

        self.enter(Stage::Render);
        let filled = self.fill(&template, &values, StandIns::None)?;
        let failure = |problem| Failure::new(Stage::Render, vec![problem]);
        match patch_file {
            Some(file) => {
                let path = self.in_workspace(file.path());
                let lasting = if self.inputs.keep_patch { Lasting::ForGood } else { Lasting::UntilRemoved };
                // First, so that whatever ends this process now, the post stage knows where to look.
                self.save_for_cleanup(&path);
                file.write(filled.text.expose().as_bytes(), lasting).map_err(failure)?;
                self.outcome.patch = Some(path);
            }
            None => self.console.values(&filled.text).map_err(|error| {
                let text = text!("the filled template could not be written to stdout: {}", reason(&error));
                failure(Problem::error("stdout", text))
            })?,
        }
        Ok(())
    }

    /// Tells the post stage where the patch is; without a word from here it looks where the inputs lead to.
    fn save_for_cleanup(&mut self, patch: &str) {
        let Some(file) = self.context.state_file.clone().filter(|_| self.context.mode == Mode::Action) else { return };
        // A path that is opened later: a value that is a word of it must not make it another.
        let saved = save_state(&file, SAVED_PATCH, Masked::of_redacted_parts(patch.to_owned()));
        self.note(saved.err().map(|error| {
            Problem::warning(
                "runner-files",
                text!("the state for the post stage could not be written: {}", reason(&error)),
            )
        }));
    }
}
