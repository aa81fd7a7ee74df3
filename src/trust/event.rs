//! Which commits an event vouches for, and whether outsiders can have a hand in its run.
//!
//! What `GITHUB_SHA` is of each event: docs.github.com, "Events that trigger workflows".

use serde_json::Value;

use super::Tree;
use super::payload::{Named, commits, is_commit};
use super::vouched::{Outsiders, Vouched};

/// Events of commits that somebody with the right to write made.
const OF_COMMITS: [&str; 6] = ["push", "workflow_dispatch", "schedule", "release", "create", "merge_group"];

/// Where their payloads name commits.
const POINTERS: [&str; 5] = ["/after", "/before", "/head_commit/id", "/merge_group/head_sha", "/merge_group/base_sha"];

const OF_PULL_REQUESTS: [&str; 4] =
    ["pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target"];

/// Their commit may be any that the repository's network knows, unless it was named by a branch or tag.
const OF_ANY_COMMIT: [&str; 3] = ["deployment", "deployment_status", "registry_package"];

/// For these `GITHUB_SHA` is the default branch's last commit.
const OF_DEFAULT_BRANCH: [&str; 17] = [
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "delete",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "label",
    "milestone",
    "page_build",
    "public",
    "repository_dispatch",
    "status",
    "watch",
];

/// What a run knows of the event that started it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Event<'a> {
    /// Under GitHub Actions; elsewhere whoever calls answers for the tree.
    pub on_runner: bool,
    /// `GITHUB_EVENT_NAME`.
    pub name: Option<&'a str>,
    /// `GITHUB_SHA`.
    pub sha: Option<&'a str>,
    /// `GITHUB_REF`.
    pub git_ref: Option<&'a str>,
    /// `GITHUB_REPOSITORY`.
    pub repository: Option<&'a str>,
    /// `GITHUB_REPOSITORY_ID`.
    pub repository_id: Option<&'a str>,
    /// The file of `GITHUB_EVENT_PATH`.
    pub payload: Payload<'a>,
    /// Other repositories whose branches and tags the workflow trusts as its own, as `owner/name`.
    pub trusted: &'a [String],
}

/// The event in full.
#[derive(Debug, Clone, Copy, Default)]
pub enum Payload<'a> {
    /// There is none.
    #[default]
    Missing,
    /// There is one, but it could not be read.
    Unreadable,
    /// Its JSON.
    Text(&'a str),
}

/// What an event says of commits.
pub(super) enum Judgement<'a> {
    /// It needs no look at the commit.
    Settled(Tree),
    /// The commit decides.
    Commits(Vouched<'a>),
}

impl<'a> Event<'a> {
    pub(super) fn judge(self) -> Judgement<'a> {
        let unknown = |why: String| Judgement::Settled(Tree::Unknown { why });
        if !self.on_runner {
            return Judgement::Settled(Tree::Own);
        }
        let payload = match self.payload {
            Payload::Missing => Value::Null,
            Payload::Unreadable => return unknown("came with an event whose payload cannot be read".to_owned()),
            Payload::Text(text) => match serde_json::from_str(text) {
                Ok(payload @ Value::Object(_)) => payload,
                _ => return unknown("came with an event whose payload is no JSON object".to_owned()),
            },
        };
        let Some(name) = self.name else {
            // Every runner names the event: where there is neither name nor payload, there was none.
            let none = matches!(self.payload, Payload::Missing) && self.sha.is_none();
            return if none {
                Judgement::Settled(Tree::Own)
            } else {
                unknown("came with an event that has no name".to_owned())
            };
        };
        if Named::at(&payload, "/repository").is_some_and(|named| named.differs(&self.here())) {
            return unknown(
                "came with a payload that speaks of another repository than `GITHUB_REPOSITORY`".to_owned(),
            );
        }
        match self.vouched(name, &payload) {
            Ok((own, outsiders)) => Judgement::Commits(Vouched { event: self, own, outsiders }),
            Err(why) => unknown(why),
        }
    }

    /// The commits of the event named `name`; an error is the predicate of "the tree …".
    fn vouched(&self, name: &str, payload: &Value) -> Result<(Vec<String>, Outsiders), String> {
        let sha = || self.sha.filter(|sha| is_commit(sha)).map(str::to_lowercase);
        let with = |mut own: Vec<String>| {
            own.extend(sha());
            own
        };
        match name {
            _ if OF_COMMITS.contains(&name) => {
                if let Some(pull) = self.git_ref.filter(|name| name.starts_with("refs/pull/")) {
                    return Err(format!(
                        "came with the event `{name}` for `{pull}`, and a pull request can be anybody's"
                    ));
                }
                Ok((with(commits(payload, &POINTERS)), Outsiders::Excluded { pull_request: None }))
            }
            _ if OF_PULL_REQUESTS.contains(&name) => {
                let (own, outsiders) = self.of_pull_request(name, payload)?;
                let stands_for_head = name != "pull_request_target" && !matches!(outsiders, Outsiders::Excluded { .. });
                Ok((if stands_for_head { own } else { with(own) }, outsiders))
            }
            "workflow_run" => {
                let (own, outsiders) = self.of_workflow_run(payload);
                Ok((with(own), outsiders))
            }
            _ if OF_ANY_COMMIT.contains(&name) => {
                let named =
                    self.git_ref.is_some_and(|name| ["refs/heads/", "refs/tags/"].iter().any(|p| name.starts_with(p)));
                Ok((sha().filter(|_| named).into_iter().collect(), Outsiders::Possible))
            }
            _ if OF_DEFAULT_BRANCH.contains(&name) => Ok((with(Vec::new()), Outsiders::Possible)),
            other => Err(format!("came with the event `{other}`, of which is not known whose commits it speaks of")),
        }
    }

    fn of_pull_request(&self, name: &str, payload: &Value) -> Result<(Vec<String>, Outsiders), String> {
        let Some(pull_request) = payload.get("pull_request").filter(|found| found.is_object()) else {
            return Err(format!("came with the event `{name}`, whose payload holds no pull request"));
        };
        let here = self.here();
        let number = pull_request.get("number").or_else(|| payload.get("number")).and_then(Value::as_u64);
        let shown = number.map_or_else(|| "a pull request".to_owned(), |number| format!("pull request #{number}"));
        if Named::at(pull_request, "/base/repo").is_some_and(|base| base.differs(&here)) {
            return Err(format!("belongs to {shown}, which is not one into this repository"));
        }
        let base = ["/base/sha"];
        match Named::at(pull_request, "/head/repo") {
            Some(head) if head.is(&here) => {
                let pointers = ["/head/sha", "/base/sha", "/merge_commit_sha"];
                Ok((commits(pull_request, &pointers), Outsiders::Excluded { pull_request: number }))
            }
            Some(head) => {
                let why = format!("belongs to {shown}, which comes from `{}`", head.shown());
                Ok((commits(pull_request, &base), Outsiders::Certain(why)))
            }
            None => {
                let why =
                    format!("belongs to {shown}, which comes from a repository that is not named (a deleted fork)");
                Ok((commits(pull_request, &base), Outsiders::Certain(why)))
            }
        }
    }

    fn of_workflow_run(&self, payload: &Value) -> (Vec<String>, Outsiders) {
        let run = payload.get("workflow_run").unwrap_or(&Value::Null);
        // The commits of other runs (a deployment's, a comment's) may be anybody's, whosever the run is.
        let speaks_of_own =
            ["push", "pull_request", "workflow_dispatch", "schedule", "release", "create", "merge_group"];
        let event = run.get("event").and_then(Value::as_str).unwrap_or_default();
        match Named::at(run, "/head_repository") {
            Some(head) if head.is(&self.here()) => {
                let own = if speaks_of_own.contains(&event) { commits(run, &["/head_sha"]) } else { Vec::new() };
                (own, Outsiders::Possible)
            }
            Some(head) => {
                let why = format!("came with a workflow run for `{}`", head.shown());
                (Vec::new(), Outsiders::Certain(why))
            }
            None => (Vec::new(), Outsiders::Possible),
        }
    }

    fn here(&self) -> Named {
        Named::of_runner(self.repository, self.repository_id)
    }
}
