//! Where in the workspace a job puts this repository, and what else it puts there.

use std::path::{Path, PathBuf};

use super::step::Step;
use crate::inputs::{FileName, Inputs, Overlay};

/// What the checkout steps before a step did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Workspace {
    /// Where this repository lies; empty for the workspace itself.
    own: PathBuf,
    /// Where other repositories lie.
    others: Vec<PathBuf>,
}

impl Workspace {
    /// The workspace as `step` finds it; `None` where only the run knows.
    pub(super) fn before(step: &Step<'_>) -> Option<Self> {
        let mut own = Vec::new();
        let mut others = Vec::new();
        for earlier in step.job.steps().into_iter().take_while(|earlier| earlier.number < step.number) {
            let uses = earlier.text("uses").unwrap_or_default().to_ascii_lowercase();
            if !uses.starts_with("actions/checkout@") {
                continue;
            }
            let with = |name: &str| earlier.node.get("with").and_then(|with| with.text_at(&[name]));
            let path = with("path").unwrap_or_default();
            if path.contains("${{") {
                return None;
            }
            let is_own = with("repository").is_none_or(|name| name.contains("github.repository"));
            if is_own { own.push(plain(path)) } else { others.push(plain(path)) }
        }
        // A second checkout of the same repository is that of another commit, to compare with.
        let own = own.iter().find(|path| path.as_os_str().is_empty()).or(own.first()).cloned();
        match own {
            Some(own) => Some(Self { own, others }),
            None if others.iter().any(|path| path.as_os_str().is_empty()) => None,
            None => Some(Self { own: PathBuf::new(), others }),
        }
    }

    /// Makes the paths of `inputs` and the directory ones of this repository; `false` where they lie elsewhere.
    pub(super) fn relocate(&self, inputs: &mut Inputs, directory: &mut PathBuf) -> bool {
        let given = self.place(directory, &mut inputs.root)
            && inputs.templates.iter_mut().all(|template| self.place_file(directory, template))
            && inputs.output.iter_mut().all(|output| self.place_file(directory, output))
            && inputs.env_file.iter_mut().all(|file| self.place_file(directory, file))
            && match &mut inputs.overlay {
                Some(Overlay::Path(path)) => self.place_path(directory, path),
                Some(Overlay::None) | None => true,
            };
        let names_layout = inputs.root.is_some() || !inputs.templates.is_empty() && inputs.overlay.is_some();
        let start = match plain(&*directory).strip_prefix(&self.own) {
            Ok(rest) => rest.to_owned(),
            Err(_) if names_layout => PathBuf::new(),
            // The layout is looked for where this repository is not.
            Err(_) => return false,
        };
        *directory = start;
        given
    }

    fn place(&self, directory: &Path, path: &mut Option<PathBuf>) -> bool {
        path.iter_mut().all(|path| self.place_path(directory, path))
    }

    fn place_file(&self, directory: &Path, file: &mut FileName) -> bool {
        match file {
            FileName::Standard => true,
            FileName::Path(path) => self.place_path(directory, path),
        }
    }

    /// Afterwards `path` starts from where `directory` is made to start.
    fn place_path(&self, directory: &Path, path: &mut PathBuf) -> bool {
        let whole = plain(directory.join(&*path));
        if self.others.iter().any(|other| !other.as_os_str().is_empty() && whole.starts_with(other)) {
            return false;
        }
        if plain(directory).starts_with(&self.own) {
            return true;
        }
        match whole.strip_prefix(&self.own) {
            Ok(inner) => {
                *path = inner.to_owned();
                true
            }
            Err(_) => false,
        }
    }
}

/// Without `.` and `..`.
fn plain(path: impl AsRef<Path>) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.as_ref().components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
