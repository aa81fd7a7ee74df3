//! From what a user gave as kubeconfig to one that is safe to hand to kubectl.
//!
//! kubectl given a doubtful kubeconfig falls through to `http://localhost:8080` or a pod's own account, prompts on the
//! stdin that carries the manifest, or runs a program the kubeconfig names. All of that is diagnosed here, before the
//! first call, and kubectl gets a file of one cluster, one user and one context.

mod cluster;
mod context;
mod expiry;
mod material;
mod merge;
mod plugin;
mod read;
mod server;
mod user;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::error::{Problem, Text, text};
use crate::secret::Secret;
use merge::{Entry, Origin};

/// What must be known of the machine; the edge implements it.
pub trait Files {
    /// The whole file. A pipe (`<(…)`) can be read once, so each path is read once.
    ///
    /// # Errors
    /// As [`std::fs::read`]; the implementer bounds the size.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Whether something lies at `path`.
    fn exists(&self, path: &Path) -> bool;
    /// What relative paths start from; absolute.
    fn working_directory(&self) -> &Path;
    /// What `~` stands for, if that is known.
    fn home(&self) -> Option<&Path>;
    /// Seconds since 1970.
    fn now(&self) -> u64;
}

/// Where the kubeconfig comes from. The texts are secrets: users put content where a path is meant.
#[derive(Debug, Clone)]
pub enum Source {
    /// The input `kubeconfig`: content, base64 of it, a path or a list of paths.
    Input(Secret),
    /// The environment variable `KUBECONFIG`: a path or a list of paths.
    Environment(Secret),
    /// kubectl's default, `~/.kube/config`.
    Default(PathBuf),
}

/// How the kubeconfig is to be used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The input `context`; `None` or empty for the kubeconfig's own `current-context`.
    pub context: Option<&'a str>,
    /// The input `kube-token`: takes the place of whatever the user entry holds.
    pub token: Option<&'a Secret>,
    /// Whether the kubeconfig may name a program for kubectl to run.
    pub allow_exec: bool,
    /// Whether this runs in a container, where localhost is the container itself.
    pub in_container: bool,
    /// Whether inputs are called as in the action (input `context`) instead of as flags (`--context`).
    pub action: bool,
}

/// A kubeconfig without surprises.
#[derive(Debug, Clone)]
pub struct Kubeconfig {
    /// The chosen context's name.
    pub context: String,
    /// Its cluster's address, without a query; holds no credentials.
    pub server: String,
    /// JSON (hence YAML) with one cluster, one user and one context, `current-context` set, paths absolute.
    pub contents: Secret,
    /// What must be masked: tokens, password, client key (decoded PEM and its base64), a plugin's secret variables.
    pub credentials: Vec<Secret>,
    /// The context's namespace, if it names one.
    pub namespace: Option<String>,
    /// Whether kubectl will run a credential plugin.
    pub uses_exec: bool,
    /// What is odd but usable.
    pub warnings: Vec<Problem>,
}

impl Kubeconfig {
    /// The path beneath which the server has its API, such as `/k8s/clusters/c-1`; mostly empty.
    #[must_use]
    pub fn base_path(&self) -> String {
        let address = self.server.split_once("://").map_or(self.server.as_str(), |(_, address)| address);
        let address = address.split(['?', '#']).next().unwrap_or_default();
        address.find('/').map_or("", |start| address[start..].trim_end_matches('/')).to_owned()
    }
}

impl Source {
    /// The source that counts: a given input, else `KUBECONFIG`, else kubectl's default, which an action does not have.
    ///
    /// # Errors
    /// `kubeconfig-missing` where nothing is left to read.
    pub fn find(
        input: Option<&Secret>,
        environment: Option<&str>,
        options: &Options<'_>,
        files: &dyn Files,
    ) -> Result<Self, Problem> {
        let given = |text: &str| !text.trim().is_empty();
        if let Some(input) = input.filter(|input| given(input.expose())) {
            return Ok(Self::Input(input.clone()));
        }
        if let Some(paths) = environment.filter(|paths| given(paths)) {
            return Ok(Self::Environment(Secret::new(paths)));
        }
        let missing = "no kubeconfig is given";
        match files.home().filter(|_| !options.action) {
            Some(home) => Ok(Self::Default(home.join(".kube/config"))),
            None if options.action => Err(Problem::error("kubeconfig-missing", missing).help(
                "set input `kubeconfig`, e.g. `kubeconfig: ${{ secrets.KUBECONFIG }}`; \
                 a secret that does not exist, or is not passed to this event, arrives empty",
            )),
            None => Err(Problem::error("kubeconfig-missing", missing).help("give `--kubeconfig` or set `KUBECONFIG`")),
        }
    }

    /// What the user calls it.
    fn name(&self, options: &Options<'_>) -> String {
        match self {
            Self::Input(_) => options.input("kubeconfig"),
            Self::Environment(_) => "`KUBECONFIG`".to_owned(),
            Self::Default(_) => "`~/.kube/config`".to_owned(),
        }
    }
}

impl Options<'_> {
    /// What the user calls an input.
    fn input(&self, name: &str) -> String {
        if self.action { format!("input `{name}`") } else { format!("`--{name}`") }
    }
}

/// Reads, merges as kubectl does, chooses the context, checks its cluster and user, and keeps only these.
///
/// # Errors
/// Everything found wrong, warnings included; no text holds a credential or the kubeconfig's content.
pub fn load(source: &Source, options: &Options<'_>, files: &dyn Files) -> Result<Kubeconfig, Vec<Problem>> {
    let merged = read::merged(source, options, files)?;
    let chosen = context::choose(&merged, options).map_err(|problem| vec![problem])?;
    let mut check = Check { options, files, problems: Vec::new(), credentials: Vec::new() };
    let cluster = context::cluster(&merged, &chosen, &mut check);
    let user = context::user(&merged, &chosen, &mut check);
    let cluster = cluster.map(|entry| cluster::checked(entry, &mut check));
    let transport = cluster.as_ref().and_then(|(_, server)| server.as_ref());
    let user = user::checked(user, &chosen.name, transport, &mut check);
    let namespace = check.text(&chosen, "namespace");
    let Check { problems, credentials, .. } = check;
    match cluster {
        Some((cluster, Some(server))) if !problems.iter().any(Problem::is_error) => Ok(Kubeconfig {
            contents: minified(&chosen, &cluster, user.as_ref()),
            uses_exec: user.as_ref().and_then(|user| user.fields.get("exec")).is_some_and(|exec| !exec.is_null()),
            context: chosen.name,
            server: server.text,
            credentials,
            namespace,
            warnings: problems,
        }),
        _ => Err(problems),
    }
}

fn minified(context: &Entry, cluster: &Entry, user: Option<&Entry>) -> Secret {
    let mut context_fields = context.fields.clone();
    context_fields.insert("cluster".to_owned(), json!(cluster.name));
    match user {
        Some(user) => context_fields.insert("user".to_owned(), json!(user.name)),
        None => context_fields.remove("user"),
    };
    let users: Vec<Value> = user.iter().map(|user| json!({ "name": user.name, "user": user.fields })).collect();
    Secret::new(
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": cluster.name, "cluster": cluster.fields }],
            "users": users,
            "contexts": [{ "name": context.name, "context": context_fields }],
            "current-context": context.name,
        })
        .to_string(),
    )
}

/// What the checks of one kubeconfig share and add to.
struct Check<'a> {
    options: &'a Options<'a>,
    files: &'a dyn Files,
    problems: Vec<Problem>,
    credentials: Vec<Secret>,
}

impl Check<'_> {
    fn error(&mut self, kind: &'static str, message: impl Into<Text>, help: impl Into<Text>) {
        self.problems.push(Problem::error(kind, message).help(help));
    }

    fn warning(&mut self, kind: &'static str, message: impl Into<Text>, help: impl Into<Text>) {
        self.problems.push(Problem::warning(kind, message).help(help));
    }

    /// A string field; absent, null and empty are the same to kubectl.
    fn text(&mut self, entry: &Entry, field: &str) -> Option<String> {
        match entry.fields.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(_) => {
                let message = text!("`{field}` of {} is not a string", entry.title());
                self.error("kubeconfig-type", message, "put it in quotes");
                None
            }
        }
    }

    /// `path` as kubectl resolves it; `None`, with the problem told, where content has no directory to start from.
    fn absolute(&mut self, entry: &Entry, field: &str, path: &str) -> Option<PathBuf> {
        match &entry.origin {
            _ if Path::new(path).is_absolute() => Some(PathBuf::from(path)),
            Origin::Directory(directory) => Some(directory.join(path).components().collect()),
            Origin::Content => {
                let message = text!(
                    "`{field}` of {} is the relative path `{path}`, but the kubeconfig came as content, not as a file",
                    entry.title()
                );
                self.error("kubeconfig-path", message, FLATTEN);
                None
            }
        }
    }
}

const FLATTEN: &str = "put the file's content into the kubeconfig where it works: \
                       `kubectl config view --raw --flatten --minify`";

type Fields = Map<String, Value>;

#[cfg(test)]
mod tests;
