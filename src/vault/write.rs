//! Writing KV v2, each path only as it was when it was looked at, and reading back.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::Answer;
use super::client::Request;
use super::mounts::Engine;
use super::session::Vault;
use crate::error::{Problem, text};
use crate::secret::Secret;
use crate::values::vault::{Document, Place};

/// What a path holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What became of its newest version.
    pub state: State,
    /// Number of the newest version; zero where there was none yet.
    pub version: u64,
    /// Its custom metadata; not known where the path holds nothing.
    pub marks: BTreeMap<String, String>,
}

/// What became of a path's newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There was none yet.
    Absent,
    /// It is there.
    Present(Document),
    /// Somebody deleted it; it can be brought back.
    Deleted,
    /// Somebody deleted it for good.
    Destroyed,
}

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There is a new version.
    Done,
    /// Somebody else wrote meanwhile: nothing was written.
    Outdated,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    data: Versioned<'a>,
}

#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    custom_metadata: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct Body<'a> {
    options: Options,
    data: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

#[derive(Serialize)]
struct Marks<'a> {
    custom_metadata: &'a BTreeMap<String, String>,
}

impl Vault {
    /// Makes sure that `mount` is KV v2, as far as that may be asked.
    ///
    /// # Errors
    /// `vault-not-kv`, `vault-no-versions`; why there is no answer.
    pub async fn require_versions(&self, mount: &str) -> Result<(), Problem> {
        let found = self.mount(&format!("{mount}/x")).await.map_err(|missing| missing.problem)?;
        match found.engine {
            Engine::Kv2 | Engine::Unknown => Ok(()),
            Engine::Kv1 => Err(Problem::error(
                "vault-no-versions",
                text!("`{mount}` in Vault is KV v1, which has no check-and-set"),
            )
            .help(text!("`vault kv enable-versioning {mount}`, and `version: v2` in the store"))),
            Engine::Other(engine) => {
                Err(Problem::error("vault-not-kv", text!("`{mount}` in Vault is a secrets engine of type `{engine}`"))
                    .help("name a KV mount in the store"))
            }
        }
    }

    /// What `path` in `mount` holds.
    ///
    /// # Errors
    /// Why it may not be read, or there is no answer.
    pub async fn kept(&self, mount: &str, path: &str) -> Result<Kept, Problem> {
        let place = place(mount, path);
        let asked = format!("{mount}/data/{path}");
        let answer = self.ask(&Request::get(&asked, &self.token)).await.map_err(|missing| missing.problem)?;
        if answer.is_success() {
            return present(&answer).ok_or_else(|| {
                Problem::error("vault-answer", text!("Vault's answer for `{place}` could not be read"))
                    .help("check `vault-url`")
            });
        }
        let missing = self.refused(&place, &asked, &answer);
        if !missing.absent {
            return Err(missing.problem);
        }
        let (state, version) = match answer.refusal().and_then(|refusal| refusal.gone()) {
            Some(gone) if gone.destroyed => (State::Destroyed, gone.version),
            Some(gone) => (State::Deleted, gone.version),
            None => (State::Absent, 0),
        };
        Ok(Kept { state, version, marks: BTreeMap::new() })
    }

    /// Writes `data` as the version after `version`, and not otherwise.
    ///
    /// # Errors
    /// Why it may not be written, or there is no answer; it may have been written then.
    pub async fn put(
        &self,
        mount: &str,
        path: &str,
        data: &BTreeMap<String, Secret>,
        version: u64,
    ) -> Result<Put, Problem> {
        let data = data.iter().map(|(key, value)| (key.as_str(), value.expose())).collect();
        // Texts always become JSON.
        let body = serde_json::to_vec(&Body { options: Options { cas: version }, data }).unwrap_or_default();
        let asked = format!("{mount}/data/{path}");
        let request = Request { token: Some(&self.token), ..Request::post(&asked, body) };
        let answer = self.ask(&request).await.map_err(|missing| missing.problem)?;
        if answer.is_success() {
            return Ok(Put::Done);
        }
        if answer.refusal().is_some_and(|refusal| refusal.says("check-and-set")) {
            return Ok(Put::Outdated);
        }
        Err(self.unwritten(mount, path, &asked, &answer))
    }

    /// Sets the custom metadata of `path`, all of it.
    ///
    /// # Errors
    /// Why it may not be written, or there is no answer.
    pub async fn mark(&self, mount: &str, path: &str, marks: &BTreeMap<String, String>) -> Result<(), Problem> {
        let body = serde_json::to_vec(&Marks { custom_metadata: marks }).unwrap_or_default();
        let asked = format!("{mount}/metadata/{path}");
        let request = Request { token: Some(&self.token), method: Method::POST, ..Request::post(&asked, body) };
        let answer = self.ask(&request).await.map_err(|missing| missing.problem)?;
        if answer.is_success() { Ok(()) } else { Err(self.unwritten(mount, path, &asked, &answer)) }
    }

    fn unwritten(&self, mount: &str, path: &str, asked: &str, answer: &Answer) -> Problem {
        let place = place(mount, path);
        match answer.status {
            403 => Problem::error("vault-forbidden", text!("the token may not write `{place}` in Vault")).help(text!(
                "its policy needs `path \"{asked}\" {{ capabilities = [\"create\", \"update\", \"read\"] }}`"
            )),
            _ => self.refused(&place, asked, answer).problem,
        }
    }
}

fn place(mount: &str, path: &str) -> Place {
    Place { path: format!("{mount}/{path}"), version: None }
}

fn present(answer: &Answer) -> Option<Kept> {
    let reply: Reply<'_> = serde_json::from_str(answer.text()?).ok()?;
    let document = Document::parse(reply.data.data?.get())?;
    let Metadata { version, custom_metadata } = reply.data.metadata;
    Some(Kept { state: State::Present(document), version, marks: custom_metadata.unwrap_or_default() })
}
