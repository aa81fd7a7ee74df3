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
#[allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    const NAME: &str = "staging-secret-config-patch.yml";

    struct Place {
        _keep: tempfile::TempDir,
        root: PathBuf,
    }

    impl Place {
        /// A directory with `config/` in it.
        fn bare() -> Self {
            let keep = tempfile::tempdir().unwrap();
            let root = keep.path().canonicalize().unwrap().join("repo");
            fs::create_dir_all(root.join("config")).unwrap();
            Self { _keep: keep, root }
        }

        /// The same as a repository with this `.gitignore`.
        fn git(ignore: &str) -> Self {
            let place = Self::bare();
            place.run(&["init", "-q"]);
            fs::write(place.root.join(".gitignore"), ignore).unwrap();
            place
        }

        fn run(&self, arguments: &[&str]) {
            let mut git = Command::new("git");
            git.current_dir(&self.root).env("GIT_CONFIG_GLOBAL", "/dev/null").args(arguments);
            assert!(git.status().unwrap().success());
        }

        fn open(&self, path: &str) -> Result<PatchFile, Vec<Problem>> {
            PatchFile::open(&self.root.join(path), None)
        }

        fn kinds(&self, path: &str) -> Vec<&'static str> {
            self.open(path)
                .map_or_else(|problems| problems.iter().map(|problem| problem.kind).collect(), |_| Vec::new())
        }
    }

    #[test]
    fn an_ignored_patch_is_written_with_mode_0600_in_place_of_the_earlier_one() {
        let place = Place::git("*-secret-config-patch.yml\n");
        let path = place.root.join("config").join(NAME);
        for text in ["first", "second"] {
            let file = PatchFile::open(&path, None).unwrap();
            assert_eq!(file.notices(), []);
            file.write(text.as_bytes(), Lasting::ForGood).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        }
        assert_eq!(fs::read_dir(place.root.join("config")).unwrap().count(), 1);
    }

    #[test]
    fn a_patch_that_is_there_already_stays_the_file_it_is() {
        let place = Place::git("*-secret-config-patch.yml\n");
        let path = place.root.join("config").join(NAME);
        let write = |text: &str| {
            PatchFile::open(&path, None).unwrap().write(text.as_bytes(), Lasting::ForGood).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.mode() & 0o7777, found.nlink()), (0o600, 1));
            found.ino()
        };
        let first = write("first");
        assert_eq!(write("first"), first);
        assert_ne!(write("other"), first, "another text of the same length");
        let other = write("other");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_ne!(write("other"), other, "another mode");
        let other = write("other");
        fs::hard_link(&path, path.with_file_name("second-name")).unwrap();
        assert_ne!(write("other"), other, "another name for the file");
    }

    #[test]
    fn root_gives_the_patch_to_the_workspaces_owner() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let place = Place::git("*.yml\n");
        std::os::unix::fs::chown(&place.root, Some(1234), Some(2345)).unwrap();
        place.open("config/p.yml").unwrap().write(b"x", Lasting::ForGood).unwrap();
        let kind = fs::metadata(place.root.join("config/p.yml")).unwrap();
        assert_eq!((kind.uid(), kind.gid()), (1234, 2345));
    }

    #[test]
    fn without_a_repository_it_is_allowed_with_a_notice() {
        let place = Place::bare();
        let file = place.open("config/p.yml").unwrap();
        assert_eq!(file.notices()[0].kind, "no-git-repository");
        file.write(b"x", Lasting::ForGood).unwrap();
    }

    #[test]
    fn a_tracked_patch_is_refused() {
        let place = Place::git("*-secret-config-patch.yml\n");
        fs::write(place.root.join("config").join(NAME), "x").unwrap();
        place.run(&["add", "-f", "config"]);
        assert_eq!(place.kinds(&format!("config/{NAME}")), ["tracked"]);
        fs::remove_file(place.root.join("config").join(NAME)).unwrap();
        assert_eq!(place.kinds(&format!("config/{NAME}")), ["tracked"], "the index counts, not the disk");
    }

    #[test]
    fn a_patch_that_no_rule_covers_is_refused_with_the_line_to_add() {
        for (path, line) in [
            (format!("config/{NAME}"), "*-secret-config-patch.yml"),
            ("config/p.yml".to_owned(), "/config/p.yml"),
            ("p.yml".to_owned(), "/p.yml"),
            ("config/a [1]*? ".to_owned(), "/config/a \\[1]\\*\\?\\ "),
        ] {
            let place = Place::git("");
            let problems = place.open(&path).unwrap_err();
            assert_eq!((problems.len(), problems[0].kind), (1, "not-ignored"));
            let help = problems[0].help.clone().unwrap();
            assert_eq!(help.lines().nth(1).unwrap(), line);
            // The lines do what they are said to do, for what a killed run leaves too, and no more.
            let lines: Vec<&str> = help.lines().skip(1).filter(|line| line.starts_with(['/', '*'])).collect();
            fs::write(place.root.join(".gitignore"), format!("{}\nignored\n", lines.join("\n"))).unwrap();
            let repository = Repository::find(&place.root).unwrap().unwrap();
            assert!(repository.ignored_by(&place.root.join("app.yml")).unwrap().is_none());
            assert_eq!(place.open(&path).unwrap().notices(), []);
        }
    }

    #[test]
    fn a_rule_taken_back_is_refused_with_the_place_that_takes_it_back() {
        let place = Place::git("*-patch.yml\n");
        fs::write(place.root.join("config/.gitignore"), "# ours\n!*.yml\n").unwrap();
        let problems = place.open(&format!("config/{NAME}")).unwrap_err();
        assert!(problems[0].message.contains("`!*.yml` takes back"), "{problems:?}");
        let help = problems[0].help.clone().unwrap();
        assert!(help.starts_with("remove line 2 of") && help.contains("config/.gitignore"), "{help}");
        fs::write(place.root.join("config/.gitignore"), format!("!*.yml\n{}\n", help.lines().nth(1).unwrap())).unwrap();
        assert!(place.open(&format!("config/{NAME}")).is_ok());
    }

    #[test]
    fn a_rule_for_the_exact_name_is_enough_with_a_notice() {
        let place = Place::git("/config/staging-secret-config-patch.yml\n");
        assert_eq!(place.open(&format!("config/{NAME}")).unwrap().notices()[0].kind, "siblings-not-ignored");
    }

    #[test]
    fn rules_in_info_exclude_and_a_directory_rule_count() {
        let place = Place::git("/config/\n");
        assert!(place.open("config/p.yml").is_ok());
        fs::write(place.root.join(".gitignore"), "").unwrap();
        fs::write(place.root.join(".git/info/exclude"), "*p.yml\n").unwrap();
        assert!(place.open("config/p.yml").is_ok());
    }

    #[test]
    fn links_on_the_way_and_at_the_end_are_refused_and_nothing_is_written_behind_them() {
        let place = Place::git("*\n");
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), place.root.join("linked")).unwrap();
        symlink("config", place.root.join("inner")).unwrap();
        symlink(outside.path().join("target"), place.root.join("config/p.yml")).unwrap();
        for path in ["linked/p.yml", "inner/q.yml", "config/p.yml"] {
            assert_eq!(place.kinds(path), ["link"], "{path}");
        }
        fs::create_dir(outside.path().join("sub")).unwrap();
        assert_eq!(place.kinds("linked/sub/p.yml"), ["link"]);
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_another_repository_is_a_link() {
        let (place, other) = (Place::git("*\n"), Place::git("*\n"));
        symlink(&other.root, place.root.join("linked")).unwrap();
        assert_eq!(place.kinds("linked/config/p.yml"), ["link"]);
    }

    #[test]
    fn a_link_above_the_checkout_is_the_users_business() {
        let place = Place::git("*\n");
        let above = place.root.parent().unwrap().join("above");
        symlink(&place.root, &above).unwrap();
        PatchFile::open(&above.join("config/p.yml"), None).unwrap().write(b"x", Lasting::ForGood).unwrap();
        assert!(place.root.join("config/p.yml").exists());
    }

    #[test]
    fn links_beneath_a_given_workspace_are_refused_without_a_repository_too() {
        let place = Place::bare();
        symlink("config", place.root.join("linked")).unwrap();
        let open = |workspace: Option<&Path>| PatchFile::open(&place.root.join("linked/p.yml"), workspace);
        assert_eq!(open(Some(&place.root)).unwrap_err()[0].kind, "link");
        assert!(open(None).is_ok(), "its own directory is the workspace");
    }

    #[test]
    fn gits_own_files_are_refused_under_every_name() {
        let place = Place::git("*\n");
        let other = Place::git("*\n");
        for path in [".git/p.yml", ".git/info/p.yml", "config/.git", ".GIT", "config/.Git"] {
            assert_eq!(place.kinds(path), ["inside-git"], "{path}");
        }
        // A separate git directory has another name.
        fs::rename(other.root.join(".git"), other.root.join("store")).unwrap();
        fs::write(other.root.join(".git"), "gitdir: store\n").unwrap();
        assert_eq!(other.kinds("store/p.yml"), ["inside-git"]);
    }

    #[test]
    fn what_is_no_regular_file_or_has_no_directory_is_refused() {
        let place = Place::git("*\n");
        fs::create_dir(place.root.join("config/p.yml")).unwrap();
        Command::new("mkfifo").arg(place.root.join("config/pipe")).status().unwrap();
        fs::write(place.root.join("file"), "").unwrap();
        assert_eq!(place.kinds("config/p.yml"), ["not-a-file"]);
        assert_eq!(place.kinds("config/pipe"), ["not-a-file"]);
        let seen_by_git = Place::git("");
        fs::create_dir(seen_by_git.root.join("docker")).unwrap();
        assert_eq!(seen_by_git.kinds("docker"), ["not-a-file"]);
        assert_eq!(place.kinds("none/p.yml"), ["missing-directory"]);
        assert_eq!(place.kinds("file/p.yml"), ["not-a-directory"]);
        assert_eq!(PatchFile::open(Path::new("/"), None).unwrap_err()[0].kind, "not-a-file");
    }

    #[test]
    fn several_reasons_come_at_once() {
        let place = Place::git("");
        fs::write(place.root.join("config/p.yml"), "x").unwrap();
        place.run(&["add", "config"]);
        assert_eq!(place.kinds("config/p.yml"), ["tracked", "not-ignored"]);
    }

    #[test]
    fn two_dots_are_taken_out_as_text() {
        let place = Place::git("*.yml\n");
        place.open("none/../config/./p.yml").unwrap().write(b"x", Lasting::ForGood).unwrap();
        assert!(place.root.join("config/p.yml").exists());
    }
}
