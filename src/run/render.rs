//! `render`: template and values become the secret patch.

use std::io::Write;

use super::{Done, Run};
use crate::error::{Failure, Problem, Stage, reason, text};
use crate::inputs::FileName;
use crate::template::StandIns;

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
                file.write(filled.text.expose().as_bytes()).map_err(failure)?;
                self.outcome.patch = Some(self.in_workspace(file.path()));
            }
            None => self.console.values(&filled.text).map_err(|error| {
                let text = text!("the filled template could not be written to stdout: {}", reason(&error));
                failure(Problem::error("stdout", text))
            })?,
        }
        Ok(())
    }
}
