//! Lists of any length, page by page: neither kubectl nor this program holds more than a page.

use std::ffi::OsString;

use serde_json::Value;

use super::requests::Report;
use super::{Call, Ending, Kubectl, Launch, Reach, errors, unreadable};
use crate::error::Problem;
use crate::object::Object;

/// The most bytes of a page; one that is longer is asked for again with fewer objects.
const PAGE: usize = 8 << 20;
/// The most bytes of one object, which the server's own store limits to 1.5 MiB.
const OBJECT: usize = 4 << 20;
/// Objects of the first page: how large they are is not known yet.
const FIRST: usize = 50;
/// Objects of a page at most.
const LARGEST: usize = 500;

/// A list that is being read.
#[derive(Debug)]
pub struct Paging {
    path: String,
    limit: usize,
    token: Option<String>,
    is_done: bool,
}

impl Paging {
    /// The list at `path`, such as `/api/v1/secrets`.
    pub fn of(path: impl Into<String>) -> Self {
        Self { path: path.into(), limit: FIRST, token: None, is_done: false }
    }

    fn page(&self) -> String {
        let token = self.token.as_ref().map(|token| format!("&continue={token}")).unwrap_or_default();
        format!("{}?limit={}{token}", self.path, self.limit)
    }

    /// As many objects as fit, if they are as large as those of the page before.
    fn learn(&mut self, bytes: usize, objects: usize) {
        let fitting = objects.saturating_mul(PAGE / 4) / bytes.max(1);
        self.limit = fitting.clamp(1, LARGEST);
    }
}

impl<L: Launch> Kubectl<L> {
    /// The next objects of `list`; `None` at its end, and for a kind that the server does not know.
    ///
    /// # Errors
    /// Why there is no page; `list-expired` where the list must be begun anew.
    pub async fn next_page(&self, list: &mut Paging) -> Result<Option<Vec<Object>>, Problem> {
        while !list.is_done {
            let most = if list.limit == 1 { OBJECT } else { PAGE };
            let stdout = match self.raw(&list.page(), most).await {
                Ending::Success { stdout, .. } => stdout,
                Ending::TooMuchOutput if list.limit > 1 => {
                    list.limit = (list.limit / 8).max(1);
                    continue;
                }
                Ending::Failed { stderr, .. } => {
                    let failures = Report::parse(&stderr).failures;
                    let said = failures.first().map_or("", String::as_str);
                    if is_missing(said) {
                        list.is_done = true;
                        return Ok(None);
                    }
                    if said.starts_with("Error from server (Expired)") {
                        return Err(Problem::error("list-expired", "a list took so long that the server forgot it")
                            .help("run it again"));
                    }
                    return Err(errors::problem(&stderr, None));
                }
                other => return Err(errors::unfinished(&other)),
            };
            let Some((items, token)) = page(stdout.expose()) else { return Err(unreadable("kubectl get --raw")) };
            list.learn(stdout.expose().len(), items.len());
            list.is_done = token.is_none();
            list.token = token;
            return Ok(Some(items));
        }
        Ok(None)
    }

    /// All objects of a list that is short, such as namespaces; `None` for a kind that the server does not know.
    ///
    /// # Errors
    /// Of a page.
    pub async fn all(&self, path: &str) -> Result<Option<Vec<Object>>, Problem> {
        let mut list = Paging::of(path);
        let mut all: Option<Vec<Object>> = None;
        while let Some(some) = self.next_page(&mut list).await? {
            all.get_or_insert_default().extend(some);
        }
        Ok(all)
    }

    /// What the server answers to a GET of `path`; `None` where there is nothing.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get_raw(&self, path: &str) -> Result<Option<Value>, Problem> {
        match self.raw(path, OBJECT).await {
            Ending::Success { stdout, .. } => {
                serde_json::from_slice(stdout.expose()).map(Some).map_err(|_| unreadable("kubectl get --raw"))
            }
            Ending::Failed { stderr, .. } => {
                let failures = Report::parse(&stderr).failures;
                let is_missing = failures.first().is_some_and(|said| is_missing(said));
                if is_missing { Ok(None) } else { Err(errors::problem(&stderr, None)) }
            }
            other => Err(errors::unfinished(&other)),
        }
    }

    pub(super) async fn raw(&self, path: &str, most: usize) -> Ending {
        let arguments = raw(&self.base_path, path).map(OsString::from).into();
        let (deadline, reach) = (self.deadline, Reach::Cluster);
        self.launcher.launch(Call { arguments, input: Default::default(), reach, fence: None, deadline, most }).await
    }
}

/// A GET of what lies at `path` beneath `base_path`.
pub(super) fn raw(base_path: &str, path: &str) -> [String; 3] {
    ["get".to_owned(), "--raw".to_owned(), format!("{base_path}{path}")]
}

fn is_missing(said: &str) -> bool {
    said.starts_with("Error from server (NotFound)")
}

/// The objects of a list, with kind and version, which the server says once, and the token for the next page.
pub(super) fn page(json: &[u8]) -> Option<(Vec<Object>, Option<String>)> {
    let mut list: Value = serde_json::from_slice(json).ok()?;
    let kind = list["kind"].as_str()?.strip_suffix("List")?.to_owned();
    let version = list["apiVersion"].clone();
    let token = list.pointer("/metadata/continue").and_then(Value::as_str).filter(|token| !token.is_empty());
    let token = token.map(str::to_owned);
    let items = match list["items"].take() {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        _ => return None,
    };
    let object = |mut item: Value| {
        item["kind"] = Value::from(kind.as_str());
        item["apiVersion"] = version.clone();
        Object::parse(item).ok()
    };
    Some((items.into_iter().map(object).collect::<Option<_>>()?, token))
}

#[cfg(test)]
mod tests {
    use super::super::fake::{answering, failure, success};
    use super::*;

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn listed(names: &[&str], token: &str) -> Ending {
        let items: Vec<Value> = names.iter().map(|name| serde_json::json!({"metadata": {"name": name}})).collect();
        let metadata = serde_json::json!({"continue": token});
        success(
            &serde_json::json!({"kind": "SecretList", "apiVersion": "v1", "metadata": metadata, "items": items})
                .to_string(),
        )
    }

    #[test]
    fn pages_follow_each_other_and_a_page_that_is_too_long_is_asked_for_with_fewer_objects() {
        let kubectl = answering([Ending::TooMuchOutput, listed(&["a"], "t1"), listed(&["b"], "")]);
        let all = block(kubectl.all("/api/v1/secrets")).unwrap().unwrap();
        assert_eq!(all.iter().map(Object::name).collect::<Vec<_>>(), ["a", "b"]);
        assert!(all.iter().all(Object::is_secret));
        assert_eq!(kubectl.launcher.words(0), "get --raw /api/v1/secrets?limit=50");
        assert_eq!(kubectl.launcher.words(1), "get --raw /api/v1/secrets?limit=6");
        assert!(kubectl.launcher.words(2).ends_with("&continue=t1"));
    }

    #[test]
    fn a_kind_that_the_server_does_not_know_has_no_objects() {
        let missing = "Error from server (NotFound): the server could not find the requested resource\n";
        assert!(block(answering([failure(missing)]).all("/apis/x/v1/ys")).unwrap().is_none());
        assert_eq!(block(answering([failure(missing)]).get_raw("/apis/x")).unwrap(), None);
    }

    #[test]
    fn a_list_that_the_server_forgot_is_told_as_such() {
        let expired = "Error from server (Expired): The provided continue parameter is too old\n";
        let problem = block(answering([listed(&["a"], "t"), failure(expired)]).all("/api/v1/secrets")).unwrap_err();
        assert_eq!(problem.kind, "list-expired");
    }
}
