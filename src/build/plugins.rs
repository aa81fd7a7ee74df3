//! What configures generators, transformers and validators: it can name files as a kustomization can.

use std::path::Path;

use crate::error::{Place, Problem, text};

use super::closure::{SourceRole, Tree, joined};
use super::kustomization::{self, Kustomization, Reference, ReferenceKind};
use super::walker::{Origin, Walker};

impl<T: Tree> Walker<'_, T> {
    /// What configures plugins must be readable as it stands: a patch could turn a harmless object into another.
    pub(super) fn only_resources(&mut self, file: &str, kustomization: &Kustomization) {
        for (field, line) in &kustomization.fields {
            if !matches!(field.as_str(), "apiversion" | "kind" | "metadata" | "resources" | "bases") {
                let text = text!("`{file}` configures plugins and may hold only `resources`, not `{field}`");
                self.problems.push(
                    Problem::error("plugin", text)
                        .at(Place::new(file, *line, 1))
                        .help("list the files under `generators`, `transformers` or `validators` directly"),
                );
            }
        }
    }

    pub(super) fn inline(&mut self, origin: Origin<'_>, reference: &Reference) {
        // What does not parse as objects is a path to kustomize; no honest file is called like that.
        if self.tree.kind(&joined(origin.directory, &reference.target)).is_some() {
            let text = text!("the inline text of `{}` is also the name of a file", reference.field);
            let place = Place::new(origin.file, reference.line, 1);
            return self.problems.push(Problem::error("kustomization-syntax", text).at(place));
        }
        if reference.kind == ReferenceKind::InlinePatch {
            self.operations(origin.file, reference.line, &reference.target);
            return self.source(origin, reference, origin.path, SourceRole::Patch);
        }
        match kustomization::parse_plugins(origin.file, &reference.target) {
            Ok(inner) => inner.into_iter().for_each(|mut inner| {
                inner.line += reference.line;
                self.reference(Origin { plugins: false, ..origin }, &inner, origin.directory);
            }),
            Err(problems) => self
                .problems
                .extend(problems.into_iter().map(|problem| problem.at(Place::new(origin.file, reference.line, 1)))),
        }
    }

    pub(super) fn plugin_file(&mut self, real: &Path, plugin_root: &Path) {
        let file = self.shown(real);
        match self
            .tree
            .read(real, &file)
            .map_err(|problem| vec![problem])
            .and_then(|text| kustomization::parse_plugins(&file, &text))
        {
            // Paths in a plugin's configuration start from the kustomization that lists it, not from its own file.
            Ok(references) => references.iter().for_each(|reference| {
                let origin = Origin { directory: plugin_root, file: &file, path: real, plugins: false };
                self.reference(origin, reference, plugin_root);
            }),
            Err(problems) => self.problems.extend(problems),
        }
    }
}
