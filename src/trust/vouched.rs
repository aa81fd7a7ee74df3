//! The commits that an event vouches for, compared with what git's files show of a checkout.

use super::event::Event;
use super::{Head, Tree};

/// The commits that an event vouches for.
pub(super) struct Vouched<'a> {
    pub(super) event: Event<'a>,
    pub(super) own: Vec<String>,
    pub(super) outsiders: Outsiders,
}

/// Whether somebody without the right to write here can have chosen a commit that the run may have fetched.
pub(super) enum Outsiders {
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

impl Vouched<'_> {
    /// Whose the tree at `head` is.
    pub(super) fn tree(&self, head: &Head) -> Tree {
        match self.commit(head) {
            // The files may be those of what was fetched last, whatever commit git says it is at.
            Tree::Own => self.fetched_beside(head).map_or(Tree::Own, |what| {
                self.unknown(format!("may hold files of `{what}`, which was fetched last (`FETCH_HEAD`)"))
            }),
            other => other,
        }
    }

    /// Whose the commit of `head` is.
    fn commit(&self, head: &Head) -> Tree {
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
        let others = head.came_from.iter().chain(&head.origin);
        // Every runner tells the commit.
        if self.event.sha.is_none() && matches!(self.outsiders, Outsiders::Excluded { .. }) {
            return Tree::Own;
        }
        if let Some(other) = others.into_iter().find(|other| !self.trusts(other)) {
            let here = self.event.repository.unwrap_or_default();
            return self.foreign(format!("is a checkout of `{other}`, and this run is of `{here}`"));
        }
        if head.origin.is_some() && head.refs.iter().any(|name| is_proof(head, name)) {
            return Tree::Own;
        }
        if let Some(name) = head.refs.iter().find(|name| is_of_another_remote(name)) {
            return self.foreign(format!("stands at `{name}`, which is no branch of this repository"));
        }
        let short = commit.get(..12).unwrap_or_default();
        self.without_proof(format!(
            "stands at commit {short}, which the event `{name}` does not vouch for and no branch or tag of this repository names"
        ))
    }

    /// What was fetched last and can be somebody else's: another pull request, and where outsiders can have a hand in the run another
    /// repository.
    fn fetched_beside<'h>(&self, head: &'h Head) -> Option<&'h str> {
        let outsiders = !matches!(self.outsiders, Outsiders::Excluded { .. });
        let is_others = |what: &&String| {
            if what.starts_with("refs/") {
                self.is_of_other_pull_request(what)
            } else {
                outsiders && !self.trusts(what)
            }
        };
        head.fetched.iter().find(is_others).map(String::as_str)
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

    fn unknown(&self, why: String) -> Tree {
        match &self.outsiders {
            Outsiders::Certain(why) => Tree::Foreign { why: why.clone() },
            _ => Tree::Unknown { why },
        }
    }

    /// Nothing speaks for the tree and nothing against it: then it is ours only where nobody else can have chosen it.
    fn without_proof(&self, why: String) -> Tree {
        match &self.outsiders {
            Outsiders::Excluded { .. } => Tree::Own,
            _ => self.unknown(why),
        }
    }
}

/// Whether `name` is a branch or tag of the repository that was checked out.
fn is_proof(head: &Head, name: &String) -> bool {
    let is_branch = head.tracks_branches && name.starts_with("refs/remotes/origin/");
    (is_branch || name.starts_with("refs/tags/")) && !head.unproved.contains(name)
}

fn is_of_another_remote(name: &str) -> bool {
    let remote = name.strip_prefix("refs/remotes/").and_then(|rest| rest.split('/').next());
    remote.is_some_and(|remote| !["origin", "pull"].contains(&remote))
}
