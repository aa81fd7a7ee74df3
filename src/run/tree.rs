//! Whose trees the run works on: nobody else's gets values or a build.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Done, Run};
use crate::build::{Closure, Tree as _};
use crate::error::{Failure, Problem, Stage, text};
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

    /// Refuses a build that reads from another checkout inside this one.
    pub(super) fn refuse_foreign_files(&self, closure: &Closure) -> Done {
        let directories: BTreeSet<&Path> = closure.files.iter().filter_map(|file| file.parent()).collect();
        let problems = self.foreign_trees(&directories.into_iter().collect::<Vec<_>>())?;
        if problems.is_empty() { Ok(()) } else { Err(Failure::new(Stage::Build, problems)) }
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
                problems.extend(Tree::of(&event, &head).refusal(&self.shown_tree(top)));
            }
        }
        Ok(problems)
    }

    /// The workspace itself is `.`.
    fn shown_tree(&self, top: &Path) -> String {
        let shown = self.in_workspace(&top.display().to_string());
        if shown.is_empty() { ".".to_owned() } else { shown }
    }

    /// Why a template of the checkout is none: a link that leads out of it, or to what is not for a template. A path outside of
    /// every checkout is the caller's own word.
    pub(super) fn leads_astray(&self, template: &Path) -> Option<Problem> {
        let path = self.absolute(template);
        let (repository, real) = (git::Repository::find(&path).ok()?, self.machine.real_path(&path)?);
        let top = match &repository {
            Some(repository) => repository.toplevel(),
            None => self.context.workspace.as_deref().filter(|workspace| path.starts_with(workspace))?,
        };
        let top = self.machine.real_path(top)?;
        let of_git = repository.iter().flat_map(git::Repository::directories).any(|private| real.starts_with(private));
        let of_git = of_git || real.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git"));
        let private = of_git || self.private_files.contains(&real);
        (private || !real.starts_with(top)).then(|| {
            let shown = template.display();
            let why = if private {
                "is not for a template: it belongs to git, or holds credentials or values"
            } else {
                "is a link that leads out of the checkout"
            };
            Problem::error("outside-checkout", text!("`{shown}` {why}"))
                .help("put the file itself there, or name the file that is meant with `template`")
        })
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
