//! Reading KV: one path, or every path of a folder.

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Gone};
use super::client::Request;
use super::mounts::{self, Engine, Mount};
use super::session::Vault;
use super::trouble::{self, said};
use crate::error::{Problem, text};
use crate::values::vault::{Document, Found, Lookup, Missing, Place};

/// How many paths one folder may hold: a wrong one should not read a whole Vault.
const LARGEST_FOLDER: usize = 2000;

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Listed {
    data: Keys,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<String>,
}

type Read<T> = Result<T, Missing>;

impl Vault {
    /// Reads everything at once, as many requests at a time as the settings allow.
    pub async fn read(&self, lookups: impl IntoIterator<Item = Lookup>) -> Found {
        let one = async |lookup: Lookup| {
            let found = match &lookup {
                Lookup::Place(place) => self.place(place).await.map(|document| vec![(String::new(), document)]),
                Lookup::Folder(path) => self.folder(path).await,
            };
            (lookup, found)
        };
        join_all(lookups.into_iter().map(one)).await.into_iter().collect()
    }

    async fn place(&self, place: &Place) -> Read<Document> {
        let mount = self.mount(&place.path).await?;
        match mount.engine {
            Engine::Kv2 => self.versioned(&mount, place).await,
            Engine::Kv1 if place.version.is_some() => Err(unversioned(place)),
            Engine::Kv1 => self.plain(place).await,
            Engine::Unknown => self.unknown(&mount, place).await,
            Engine::Other(ref engine) => Err(not_kv(place, engine)),
        }
    }

    /// KV v2: `MOUNT/data/PATH`.
    pub(super) async fn versioned(&self, mount: &Mount, place: &Place) -> Read<Document> {
        let path = format!("{}/data/{}", mount.path, mount.secret(&place.path).unwrap_or(&place.path));
        let query = place.version.map(|version| ("version", version.to_string())).into_iter().collect();
        let answer = self.ask(&Request { query, ..Request::get(&path, &self.token) }).await?;
        if !answer.is_success() {
            return Err(self.refused(place, &path, &answer));
        }
        let data = answer.text().and_then(|text| serde_json::from_str::<Reply<'_>>(text).ok()?.data);
        let data = data.and_then(|data| serde_json::from_str::<Versioned<'_>>(data.get()).ok()?.data);
        data.and_then(|data| Document::parse(data.get())).ok_or_else(|| no_keys(place))
    }

    /// KV v1: `PATH` as it is.
    pub(super) async fn plain(&self, place: &Place) -> Read<Document> {
        let answer = self.ask(&Request::get(&place.path, &self.token)).await?;
        if !answer.is_success() {
            return Err(self.refused(place, &place.path, &answer));
        }
        let data = answer.text().and_then(|text| serde_json::from_str::<Reply<'_>>(text).ok()?.data);
        data.and_then(|data| Document::parse(data.get())).ok_or_else(|| no_keys(place))
    }

    /// Where we may not ask for the engine, KV v2 says itself that a path lacks `data/`.
    async fn unknown(&self, mount: &Mount, place: &Place) -> Read<Document> {
        let answer = self.ask(&Request::get(&place.path, &self.token)).await?;
        let is_versioned = answer.refusal().is_some_and(|refusal| refusal.says("Invalid path for a versioned K/V"));
        // A policy for `secret/data/*` alone forbids the plain path.
        if is_versioned || answer.status == 403 || place.version.is_some() {
            let versioned = Mount { engine: Engine::Kv2, ..mount.clone() };
            return self.versioned(&versioned, place).await;
        }
        self.plain(place).await
    }

    async fn folder(&self, path: &str) -> Read<Vec<(String, Document)>> {
        let folder = Place { path: path.to_owned(), version: None };
        let mount = self.mount(path).await?;
        if let Engine::Other(engine) = &mount.engine {
            return Err(not_kv(&folder, engine));
        }
        let below = mount.secret(path).unwrap_or_default().to_owned();
        let mut paths = Vec::new();
        self.list(&mount, &folder, below.clone(), &mut paths).await?;
        let place = |path: &String| Place { path: format!("{}/{path}", mount.path), version: None };
        let mount = &mount;
        let one = async |path: String| {
            let place = place(&path);
            let document = match mount.engine {
                Engine::Kv2 => self.versioned(mount, &place).await,
                _ => self.plain(&place).await,
            };
            let name = path.strip_prefix(&below).unwrap_or(&path).trim_start_matches('/').to_owned();
            match document {
                Ok(document) => Ok(Some((name, document))),
                // Deleted ones are listed all the same.
                Err(Missing { absent: true, .. }) => Ok(None),
                Err(missing) => Err(missing),
            }
        };
        let documents = join_all(paths.into_iter().map(one)).await;
        documents.into_iter().filter_map(Result::transpose).collect()
    }

    /// Every path below `path` (which is without the mount), deepest folders included.
    fn list<'a>(
        &'a self,
        mount: &'a Mount,
        folder: &'a Place,
        path: String,
        paths: &'a mut Vec<String>,
    ) -> BoxFuture<'a, Read<()>> {
        async move {
            let metadata = if mount.engine == Engine::Kv1 { "" } else { "metadata/" };
            let listed = format!("{}/{metadata}{path}", mount.path);
            let method = Method::from_bytes(b"LIST").unwrap_or(Method::GET);
            let answer = self.ask(&Request { method, ..Request::get(&listed, &self.token) }).await?;
            if !answer.is_success() {
                return Err(self.unlisted(folder, &listed, &answer));
            }
            let keys = answer.read::<Listed>().map(|listed| listed.data.keys).unwrap_or_default();
            let (folders, leaves): (Vec<String>, Vec<String>) = keys.into_iter().partition(|key| key.ends_with('/'));
            paths.extend(leaves.into_iter().map(|key| format!("{path}/{key}")));
            if paths.len() > LARGEST_FOLDER {
                return Err(too_large(folder));
            }
            for below in folders {
                self.list(mount, folder, format!("{path}/{}", below.trim_end_matches('/')), paths).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// The engine behind `path`; paths with the same first segment wait for the first of them to ask.
    pub(super) async fn mount(&self, path: &str) -> Read<Mount> {
        let first = path.split('/').next().unwrap_or_default().to_owned();
        let cell = self.asked.lock().await.entry(first).or_default().clone();
        cell.get_or_try_init(|| async { self.ask_mount(path).await.map(drop) }).await?;
        // Mounts may have several segments: one answer does not speak for every path that begins as it does.
        let known = self.mounts.lock().await.iter().find(|mount| mount.holds(path)).cloned();
        match known {
            Some(mount) => Ok(mount),
            None => self.ask_mount(path).await,
        }
    }

    async fn ask_mount(&self, path: &str) -> Read<Mount> {
        let asked = format!("sys/internal/ui/mounts/{path}");
        let answer = self.ask(&Request::get(&asked, &self.token)).await?;
        let reply = Some(&answer).filter(|answer| answer.is_success()).and_then(Answer::read::<mounts::Reply>);
        let mount = match reply {
            Some(reply) => Mount::from(reply),
            None => match trouble::general(&answer, &self.settings.address) {
                Some(problem) => return Err(Missing { absent: false, problem }),
                None => Mount::guessed(path),
            },
        };
        self.mounts.lock().await.push(mount.clone());
        Ok(mount)
    }

    pub(super) async fn ask(&self, request: &Request<'_>) -> Read<Answer> {
        self.keep_alive().await;
        let sent = self.door.send(request).await;
        sent.map_err(|trouble| Missing { absent: false, problem: trouble.problem(&self.settings.address) })
    }

    /// Why `path`, which is `place` in the API's words, was not read.
    pub(super) fn refused(&self, place: &Place, path: &str, answer: &Answer) -> Missing {
        if let Some(problem) = trouble::general(answer, &self.settings.address) {
            return Missing { absent: false, problem };
        }
        let refusal = answer.refusal().unwrap_or_default();
        if refusal.says("no handler for route") {
            let text = text!("no secrets engine is mounted where `{place}` points to");
            let help = "check the path's beginning, and `vault-namespace`";
            return Missing { absent: false, problem: Problem::error("vault-no-mount", text).help(help) };
        }
        match answer.status {
            404 => Missing {
                absent: true,
                problem: refusal.gone().map_or_else(|| not_found(place), |gone| deleted(place, gone)),
            },
            403 => Missing { absent: false, problem: forbidden(place, path, "read") },
            status => {
                let text = text!("Vault answers {status} for `{place}`{}", said(&refusal));
                Missing { absent: false, problem: Problem::error("vault-refused", text).help("check the path") }
            }
        }
    }

    fn unlisted(&self, folder: &Place, path: &str, answer: &Answer) -> Missing {
        let missing = self.refused(folder, path, answer);
        match answer.status {
            403 if missing.problem.kind == "vault-forbidden" => {
                Missing { absent: false, problem: forbidden(folder, path, "list") }
            }
            404 if missing.absent => {
                let text = text!("the folder `{folder}` in Vault is empty or not there");
                let help = "check its path; `optional` at the end of the line lets it be missing";
                Missing { absent: true, problem: Problem::error("vault-not-found", text).help(help) }
            }
            _ => missing,
        }
    }
}

fn not_found(place: &Place) -> Problem {
    Problem::error("vault-not-found", text!("nothing is stored at `{place}` in Vault"))
        .help("check the path; `optional` at the end of the line lets it be missing")
}

fn deleted(place: &Place, gone: Gone) -> Problem {
    let (path, version) = (&place.path, gone.version);
    if gone.destroyed {
        let text = text!("version {version} of `{path}` in Vault is destroyed");
        return Problem::error("vault-destroyed", text).help("write it again, or ask for another version: `PATH@N`");
    }
    let text = text!("version {version} of `{path}` in Vault is deleted");
    Problem::error("vault-deleted", text)
        .help(text!("`vault kv undelete -versions={version}` brings it back; `PATH@N` asks for another version"))
}

fn forbidden(place: &Place, path: &str, capability: &str) -> Problem {
    let text = text!("the token may not {capability} `{place}` in Vault");
    let help = text!(
        "its policy needs `path \"{path}\" {{ capabilities = [\"{capability}\"] }}`; a wrong mount or `vault-namespace`, or a token that has ended, looks the same"
    );
    Problem::error("vault-forbidden", text).help(help)
}

fn not_kv(place: &Place, engine: &str) -> Missing {
    let text = text!("`{place}` is no KV path: a secrets engine of type `{engine}` is mounted there");
    let help = "only KV is read: what an engine makes for a token ends with the token, and the cluster would keep it";
    Missing { absent: false, problem: Problem::error("vault-not-kv", text).help(help) }
}

fn unversioned(place: &Place) -> Missing {
    let text = text!("`{place}` asks for a version, and KV v1 has none");
    Missing { absent: false, problem: Problem::error("vault-no-versions", text).help("leave `@…` out") }
}

fn no_keys(place: &Place) -> Missing {
    let text = text!("Vault's answer for `{place}` holds no keys");
    Missing { absent: false, problem: Problem::error("vault-answer", text).help("check the path") }
}

fn too_large(folder: &Place) -> Missing {
    let text = text!("the folder `{folder}` in Vault holds more than {LARGEST_FOLDER} paths");
    Missing { absent: false, problem: Problem::error("vault-large-folder", text).help("name a folder further down") }
}
