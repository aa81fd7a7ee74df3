//! Which commits an event vouches for, and whether outsiders can have a hand in its run.
//!
//! What `GITHUB_SHA` is of each event: docs.github.com, "Events that trigger workflows".

use serde_json::Value;

use super::payload::{Named, commits, is_commit};
use super::{Head, Tree};

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

/// The commits that an event vouches for.
pub(super) struct Vouched<'a> {
    event: Event<'a>,
    own: Vec<String>,
    outsiders: Outsiders,
}

/// Whether somebody without the right to write here can have chosen a commit that the run may have fetched.
enum Outsiders {
    /// Only people with that right start such a run, and it speaks of no other commits than theirs.
    Excluded {
        /// The pull request that the run is for, one of a branch of this repository.
        pull_request: Option<u64>,
    },
    /// Anybody can start it, or it can speak of anybody's commit.
    Possible,
    /// It speaks of a fork's commits; what a sentence about the tree says of them.
    Certain(String),
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
            "push" | "workflow_dispatch" | "schedule" | "release" | "create" | "merge_group" => {
                let pointers =
                    ["/after", "/before", "/head_commit/id", "/merge_group/head_sha", "/merge_group/base_sha"];
                Ok((with(commits(payload, &pointers)), Outsiders::Excluded { pull_request: None }))
            }
            "pull_request" | "pull_request_review" | "pull_request_review_comment" | "pull_request_target" => {
                let (own, outsiders) = self.of_pull_request(name, payload)?;
                let stands_for_head = name != "pull_request_target" && !matches!(outsiders, Outsiders::Excluded { .. });
                Ok((if stands_for_head { own } else { with(own) }, outsiders))
            }
            "workflow_run" => {
                let (own, outsiders) = self.of_workflow_run(payload);
                Ok((with(own), outsiders))
            }
            // Their commit may be any that the repository's network knows, unless it was named by a branch or tag.
            "deployment" | "deployment_status" | "registry_package" => {
                let named =
                    self.git_ref.is_some_and(|name| ["refs/heads/", "refs/tags/"].iter().any(|p| name.starts_with(p)));
                Ok((sha().filter(|_| named).into_iter().collect(), Outsiders::Possible))
            }
            // `GITHUB_SHA` is the default branch's last commit.
            "branch_protection_rule"
            | "check_run"
            | "check_suite"
            | "delete"
            | "discussion"
            | "discussion_comment"
            | "fork"
            | "gollum"
            | "issue_comment"
            | "issues"
            | "label"
            | "milestone"
            | "page_build"
            | "public"
            | "repository_dispatch"
            | "status"
            | "watch" => Ok((with(Vec::new()), Outsiders::Possible)),
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

impl Vouched<'_> {
    /// Whose the tree at `head` is.
    pub(super) fn tree(&self, head: &Head) -> Tree {
        let name = self.event.name.unwrap_or_default();
        let Some(commit) = head.commit.as_ref().map(|commit| commit.to_lowercase()) else {
            return self.without_proof(format!("is at no commit of git's, and anybody can cause the event `{name}`"));
        };
        if self.own.contains(&commit) {
            return Tree::Own;
        }
        if let Some(name) = head.refs.iter().find(|name| self.is_of_other_pull_request(name)) {
            return self.foreign(format!("stands at `{name}`, and a pull request can be anybody's"));
        }
        // Every runner tells the commit.
        if self.event.sha.is_none() && matches!(self.outsiders, Outsiders::Excluded { .. }) {
            return Tree::Own;
        }
        if let Some(origin) = head.origin.as_ref().filter(|origin| !self.trusts(origin)) {
            let here = self.event.repository.unwrap_or_default();
            return self.foreign(format!("is a checkout of `{origin}`, and this run is of `{here}`"));
        }
        let starts = |prefix: &str| head.refs.iter().any(|name| name.starts_with(prefix));
        let of_branch = head.tracks_branches && starts("refs/remotes/origin/");
        if head.origin.is_some() && (of_branch || starts("refs/tags/")) {
            return Tree::Own;
        }
        let of_others = |name: &&String| {
            let remote = name.strip_prefix("refs/remotes/").and_then(|rest| rest.split('/').next());
            remote.is_some_and(|remote| !["origin", "pull"].contains(&remote))
        };
        if let Some(name) = head.refs.iter().find(of_others) {
            return self.foreign(format!("stands at `{name}`, which is no branch of this repository"));
        }
        let short = commit.get(..12).unwrap_or_default();
        self.without_proof(format!(
            "stands at commit {short}, which the event `{name}` does not vouch for and no branch or tag of this repository names"
        ))
    }

    fn is_of_other_pull_request(&self, name: &str) -> bool {
        let prefixes = ["refs/pull/", "refs/remotes/pull/"];
        let Some(rest) = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)) else { return false };
        let number = rest.split('/').next().and_then(|number| number.parse::<u64>().ok());
        !matches!(self.outsiders, Outsiders::Excluded { pull_request: own @ Some(_) } if own == number)
    }

    fn trusts(&self, origin: &str) -> bool {
        let same = |other: &str| other.eq_ignore_ascii_case(origin);
        self.event.repository.is_none_or(same) || self.event.trusted.iter().any(|other| same(other))
    }

    /// What speaks against the tree is said with the event's own words where it has some.
    fn foreign(&self, why: String) -> Tree {
        match &self.outsiders {
            Outsiders::Certain(why) => Tree::Foreign { why: why.clone() },
            _ => Tree::Foreign { why },
        }
    }

    /// Nothing speaks for the tree and nothing against it: then it is ours only where nobody else can have chosen it.
    fn without_proof(&self, why: String) -> Tree {
        match &self.outsiders {
            Outsiders::Excluded { .. } => Tree::Own,
            Outsiders::Possible => Tree::Unknown { why },
            Outsiders::Certain(why) => Tree::Foreign { why: why.clone() },
        }
    }
}
