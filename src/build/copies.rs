//! What a kustomization copies out of Secrets into what names an object: names are told, by reports and by the server, values never.

use std::path::Path;

use crate::error::{Place, Problem, text};

use super::closure::{SourceRole, Tree};
use super::fields::{each, named};
use super::kustomization::{Reference, ReferenceKind};
use super::node::{Node, documents};
use super::reader::trusted_documents;
use super::walker::{Origin, Walker};

/// Where kustomize reads from and writes to if nothing is said.
const DEFAULT_FIELD: &str = "metadata.name";

/// Adds each target of one of `replacements` that a Secret's value would name an object by.
pub(super) fn collect_replacement(item: &Node, out: &mut Vec<Reference>) {
    if !named(item, "source").any(|source| is_value(source, source)) {
        return;
    }
    let mut push = |field: &str, line| {
        if names_object(field) {
            let (field, target) = ("replacements", field.to_owned());
            out.push(Reference { field, target, kind: ReferenceKind::ValueInName, line });
        }
    };
    named(item, "targets").for_each(|targets| {
        each(targets, |target| {
            let mut fields = named(target, "fieldPaths").filter(|paths| paths.is_present()).peekable();
            if fields.peek().is_none() {
                push(DEFAULT_FIELD, target.line);
            }
            fields.for_each(|paths| each(paths, |path| push(path.text().unwrap_or_default(), path.line)));
        });
    });
}

/// Adds one of `vars` if it stands for a Secret's value.
pub(super) fn collect_variable(item: &Node, out: &mut Vec<Reference>) {
    let mut objects = named(item, "objref");
    if objects.any(|object| named(item, "fieldref").any(|field| is_value(object, field))) {
        let target = item.text_at(&["name"]).unwrap_or_default().to_owned();
        out.push(Reference { field: "vars", target, kind: ReferenceKind::SecretVariable, line: item.line });
    }
}

/// Whether `object` selects a Secret, or perhaps one, and `field` names anything of it but its name and marks.
fn is_value(object: &Node, field: &Node) -> bool {
    let mut kinds = named(object, "kind").filter_map(Node::text).peekable();
    let of_secret = kinds.peek().is_none() || kinds.any(|kind| ["", "Secret"].contains(&kind));
    let mut paths = named(field, "fieldPath").filter_map(Node::text);
    of_secret && paths.any(|path| !["metadata", "kind", "apiVersion", "type", ""].contains(&parts(path).0))
}

/// Whether a path, with dots or slashes, leads to what an object is called by.
fn names_object(path: &str) -> bool {
    match parts(path) {
        ("kind" | "apiVersion" | "*", _) => true,
        ("metadata", rest) => ["", "name", "namespace", "generateName", "*"].contains(&parts(rest).0),
        _ => false,
    }
}

/// The first part of a path, and the others.
fn parts(path: &str) -> (&str, &str) {
    path.trim_start_matches('/').split_once(['.', '/']).unwrap_or((path.trim_start_matches('/'), ""))
}

impl<T: Tree> Walker<'_, T> {
    /// What stands for a Secret's value or copies it.
    pub(super) fn copied(&mut self, place: Place, reference: &Reference) {
        match reference.kind {
            ReferenceKind::SecretVariable => self.secret_variables.push((place, reference.target.clone())),
            _ => self.value_in_name(place, &reference.target),
        }
    }

    /// A file of patches.
    pub(super) fn patch_source(&mut self, origin: Origin<'_>, reference: &Reference, real: &Path) {
        if let Ok(text) = self.tree.read(real, "") {
            self.operations(&self.shown(real), 0, &text);
        }
        self.source(origin, reference, real, SourceRole::Patch);
    }

    /// A file of `replacements`.
    pub(super) fn replacement_file(&mut self, real: &Path) {
        let file = self.shown(real);
        let text = self.tree.read(real, &file).map_err(|problem| vec![problem]);
        match text.and_then(|text| trusted_documents(&file, &text)) {
            Ok(found) => {
                let mut copies = Vec::new();
                found.iter().for_each(|document| each(document, |item| collect_replacement(item, &mut copies)));
                copies.iter().for_each(|copy| self.value_in_name(Place::new(&file, copy.line, 1), &copy.target));
            }
            Err(problems) => self.problems.extend(problems),
        }
    }

    /// A file of `configurations`: it can have variables put into names.
    pub(super) fn configuration_file(&mut self, real: &Path) {
        let file = self.shown(real);
        let Ok(found) = self.tree.read(real, &file).map(|text| trusted_documents(&file, &text)) else { return };
        match found {
            Ok(found) => {
                let references = found.iter().flat_map(|document| named(document, "varReference"));
                references.for_each(|list| {
                    each(list, |item| {
                        self.names_by_variables |= named(item, "path").filter_map(Node::text).any(names_object);
                    });
                });
            }
            Err(problems) => self.problems.extend(problems),
        }
    }

    /// The operations of a JSON6902 patch whose text starts at `line` of `file`.
    pub(super) fn operations(&mut self, file: &str, line: usize, text: &str) {
        let Ok(found) = documents(text) else { return };
        for operation in found.iter().flat_map(|document| document.items()) {
            let text = |key: &str| operation.text_at(&[key]).unwrap_or_default();
            let copies = ["copy", "move"].contains(&text("op"));
            if copies && ["data", "stringData"].contains(&parts(text("from")).0) && names_object(text("path")) {
                self.value_in_name(Place::new(file, line + operation.line, 1), text("path"));
            }
        }
    }

    /// The variables that stand for values, where variables are put into names.
    pub(super) fn judge_variables(&mut self) {
        let variables = std::mem::take(&mut self.secret_variables);
        for (place, name) in variables.into_iter().filter(|_| self.names_by_variables) {
            let text =
                text!("the variable `{name}` is a Secret's value, and `configurations` have variables put into names");
            self.problems.push(
                Problem::error("value-in-name", text)
                    .at(place)
                    .help("names are told, values never: take it from elsewhere"),
            );
        }
    }

    fn value_in_name(&mut self, place: Place, field: &str) {
        let text = text!("a Secret's value would be copied into `{field}`, which names an object");
        let help = "names are told, values never: take the name from elsewhere, or write it out";
        self.problems.push(Problem::error("value-in-name", text).at(place).help(help));
    }
}
