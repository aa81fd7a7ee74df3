//! The placeholders that committed objects hold, and where every key of their Secrets and ConfigMaps stands.

use base64::Engine;

use crate::error::{Place, Problem, text};
use crate::patch::Step;

use super::closure::{Closure, Source, SourceRole, Tree};
use super::kustomization::Generated;
use super::node::{Content, Node, documents};
use super::slips::slips;

/// More nodes than any real closure; aliases can multiply a small file into more.
const MAX_NODES: usize = 5_000_000;

/// A scalar of a committed object that holds a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePlaceholder {
    /// API group of the object; empty for the core group.
    pub group: String,
    /// Kind of the object.
    pub kind: String,
    /// Its namespace before the overlay's, if it names one.
    pub namespace: Option<String>,
    /// Its name before prefixes, suffixes and hashes.
    pub name: String,
    /// Where in the object.
    pub path: Vec<Step>,
    /// The scalar, decoded where it stands in a Secret's `data` as base64.
    pub text: String,
    /// Where in the checkout.
    pub place: Place,
}

/// A key of a committed Secret or ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseKey {
    /// `Secret` or `ConfigMap`.
    pub kind: String,
    /// Name of the object before prefixes, suffixes and hashes.
    pub name: String,
    /// `data`, `stringData` or `binaryData`.
    pub field: String,
    /// The key beneath.
    pub key: String,
    /// It has no value: the server refuses that, and a merge drops the key without a word.
    pub null: bool,
    /// It is a date without quotes, which kustomize turns into a time without a word.
    pub date: Option<String>,
    /// Where its value stands.
    pub place: Place,
}

/// A committed Secret or ConfigMap, or one that a generator makes of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseObject {
    /// `Secret` or `ConfigMap`.
    pub kind: String,
    /// Its name before prefixes, suffixes and hashes.
    pub name: String,
}

/// What is known of the committed objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    /// Every position that must be filled in the build.
    pub placeholders: Vec<BasePlaceholder>,
    /// Every key of a Secret or ConfigMap, for findings to point at.
    pub keys: Vec<BaseKey>,
    /// Every Secret and ConfigMap that is no patch.
    pub objects: Vec<BaseObject>,
}

/// Reads the closure's objects, patches and generator sources. `has_placeholder` says whether a scalar holds one that is ours.
///
/// Files that cannot be read are findings: kustomize will say more about them, their placeholders stay unknown.
pub fn collect(closure: &Closure, tree: &impl Tree, has_placeholder: &dyn Fn(&str) -> bool) -> (Base, Vec<Problem>) {
    let mut base = Base::default();
    let mut problems = Vec::new();
    let mut budget = MAX_NODES;
    for source in &closure.sources {
        let read = match &source.inline {
            Some((text, _)) => Ok(text.clone()),
            None => tree.read(&source.path, &source.file),
        };
        match read {
            Ok(text) => {
                let (base, budget) = (&mut base, &mut budget);
                let mut collector = Collector { source, has_placeholder, base, budget, slips: Vec::new() };
                problems.extend(collector.source(&text));
                problems.append(&mut collector.slips);
            }
            Err(problem) => problems.push(problem),
        }
    }
    (base, problems)
}

/// Fields whose keys are a Secret's or ConfigMap's.
pub(crate) fn is_data_field(field: &str) -> bool {
    matches!(field, "data" | "stringData" | "binaryData")
}

struct Collector<'a> {
    source: &'a Source,
    has_placeholder: &'a dyn Fn(&str) -> bool,
    base: &'a mut Base,
    budget: &'a mut usize,
    slips: Vec<Problem>,
}

/// The object that is being read.
struct Owner<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl Owner<'_> {
    fn holds_data(&self) -> bool {
        self.group.is_empty() && matches!(self.kind, "Secret" | "ConfigMap")
    }
}

impl Collector<'_> {
    fn source(&mut self, text: &str) -> Option<Problem> {
        if let SourceRole::Pairs(generated) = &self.source.role {
            self.pairs(generated, text);
            return None;
        }
        if !["${", "Secret", "ConfigMap"].iter().any(|word| text.contains(word)) {
            return None;
        }
        match documents(text) {
            Ok(found) => found.iter().for_each(|document| self.object(document)),
            Err(error) => {
                let place = self.place(error.line, error.column);
                let text = text!("`{}` {}: its placeholders are not known", self.source.file, error.reason);
                return Some(Problem::warning("base-unreadable", text).at(place));
            }
        }
        (*self.budget == 0).then(|| {
            let text = text!("`{}` is too large once its aliases are replaced", self.source.file);
            Problem::error("base-too-large", text).at(self.place(1, 1))
        })
    }

    fn object(&mut self, object: &Node) {
        let kind = object.text_at(&["kind"]).unwrap_or_default();
        if kind.ends_with("List")
            && let Some(items) = object.get("items")
        {
            return items.items().iter().for_each(|item| self.object(item));
        }
        let Some(name) = object.text_at(&["metadata", "name"]) else { return };
        let version = object.text_at(&["apiVersion"]).unwrap_or_default();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let owner = Owner { group, kind, namespace: object.text_at(&["metadata", "namespace"]), name };
        let holds_data = owner.holds_data();
        if holds_data && self.source.role == SourceRole::Resource {
            self.base.objects.push(BaseObject { kind: kind.to_owned(), name: name.to_owned() });
        }
        for slip in slips(object, &format!("{kind} {name}"), holds_data) {
            let place = self.place(slip.line, slip.column);
            self.slips.push(slip.problem.at(place));
        }
        let mut path = Vec::new();
        self.node(&owner, object, &mut path);
    }

    fn node(&mut self, owner: &Owner<'_>, node: &Node, path: &mut Vec<Step>) {
        if *self.budget == 0 {
            return;
        }
        *self.budget -= 1;
        match &node.content {
            Content::Scalar { text, .. } => self.scalar(owner, text, node, path),
            Content::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.node(owner, item, path);
                    path.pop();
                }
            }
            Content::Mapping(_) => {
                for (key, value) in node.pairs() {
                    path.push(Step::Key(key.text().unwrap_or_default().to_owned()));
                    self.node(owner, value, path);
                    path.pop();
                }
            }
        }
    }

    fn scalar(&mut self, owner: &Owner<'_>, text: &str, node: &Node, path: &[Step]) {
        let place = self.place(node.line, node.column);
        let data_key = match path {
            [Step::Key(field), Step::Key(key)] if owner.holds_data() && is_data_field(field) => Some((field, key)),
            _ => None,
        };
        if let Some((field, key)) = data_key {
            let (kind, name) = (owner.kind.to_owned(), owner.name.to_owned());
            let (field, key, place) = (field.clone(), key.clone(), place.clone());
            // In a patch a null deletes on purpose.
            let null = self.source.role == SourceRole::Resource && !node.is_present();
            let date = node.plain_date().map(str::to_owned);
            self.base.keys.push(BaseKey { kind, name, field, key, null, date, place });
        }
        let encoded = owner.kind == "Secret" && data_key.is_some_and(|(field, _)| field == "data");
        let decoded = encoded.then(|| decoded(text)).flatten();
        let found = [Some(text), decoded.as_deref()].into_iter().flatten().find(|text| (self.has_placeholder)(text));
        if let Some(text) = found {
            self.base.placeholders.push(BasePlaceholder {
                group: owner.group.to_owned(),
                kind: owner.kind.to_owned(),
                namespace: owner.namespace.map(str::to_owned),
                name: owner.name.to_owned(),
                path: path.to_vec(),
                text: text.to_owned(),
                place,
            });
        }
    }

    /// `KEY=value` lines of a generator, read as kustomize reads them.
    fn pairs(&mut self, generated: &Generated, text: &str) {
        self.base.objects.push(BaseObject { kind: generated.kind.to_owned(), name: generated.name.clone() });
        let literal = self.source.inline.is_some();
        let lines: Vec<&str> = if literal { vec![text] } else { text.trim_start_matches('\u{feff}').lines().collect() };
        for (index, line) in lines.into_iter().enumerate() {
            let line = if literal { line } else { line.trim_start() };
            let Some((key, value)) = line.split_once('=').filter(|_| literal || !line.starts_with('#')) else {
                continue;
            };
            let value = if literal { without_quotes(value) } else { value };
            let place = self.place(index + 1, 1);
            let (kind, name) = (generated.kind.to_owned(), generated.name.clone());
            let (field, key) = ("data".to_owned(), key.to_owned());
            if (self.has_placeholder)(value) {
                let path = vec![Step::Key(field.clone()), Step::Key(key.clone())];
                let (kind, name, text, place) = (kind.clone(), name.clone(), value.to_owned(), place.clone());
                let (group, namespace) = (String::new(), None);
                self.base.placeholders.push(BasePlaceholder { group, kind, namespace, name, path, text, place });
            }
            self.base.keys.push(BaseKey { kind, name, field, key, null: false, date: None, place });
        }
    }

    /// A place in the source; inline text counts from the line where it stands.
    fn place(&self, line: usize, column: usize) -> Place {
        match &self.source.inline {
            Some((_, start)) => Place::new(&self.source.file, start + line - 1, 1),
            None => Place::new(&self.source.file, line, column),
        }
    }
}

fn decoded(text: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.replace(['\n', '\r'], "")).ok()?;
    String::from_utf8(bytes).ok()
}

fn without_quotes(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}
