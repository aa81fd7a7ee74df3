//! What is checked out: HEAD's commit, and the refs that point at it.

use std::path::Path;

use super::traces::{Other, Traces};
use super::{Repository, origin, read_git_file};
use crate::error::Problem;
use crate::trust::Head;

/// Symbolic refs that lead to symbolic refs; git follows as many.
const HOPS: usize = 5;
/// Directories beneath `refs/` that are looked into.
const DEPTH: usize = 20;
/// Refs of one checkout that are read; what lies beyond proves nothing.
const REFS: usize = 100_000;

impl Repository {
    /// The commit that is checked out and what speaks of it. Refs in git's table format (`reftable`) are not read: then there
    /// is no commit.
    ///
    /// # Errors
    /// A file of git's own that cannot be read.
    pub fn head(&self) -> Result<Head, Problem> {
        let config = self.text("config")?;
        let packed = self.text("packed-refs")?;
        let Some(commit) = self.resolve("HEAD", &packed)? else { return Ok(Head::default()) };
        let mut refs = Vec::new();
        packed_refs(&packed).filter(|(id, _)| *id == commit).for_each(|(_, name)| refs.push(name.to_owned()));
        self.loose_refs(&commit, &mut refs)?;
        let fetched = self.own_text("FETCH_HEAD")?;
        let traces = Traces { config: &config, fetched: &fetched };
        let unproved = self.unproved(&traces, &refs)?;
        let mirrored = refs.iter().any(|name| name.starts_with("refs/remotes/origin/"));
        let mut came = traces.last_fetched(Some(&commit));
        came.retain(|other| !is_mirror(other, mirrored));
        came.extend(self.came(&traces, &commit, &refs)?);
        let mut came_from = Vec::new();
        for other in came {
            match other {
                Other::PullRequest(name) => refs.push(name),
                Other::Repository { shown, .. } => came_from.push(shown),
            }
        }
        refs.sort();
        refs.dedup();
        let beside = traces.last_fetched(None).into_iter().filter(|other| !is_mirror(other, mirrored));
        let fetched = beside.map(|(Other::PullRequest(name) | Other::Repository { shown: name, .. })| name).collect();
        let (origin, tracks_branches) = (origin::repository(&config), origin::tracks_branches(&config));
        Ok(Head { commit: Some(commit), origin, refs, tracks_branches, unproved, came_from, fetched })
    }

    /// Those of `refs` that are no branch or tag of `origin` by their name, or by what git noted when it set them.
    fn unproved(&self, traces: &Traces<'_>, refs: &[String]) -> Result<Vec<String>, Problem> {
        let mut unproved = Vec::new();
        for name in refs.iter().filter(|name| is_claim(name)) {
            let log = self.text(&format!("logs/{name}"))?;
            let noted = traces.is_of_origin(log.lines().last().map_or("", message), name);
            let proved = if let Some(tag) = name.strip_prefix("refs/tags/") {
                noted && traces.is_tag_of_origin(tag)
            } else {
                let branch = name.strip_prefix("refs/remotes/origin/").unwrap_or_default();
                noted && !["pr/", "pull/"].iter().any(|prefix| branch.starts_with(prefix))
            };
            if !proved {
                unproved.push(name.clone());
            }
        }
        Ok(unproved)
    }

    /// What the reflogs say that was moved into HEAD and `refs` when they came to stand at `commit`, and what their branches follow.
    fn came(&self, traces: &Traces<'_>, commit: &str, refs: &[String]) -> Result<Vec<Other>, Problem> {
        let mut came = Vec::new();
        for name in refs.iter().map(String::as_str).chain(["HEAD"]) {
            let log = if name == "HEAD" { self.own_text("logs/HEAD")? } else { self.text(&format!("logs/{name}"))? };
            let moves = log.lines().filter(|line| line.split(' ').nth(1) == Some(commit));
            moves.for_each(|line| came.extend(traces.moved(message(line), name)));
            came.extend(name.strip_prefix("refs/heads/").into_iter().flat_map(|branch| traces.followed(branch)));
        }
        Ok(came)
    }

    /// The id that `name` stands for: of this worktree, of all of them, or packed.
    fn resolve(&self, name: &str, packed: &str) -> Result<Option<String>, Problem> {
        let mut name = name.to_owned();
        for _ in 0..HOPS {
            let mut text = self.own_text(&name)?;
            if text.is_empty() {
                text = self.text(&name)?;
            }
            let line = text.lines().next().unwrap_or_default().trim_end();
            match line.strip_prefix("ref:").map(str::trim) {
                Some(next) if is_ref_name(next) => name = next.to_owned(),
                Some(_) => return Ok(None),
                None if line.is_empty() => {
                    return Ok(packed_refs(packed).find(|(_, other)| *other == name).map(|(id, _)| id.to_owned()));
                }
                None => return Ok(is_id(line).then(|| line.to_owned())),
            }
        }
        Ok(None)
    }

    /// Adds the names beneath `refs/` whose file holds `commit`.
    fn loose_refs(&self, commit: &str, found: &mut Vec<String>) -> Result<(), Problem> {
        let (mut open, mut seen) = (vec![("refs".to_owned(), 0)], 0);
        while let Some((directory, depth)) = open.pop() {
            let Ok(entries) = std::fs::read_dir(self.common_dir.join(&directory)) else { continue };
            for entry in entries.flatten() {
                let (Ok(kind), Some(part)) = (entry.file_type(), entry.file_name().to_str().map(str::to_owned)) else {
                    continue;
                };
                let name = format!("{directory}/{part}");
                seen += 1;
                if kind.is_dir() && depth < DEPTH {
                    open.push((name, depth + 1));
                } else if kind.is_file() && seen <= REFS && self.text(&name)?.trim_end() == commit {
                    found.push(name);
                }
            }
        }
        Ok(())
    }

    /// A small file that all worktrees share; empty where there is none.
    fn text(&self, name: &str) -> Result<String, Problem> {
        text(&self.common_dir.join(name))
    }

    /// A small file of this worktree; empty where there is none.
    fn own_text(&self, name: &str) -> Result<String, Problem> {
        text(&self.git_dir.join(name))
    }
}

/// A file's text; what is not UTF-8 is no id and no name of a ref.
fn text(file: &Path) -> Result<String, Problem> {
    Ok(read_git_file(file)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
}

/// Ids and names of a `packed-refs` file; an annotated tag comes with the id of its commit too.
fn packed_refs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut last = "";
    text.lines().filter_map(move |line| match line.strip_prefix('^') {
        Some(peeled) => Some((peeled.trim_end(), last)),
        None => {
            let (id, name) = line.split_once(' ').filter(|(id, _)| is_id(id))?;
            last = name;
            Some((id, name))
        }
    })
}

/// Whether a ref says of itself that it is a branch or tag of `origin`.
fn is_claim(name: &str) -> bool {
    ["refs/remotes/origin/", "refs/tags/"].iter().any(|prefix| name.starts_with(prefix))
}

/// What a line of a reflog says after the tab: `<old> <new> <who> <when>\t<message>`.
fn message(line: &str) -> &str {
    line.split_once('\t').map_or("", |(_, message)| message)
}

/// A directory of this machine that `origin`'s branches were fetched through.
fn is_mirror(other: &Other, mirrored: bool) -> bool {
    mirrored && matches!(other, Other::Repository { local: true, .. })
}

fn is_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A name that leads nowhere but beneath `refs/`.
fn is_ref_name(name: &str) -> bool {
    name.starts_with("refs/") && name.split('/').all(|part| !matches!(part, "" | "." | "..")) && !name.contains('\0')
}
