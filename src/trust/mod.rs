//! Whose tree this is: whether a checkout is a commit of this repository's own, by what the event says and git's files show.
//!
//! Anybody may open a pull request, and its commits can be fetched from this repository by their ids. So the event's name
//! proves nothing: the commit that lies there is compared with those that the event vouches for. docs/trust.md says it to users.

mod event;
mod payload;
#[cfg(test)]
mod tests;
mod vouched;

use self::event::Judgement;
use crate::error::{Problem, text};

pub use event::{Event, Payload};

/// What git's own files say of a checkout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The id of the commit that is checked out; `None` where there is no repository, or no commit in it.
    pub commit: Option<String>,
    /// `owner/name` in small letters, by the address of the remote `origin`; `None` where there is none.
    pub origin: Option<String>,
    /// Full names of the refs that point at the commit: `refs/remotes/origin/main`, `refs/tags/v1`, `refs/remotes/pull/7/merge`;
    /// and `refs/pull/7/head` if it was last fetched under that name.
    pub refs: Vec<String>,
    /// `origin` is fetched as branches and tags alone: then what lies beneath `refs/remotes/origin/` are its branches.
    pub tracks_branches: bool,
    /// Those of `refs` beneath `refs/remotes/origin/` and `refs/tags/` of which git's notes do not say that they are a branch or tag of
    /// `origin`.
    pub unproved: Vec<String>,
    /// Where else than from `origin` the commit came, by git's notes: `owner/name` in small letters, a directory, or a remote's name.
    pub came_from: Vec<String>,
    /// What was fetched last and is no branch or tag of `origin`: `refs/pull/7/head`, or an address as in `came_from`.
    pub fetched: Vec<String>,
}

/// Whose a tree is. Only [`Tree::Own`] may get values, a build or credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// A commit of this repository's own, or a tree that nobody else can have had a hand in.
    Own,
    /// Another's: a fork's pull request, or another repository.
    Foreign {
        /// What speaks for it, as the predicate of "the tree …".
        why: String,
    },
    /// Nothing proves that it is this repository's own.
    Unknown {
        /// What is missing, as the predicate of "the tree …".
        why: String,
    },
}

impl Tree {
    /// Judges the tree at `head` in a run that `event` started.
    pub fn of(event: &Event<'_>, head: &Head) -> Self {
        match event.judge() {
            Judgement::Settled(tree) => tree,
            Judgement::Commits(vouched) => vouched.tree(head),
        }
    }

    /// Why the tree gets neither values nor a build; `None` if it is our own. `shown` is the directory as users know it.
    pub fn refusal(&self, shown: &str) -> Option<Problem> {
        let (kind, why, help) = match self {
            Self::Own => return None,
            Self::Foreign { why } => (
                "foreign-tree",
                why,
                "whoever wrote it could read every value out of its own build: deploy it once it is merged; `check` needs no values and \
                 serves for every pull request",
            ),
            Self::Unknown { why } => (
                "unknown-tree",
                why,
                "check out a branch or a tag of this repository by its name (`ref:` of actions/checkout), or what the event stands for \
                 (no `ref:`); docs/trust.md says what counts as proof",
            ),
        };
        let text = text!("`{shown}` gets no values and no build: it {why}");
        Some(Problem::error(kind, text).help(help))
    }
}
