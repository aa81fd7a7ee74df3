//! Live objects, few by name and many by list.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::{CONCURRENCY, Ending, Kubectl, Launch, errors, items, list, unreadable};
use crate::error::{Problem, text};
use crate::object::{Object, ObjectId};

/// Up to here objects are asked for by name, in one call: one request each.
const BY_NAME: usize = 60;
/// From here on the objects of one kind in one namespace are worth a list of them all.
const WORTH_A_LIST: usize = 20;

/// Live objects by the id that the build gives them; what does not exist is not in it.
pub type LiveObjects = BTreeMap<ObjectId, Object>;

/// What a read of many objects brought.
#[derive(Debug, Default)]
pub struct Read {
    /// What was found.
    pub live: LiveObjects,
    /// Why some could not be read: one problem for each call that failed.
    pub problems: Vec<Problem>,
    /// What made it slower than it could be.
    pub notices: Vec<Problem>,
}

impl Read {
    fn failed(problems: Vec<Problem>) -> Self {
        Self { problems, ..Self::default() }
    }

    fn extend(&mut self, other: Self) {
        self.live.extend(other.live);
        self.problems.extend(other.problems);
        self.notices.extend(other.notices);
    }
}

impl<L: Launch> Kubectl<L> {
    /// Reads the live objects of `wanted`, with their `managedFields`. A kind that the server does not know has none.
    ///
    /// # Errors
    /// One problem for each call that failed.
    pub async fn get(&self, wanted: &[Object]) -> Result<LiveObjects, Vec<Problem>> {
        let read = self.read(wanted).await;
        if read.problems.is_empty() { Ok(read.live) } else { Err(read.problems) }
    }

    /// The same, with what could be read where not all could.
    pub async fn read(&self, wanted: &[Object]) -> Read {
        let asked: Vec<Asked<'_>> = wanted.iter().map(|object| Asked { object, id: object.id() }).collect();
        let mut answers =
            stream::iter(questions(&asked)).map(|question| self.ask(question)).buffer_unordered(CONCURRENCY);
        let mut read = Read::default();
        while let Some(answer) = answers.next().await {
            read.extend(answer);
        }
        read
    }

    async fn ask(&self, question: Question<'_>) -> Read {
        match question {
            Question::ByName(asked) => self.get_by_name(&asked).await,
            Question::List { namespace, asked } => match self.get_by_list(namespace, &asked).await {
                Listed::Read(read) => read,
                Listed::Refused(problem) => {
                    let mut read = Read { notices: slower(&problem), ..Read::default() };
                    for some in asked.chunks(BY_NAME) {
                        read.extend(self.get_by_name(some).await);
                    }
                    read
                }
            },
        }
    }

    async fn get_by_name(&self, asked: &[&Asked<'_>]) -> Read {
        let names: Vec<Value> = asked.iter().map(|asked| asked.bare()).collect();
        let words = ["get", "-f", "-", "-o", "json", "--show-managed-fields", "--ignore-not-found"];
        let (stdout, problems) = match self.cluster(&words, list(&names)).await {
            Ending::Success { stdout, .. } => (stdout, Vec::new()),
            Ending::Failed { stdout, stderr, .. } => (stdout, errors::all_but_unknown_kinds(&stderr)),
            other => return Read::failed(vec![errors::unfinished(&other)]),
        };
        match items(&stdout) {
            Some(found) => Read { live: self.matched(asked, found), problems, notices: Vec::new() },
            None if problems.is_empty() => Read::failed(vec![unreadable("kubectl get")]),
            None => Read::failed(problems),
        }
    }

    async fn get_by_list(&self, namespace: &str, asked: &[&Asked<'_>]) -> Listed {
        let kinds: BTreeSet<String> = asked.iter().map(|asked| asked.resource()).collect();
        let kinds = kinds.into_iter().collect::<Vec<_>>().join(",");
        let words = ["get", &kinds, "-n", namespace, "-o", "json", "--show-managed-fields", "--ignore-not-found"];
        let problem = match self.cluster(&words, Default::default()).await {
            Ending::Success { stdout, .. } => match items(&stdout) {
                Some(found) => {
                    return Listed::Read(Read { live: self.matched(asked, found), ..Read::default() });
                }
                None => unreadable("kubectl get"),
            },
            Ending::Failed { stderr, .. } => errors::problem(&stderr, None),
            other => errors::unfinished(&other),
        };
        // What may not be listed may perhaps be named.
        if matches!(problem.kind, "forbidden" | "unknown-kind" | "kubectl-failed") {
            Listed::Refused(problem)
        } else {
            Listed::Read(Read::failed(vec![problem]))
        }
    }

    /// Gives each object found to the question it answers.
    fn matched(&self, asked: &[&Asked<'_>], found: Vec<Object>) -> LiveObjects {
        let mut by_id: BTreeMap<ObjectId, Object> = found.into_iter().map(|object| (object.id(), object)).collect();
        let mut live = LiveObjects::new();
        for asked in asked {
            let mut id = asked.id.clone();
            let exact = by_id.remove(&id);
            id.namespace = match id.namespace {
                // Cluster-wide, or in the namespace of the context.
                None => Some(self.namespace.clone()),
                // A cluster-wide object, in whose manifest a namespace means nothing.
                Some(_) => None,
            };
            if let Some(object) = exact.or_else(|| by_id.remove(&id)) {
                live.insert(asked.id.clone(), object);
            }
        }
        live
    }
}

enum Listed {
    Read(Read),
    /// Asking by name may be possible.
    Refused(Problem),
}

fn slower(refused: &Problem) -> Vec<Problem> {
    if refused.kind != "forbidden" {
        return Vec::new();
    }
    let text = text!("objects are read one by one, since they may not be listed: {}", refused.message);
    vec![Problem::notice("slower", text).help("with the right to `list` them a run over many objects is faster")]
}

struct Asked<'a> {
    object: &'a Object,
    id: ObjectId,
}

impl Asked<'_> {
    /// The object's name and nothing of its content.
    fn bare(&self) -> Value {
        let mut metadata = json!({"name": self.id.name});
        if let Some(namespace) = &self.id.namespace {
            metadata["namespace"] = json!(namespace);
        }
        json!({"apiVersion": self.object.api_version(), "kind": self.id.kind, "metadata": metadata})
    }

    /// `Deployment.v1.apps`, `Secret.v1.`: the kind in one version of one group.
    fn resource(&self) -> String {
        let version = self.object.api_version().rsplit('/').next().unwrap_or_default();
        format!("{}.{version}.{}", self.id.kind, self.id.group)
    }
}

enum Question<'a> {
    ByName(Vec<&'a Asked<'a>>),
    List { namespace: &'a str, asked: Vec<&'a Asked<'a>> },
}

fn questions<'a>(asked: &'a [Asked<'a>]) -> Vec<Question<'a>> {
    if asked.is_empty() {
        return Vec::new();
    }
    if asked.len() <= BY_NAME {
        return vec![Question::ByName(asked.iter().collect())];
    }
    let mut groups: BTreeMap<(Option<&str>, String), Vec<&Asked<'_>>> = BTreeMap::new();
    for one in asked {
        groups.entry((one.id.namespace.as_deref(), one.resource())).or_default().push(one);
    }
    let mut lists: BTreeMap<&str, Vec<&Asked<'_>>> = BTreeMap::new();
    let mut rest = Vec::new();
    for ((namespace, _), group) in groups {
        match namespace {
            Some(namespace) if group.len() >= WORTH_A_LIST => lists.entry(namespace).or_default().extend(group),
            _ => rest.extend(group),
        }
    }
    let lists = lists.into_iter().map(|(namespace, asked)| Question::List { namespace, asked });
    lists.chain(rest.chunks(BY_NAME).map(|some| Question::ByName(some.to_vec()))).collect()
}
