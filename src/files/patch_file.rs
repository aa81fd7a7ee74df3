//! The secret patch's place on the disk: where it may be written, and how.
//!
//! Nothing is synced to the disk: a power cut may lose the patch, and the next run makes it again from the same
//! values. What must hold is that other processes, and runs after a kill, never see half a file; renaming gives that.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::beneath::{self, Directory};
use super::git::{IgnoreRules, Repository, Verdict};
use super::layout::PATCH_SUFFIX;
use super::lend::{self, Lent, Siblings};
use super::mark::{Lasting, is_marked, mark};
use super::read::{here, shown};
use crate::error::{Place, Problem, text};

/// A place that a secret patch may be written to. While it is open, no other run can open one in the same directory.
#[derive(Debug)]
pub struct PatchFile {
    pub(super) directory: Directory,
    pub(super) names: Siblings,
    path: String,
    notices: Vec<Problem>,
}

impl PatchFile {
    /// Finds the place, puts right what a killed run left in its directory, and checks that the patch cannot end up
    /// in a commit. Open it in the run's first stage: then a run that stops later has still restored what an earlier
    /// one lent.
    ///
    /// The workspace is the repository around `path`, else `workspace` if `path` lies beneath it, else the directory
    /// of `path`. From there on no link is followed. With repositories inside each other, the outermost is where
    /// links end to be followed, and the innermost is asked what it tracks and ignores.
    ///
    /// # Errors
    /// A directory that is missing; a link on the way or at the end; not a regular file; inside git's own files;
    /// tracked; not ignored; another run at work; an earlier patch that cannot be put back without losing a later
    /// one.
    pub fn open(path: &Path, workspace: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let (file, problems) = Self::look(path, workspace);
        match file {
            Some(mut file) if !problems.iter().any(Problem::is_error) => {
                file.notices = problems;
                Ok(file)
            }
            // What was put right is told all the same.
            _ => Err(problems),
        }
    }

    /// As [`PatchFile::open`], with all findings, for a patch that holds no values: there can be a place also where one with values must not lie.
    pub fn look(path: &Path, workspace: Option<&Path>) -> (Option<Self>, Vec<Problem>) {
        match Self::reach(path, workspace) {
            Ok((file, problems)) => (Some(file), problems),
            Err(problems) => (None, problems),
        }
    }

    /// The open place with errors and notices about it.
    fn reach(path: &Path, workspace: Option<&Path>) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let one = |problem| vec![problem];
        let target = Target::find(path, workspace).map_err(one)?;
        let forbidden = target.repository.as_ref().map(Repository::directories);
        let forbidden = forbidden.as_ref().map_or(&[][..], |directories| &directories[..]);
        let directory = Directory::open(&target.anchor, &target.beneath, &shown(path), forbidden).map_err(one)?;
        let mut notices = Vec::new();
        if !directory.lock().map_err(one)? {
            notices.push(no_lock(&target.path));
        }
        let (mut problems, restored) = lend::recover(&directory, &target.name);
        notices.extend(restored);
        let earlier = directory.look_for_file(&target.name);
        let may_be_a_file = earlier.is_ok();
        problems.extend(earlier.err());
        let unusable = problems.iter().any(Problem::is_error);
        let names = Siblings::of(&target.name);
        match &target.repository {
            // A directory is not to be ignored.
            Some(_) if !may_be_a_file => {}
            Some(repository) => problems.extend(git_problems(repository, &target, &names)),
            None => notices.push(no_git(&target.path)),
        }
        problems.extend(notices);
        if unusable {
            return Err(problems);
        }
        Ok((Self { directory, names, path: shown(path), notices: Vec::new() }, problems))
    }

    /// The path as given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is worth knowing about the place: no repository around it, an earlier patch that was put back.
    pub fn notices(&self) -> &[Problem] {
        &self.notices
    }

    /// Puts the patch at its path, in place of what was there: mode 0600, the workspace's owner if root runs this, at
    /// one stroke. What is there already, for as long, stays, time of change included.
    ///
    /// # Errors
    /// What the system says; the file that was there is then unchanged.
    pub fn write(&self, patch: &[u8], lasting: Lasting) -> Result<(), Problem> {
        let time = (lasting == Lasting::UntilRemoved).then(|| mark(patch.len()));
        let earlier = self.directory.look_for_file(&self.names.patch)?;
        let earlier = earlier.filter(|earlier| is_marked(earlier) == time.is_some());
        if earlier.is_some_and(|earlier| self.directory.holds(&self.names.patch, &earlier, patch)) {
            return Ok(());
        }
        self.directory.create(&self.names.new, patch, time)?;
        self.directory.rename(&self.names.new, &self.names.patch).inspect_err(|_| {
            let _ = self.directory.remove(&self.names.new);
        })
    }

    /// Puts the patch at its path for as long as the returned value lives; then what was there before is there again:
    /// the same file, or nothing.
    ///
    /// # Errors
    /// What the system says; the file that was there is then unchanged.
    pub fn lend(&self, patch: &[u8]) -> Result<Lent<'_>, Problem> {
        Lent::begin(self, patch)
    }
}

/// Where a path leads, before anything is opened.
pub(super) struct Target {
    path: PathBuf,
    pub(super) name: String,
    pub(super) anchor: PathBuf,
    pub(super) beneath: PathBuf,
    pub(super) repository: Option<Repository>,
}

impl Target {
    pub(super) fn find(path: &Path, workspace: Option<&Path>) -> Result<Self, Problem> {
        let absolute = absolute(path)?;
        let name = absolute.file_name().and_then(OsStr::to_str).map(str::to_owned);
        let (Some(parent), Some(name)) = (absolute.parent(), name) else {
            let text = text!("`{}` is not a name for a file", shown(path));
            return Err(Problem::error("not-a-file", text).help("name a file with `--output`"));
        };
        if name.eq_ignore_ascii_case(".git") {
            return Err(beneath::inside_git(&shown(path)));
        }
        let repository = Repository::find(parent)?;
        let workspace = workspace.map(self::absolute).transpose()?.filter(|around| parent.starts_with(around));
        let mut anchor = repository.as_ref().map(Repository::toplevel).map(Path::to_owned);
        // A checkout inside another one may have been reached by a link of the outer one: start from the outermost.
        while let Some(outer) = anchor.as_deref().and_then(Path::parent)
            && let Ok(Some(outer)) = Repository::find(outer)
        {
            anchor = Some(outer.toplevel().to_owned());
        }
        let anchor = match (anchor, workspace) {
            (Some(git), Some(given)) => {
                if given.starts_with(&git) {
                    git
                } else {
                    given
                }
            }
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => parent.to_owned(),
        };
        let beneath = parent.strip_prefix(&anchor).unwrap_or(Path::new("")).to_owned();
        Ok(Self { name, anchor, beneath, repository, path: absolute })
    }
}

/// The path from the root on, with `.` and `..` taken out as kustomize does: as text.
fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    let whole = std::path::absolute(path).map_err(|error| {
        Problem::error("bad-path", text!("`{}` is no path: {}", shown(path), super::read::reason(&error)))
    })?;
    let mut clean = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    Ok(clean)
}

/// Why the repository would take the patch into a commit.
fn git_problems(repository: &Repository, target: &Target, names: &Siblings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let path = here(&target.path);
    match repository.is_tracked(&target.path) {
        Ok(false) => {}
        Ok(true) => problems.push(
            Problem::error("tracked", text!("git tracks `{path}`: the values would be in the next commit"))
                .at(Place::new(&path, 1, 1))
                .help(text!("`git rm --cached {path}`; if it ever held values, they are in the history: change them")),
        ),
        Err(problem) => problems.push(problem),
    }
    let rules = match repository.ignore_rules(target.path.parent().unwrap_or(&target.path)) {
        Ok(rules) => rules,
        Err(problem) => {
            problems.push(problem);
            return problems;
        }
    };
    match rules.verdict(target.name.as_bytes()) {
        Verdict::Ignored(_) => problems.extend(siblings_not_ignored(repository, &rules, target, names)),
        Verdict::Kept(rule) => {
            let text = text!("git would take `{path}` into a commit: `{}` takes back what ignores it", rule.pattern);
            let (file, line) = (here(&rule.file), ignore_line(repository, target));
            problems.push(Problem::error("not-ignored", text).at(Place::new(&file, rule.line, 1)).help(text!(
                "remove line {} of `{file}`, or add this line to the end of `{}`:\n{line}",
                rule.line,
                here(&last_word(repository, &rule.file)),
            )));
        }
        Verdict::Unmatched => {
            let (file, line) = (here(&repository.toplevel().join(".gitignore")), ignore_line(repository, target));
            let text = text!("no ignore rule covers `{path}`: git would take the values into a commit");
            let help = text!(
                "add this line to the end of `{file}`:\n{line}\n(a user's own excludes do not count: others lack them)"
            );
            let problem = Problem::error("not-ignored", text).help(help);
            let is_there = super::is_there(&repository.toplevel().join(".gitignore"));
            problems.push(if is_there { problem.at(Place::new(&file, 1, 1)) } else { problem });
        }
    }
    problems
}

/// The ignore file whose last line decides, given that a rule of `file` does so now.
fn last_word(repository: &Repository, file: &Path) -> PathBuf {
    if file.starts_with(repository.directories()[1]) {
        repository.toplevel().join(".gitignore")
    } else {
        file.to_owned()
    }
}

/// A run that is killed leaves the patch, or the earlier one, under another name: a rule for the exact name misses it.
fn siblings_not_ignored(
    repository: &Repository,
    rules: &IgnoreRules,
    target: &Target,
    names: &Siblings,
) -> Option<Problem> {
    let covered = |name: &str| matches!(rules.verdict(name.as_bytes()), Verdict::Ignored(_));
    if covered(&names.new) && covered(&names.before) {
        return None;
    }
    let text = text!(
        "no ignore rule covers `{}` and `{}`: a killed run may leave the new or the earlier patch there, with its values, until the next run",
        names.new,
        names.before
    );
    let line = ignore_line(repository, target);
    Some(Problem::notice("siblings-not-ignored", text).help(text!("rules that cover all of them:\n{line}")))
}

/// A rule that ignores the patch, those of other environments where the name follows the layout, and their siblings.
fn ignore_line(repository: &Repository, target: &Target) -> String {
    if target.name.ends_with(PATCH_SUFFIX) {
        return format!("*{PATCH_SUFFIX}");
    }
    let directory = target.path.parent().and_then(|parent| parent.strip_prefix(repository.toplevel()).ok());
    let escape = |text: &str| {
        let special = |letter: char| matches!(letter, '\\' | '*' | '?' | '[');
        let plain = |letter: char| if special(letter) { format!("\\{letter}") } else { letter.to_string() };
        let text: String = text.chars().map(plain).collect();
        // Blanks at a line's end are no part of the rule unless escaped.
        let bare = text.trim_end_matches(' ');
        format!("{bare}{}", "\\ ".repeat(text.len() - bare.len()))
    };
    let directory = directory.map(|path| path.display().to_string()).filter(|path| !path.is_empty());
    let directory = directory.map_or_else(String::new, |path| escape(&path) + "/");
    let name = escape(&target.name);
    format!("/{directory}{name}\n/{directory}.secret-patch-*-{name}")
}

fn no_git(path: &Path) -> Problem {
    let text = text!("`{}` lies in no git repository, so no ignore rule is asked for", here(path));
    Problem::notice("no-git-repository", text).help(
        "nothing can commit the patch from here; what counts is a `.git` above it, a worktree's `.git` file included",
    )
}

fn no_lock(path: &Path) -> Problem {
    let text = text!("the file system of `{}` has no locks for directories", here(path));
    Problem::notice("no-lock", text).help("see to it that no two runs write there at once")
}

#[cfg(test)]
mod tests;
