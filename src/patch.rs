//! The filled template as objects and entries: what the build must hold.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Place;
use crate::object::ObjectId;
use crate::secret::Secret;

/// One step from an object's root to a scalar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into a mapping, by key.
    Key(String),
    /// Into a sequence, by index from 0.
    Index(usize),
}

/// One scalar of the filled template.
#[derive(Debug, Clone)]
pub struct Entry {
    /// From the object's root, such as `stringData`, `LIVEKIT_API_KEY`.
    pub path: Vec<Step>,
    /// The scalar as it stands in the filled template (base64 still encoded in a Secret's `data`).
    pub value: Secret,
    /// The scalar as it stands in the template, placeholders included.
    pub template_text: String,
    /// Names of the placeholders that were filled here, in order; empty for a literal.
    pub names: Vec<String>,
    /// Where it stands in the template.
    pub place: Place,
}

impl Entry {
    /// The last mapping key of the path: the name users know the entry by.
    pub fn key(&self) -> &str {
        self.path
            .iter()
            .rev()
            .find_map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                Step::Index(_) => None,
            })
            .unwrap_or_default()
    }

    /// `spec.containers[0].image`.
    pub fn dotted_path(&self) -> DottedPath<'_> {
        DottedPath(&self.path)
    }

    /// The key below `data`, `stringData` or `binaryData`, for entries directly beneath one of these.
    pub fn data_key(&self) -> Option<(&str, &str)> {
        match self.path.as_slice() {
            [Step::Key(field), Step::Key(key)] if matches!(field.as_str(), "data" | "stringData" | "binaryData") => {
                Some((field, key))
            }
            _ => None,
        }
    }
}

impl PatchObject {
    /// Whether it is a Secret or a ConfigMap.
    pub fn holds_data(&self) -> bool {
        self.id.group.is_empty() && matches!(self.id.kind.as_str(), "Secret" | "ConfigMap")
    }

    /// What the filled keys of a Secret's `data` hold once they are decoded, where that is text: whoever prints it shows the value.
    pub fn decoded_data(&self) -> Vec<Secret> {
        let filled = self.entries.iter().filter(|entry| !entry.names.is_empty() && self.id.kind == "Secret");
        let data = filled.filter(|entry| entry.data_key().is_some_and(|(field, _)| field == "data"));
        data.filter_map(|entry| String::from_utf8(STANDARD.decode(entry.value.expose().trim()).ok()?).ok())
            .map(Secret::new)
            .collect()
    }
}

/// Prints a path the way users write it.
#[derive(Debug)]
pub struct DottedPath<'a>(&'a [Step]);

impl<'a> DottedPath<'a> {
    /// The path of these steps.
    pub fn of(steps: &'a [Step]) -> Self {
        Self(steps)
    }
}

impl fmt::Display for DottedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if depth == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// One object of the filled template.
#[derive(Debug, Clone)]
pub struct PatchObject {
    /// What it is called in the template, before the overlay's prefixes, suffixes and namespace.
    pub id: ObjectId,
    /// Where its document starts.
    pub place: Place,
    /// In a core Secret or ConfigMap every scalar of `data`, `stringData` and `binaryData`; in other kinds every filled scalar.
    pub entries: Vec<Entry>,
    /// Keys of `data`, `stringData` or `binaryData` whose value is null: kustomize would delete them without a word.
    pub nulls: Vec<(String, Place)>,
    /// `$patch` and its like: directives of a strategic merge patch.
    pub directives: Vec<(String, Place)>,
}
