//! What a run must be allowed to do: asked of the server before the first write, and named as a Role where it is missing.

mod resources;
mod role;
mod rules;

pub use resources::{Resource, Scope, builtin, namespace_of, of_definition};
pub use role::{role, told};
pub use rules::Rules;

/// What is done to a resource, as authorizers call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read all of a namespace, or of the cluster.
    List,
    /// Be told of changes.
    Watch,
    /// Make an object; an apply of one that does not exist needs it beside [`Verb::Patch`].
    Create,
    /// Change or apply an object.
    Patch,
    /// Delete an object.
    Delete,
}

impl Verb {
    /// As it stands in a rule.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// One thing that a run has to be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// Where; `None` for what is cluster-wide.
    pub namespace: Option<String>,
    /// API group; empty for the core group.
    pub group: String,
    /// The plural, such as `secrets`.
    pub resource: String,
    /// Of which object; `None` for any.
    pub name: Option<String>,
    /// What.
    pub verb: Verb,
}

impl Need {
    /// The right to `verb` any object of `resource` in `namespace`.
    pub fn new(verb: Verb, group: &str, resource: &str, namespace: Option<&str>) -> Self {
        Self {
            namespace: namespace.map(str::to_owned),
            group: group.to_owned(),
            resource: resource.to_owned(),
            name: None,
            verb,
        }
    }

    /// The same for one object.
    #[must_use]
    pub fn of(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }
}
