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
        self.open(path).map_or_else(|problems| problems.iter().map(|problem| problem.kind).collect(), |_| Vec::new())
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
