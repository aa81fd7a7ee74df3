//! kubectl, the only way to the cluster and to kustomize; the only place that starts it.

mod apply;
mod attribution;
mod call;
mod connection;
mod cut;
mod delete;
mod ending;
mod errors;
mod externals;
mod fence;
mod heard;
mod inventory;
mod objects;
mod pages;
mod patch;
mod pods;
mod refusals;
mod requests;
mod review;
mod rollout;
mod survey;
mod version;
mod workloads;

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Problem, text};
use crate::object::Object;

pub use apply::{Applied, Conflicts, DryRun, Expected, Written};
pub use call::{Call, ExecPlugins, Launch, Program, Reach};
pub use delete::Deleted;
pub use ending::{Ending, Output, Untrusted};
pub use fence::Fence;
pub use inventory::{Holder, TEMPLATE_HOLDERS};
pub use objects::{LiveObjects, Read};
pub use pages::Paging;
pub use patch::Writes;
pub use refusals::unseen_conflict;
pub use review::Review;
pub use survey::{Sought, Survey};
pub use version::{Version, Versions};
pub use workloads::Listed;

/// How many kubectl processes one survey or list runs at once.
const CONCURRENCY: usize = 4;

/// The program's name, also beside our own executable in the action's image.
const NAME: &str = "kubectl";

/// The calls this program makes, told by what they are for.
#[derive(Debug)]
pub struct Kubectl<L = Program> {
    /// What starts the processes.
    pub launcher: L,
    /// The namespace of objects that name none: the kubeconfig's context gives it.
    pub namespace: String,
    /// The path beneath which the server has its API, such as `/k8s/clusters/c-1`; mostly empty.
    pub base_path: String,
    /// How long one call may take.
    pub deadline: Duration,
}

/// Where kubectl is: beside our own executable first, then in `path` (the variable `PATH`).
///
/// # Errors
/// `kubectl-missing` if it is in neither.
pub fn find(own_executable: Option<&Path>, path: Option<&OsStr>) -> Result<PathBuf, Problem> {
    let beside = own_executable.and_then(Path::parent).map(|directory| directory.join(NAME));
    // A relative entry would find what lies in the checkout.
    let listed = path.into_iter().flat_map(std::env::split_paths).filter(|directory| directory.is_absolute());
    beside.into_iter().chain(listed.map(|directory| directory.join(NAME))).find(|file| is_executable(file)).ok_or_else(
        || {
            Problem::error("kubectl-missing", "`kubectl` was found neither beside this program nor in `PATH`").help(
                "install kubectl (https://kubernetes.io/docs/tasks/tools/), or use the action, whose image has it",
            )
        },
    )
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

impl<L: Launch> Kubectl<L> {
    /// Builds the kustomization in `directory`, whose patches may lie outside of it, from the files inside `fence`, and returns the YAML and what was warned of.
    ///
    /// # Errors
    /// `kustomize-failed`, or why there was no process.
    pub async fn kustomize(&self, directory: &Path, fence: Fence) -> Result<(Output, Vec<Problem>), Problem> {
        let mut arguments: Vec<OsString> =
            ["kustomize", "--load-restrictor", "LoadRestrictionsNone", "--"].map(OsString::from).into();
        arguments.push(directory.into());
        let call = Call {
            arguments,
            input: Zeroizing::default(),
            reach: Reach::Files,
            fence: Some(fence),
            deadline: self.deadline,
            most: call::STDOUT_CAP,
        };
        match self.launcher.launch(call).await {
            Ending::Success { stdout, stderr } => Ok((stdout, errors::warnings(&stderr, None))),
            Ending::Failed { stderr, .. } => Err(errors::kustomize(&stderr)),
            other => Err(errors::unfinished(&other)),
        }
    }

    /// A call to the cluster with these arguments.
    async fn cluster(&self, words: &[impl AsRef<OsStr>], input: Zeroizing<Vec<u8>>) -> Ending {
        self.cluster_within(self.deadline, words, input).await
    }

    async fn cluster_within(
        &self,
        deadline: Duration,
        words: &[impl AsRef<OsStr>],
        input: Zeroizing<Vec<u8>>,
    ) -> Ending {
        self.launcher.launch(Call { input, deadline, ..self.call(words) }).await
    }

    /// The same before it is made, without input.
    fn call(&self, words: &[impl AsRef<OsStr>]) -> Call {
        Call {
            arguments: words.iter().map(|word| word.as_ref().to_owned()).collect(),
            input: Zeroizing::default(),
            reach: Reach::Cluster,
            fence: None,
            deadline: self.deadline,
            most: call::STDOUT_CAP,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: Vec<&'a Value>,
}

/// One JSON `List`; YAML would be applied up to the first document that cannot be read.
fn list<'a>(items: impl IntoIterator<Item = &'a Value>) -> Zeroizing<Vec<u8>> {
    let list = List { api_version: "v1", kind: "List", items: items.into_iter().collect() };
    // Values of JSON always become JSON.
    Zeroizing::new(serde_json::to_vec(&list).unwrap_or_default())
}

/// The objects of `-o json`: of a list, or the one.
fn items(stdout: &Output) -> Option<Vec<Object>> {
    if stdout.expose().iter().all(u8::is_ascii_whitespace) {
        return Some(Vec::new());
    }
    let mut answer: Value = serde_json::from_slice(stdout.expose()).ok()?;
    if answer["kind"] != "List" {
        return Some(vec![Object::parse(answer).ok()?]);
    }
    match answer["items"].take() {
        Value::Array(items) => items.into_iter().map(|item| Object::parse(item).ok()).collect(),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

/// The answer to a call that was meant for another; kubectl's own fault or a version that prints something else.
fn unreadable(what: &str) -> Problem {
    Problem::error("kubectl-answer", text!("what `{what}` printed could not be read"))
        .help("use a supported version of kubectl; `kubectl version` shows the one in use")
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
