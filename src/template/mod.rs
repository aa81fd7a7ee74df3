//! The template language: placeholders found in the parsed tree, filled where they stand, proved by a second reader.
//!
//! Nothing is replaced as text: no value can break or extend the YAML, and all that is not a placeholder stays byte for byte.

pub(crate) mod document;
mod emit;
mod events;
mod expand;
mod fill;
mod objects;
pub(crate) mod place;
pub(crate) mod placeholder;
mod proof;
mod read;
mod role;
mod shape;
mod span;
mod stand_in;
mod structure;
mod url;

use std::collections::{BTreeMap, BTreeSet};

use document::{NodeId, SourceFile};
pub use expand::FillRules;
use placeholder::Parsed;
use read::TemplateFile;
pub use stand_in::{ForBuild, StandIns};

use crate::error::{Place, Problem, text};
use crate::patch::{Entry, PatchObject};
use crate::secret::Secret;
use crate::values::{Values, is_login_name, is_reserved};

/// Whether `text` holds a placeholder that is ours to fill.
pub fn holds_placeholder(text: &str, rules: &FillRules) -> bool {
    placeholder::parse(text).placeholders().iter().any(|placeholder| !rules.keeps(&placeholder.name))
}

/// A template of one or more files, read and surveyed.
#[derive(Debug)]
pub struct Template {
    files: Vec<TemplateFile>,
}

/// A placeholder's name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The name.
    pub name: String,
    /// Where its `${` stands.
    pub place: Place,
}

/// A filled template.
#[derive(Debug)]
pub struct Filled {
    /// The secret patch's text, in the template's own bytes but for the filled scalars.
    pub text: Secret,
    /// The same as kustomize gets it; empty unless it was asked for.
    pub for_build: ForBuild,
    /// What the build must hold.
    pub objects: Vec<PatchObject>,
    /// The same for JSON6902 patches, whose object only the overlay names.
    pub operations: Vec<Entry>,
    /// Documents that are no objects: a JSON6902 patch, a kustomization, one without a name.
    pub incomplete: Vec<Place>,
    /// Keys of Secrets that a default of the template filled: the placeholder's name and the place.
    pub defaults_in_secrets: Vec<Asked>,
    /// Names whose values were put in.
    pub names: BTreeSet<String>,
    /// Names for which a default of the template was used.
    pub defaulted: BTreeSet<String>,
    /// Warnings and notices.
    pub notices: Vec<Problem>,
}

impl Template {
    /// Reads files, each a name for messages and its text.
    ///
    /// # Errors
    /// What is not YAML or JSON, with line and column; keys that stand twice.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<Problem>> {
        let mut read = Vec::new();
        let mut problems = Vec::new();
        for (name, text) in files {
            match TemplateFile::parse(name, text) {
                Ok(file) => read.push(file),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self { files: read }) } else { Err(problems) }
    }

    /// Every placeholder that is to be filled, in the order of the text; a name may come several times.
    pub fn asked(&self, rules: &FillRules) -> Vec<Asked> {
        let mut asked = Vec::new();
        for (file, node, parsed) in self.marked() {
            for placeholder in parsed.placeholders().into_iter().filter(|placeholder| !rules.keeps(&placeholder.name)) {
                let place = fill::placeholder_place(file, node, &placeholder.name);
                asked.push(Asked { name: placeholder.name.clone(), place });
            }
        }
        asked
    }

    /// The placeholders that could not be filled if `given` had values and nothing else: each where it stands, in the order of the text.
    pub fn lacking(&self, given: &BTreeSet<String>, rules: &FillRules) -> Vec<Asked> {
        let values = Values::stand_ins(given, &BTreeSet::new(), BTreeSet::new());
        let mut lacking = Vec::new();
        for (file, node, parsed) in self.marked() {
            for (name, _) in expand::expand(parsed, &values, rules).lacking {
                lacking.push(Asked { place: fill::placeholder_place(file, node, &name), name });
            }
        }
        lacking
    }

    /// The names of every placeholder that is to be filled.
    pub fn names(&self, rules: &FillRules) -> BTreeSet<String> {
        let placeholders = self.marked().flat_map(|(_, _, parsed)| parsed.placeholders());
        placeholders.map(|placeholder| &placeholder.name).filter(|name| !rules.keeps(name)).cloned().collect()
    }

    /// Every `$NAME` without braces.
    pub fn bare(&self) -> Vec<Asked> {
        let mut bare = Vec::new();
        for (file, node, parsed) in self.marked() {
            bare.extend(parsed.bare.iter().map(|(name, _)| Asked { name: name.clone(), place: file.place(node) }));
        }
        bare
    }

    /// Fills the template.
    ///
    /// # Errors
    /// Everything that stands in the way, all files at once: missing and empty values, reserved names, structures that a value would break.
    pub fn fill(&self, values: &Values, rules: &FillRules, stand_ins: StandIns) -> Result<Filled, Vec<Problem>> {
        let mut problems = self.refused_names(values, rules);
        let mut files = Vec::new();
        for file in &self.files {
            match fill::fill(file, values, rules) {
                Ok(filled) => files.push(filled),
                Err(found) => problems.extend(found),
            }
        }
        // A name that is refused needs no value.
        problems.retain(|problem| !missing_name(problem).is_some_and(is_reserved));
        if !problems.is_empty() {
            return Err(with_remedy_for_missing(problems));
        }
        Ok(Filled {
            text: Secret::new(joined(&files, files.iter().map(|file| file.text.as_str()))),
            for_build: if stand_ins == StandIns::Make { ForBuild::of(&files) } else { ForBuild::default() },
            objects: files.iter().flat_map(objects::of).collect(),
            operations: files.iter().flat_map(objects::operations).collect(),
            incomplete: self.incomplete(),
            defaults_in_secrets: files.iter().flat_map(objects::defaults_in_secrets).collect(),
            names: files
                .iter()
                .flat_map(|file| &file.scalars)
                .flat_map(|scalar| scalar.expansion.names.clone())
                .collect(),
            defaulted: files
                .iter()
                .flat_map(|file| &file.scalars)
                .flat_map(|scalar| scalar.expansion.defaulted.clone())
                .collect(),
            notices: self.notices(&files),
        })
    }

    fn marked(&self) -> impl Iterator<Item = (&SourceFile, NodeId, &Parsed)> {
        self.files.iter().flat_map(|file| file.marked.iter().map(|(node, parsed)| (&file.source, *node, parsed)))
    }

    fn incomplete(&self) -> Vec<Place> {
        let objects = self.files.iter().flat_map(|file| &file.survey.objects);
        objects.filter(|object| object.incomplete).map(|object| object.place.clone()).collect()
    }

    fn refused_names(&self, values: &Values, rules: &FillRules) -> Vec<Problem> {
        let mut names = self.marked().flat_map(|(_, _, parsed)| parsed.placeholders());
        let any_reserved = names.any(|placeholder| is_reserved(&placeholder.name));
        let asked = if any_reserved { self.asked(rules) } else { Vec::new() };
        let reserved = asked.into_iter().filter(|asked| is_reserved(&asked.name)).map(|asked| {
            Problem::error(
                "reserved-name",
                text!("`{}` belongs to the runner or to this program and is never filled", asked.name),
            )
            .at(asked.place)
            .help(text!(
                "rename it, or keep it as text: `keep-placeholders: {0}`, or `$${{{0}}}` in the template",
                asked.name
            ))
        });
        let replaced_by_envsubst = |name: &str| {
            values.is_in_environment(name) && !is_reserved(name) && !is_login_name(name) && !rules.keeps(name)
        };
        let bare = self.bare().into_iter().filter(|bare| replaced_by_envsubst(&bare.name)).map(|bare| {
            Problem::error("bare-name", text!("`${0}` is not filled: only `${{{0}}}` is", bare.name))
                .at(bare.place)
                .help(text!("write `${{{0}}}`, or keep it as text: `keep-placeholders: {0}`", bare.name))
        });
        let misspelt = self
            .marked()
            .flat_map(|(file, node, parsed)| parsed.unknown_encodings.iter().map(move |text| (text, file.place(node))));
        let misspelt = misspelt.map(|(text, place)| {
            Problem::error("unknown-encoding", text!("`{text}` names no encoding"))
                .at(place)
                .help(text!("there are `@json`, `@uri` and `@base64`; to keep the text as it is, write `${text}`"))
        });
        reserved.chain(bare).chain(misspelt).collect()
    }

    fn notices(&self, files: &[fill::FilledFile<'_>]) -> Vec<Problem> {
        let mut foreign: BTreeMap<&str, usize> = BTreeMap::new();
        for (file, _, parsed) in self.marked().filter(|(_, _, parsed)| parsed.foreign > 0) {
            *foreign.entry(&file.name).or_default() += parsed.foreign;
        }
        let mut notices: Vec<Problem> = foreign
            .into_iter()
            .map(|(file, count)| {
                let what = if count == 1 { "1 form stays".to_owned() } else { format!("{count} forms stay") };
                let text = text!("`{file}`: {what} as written, such as `${{x%y}}` or `$(…)`");
                Problem::notice("foreign-form", text)
            })
            .collect();
        notices.extend(objects::clear_copies(files));
        notices.extend(objects::naming_values(files));
        notices
    }
}

/// Files one after another, each a document of its own.
fn joined<'a>(files: &[fill::FilledFile<'_>], texts: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (index, (filled, text)) in files.iter().zip(texts).enumerate() {
        if index == 0 {
            out.push_str(if filled.template.source.has_byte_order_mark { "\u{feff}" } else { "" });
        } else {
            if !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(if text.starts_with("---") { "" } else { "---\n" });
        }
        out.push_str(text);
    }
    out
}

/// The name that a problem says has no value.
fn missing_name(problem: &Problem) -> Option<&str> {
    let missing = matches!(problem.kind, "missing-value" | "empty-value");
    problem.message.split('`').nth(1).filter(|_| missing)
}

/// One remedy for all missing values, behind the last of them: the lines to add to the step.
fn with_remedy_for_missing(mut problems: Vec<Problem>) -> Vec<Problem> {
    let names: BTreeSet<&str> = problems.iter().filter_map(missing_name).collect();
    let Some(first) = names.first() else { return problems };
    let lines: Vec<String> = names.iter().map(|name| format!("    {name}: ${{{{ secrets.{name} }}}}")).collect();
    let help = text!(
        "add to the step (on the command line: export them, or use `--env-file`):\n  env:\n{}\nor keep what something else fills later: `keep-placeholders: {first}`, or `$${{{first}}}` in the template",
        lines.join("\n")
    );
    if let Some(last) = problems.iter_mut().rfind(|problem| missing_name(problem).is_some()) {
        last.help = Some(match last.help.take() {
            Some(mut own) => {
                own.push("\n");
                own.push(help);
                own
            }
            None => help,
        });
    }
    problems
}

#[cfg(test)]
mod tests;
