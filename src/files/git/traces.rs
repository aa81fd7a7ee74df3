//! Where commits came from, by git's own notes: `FETCH_HEAD`, the reflogs, and what the branches follow.

use super::origin::{address, of_address, settings};

/// Options of `git fetch` and `git pull` whose value is a word of its own.
const WITH_VALUE: [&str; 15] = [
    "--depth",
    "--deepen",
    "--shallow-since",
    "--shallow-exclude",
    "--jobs",
    "-j",
    "--server-option",
    "-o",
    "--upload-pack",
    "--filter",
    "--negotiation-tip",
    "--strategy",
    "-s",
    "--strategy-option",
    "-X",
];

/// What is no branch or tag of `origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Other {
    /// A pull request by its full ref.
    PullRequest(String),
    /// Another repository: `owner/name` in small letters, a directory, or a remote's name.
    Repository {
        shown: String,
        /// A path of this machine.
        local: bool,
    },
}

/// A line of `FETCH_HEAD`: `<id>\t[not-for-merge]\ttag 'v1' of <address>`.
struct Fetched<'a> {
    id: &'a str,
    /// `tag 'v1'`, `branch 'main'`, `'refs/pull/7/head'`; empty for the remote's HEAD.
    what: &'a str,
    address: &'a str,
}

/// The notes of one checkout.
pub(super) struct Traces<'a> {
    pub(super) config: &'a str,
    /// The text of `FETCH_HEAD`.
    pub(super) fetched: &'a str,
}

impl Traces<'_> {
    /// What was fetched last and is no branch or tag of `origin`; only what has the id `commit`, if one is given.
    pub(super) fn last_fetched(&self, commit: Option<&str>) -> Vec<Other> {
        let lines = self.fetched.lines().filter_map(fetched).filter(|line| commit.is_none_or(|id| line.id == id));
        lines.filter_map(|line| pull_request(quoted(line.what)).or_else(|| self.elsewhere(line.address))).collect()
    }

    /// What the reflog's `message` says was moved into the ref `name`.
    pub(super) fn moved(&self, message: &str, name: &str) -> Vec<Other> {
        if message.starts_with("merge FETCH_HEAD") {
            return self.last_fetched(None);
        }
        let Some(action) = Action::of(message) else { return Vec::new() };
        let pulls = action.sources(name).filter_map(pull_request);
        pulls.chain(action.remote.and_then(|remote| self.of_remote(remote))).collect()
    }

    /// What the branch `name` follows, as `gh pr checkout` sets it.
    pub(super) fn followed(&self, name: &str) -> Vec<Other> {
        let merged = settings(self.config, "branch", name, "merge").filter_map(pull_request);
        let remotes = ["remote", "pushRemote"].into_iter().flat_map(|key| settings(self.config, "branch", name, key));
        merged.chain(remotes.filter_map(|remote| self.of_remote(remote))).collect()
    }

    /// Whether the last `message` of the reflog of `name`, a ref of `origin`'s, speaks of its branches and tags alone. A ref without a
    /// message was set by hand.
    pub(super) fn is_of_origin(&self, message: &str, name: &str) -> bool {
        let Some(action) = Action::of(message) else {
            return message.is_empty() || ["update by push", "clone: from"].iter().any(|own| message.starts_with(own));
        };
        action.remote.is_none_or(|remote| self.of_remote(remote).is_none())
            && action.sources(name).all(is_branch_or_tag)
    }

    /// Whether nothing was fetched that can have set the tag `name`, or it was fetched as a tag of `origin`.
    pub(super) fn is_tag_of_origin(&self, name: &str) -> bool {
        let mut lines = self.fetched.lines().filter_map(fetched).peekable();
        let wanted = format!("tag '{name}'");
        lines.peek().is_none() || lines.any(|line| line.what == wanted && self.elsewhere(line.address).is_none())
    }

    /// The remote of a command: a name, an address or a directory.
    fn of_remote(&self, remote: &str) -> Option<Other> {
        match address(self.config, remote) {
            Some(_) if remote == "origin" => None,
            Some(address) => self.elsewhere(&address),
            None => self.elsewhere(remote),
        }
    }

    fn elsewhere(&self, from: &str) -> Option<Other> {
        let origin = address(self.config, "origin").unwrap_or_default();
        let bare = |address: &str| address.trim_end_matches('/').trim_end_matches(".git").to_owned();
        let repository = of_address(from);
        let same =
            repository.as_ref().map_or_else(|| bare(from) == bare(&origin), |_| repository == of_address(&origin));
        (!same && !["", ".", "origin"].contains(&from)).then(|| Other::Repository {
            local: repository.is_none(),
            shown: repository.unwrap_or_else(|| from.to_owned()),
        })
    }
}

/// `fetch` or `pull` as a reflog tells it: `fetch --no-tags origin +refs/heads/x:refs/remotes/origin/x: storing head`.
struct Action<'a> {
    remote: Option<&'a str>,
    refspecs: Vec<&'a str>,
}

impl<'a> Action<'a> {
    fn of(message: &'a str) -> Option<Self> {
        let mut words = message.split(": ").next()?.split_whitespace();
        words.next().filter(|command| ["fetch", "pull"].contains(command))?;
        let mut arguments = Vec::new();
        while let Some(word) = words.next() {
            if WITH_VALUE.contains(&word) {
                words.next();
            } else if !word.starts_with('-') {
                arguments.push(word);
            }
        }
        let mut arguments = arguments.into_iter();
        Some(Self { remote: arguments.next(), refspecs: arguments.collect() })
    }

    /// What the refspecs put into the ref `name`; of one without a destination into a branch or HEAD only.
    fn sources(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let tracking = name.starts_with("refs/remotes/") || name.starts_with("refs/tags/");
        let pairs = self.refspecs.iter().map(|refspec| {
            let refspec = refspec.trim_start_matches('+');
            refspec.split_once(':').map_or((refspec, None), |(source, to)| (source, Some(to)))
        });
        let into = |to: Option<&str>| to.map_or(!tracking, |to| leads_into(to, name));
        pairs.filter(|(_, to)| into(*to)).map(|(source, _)| source).collect::<Vec<_>>().into_iter()
    }
}

/// Whether the destination `to` of a refspec is or holds `name`.
fn leads_into(to: &str, name: &str) -> bool {
    if let Some((start, end)) = to.split_once('*') {
        return name.starts_with(start) && name.ends_with(end);
    }
    ["", "refs/", "refs/heads/", "refs/tags/", "refs/remotes/"]
        .iter()
        .any(|prefix| name.strip_prefix(prefix) == Some(to))
}

/// A full id is no branch: it can be anybody's commit.
fn is_branch_or_tag(source: &str) -> bool {
    let named = ["refs/heads/", "refs/tags/"].iter().any(|prefix| source.starts_with(prefix));
    let is_id = source.len() >= 40 && source.bytes().all(|byte| byte.is_ascii_hexdigit());
    named || (!source.starts_with("refs/") && pull_request(source).is_none() && !is_id)
}

fn pull_request(name: &str) -> Option<Other> {
    let rest = name.strip_prefix("refs/").unwrap_or(name);
    rest.starts_with("pull/").then(|| Other::PullRequest(format!("refs/{rest}")))
}

fn quoted(what: &str) -> &str {
    what.split('\'').nth(1).unwrap_or_default()
}

fn fetched(line: &str) -> Option<Fetched<'_>> {
    let mut parts = line.splitn(3, '\t');
    let (id, _, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (what, address) = rest.rsplit_once(" of ").unwrap_or(("", rest));
    Some(Fetched { id, what, address: address.trim() })
}
