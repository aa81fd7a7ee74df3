//! A Kubernetes object as data, and the name it goes by.

mod leaf;
mod marks;

use std::fmt;

use serde_json::Value;

pub use leaf::{by_name, element_path, field_path, leads_to, scalar_text};
pub use marks::{ARGO_CD_TRACKING, EXTERNAL_SECRETS_HASH, EXTERNAL_SECRETS_LABEL, Marks};

/// What identifies an object: group, kind, namespace and name. The version is left out: one object has several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind, such as `Secret`.
    pub kind: String,
    /// Namespace; `None` where the document names none.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl fmt::Display for ObjectId {
    /// `Secret staging/shared-secrets`, or `Namespace staging`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// One object: a JSON mapping with `apiVersion`, `kind` and `metadata.name`.
#[derive(Clone, PartialEq)]
pub struct Object(Value);

impl Object {
    /// Wraps `value` if it is a mapping with the three fields an object cannot lack.
    ///
    /// # Errors
    /// The name of the first missing field.
    pub fn parse(value: Value) -> Result<Self, &'static str> {
        let is_text = |field: Option<&Value>| field.and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !is_text(value.get("apiVersion")) {
            Err("apiVersion")
        } else if !is_text(value.get("kind")) {
            Err("kind")
        } else if !is_text(value.get("metadata").and_then(|metadata| metadata.get("name"))) {
            Err("metadata.name")
        } else {
            Ok(Self(value))
        }
    }

    /// The object as JSON.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The object as JSON, to change; the three fields must stay.
    pub fn as_value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// `apiVersion`, such as `apps/v1`.
    pub fn api_version(&self) -> &str {
        text(self.0.get("apiVersion"))
    }

    /// The group of `apiVersion`; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        text(self.0.get("kind"))
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        text(self.of_metadata("name"))
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> Option<&str> {
        self.of_metadata("namespace").and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// `metadata.uid`; empty where it is not from a server.
    pub fn uid(&self) -> &str {
        text(self.of_metadata("uid"))
    }

    /// `metadata.resourceVersion`, of what a server has.
    pub fn resource_version(&self) -> Option<&str> {
        self.of_metadata("resourceVersion").and_then(Value::as_str)
    }

    /// What identifies it.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }

    /// Whether it is a core `Secret`.
    pub fn is_secret(&self) -> bool {
        self.kind() == "Secret" && self.group().is_empty()
    }

    /// Whether it is a core `ConfigMap`.
    pub fn is_config_map(&self) -> bool {
        self.kind() == "ConfigMap" && self.group().is_empty()
    }

    fn of_metadata(&self, field: &str) -> Option<&Value> {
        self.0.get("metadata")?.get(field)
    }
}

fn text(field: Option<&Value>) -> &str {
    field.and_then(Value::as_str).unwrap_or_default()
}

impl fmt::Debug for Object {
    /// The id only: an object may hold values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.id())
    }
}
