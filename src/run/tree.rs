//! Whose trees the run works on: nobody else's gets values or a build.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Done, Run};
use crate::error::{Failure, Problem, Stage};
use crate::files::{self, Layout, Overlay, git};
use crate::trust::{Event, Head, Payload, Tree};

impl<O: Write, E: Write> Run<O, E> {
    /// Refuses to go on where a template or the overlay lies in a tree that is not this repository's own.
    pub(super) fn refuse_foreign_trees(&self, layout: &Layout) -> Done {
        let mut paths: Vec<&Path> = layout.templates.iter().map(PathBuf::as_path).collect();
        if let Overlay::Directory(overlay) = &layout.overlay {
            paths.push(overlay);
        }
        let problems = self.foreign_trees(&paths)?;
        if problems.is_empty() { Ok(()) } else { Err(Failure::new(Stage::Inputs, problems)) }
    }

    /// Why the trees in which `paths` lie get neither values nor a build; nothing for those of this repository's own.
    pub(super) fn foreign_trees(&self, paths: &[&Path]) -> Result<Vec<Problem>, Failure> {
        if !self.context.github_actions {
            return Ok(Vec::new());
        }
        let failure = |problem| Failure::new(Stage::Inputs, vec![problem]);
        let payload = self.context.event_file.as_deref().map_or(Ok(None), files::read_if_there);
        let event = Event {
            on_runner: true,
            name: self.context.event_name.as_deref(),
            sha: self.context.sha.as_deref(),
            git_ref: self.context.git_ref.as_deref(),
            repository: self.context.repository.as_deref(),
            repository_id: self.context.repository_id.as_deref(),
            payload: match &payload {
                Ok(Some(text)) => Payload::Text(text),
                Ok(None) => Payload::Missing,
                Err(_) => Payload::Unreadable,
            },
            trusted: &self.inputs.trusted_repositories,
        };
        let mut judged = BTreeSet::new();
        let mut problems = Vec::new();
        for path in paths {
            let repository = self.repository(path).map_err(failure)?;
            let top = repository.as_ref().map_or(*path, git::Repository::toplevel);
            if judged.insert(top.to_owned()) {
                let head = repository.as_ref().map_or(Ok(Head::default()), git::Repository::head).map_err(failure)?;
                problems.extend(Tree::of(&event, &head).refusal(&self.in_workspace(&top.display().to_string())));
            }
        }
        Ok(problems)
    }

    /// The repository whose commit decides what lies at `path`: a submodule's is that of the whole.
    fn repository(&self, path: &Path) -> Result<Option<git::Repository>, Problem> {
        if path == Path::new("-") {
            return Ok(None);
        }
        let mut found = git::Repository::find(&self.absolute(path))?;
        while let Some(outer) = found.as_ref().map(git::Repository::superproject).transpose()?.flatten() {
            found = Some(outer);
        }
        Ok(found)
    }
}
