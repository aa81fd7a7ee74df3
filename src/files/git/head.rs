//! What is checked out: HEAD's commit, and the refs that point at it.

use std::path::Path;

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
        refs.extend(fetched_pull_request(&self.own_text("FETCH_HEAD")?, &commit));
        refs.sort();
        refs.dedup();
        Ok(Head {
            commit: Some(commit),
            origin: origin::repository(&config),
            refs,
            tracks_branches: origin::tracks_branches(&config),
        })
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

/// The pull request under whose name `commit` was last fetched: `<id>\t…\t'refs/pull/7/head' of <address>`.
fn fetched_pull_request(text: &str, commit: &str) -> Option<String> {
    let lines = text.lines().filter(|line| line.starts_with(commit));
    let mut names = lines.filter_map(|line| line.split('\'').nth(1));
    names
        .find(|name| name.starts_with("refs/pull/") || name.starts_with("pull/"))
        .map(|name| if name.starts_with("refs/") { name.to_owned() } else { format!("refs/{name}") })
}

fn is_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A name that leads nowhere but beneath `refs/`.
fn is_ref_name(name: &str) -> bool {
    name.starts_with("refs/") && name.split('/').all(|part| !matches!(part, "" | "." | "..")) && !name.contains('\0')
}
