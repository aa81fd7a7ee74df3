//! What git knows of a path, read from its own files: there need not be a git program.

#![expect(clippy::disallowed_methods, reason = "an edge: reads git's own files")]

mod committed;
mod head;
mod ignore;
mod index;
mod origin;
mod traces;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use ignore::{IgnoreRules, Rule, Verdict};
use index::{Held, Index};

use super::read::{self, reason};
use crate::error::{Problem, text};

/// What one of git's own files may hold, in bytes: the index of a million paths fits.
const LIMIT: u64 = 1 << 30;

/// A checkout: its toplevel directory and where git keeps its own files.
///
/// Found as git finds it, except that `GIT_DIR` and its like, `core.worktree` and limits at mount points are not
/// looked at: what counts is the `.git` that stands above the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    toplevel: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    /// `core.ignoreCase`: names that differ in case are the same.
    fold: bool,
    /// Length of an object id: 20, or 32 with `extensions.objectFormat = sha256`.
    id_length: usize,
}

impl Repository {
    /// The innermost repository around `path` (absolute; need not exist): the first directory from `path` upwards
    /// with a `.git`, either a directory or, in a worktree or submodule, a file that names one. `None` if there is
    /// none.
    ///
    /// # Errors
    /// A `.git` that cannot be read or names a directory that is not there (such as one outside of a container).
    pub fn find(path: &Path) -> Result<Option<Self>, Problem> {
        for toplevel in path.ancestors() {
            let dot_git = toplevel.join(".git");
            let git_dir = match std::fs::metadata(&dot_git) {
                Ok(kind) if kind.is_dir() => dot_git,
                Ok(_) => named_directory(toplevel, &dot_git)?,
                Err(error) if absent(&error) => continue,
                Err(error) => return Err(unreadable(&dot_git, &error)),
            };
            // As git does: a directory of that name without a repository in it is passed over.
            let common_dir = common_dir(&git_dir)?;
            if git_dir.join("HEAD").symlink_metadata().is_ok() && common_dir.join("objects").is_dir() {
                let (fold, id_length) = settings(&common_dir)?;
                return Ok(Some(Self { toplevel: toplevel.to_owned(), git_dir, common_dir, fold, id_length }));
            }
        }
        Ok(None)
    }

    /// The checkout's topmost directory.
    pub fn toplevel(&self) -> &Path {
        &self.toplevel
    }

    /// The repository that this one is a submodule of: its commit decides which of this one's is checked out.
    ///
    /// # Errors
    /// Those of [`Repository::find`].
    pub fn superproject(&self) -> Result<Option<Self>, Problem> {
        let Some(above) = self.toplevel.parent() else { return Ok(None) };
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let Some(own) = real(&self.git_dir) else { return Ok(None) };
        let outer = Self::find(above)?;
        Ok(outer
            .filter(|outer| real(&outer.common_dir.join("modules")).is_some_and(|modules| own.starts_with(modules))))
    }

    /// What the checkout is of: the path of the address of its remote `origin`, such as `owner/name` in small letters, else the
    /// toplevel directory's name.
    ///
    /// # Errors
    /// A configuration that cannot be read.
    pub fn name(&self) -> Result<String, Problem> {
        let config = read_git_file(&self.common_dir.join("config"))?.unwrap_or_default();
        let by_directory = || self.toplevel.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(origin::repository(&String::from_utf8_lossy(&config)).unwrap_or_else(by_directory))
    }

    /// Where git keeps this checkout's own files, and those that it shares with other worktrees.
    pub fn directories(&self) -> [&Path; 2] {
        [&self.git_dir, &self.common_dir]
    }

    /// Whether the index holds `path` (absolute, beneath the toplevel), if only since `git add -N`.
    ///
    /// # Errors
    /// An index that cannot be read, or a path in a directory that a sparse index has collapsed.
    pub fn is_tracked(&self, path: &Path) -> Result<bool, Problem> {
        let file = self.git_dir.join("index");
        let Some(bytes) = read_git_file(&file)? else { return Ok(false) };
        let name = self.relative(path)?;
        let index = Index::parse(&bytes, self.id_length).ok_or_else(|| damaged(&file))?;
        let (mut held, shared) = index.look_up(name, self.fold).ok_or_else(|| damaged(&file))?;
        if let (Held::No, Some(shared)) = (held, shared) {
            let file = self.git_dir.join(format!("sharedindex.{}", shared.id));
            let bytes = read_git_file(&file)?.ok_or_else(|| damaged(&file))?;
            held = Index::parse(&bytes, self.id_length)
                .and_then(|index| index.look_up_shared(name, self.fold, &shared))
                .ok_or_else(|| damaged(&file))?;
        }
        match held {
            Held::Yes => Ok(true),
            Held::No => Ok(false),
            Held::Unknown => Err(collapsed(path)),
        }
    }

    /// Every file that the index holds, relative to the toplevel, in git's order. Directories that a sparse index has collapsed are left out, and so
    /// are names that are not UTF-8.
    ///
    /// # Errors
    /// An index that cannot be read.
    pub fn tracked(&self) -> Result<Vec<String>, Problem> {
        let file = self.git_dir.join("index");
        let Some(bytes) = read_git_file(&file)? else { return Ok(Vec::new()) };
        let index = Index::parse(&bytes, self.id_length).ok_or_else(|| damaged(&file))?;
        let mut names = Vec::new();
        let shared = index.names(&mut names).ok_or_else(|| damaged(&file))?;
        if let Some(shared) = shared {
            let file = self.git_dir.join(format!("sharedindex.{}", shared.id));
            let bytes = read_git_file(&file)?.ok_or_else(|| damaged(&file))?;
            let shared_index = Index::parse(&bytes, self.id_length);
            shared_index.and_then(|index| index.names_shared(&mut names, &shared)).ok_or_else(|| damaged(&file))?;
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The rule that makes git ignore the file `path` (absolute, beneath the toplevel), if one does.
    ///
    /// # Errors
    /// An ignore file that cannot be read.
    pub fn ignored_by(&self, path: &Path) -> Result<Option<Rule>, Problem> {
        Ok(match self.verdict(path)? {
            Verdict::Ignored(rule) => Some(rule),
            Verdict::Kept(_) | Verdict::Unmatched => None,
        })
    }

    /// What the ignore rules say of the file `path` (absolute, beneath the toplevel), tracked or not.
    ///
    /// # Errors
    /// An ignore file that cannot be read.
    pub fn verdict(&self, path: &Path) -> Result<Verdict, Problem> {
        self.relative(path)?;
        let name = path.file_name().unwrap_or_default();
        Ok(self.ignore_rules(path.parent().unwrap_or(path))?.verdict(name.as_bytes()))
    }

    /// The ignore rules for the files of `directory` (absolute, the toplevel or beneath it).
    ///
    /// # Errors
    /// An ignore file that cannot be read.
    pub fn ignore_rules(&self, directory: &Path) -> Result<IgnoreRules, Problem> {
        let exclude = self.common_dir.join("info/exclude");
        let read = |file: &Path| if file == exclude { read_git_file(file) } else { read_ignore_file(file) };
        let way = if directory == self.toplevel { b"" } else { self.relative(directory)? };
        IgnoreRules::of(&self.toplevel, &exclude, way, self.fold, read)
    }

    fn relative<'a>(&self, path: &'a Path) -> Result<&'a [u8], Problem> {
        let beneath = path.strip_prefix(&self.toplevel).ok().filter(|path| !path.as_os_str().is_empty());
        beneath.map(|path| path.as_os_str().as_bytes()).ok_or_else(|| {
            let text = text!("`{}` does not lie in the repository `{}`", path.display(), self.toplevel.display());
            Problem::error("outside-repository", text)
        })
    }
}

fn damaged(file: &Path) -> Problem {
    Problem::error("git-index", text!("`{}` is not an index that can be read", file.display()))
        .help("it must be of version 2, 3 or 4; `git update-index --index-version 2` writes it anew")
}

/// The directory that a `.git` file names.
fn named_directory(toplevel: &Path, file: &Path) -> Result<PathBuf, Problem> {
    let bytes = read_git_file(file)?.unwrap_or_default();
    let named = bytes.strip_prefix(b"gitdir: ").map(first_line).filter(|path| !path.is_empty());
    let directory = named.map(|path| toplevel.join(bytes_path(path))).filter(|path| path.is_dir());
    directory.ok_or_else(|| {
        let named = named.map_or_else(|| "nothing".to_owned(), |path| format!("`{}`", String::from_utf8_lossy(path)));
        Problem::error("git-directory", text!("`{}` names {named}, which is not a directory here", file.display()))
            .help("in a container, mount the main checkout too, or use a plain clone: what is tracked stands there")
    })
}

/// A worktree shares the main checkout's directory; every other repository is its own.
fn common_dir(git_dir: &Path) -> Result<PathBuf, Problem> {
    let named = read_git_file(&git_dir.join("commondir"))?;
    Ok(named.map_or_else(|| git_dir.to_owned(), |bytes| git_dir.join(bytes_path(first_line(&bytes)))))
}

/// `core.ignoreCase` and the length of an object id, from the repository's own config.
fn settings(common_dir: &Path) -> Result<(bool, usize), Problem> {
    let text = read_git_file(&common_dir.join("config"))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).to_lowercase();
    let (mut section, mut fold, mut id_length) = ("", false, 20);
    for line in text.lines().map(str::trim) {
        let mut setting = line;
        if let Some((name, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            (section, setting) = (name, rest);
        }
        let (key, value) = setting.split_once('=').unwrap_or((setting, "true"));
        let value = value.split(['#', ';']).next().unwrap_or_default().trim().trim_matches('"');
        match (section.trim(), key.trim()) {
            ("core", "ignorecase") => fold = matches!(value, "true" | "yes" | "on" | "1"),
            ("extensions", "objectformat") => id_length = if value == "sha256" { 32 } else { 20 },
            _ => {}
        }
    }
    Ok((fold, id_length))
}

/// A file of git's own; `None` if there is none.
fn read_git_file(file: &Path) -> Result<Option<Vec<u8>>, Problem> {
    match read::at_once(file, LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// A `.gitignore`; a link is no such file to git, nor is a directory.
fn read_ignore_file(file: &Path) -> Result<Option<Vec<u8>>, Problem> {
    match read::without_following(file) {
        Ok(bytes) => Ok(bytes),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(unreadable(file, &error)),
    }
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(file: &Path, error: &io::Error) -> Problem {
    Problem::error("unreadable", text!("`{}` cannot be read: {}", file.display(), reason(error)))
        .help("what git tracks and ignores must be known before a secret is written")
}

fn collapsed(path: &Path) -> Problem {
    let text =
        text!("`{}` lies outside of the sparse checkout: the index does not tell if it is tracked", path.display());
    Problem::error("git-sparse", text)
        .help("add its directory (`git sparse-checkout add`) or expand the index (`… reapply --no-sparse-index`)")
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn bytes_path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests;
