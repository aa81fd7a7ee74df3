//! One kustomization file as the list of everything it refers to.
//!
//! Read as kustomize 5.8.1 reads it, and rather more than less: field names match in any case (Go's JSON decoder
//! ignores it), `<<` merges count, and a text that two YAML readers see differently is refused, so that no reference hides.

use std::rc::Rc;

use crate::error::Problem;

use super::fields::{collect_field, collect_plugin, fold, named};
use super::node::Content;
use super::reader::{refusal, trusted_documents};

/// Names under which kustomize looks for its file, in its order.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a reference is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceKind {
    /// A file of objects, a directory with a kustomization, or something remote: `resources`, `bases`.
    Resource,
    /// A directory with a kustomization of kind Component.
    Component,
    /// A file of patches.
    Patch {
        /// A `target:` selects what it applies to.
        targeted: bool,
    },
    /// A patch written into the kustomization; the target is its text.
    InlinePatch,
    /// A file whose content becomes a key of a generated object.
    GeneratorFile,
    /// A file of `KEY=value` lines that become keys of a generated object.
    GeneratorEnvironment(Generated),
    /// A `KEY=value` that becomes a key of a generated object; names no file.
    GeneratorLiteral(Generated),
    /// A file that only steers kustomize: `crds`, `openapi`.
    Configuration,
    /// A file of `configurations`: which fields names and variables are put into.
    NameReferences,
    /// A file of `replacements`.
    Replacements,
    /// A Secret's value would be copied into what names an object; the target is that field.
    ValueInName,
    /// One of `vars` that stands for a Secret's value; the target is its name.
    SecretVariable,
    /// A file or directory of objects that configure a generator, transformer or validator.
    Plugin,
    /// Such objects written into the kustomization; the target is their text.
    InlinePlugin,
    /// A text where kustomize takes objects or a path, and two readers might not agree on which.
    Unclear,
    /// A Helm chart, which kustomize would run `helm` for.
    Helm,
    /// An object that makes kustomize run a program or container; the target is its kind.
    Program,
}

/// The generated object that a source feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// `ConfigMap` or `Secret`.
    pub kind: &'static str,
    /// Its name before kustomize adds a hash.
    pub name: String,
}

/// One thing a kustomization refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The field, such as `resources` or `patches[].path`.
    pub field: &'static str,
    /// The text that stands there: a path or URL without the `key=` of a generator's file, or inline content.
    pub target: String,
    /// What it is used for.
    pub kind: ReferenceKind,
    /// Line of the kustomization, from 1.
    pub line: usize,
}

impl Reference {
    /// Whether kustomize would fetch it over the network, run git for it, or read a repository outside the checkout.
    pub fn is_remote(&self) -> bool {
        let text = self.target.to_lowercase();
        let inline = matches!(self.kind, ReferenceKind::InlinePatch | ReferenceKind::InlinePlugin);
        let scheme = ["http:", "https:", "ssh://", "file://", "git::", "github.com/", "github.com:"];
        scheme.iter().any(|prefix| text.starts_with(prefix)) || (!inline && (text.contains("://") || has_user(&text)))
    }

    /// Whether kustomize runs git for what [`Reference::is_remote`]: for all but single files over http.
    pub fn needs_git(&self) -> bool {
        let text = self.target.to_lowercase();
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let is_file = [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending));
        let after_host = path.split_once("://").map_or("", |(_, rest)| rest);
        let is_repository = after_host.contains("//") || after_host.contains(".git/") || text.contains("ref=");
        !(text.starts_with("http") && is_file && !is_repository) || self.kind == ReferenceKind::Component
    }
}

/// `user@host:path`, the form of an SSH remote.
fn has_user(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, rest)| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && rest.contains([':', '/'])
    })
}

/// One kustomization file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kustomization {
    /// `kind: Component` instead of Kustomization.
    pub component: bool,
    /// `namespace`, which every object of a namespaced kind gets.
    pub namespace: Option<String>,
    /// Every top-level field as kustomize matches it (lower case), with its line.
    pub fields: Vec<(String, usize)>,
    /// All references, field by field in the file's order.
    pub references: Vec<Reference>,
}

/// Reads a kustomization file; `file` is its name in findings.
///
/// # Errors
/// A text that is not one YAML mapping, carries tags, repeats a key, or reads differently in another YAML reader.
pub fn parse(file: &str, text: &str) -> Result<Kustomization, Vec<Problem>> {
    let root = match trusted_documents(file, text)?.as_slice() {
        [root] if matches!(root.content, Content::Mapping(_)) => Rc::clone(root),
        [] => return Err(vec![refusal(file, 1, 1, "is empty")]),
        [root] => return Err(vec![refusal(file, root.line, 1, "is not a mapping")]),
        [_, second, ..] => {
            return Err(vec![refusal(file, second.line, 1, "has a second document, which kustomize would ignore")]);
        }
    };
    let mut references = Vec::new();
    let mut fields = Vec::new();
    for (key, value) in root.pairs() {
        let name = fold(key.text().unwrap_or_default());
        collect_field(&name, key, value, &mut references);
        fields.push((name, key.line));
    }
    let component = named(&root, "kind").any(|kind| kind.text() == Some("Component"));
    let namespace =
        named(&root, "namespace").filter_map(|name| name.text()).find(|name| !name.is_empty()).map(str::to_owned);
    Ok(Kustomization { component, namespace, fields, references })
}

/// The references of objects that configure generators, transformers and validators. Only kustomize's builtin ones are
/// read; every other object, and each with a function annotation, is a [`ReferenceKind::Program`].
///
/// # Errors
/// As [`parse`], for the text as a whole.
pub(super) fn parse_plugins(file: &str, text: &str) -> Result<Vec<Reference>, Vec<Problem>> {
    let mut references = Vec::new();
    for document in trusted_documents(file, text)? {
        collect_plugin(&document, &mut references);
    }
    Ok(references)
}
