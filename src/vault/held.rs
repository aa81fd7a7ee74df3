//! Reading one path where a store says which KV its mount is, so that nobody is asked.

use super::mounts::{Engine, Mount};
use super::session::Vault;
use crate::error::Problem;
use crate::values::vault::{Document, Missing, Place};

/// How a mount keeps a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kv {
    /// KV v1: as it is.
    Plain,
    /// KV v2: the version that is meant; the newest where there is none.
    Versions(Option<u64>),
}

impl Vault {
    /// What `path` in `mount` holds; `None` where nothing is there, or no more.
    ///
    /// # Errors
    /// Why it may not be read, or there is no answer.
    pub async fn held(&self, mount: &str, path: &str, kv: Kv) -> Result<Option<Document>, Problem> {
        let found = match kv {
            Kv::Plain => self.plain(&Place { path: format!("{mount}/{path}"), version: None }).await,
            Kv::Versions(version) => {
                let place = Place { path: format!("{mount}/data/{path}"), version };
                self.versioned(&Mount { path: mount.to_owned(), engine: Engine::Kv2 }, &place).await
            }
        };
        match found {
            Ok(document) => Ok(Some(document)),
            Err(Missing { absent: true, .. }) => Ok(None),
            Err(missing) => Err(missing.problem),
        }
    }
}
