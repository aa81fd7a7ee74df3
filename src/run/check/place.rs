//! The secret patch's place: whether git and image builds leave it alone.

use std::io::Write;
use std::path::Path;

use super::super::Run;
use super::checkout::Checkout;
use super::plans::Plan;
use crate::check::{self, BuildContext};
use crate::error::Problem;
use crate::files::{self, PatchFile};

impl<O: Write, E: Write> Run<O, E> {
    /// The open place, where it can be used for a build, and what is wrong with it for values.
    pub(super) fn check_place(&self, checkout: &Checkout, plan: &Plan) -> (Option<PatchFile>, Vec<Problem>) {
        let Some(path) = plan.layout.output.as_ref().filter(|_| plan.writes_patch()) else {
            return (None, Vec::new());
        };
        let (file, mut problems) = PatchFile::look(path, self.context.workspace.as_deref());
        problems.extend(contexts(checkout, &self.absolute(path)).iter().filter_map(check::not_ignored));
        (file, problems)
    }
}

/// The directories from the patch upwards that images are built from.
fn contexts(checkout: &Checkout, patch: &Path) -> Vec<BuildContext> {
    let above = patch.ancestors().skip(1).take_while(|directory| directory.starts_with(&checkout.toplevel));
    let mut contexts = Vec::new();
    for directory in above {
        let Ok(inner) = patch.strip_prefix(directory) else { continue };
        let names = files::names_in(directory);
        let text = |name: &str| files::read_unlinked(&directory.join(name));
        let shown = |name: &str| checkout.shown(&directory.join(name));
        let context = |dockerfile: Option<&String>| {
            let own = dockerfile.map(|name| format!("{name}.dockerignore")).filter(|name| names.contains(name));
            let ignore = own.as_deref().unwrap_or(".dockerignore");
            BuildContext {
                patch: inner.display().to_string(),
                dockerfile: dockerfile.map(|name| (shown(name), text(name).unwrap_or_default())),
                ignore: (shown(ignore), text(ignore)),
            }
        };
        let dockerfiles: Vec<&String> = names.iter().filter(|name| is_dockerfile(name)).collect();
        if dockerfiles.is_empty() && names.iter().any(|name| name == ".dockerignore") {
            contexts.push(context(None));
        }
        contexts.extend(dockerfiles.into_iter().map(|name| context(Some(name))));
    }
    contexts
}

fn is_dockerfile(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_named =
        |word: &str| name == word || name.starts_with(&format!("{word}.")) || name.ends_with(&format!(".{word}"));
    (is_named("dockerfile") || is_named("containerfile")) && !name.ends_with("ignore")
}
