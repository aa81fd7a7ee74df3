//! The checkout as `check` looks at it: what git tracks, and what its workflows call.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use super::super::Run;
use crate::error::{Failure, Problem, Stage};
use crate::files::{self, git};
use crate::workflow_files::{self, Calls, WorkflowFile};

/// Where things lie.
pub(in crate::run) struct Checkout {
    /// Its topmost directory, absolute.
    pub(in crate::run) toplevel: PathBuf,
    /// Directories of git's own, absolute: not for a build.
    pub(in crate::run) private: Vec<PathBuf>,
    /// Every file that git tracks, relative to the toplevel; `None` without a repository.
    pub(in crate::run) tracked: Option<Vec<String>>,
    /// The directory whose `.github/workflows` are meant, absolute.
    pub(in crate::run) workflows: PathBuf,
    /// The same as paths begin that are shown.
    pub(in crate::run) here: PathBuf,
    /// Whether the program runs there.
    pub(in crate::run) is_here: bool,
}

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) fn checkout(&self) -> Result<Checkout, Failure> {
        let failure = |problem: Problem| Failure::new(Stage::Inputs, vec![problem]);
        let start = self.absolute(self.inputs.root.as_deref().unwrap_or(Path::new(".")));
        let repository = git::Repository::find(&start).map_err(failure)?;
        let around = || self.context.workspace.clone().unwrap_or_else(|| self.machine.working_directory.clone());
        let toplevel = repository.as_ref().map_or_else(around, |repository| repository.toplevel().to_owned());
        let private = repository.iter().flat_map(|repository| repository.directories().map(Path::to_owned)).collect();
        let tracked = repository.map(|repository| repository.tracked()).transpose().map_err(failure)?;
        let directory = &self.machine.working_directory;
        let has_own = directory.starts_with(&toplevel) && directory.join(".github/workflows").is_dir();
        let workflows = if has_own { directory.clone() } else { toplevel.clone() };
        let here = from_here(directory, &workflows);
        Ok(Checkout { is_here: workflows == *directory, toplevel, private, tracked, workflows, here })
    }
}

impl Checkout {
    /// What the workflows call.
    pub(in crate::run) fn calls(&self) -> Calls {
        let files = files::read_workflows(&self.workflows).into_iter();
        let files: Vec<WorkflowFile> = files.map(|file| WorkflowFile { name: file.name, text: file.text }).collect();
        let read = |path: &str| {
            // The path is the workflow's own text.
            let is_beneath = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
            if is_beneath { files::read_unlinked(&self.workflows.join(path)) } else { None }
        };
        workflow_files::calls(&files, &read)
    }

    /// Whether there are workflows at all.
    pub(in crate::run) fn has_workflows(&self) -> bool {
        !files::read_workflows(&self.workflows).is_empty()
    }

    /// A path beneath the toplevel as findings show it.
    pub(in crate::run) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.toplevel).unwrap_or(path).display().to_string()
    }
}

/// `..` as often as `to` lies above `from`; `to` itself where it lies elsewhere.
fn from_here(from: &Path, to: &Path) -> PathBuf {
    match from.strip_prefix(to) {
        Ok(down) if down.as_os_str().is_empty() => PathBuf::from("."),
        Ok(down) => down.components().map(|_| "..").collect(),
        Err(_) => to.to_owned(),
    }
}
