//! Looking at a cluster, or at those of its namespaces that may be seen: page by page, without keeping a value.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::super::Run;
use super::stores::{not_listed, stores};
use crate::error::{Failure, Problem, Stage, text};
use crate::eso::{External, GROUP, Inventory, Owner, SecretFacts, StoreFacts, secrets_of};
use crate::kubectl::{Kubectl, Paging};
use crate::object::Object;

/// Namespaces of Kubernetes itself.
const SYSTEM: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];
/// How many namespaces are read at once.
const AT_ONCE: usize = 4;
/// What names Secrets and lives in a namespace: the API it is in, and its plural.
pub(super) const USERS: [(&str, &str); 8] = [
    ("/apis/apps/v1", "deployments"),
    ("/apis/apps/v1", "statefulsets"),
    ("/apis/apps/v1", "daemonsets"),
    ("/apis/batch/v1", "cronjobs"),
    ("/apis/batch/v1", "jobs"),
    ("/api/v1", "pods"),
    ("/api/v1", "serviceaccounts"),
    ("/apis/networking.k8s.io/v1", "ingresses"),
];

/// Where is looked.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    /// The whole cluster.
    Everywhere,
    /// These namespaces.
    Namespaces(Vec<String>),
}

/// What a list gave.
pub(super) struct Listed<T> {
    pub(super) found: Vec<T>,
    /// The first refusal, and how many namespaces it was said of.
    pub(super) refused: Option<(Problem, usize)>,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Where the inputs and the rights of this account let it look.
    pub(super) async fn scope(&mut self, kubectl: &Kubectl) -> Result<Scope, Failure> {
        if !self.inputs.eso.namespaces.is_empty() {
            return Ok(Scope::Namespaces(self.inputs.eso.namespaces.clone()));
        }
        let failure = |problem| Failure::new(Stage::Inventory, vec![problem]);
        match kubectl.get_raw("/api/v1/secrets?limit=1").await {
            Ok(_) => return Ok(Scope::Everywhere),
            Err(problem) if problem.kind == "forbidden" => {}
            Err(problem) => return Err(failure(problem)),
        }
        let namespaces = match kubectl.all("/api/v1/namespaces").await {
            Ok(all) => all.unwrap_or_default().iter().map(|one| one.name().to_owned()).collect(),
            Err(problem) if problem.kind == "forbidden" => vec![kubectl.namespace.clone()],
            Err(problem) => return Err(failure(problem)),
        };
        let namespaces: Vec<String> = namespaces.into_iter().filter(|name| !is_system(name)).collect();
        let text =
            text!("this account may not list Secrets of the whole cluster: looked for in {}", namespaces.join(", "));
        self.note([Problem::notice("some-namespaces", text).help("name those that matter: `--namespaces`")]);
        Ok(Scope::Namespaces(namespaces))
    }

    /// All that `scope` holds; who uses a Secret is looked for among the kinds `users`.
    pub(super) async fn look(
        &mut self,
        kubectl: &Kubectl,
        scope: &Scope,
        users: &[(&str, &str)],
    ) -> Result<Inventory, Failure> {
        let failure = |problem| Failure::new(Stage::Inventory, vec![problem]);
        let api_version = api_version(kubectl).await.map_err(failure)?;
        let secrets = list(kubectl, "/api/v1", "secrets", scope, |secret| Some(SecretFacts::of(&secret, None)));
        let (secrets, (users, users_known), (externals, stores)) = tokio::join!(
            secrets,
            users_among(kubectl, scope, users),
            external_secrets(kubectl, scope, api_version.as_deref(), self.inputs.eso.store.as_deref())
        );
        let (secrets, externals, stores) =
            (secrets.map_err(failure)?, externals.map_err(failure)?, stores.map_err(failure)?);
        self.tell_refusals(scope, &secrets, "Secrets")?;
        if api_version.is_some() {
            self.tell_refusals(scope, &externals, "ExternalSecrets")?;
        }
        self.note(not_listed(&stores));
        let mut inventory = Inventory {
            api_version,
            secrets: secrets.found,
            externals: externals.found,
            stores: stores.found,
            users,
            users_known,
        };
        inventory.note_credentials();
        let targets = Inventory::targets(&inventory.externals);
        for secret in &mut inventory.secrets {
            if let Some(name) = targets.get(&(secret.namespace.clone(), secret.name.clone())) {
                secret.owner = Owner::ExternalSecret(name.clone());
            }
        }
        Ok(inventory)
    }

    /// The ExternalSecrets and stores that `scope` holds, and nothing else.
    pub(super) async fn look_at_externals(&mut self, kubectl: &Kubectl, scope: &Scope) -> Result<Inventory, Failure> {
        let failure = |problem| Failure::new(Stage::Inventory, vec![problem]);
        let api_version = api_version(kubectl).await.map_err(failure)?;
        if api_version.is_none() {
            let text = "External Secrets is not installed in this cluster, or serves neither `v1` nor `v1beta1`";
            return Err(failure(
                Problem::error("no-external-secrets", text)
                    .help("see https://external-secrets.io for how to install it"),
            ));
        }
        let (externals, stores) = external_secrets(kubectl, scope, api_version.as_deref(), None).await;
        let (externals, stores) = (externals.map_err(failure)?, stores.map_err(failure)?);
        self.tell_refusals(scope, &externals, "ExternalSecrets")?;
        self.note(not_listed(&stores));
        Ok(Inventory { api_version, externals: externals.found, stores: stores.found, ..Inventory::default() })
    }

    /// What is seen nowhere is a failure; what is not seen somewhere is told.
    fn tell_refusals<T>(&mut self, scope: &Scope, listed: &Listed<T>, what: &str) -> Result<(), Failure> {
        let Some((problem, many)) = &listed.refused else { return Ok(()) };
        let all = match scope {
            Scope::Everywhere => 1,
            Scope::Namespaces(namespaces) => namespaces.len(),
        };
        if *many == all {
            return Err(Failure::new(Stage::Inventory, vec![problem.clone()]));
        }
        let text = text!("{what} of {many} namespaces may not be listed: {}", problem.message);
        let told = Problem::notice("not-listed", text);
        self.note([problem.help.iter().fold(told, |told, help| told.help(help.clone()))]);
        Ok(())
    }
}

pub(super) fn is_system(namespace: &str) -> bool {
    SYSTEM.contains(&namespace)
}

/// The newest version of External Secrets' API that this program knows and the server serves ExternalSecrets in.
pub(super) async fn api_version(kubectl: &Kubectl) -> Result<Option<String>, Problem> {
    for version in ["v1", "v1beta1"].map(|version| format!("{GROUP}/{version}")) {
        // The group may serve other kinds in versions in which it does not serve this one.
        let kinds = kubectl.get_raw(&format!("/apis/{version}")).await?.unwrap_or_default();
        let mut kinds = kinds["resources"].as_array().into_iter().flatten();
        if kinds.any(|kind| kind["name"] == "externalsecrets") {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// ExternalSecrets and stores, the one named `store` also where none may be listed; none of what is not installed.
async fn external_secrets(
    kubectl: &Kubectl,
    scope: &Scope,
    api_version: Option<&str>,
    store: Option<&str>,
) -> (Result<Listed<External>, Problem>, Result<Listed<StoreFacts>, Problem>) {
    let Some(api_version) = api_version else { return (Ok(Listed::none()), Ok(Listed::none())) };
    let root = format!("/apis/{api_version}");
    let externals = list(kubectl, &root, "externalsecrets", scope, |one| Some(External::of(&one)));
    let (externals, stores) = tokio::join!(externals, stores(kubectl, scope, api_version, store));
    (externals, stores)
}

/// Who uses which Secret, and whether all who may could be read.
async fn users_among(
    kubectl: &Kubectl,
    scope: &Scope,
    kinds: &[(&str, &str)],
) -> (BTreeMap<(String, String), BTreeSet<String>>, bool) {
    let lists = kinds.iter().map(|(root, plural)| list(kubectl, root, plural, scope, used_by));
    let (mut users, mut known) = (BTreeMap::<_, BTreeSet<String>>::new(), true);
    for listed in join_all(lists).await {
        let Ok(listed) = listed else {
            known = false;
            continue;
        };
        known &= listed.refused.is_none();
        for (namespace, user, names) in listed.found {
            for name in names {
                users.entry((namespace.clone(), name)).or_default().insert(user.clone());
            }
        }
    }
    (users, known)
}

/// Namespace, name and Secrets of what uses some; nothing of pods and Jobs that something else made.
fn used_by(object: Object) -> Option<(String, String, BTreeSet<String>)> {
    let value = object.as_value();
    let is_made =
        value.pointer("/metadata/ownerReferences").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    if is_made && matches!(object.kind(), "Pod" | "Job") {
        return None;
    }
    let names = match object.kind() {
        "ServiceAccount" => secrets_of(value),
        _ => secrets_of(&value["spec"]),
    };
    let namespace = object.namespace().unwrap_or_default().to_owned();
    (!names.is_empty()).then(|| (namespace, format!("{} {}", object.kind(), object.name()), names))
}

/// What `of` makes of each object of a resource, but for those of Kubernetes' own namespaces.
pub(super) async fn list<T>(
    kubectl: &Kubectl,
    root: &str,
    plural: &str,
    scope: &Scope,
    of: impl Fn(Object) -> Option<T> + Copy,
) -> Result<Listed<T>, Problem> {
    let paths = match scope {
        Scope::Everywhere => vec![format!("{root}/{plural}")],
        Scope::Namespaces(all) => all.iter().map(|one| format!("{root}/namespaces/{one}/{plural}")).collect(),
    };
    let everywhere = matches!(scope, Scope::Everywhere);
    let mut answers = stream::iter(paths).map(|path| pages(kubectl, path, of, everywhere)).buffered(AT_ONCE);
    let mut all = Listed::none();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(some) => all.found.extend(some),
            Err(problem) if problem.kind == "forbidden" => {
                all.refused = Some(all.refused.map_or((problem, 1), |(first, many)| (first, many + 1)));
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(all)
}

/// A list is begun anew, once, if the server forgets it on the way.
async fn pages<T>(
    kubectl: &Kubectl,
    path: String,
    of: impl Fn(Object) -> Option<T>,
    everywhere: bool,
) -> Result<Vec<T>, Problem> {
    let is_wanted = |object: &Object| !everywhere || !object.namespace().is_some_and(is_system);
    let mut again = true;
    loop {
        let (mut list, mut found) = (Paging::of(&path), Vec::new());
        let ended = loop {
            match kubectl.next_page(&mut list).await {
                Ok(Some(page)) => found.extend(page.into_iter().filter(is_wanted).filter_map(&of)),
                Ok(None) => break Ok(()),
                Err(problem) => break Err(problem),
            }
        };
        match ended {
            Ok(()) => return Ok(found),
            Err(problem) if problem.kind == "list-expired" && again => again = false,
            Err(problem) => return Err(problem),
        }
    }
}

impl<T> Listed<T> {
    fn none() -> Self {
        Self { found: Vec::new(), refused: None }
    }
}
