//! Kubeconfig documents as lists of named entries, merged as kubectl does.

use std::path::PathBuf;

use serde::Deserialize as _;
use serde_json::Value;

use super::Fields;
use crate::error::{Problem, text};

/// What relative paths in an entry start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The file's directory.
    Directory(PathBuf),
    /// None: the kubeconfig came as content.
    Content,
}

/// A named cluster, user or context.
#[derive(Clone)]
pub(super) struct Entry {
    /// `cluster`, `user` or `context`.
    pub(super) noun: &'static str,
    pub(super) name: String,
    pub(super) fields: Fields,
    pub(super) origin: Origin,
}

impl Entry {
    /// ``user `deployer` ``.
    pub(super) fn title(&self) -> String {
        format!("{} `{}`", self.noun, self.name)
    }
}

/// What one document holds.
#[derive(Default)]
pub(super) struct Part {
    contexts: Vec<Entry>,
    clusters: Vec<Entry>,
    users: Vec<Entry>,
    current: Option<String>,
}

/// All documents in one.
pub(super) struct Merged {
    /// What the user calls the source.
    pub(super) name: String,
    pub(super) contexts: Vec<Entry>,
    pub(super) clusters: Vec<Entry>,
    pub(super) users: Vec<Entry>,
    pub(super) current: Option<String>,
}

impl Merged {
    /// First wins: each name, and the first `current-context` that is not empty.
    ///
    /// # Errors
    /// `kubeconfig-entries` where there is no context at all.
    pub(super) fn new(name: String, parts: Vec<Part>) -> Result<Self, Problem> {
        let mut merged = Self { name, contexts: vec![], clusters: vec![], users: vec![], current: None };
        for part in parts {
            append(&mut merged.contexts, part.contexts);
            append(&mut merged.clusters, part.clusters);
            append(&mut merged.users, part.users);
            merged.current = merged.current.or(part.current);
        }
        if merged.contexts.is_empty() {
            return Err(merged.without_contexts());
        }
        Ok(merged)
    }

    fn without_contexts(&self) -> Problem {
        let lists = [("contexts", &self.contexts), ("clusters", &self.clusters), ("users", &self.users)];
        let missing: Vec<String> =
            lists.iter().filter(|(_, list)| list.is_empty()).map(|(name, _)| format!("no `{name}`")).collect();
        Problem::error("kubeconfig-entries", text!("{} has {}", self.name, missing.join(", "))).help(
            "a kubeconfig names a cluster, a user and a context that joins them; \
             get one that works with `kubectl config view --raw --flatten --minify`",
        )
    }
}

fn append(all: &mut Vec<Entry>, more: Vec<Entry>) {
    for entry in more {
        if !all.iter().any(|known| known.name == entry.name) {
            all.push(entry);
        }
    }
}

/// One document's text as entries. `name` is what the user calls it.
///
/// # Errors
/// The first thing that makes it no kubeconfig; syntax errors by line and column only, for the parser quotes content.
pub(super) fn document(text: &str, name: &str, origin: &Origin) -> Result<Part, Problem> {
    let Value::Object(mut root) = parse(text, name)? else {
        return Err(Problem::error("kubeconfig-kind", text!("{name} is not a kubeconfig: not a mapping"))
            .help("give the output of `kubectl config view --raw --flatten --minify`"));
    };
    let is = |field: &str, wanted: &str| match root.get(field) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|text| text.is_empty() || text == wanted),
    };
    if !is("kind", "Config") || !is("apiVersion", "v1") {
        let message = text!("{name} is not a kubeconfig: a kubeconfig is `apiVersion: v1`, `kind: Config`");
        return Err(Problem::error("kubeconfig-kind", message)
            .help("if this is a manifest that holds a kubeconfig, take out and decode that field"));
    }
    let current = match root.remove("current-context") {
        None | Some(Value::Null) => None,
        Some(Value::String(current)) => Some(current).filter(|current| !current.is_empty()),
        Some(_) => return Err(mistyped(format!("`current-context` of {name} is not a string"))),
    };
    let mut list = |noun, field| entries(root.remove(field), noun, field, name, origin);
    Ok(Part {
        contexts: list("context", "contexts")?,
        clusters: list("cluster", "clusters")?,
        users: list("user", "users")?,
        current,
    })
}

fn parse(text: &str, name: &str) -> Result<Value, Problem> {
    let syntax = |error: &serde_yaml::Error| {
        let place =
            error.location().map_or_else(String::new, |at| format!(" (line {}, column {})", at.line(), at.column()));
        Problem::error("kubeconfig-syntax", text!("{name} is not valid YAML{place}"))
            .help("check that its line breaks and indentation survived; base64 of it (`base64 -w0`) keeps them")
    };
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let mut value = serde_yaml::Value::deserialize(document).map_err(|error| syntax(&error))?;
        value.apply_merge().map_err(|error| syntax(&error))?;
        if !value.is_null() {
            documents.push(value);
        }
    }
    if documents.len() > 1 {
        return Err(Problem::error("kubeconfig-syntax", text!("{name} holds {} YAML documents", documents.len()))
            .help("keep one; to join kubeconfigs, list their paths in `KUBECONFIG`, separated by `:`"));
    }
    let value = documents.pop().unwrap_or_default();
    serde_json::to_value(value)
        .map_err(|_| mistyped(format!("{name} holds a tag or a key that is no string, which a kubeconfig cannot")))
}

fn entries(
    list: Option<Value>,
    noun: &'static str,
    field: &str,
    document: &str,
    origin: &Origin,
) -> Result<Vec<Entry>, Problem> {
    let items = match list {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(mistyped(format!("`{field}` of {document} is not a list"))),
    };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let entry = entry(item, noun, origin)
            .ok_or_else(|| mistyped(format!("an entry in `{field}` of {document} is not a `name` with a `{noun}`")))?;
        if entries.iter().any(|known| known.name == entry.name) {
            let message = text!("{document} has more than one {}", entry.title());
            return Err(Problem::error("kubeconfig-duplicate", message).help("kubectl refuses that: keep one of them"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(item: Value, noun: &'static str, origin: &Origin) -> Option<Entry> {
    let Value::Object(mut item) = item else { return None };
    let Some(Value::String(name)) = item.remove("name") else { return None };
    let fields = match item.remove(noun) {
        None | Some(Value::Null) => Fields::new(),
        Some(Value::Object(fields)) => fields,
        Some(_) => return None,
    };
    Some(Entry { noun, name, fields, origin: origin.clone() })
}

fn mistyped(message: String) -> Problem {
    Problem::error("kubeconfig-type", message).help(
        "names are strings (in quotes if they look like numbers), `clusters`, `users` and `contexts` lists of \
         `name:` with `cluster:`, `user:` or `context:`",
    )
}
