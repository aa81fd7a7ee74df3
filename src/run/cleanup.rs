//! `cleanup`, the action's post stage: what `render` left goes, and nothing else.
//!
//! A Vault token of our own is not here to be revoked: the main stage does that on every way out, and its state holds no secret.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Done, Run};
use crate::error::{Failure, Problem, Stage, text};
use crate::files::{Layout, Removal, remove_rendered};
use crate::inputs::{ActionStage, FileName};

const NOTHING: &str = "there is nothing to remove";

impl<O: Write, E: Write> Run<O, E> {
    pub(super) fn cleanup(&mut self) -> Done {
        let failure = |problem| Failure::new(Stage::Cleanup, vec![problem]);
        let path = match self.patch_to_remove() {
            // The main stage has said why, and has written nothing.
            Err(_) if self.context.stage == ActionStage::Post => return Ok(()),
            path => path,
        };
        self.enter(Stage::Cleanup);
        let early = std::mem::take(&mut self.early);
        self.note(early);
        let Some(path) = path.map_err(failure)? else {
            self.say(NOTHING);
            return Ok(());
        };
        let removed = remove_rendered(&path, self.context.workspace.as_deref());
        let (removal, notices) = removed.map_err(failure)?;
        self.note(notices);
        let name = self.in_workspace(&path.display().to_string());
        match removal {
            Removal::Removed => self.say(text!("`{name}` is removed")),
            Removal::NothingThere => self.say(NOTHING),
            Removal::NotRendered if self.context.saved_patch.is_some() => {
                let text = text!("`{name}` is not as `render` wrote it, and stays");
                let help = "what changes the patch has to remove it; `keep-patch: true` if it is to stay";
                self.note([Problem::warning("patch-changed-since", text).help(help)]);
            }
            Removal::NotRendered => self.say(text!("`{name}` stays: it is not as `render` writes one to be removed")),
        }
        Ok(())
    }

    /// What the main stage has saved, or else where the inputs lead to. A later step may have removed half of the layout by now.
    fn patch_to_remove(&self) -> Result<Option<PathBuf>, Problem> {
        if let Some(saved) = &self.context.saved_patch {
            return Ok(Some(self.absolute(saved)));
        }
        match &self.inputs.output {
            Some(FileName::Path(path)) => Ok(Some(path.clone())),
            Some(FileName::Standard) => Ok(None),
            None => Layout::patch(Path::new("."), &self.inputs.environment, self.inputs.root.as_deref()),
        }
    }
}
