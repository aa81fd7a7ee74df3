//! Input `vault-secrets`: which paths of Vault are read, and which of their keys fill which names.
//!
//! The grammar is that of vault-action's `secrets` (`PATH KEY | NAME ;`), so that a block can be moved over as it is; folders, versions,
//! `optional` and `base64` are ours.

mod document;
mod grammar;
mod names;
mod resolve;

pub use document::Document;
pub use grammar::{Line, Place, Selector, parse};
pub use resolve::{Found, Lookup, Missing, lookups, resolve};
