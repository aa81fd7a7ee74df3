use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::trust::Head;

/// A directory with what the real git does in it, its configuration being that of the repository alone.
struct Checkout {
    _keep: tempfile::TempDir,
    path: PathBuf,
}

impl Checkout {
    fn new(arguments: &[&str]) -> Self {
        let keep = tempfile::tempdir().unwrap();
        let path = keep.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&path).unwrap();
        let checkout = Self { _keep: keep, path };
        checkout.git(&[&["init", "-q"], arguments].concat());
        checkout
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.path, arguments)
    }

    fn write(&self, file: &str, text: &str) -> &Self {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn repository(&self) -> Repository {
        Repository::find(&self.path).unwrap().unwrap()
    }

    /// Compares with `git ls-files`.
    fn check_tracked(&self, paths: &[&str]) {
        let repository = self.repository();
        for path in paths {
            let theirs = self.git(&["ls-files", "-z", "--", &format!(":(literal){path}")]) == format!("{path}\0");
            assert_eq!(repository.is_tracked(&self.path.join(path)), Ok(theirs), "{path}");
        }
    }

    /// Compares with `git check-ignore`, the rule's place included.
    fn check_ignored(&self, paths: &[String]) {
        let repository = self.repository();
        let theirs = check_ignore(&self.path, paths);
        assert_eq!(theirs.len(), paths.len(), "git answered for every path");
        for (path, theirs) in paths.iter().zip(theirs) {
            let ours = match repository.verdict(&self.path.join(path)).unwrap() {
                Verdict::Unmatched => String::new(),
                Verdict::Ignored(rule) | Verdict::Kept(rule) => {
                    let file = rule.file.strip_prefix(&self.path).unwrap_or(&rule.file).display().to_string();
                    format!("{file}:{}:{}", rule.line, rule.pattern)
                }
            };
            assert_eq!(
                ours.trim_end(),
                theirs.trim_end(),
                "{path:?} under {:?}",
                fs::read_to_string(self.path.join(".gitignore"))
            );
        }
    }
}

fn git_in(directory: &Path, arguments: &[&str]) -> String {
    let output = git(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn git(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1").args([
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
    ]);
    command.args(["-c", "protocol.file.allow=always"]);
    command
}

/// `file:line:pattern` for each path, empty where nothing matches.
fn check_ignore(directory: &Path, paths: &[String]) -> Vec<String> {
    use std::io::Write;
    let mut command = git(directory);
    command.args(["check-ignore", "-v", "-n", "--no-index", "-z", "--stdin"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input: String = paths.iter().map(|path| format!("{path}\0")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    writer.join().unwrap().unwrap();
    let fields: Vec<&str> = output.split('\0').collect();
    let line = |four: &[&str]| {
        if four[0].is_empty() { String::new() } else { format!("{}:{}:{}", four[0], four[1], four[2]) }
    };
    fields.chunks_exact(4).map(line).collect()
}

const PATHS: [&str; 8] =
    ["a", "config/p.yml", "config/q.yml", "config", "con", "config/p", "z/deep/er/file with blank", "ünï.yml"];

fn with_files(arguments: &[&str]) -> Checkout {
    let checkout = Checkout::new(arguments);
    for file in ["a", "config/p.yml", "z/deep/er/file with blank", "ünï.yml", "config/untracked"] {
        checkout.write(file, "x");
    }
    checkout.git(&["add", "a", "config/p.yml", "z", "ünï.yml"]);
    checkout
}

#[test]
fn what_is_tracked_is_what_git_ls_files_lists_in_every_index_version() {
    for version in ["2", "3", "4"] {
        let checkout = with_files(&[]);
        checkout.git(&["update-index", "--index-version", version]);
        checkout.write("later", "x").git(&["add", "-N", "later"]);
        checkout.check_tracked(&PATHS);
        checkout.check_tracked(&["later", "config/untracked"]);
    }
}

#[test]
fn an_index_with_long_names_and_many_entries_is_read_in_every_version() {
    for version in ["2", "4"] {
        let checkout = Checkout::new(&[]);
        let long = format!("{}/{}", ["d".repeat(250).as_str(); 18].join("/"), "f".repeat(200));
        let id = checkout.write("x", "x").git(&["hash-object", "-w", "x"]);
        checkout.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{},{}", id.trim(), &long[..4000])]);
        for number in 0..300 {
            checkout.write(&format!("n/{number}"), "");
        }
        checkout.git(&["add", "n", "x"]);
        checkout.git(&["update-index", "--index-version", version]);
        checkout.check_tracked(&["x", "n/299", "n/300", "n/0", &long[..4000], &long[..3999]]);
    }
}

#[test]
fn all_that_is_tracked_is_listed_as_git_lists_it() {
    for version in ["2", "4"] {
        let checkout = with_files(&[]);
        checkout.git(&["update-index", "--index-version", version]);
        let listed = |checkout: &Checkout| {
            let text = checkout.git(&["ls-files", "-z"]);
            text.split_terminator('\0').map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(checkout.repository().tracked().unwrap(), listed(&checkout));
        checkout.git(&["-c", "splitIndex.maxPercentChange=100", "update-index", "--split-index"]);
        checkout.git(&["config", "splitIndex.maxPercentChange", "100"]);
        checkout.git(&["rm", "-q", "--cached", "config/p.yml"]);
        checkout.write("config/q.yml", "x").git(&["add", "config/q.yml"]);
        assert_eq!(checkout.repository().tracked().unwrap(), listed(&checkout));
    }
    assert_eq!(Checkout::new(&[]).repository().tracked().unwrap(), [""; 0]);
}

#[test]
fn a_sha256_repository_is_read() {
    with_files(&["--object-format=sha256"]).check_tracked(&PATHS);
}

#[test]
fn a_repository_without_an_index_tracks_nothing() {
    Checkout::new(&[]).check_tracked(&["a"]);
}

#[test]
fn a_split_index_is_read_with_what_it_adds_and_deletes() {
    let checkout = with_files(&[]);
    for number in 0..200 {
        checkout.write(&format!("n/{number}"), "");
    }
    checkout.git(&["add", "n"]);
    checkout.git(&["-c", "splitIndex.maxPercentChange=100", "update-index", "--split-index"]);
    checkout.git(&["config", "splitIndex.maxPercentChange", "100"]);
    checkout.check_tracked(&PATHS);
    checkout.git(&["rm", "-q", "--cached", "config/p.yml", "n/17", "n/150"]);
    checkout.write("config/q.yml", "x").write("a", "changed").git(&["add", "config/q.yml", "a"]);
    assert!(
        fs::read_dir(checkout.path.join(".git"))
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().starts_with("sharedindex.") })
    );
    checkout.check_tracked(&PATHS);
    checkout.check_tracked(&["n/16", "n/17", "n/18", "n/149", "n/150", "n/151", "n/199"]);
}

#[test]
fn a_directory_collapsed_by_a_sparse_index_cannot_be_told() {
    let checkout = with_files(&[]);
    checkout.git(&["commit", "-qm", "x"]);
    fs::remove_file(checkout.path.join("config/untracked")).unwrap();
    checkout.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "config"]);
    checkout.check_tracked(&["a", "config/p.yml", "config/q.yml"]);
    let problem = checkout.repository().is_tracked(&checkout.path.join("z/deep/er/other")).unwrap_err();
    assert_eq!(problem.kind, "git-sparse");
}

#[test]
fn a_damaged_index_is_an_error_and_never_a_panic() {
    for version in ["2", "4"] {
        let checkout = with_files(&[]);
        checkout.git(&["update-index", "--index-version", version]);
        let file = checkout.path.join(".git/index");
        let whole = fs::read(&file).unwrap();
        let repository = checkout.repository();
        for length in 0..whole.len() - 24 {
            fs::write(&file, &whole[..length]).unwrap();
            let _ = repository.is_tracked(&checkout.path.join("a"));
        }
        fs::write(&file, &whole[..100]).unwrap();
        assert_eq!(repository.is_tracked(&checkout.path.join("a")).unwrap_err().kind, "git-index");
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] = 0xff;
            fs::write(&file, &other).unwrap();
            let _ = repository.is_tracked(&checkout.path.join("none"));
        }
    }
}

#[test]
fn case_is_folded_where_the_repository_says_so() {
    let checkout = with_files(&[]);
    checkout.write(".gitignore", "*.SECRET\n/Config/Un*\n");
    checkout.check_ignored(&["x.secret".to_owned(), "config/untracked".to_owned()]);
    assert_eq!(checkout.repository().is_tracked(&checkout.path.join("CONFIG/P.yml")), Ok(false));
    checkout.git(&["config", "core.ignoreCase", "true"]);
    checkout.check_ignored(&["x.secret".to_owned(), "config/untracked".to_owned()]);
    assert_eq!(checkout.repository().is_tracked(&checkout.path.join("CONFIG/P.yml")), Ok(true));
}

#[test]
fn a_worktree_has_its_own_index_and_the_shared_excludes() {
    let checkout = with_files(&[]);
    checkout.git(&["commit", "-qm", "x"]);
    checkout.git(&["worktree", "add", "-q", "../tree"]);
    checkout.write(".git/info/exclude", "*.out\n");
    let path = checkout.path.parent().unwrap().join("tree");
    git_in(&path, &["rm", "-q", "--cached", "a"]);
    let repository = Repository::find(&path.join("config")).unwrap().unwrap();
    assert_eq!(repository.toplevel(), path);
    assert_eq!(repository.is_tracked(&path.join("a")), Ok(false));
    assert_eq!(repository.is_tracked(&path.join("config/p.yml")), Ok(true));
    let rule = repository.ignored_by(&path.join("config/x.out")).unwrap().unwrap();
    assert_eq!((rule.line, rule.pattern.as_str()), (1, "*.out"));
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let (inner, outer) = (with_files(&[]), with_files(&[]));
    inner.git(&["commit", "-qm", "x"]);
    outer.git(&["submodule", "add", "-q", &inner.path.display().to_string(), "sub"]);
    let repository = Repository::find(&outer.path.join("sub/config")).unwrap().unwrap();
    assert_eq!(repository.toplevel(), outer.path.join("sub"));
    assert_eq!(repository.is_tracked(&outer.path.join("sub/a")), Ok(true));
}

#[test]
fn a_git_file_that_names_nothing_is_an_error_and_an_empty_git_directory_is_passed_over() {
    let checkout = with_files(&[]);
    fs::create_dir_all(checkout.path.join("config/.git")).unwrap();
    let repository = Repository::find(&checkout.path.join("config")).unwrap().unwrap();
    assert_eq!(repository.toplevel(), checkout.path);
    checkout.write("z/.git", "gitdir: /nowhere/at/all\n");
    assert_eq!(Repository::find(&checkout.path.join("z/deep")).unwrap_err().kind, "git-directory");
    let none = tempfile::tempdir().unwrap();
    assert_eq!(Repository::find(none.path()), Ok(None));
}

fn head(checkout: &Checkout) -> Head {
    let head = checkout.repository().head().unwrap();
    assert_eq!(head.commit.as_deref(), Some(checkout.git(&["rev-parse", "HEAD"]).trim()));
    head
}

#[test]
fn the_head_and_its_names_are_those_of_git() {
    let checkout = with_files(&[]);
    assert_eq!(checkout.repository().head(), Ok(Head::default()), "nothing is committed yet");
    checkout.git(&["commit", "-qm", "x"]);
    checkout.git(&["branch", "-M", "main"]);
    assert_eq!(head(&checkout).refs, ["refs/heads/main"]);
    checkout.git(&["tag", "light"]);
    checkout.git(&["tag", "-a", "noted", "-m", "x"]);
    checkout.git(&["update-ref", "refs/remotes/pull/7/merge", "HEAD"]);
    let loose = ["refs/heads/main", "refs/remotes/pull/7/merge", "refs/tags/light"];
    assert_eq!(head(&checkout).refs, loose);
    // Packed, the commit of an annotated tag stands beside it.
    checkout.git(&["pack-refs", "--all"]);
    assert_eq!(head(&checkout).refs, [&loose[..], &["refs/tags/noted"]].concat());
    checkout.git(&["checkout", "-q", "--detach"]);
    checkout.git(&["commit", "-qm", "y", "--allow-empty"]);
    assert_eq!(head(&checkout).refs, [""; 0]);
    checkout.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    checkout.git(&["symbolic-ref", "HEAD", "refs/heads/alias"]);
    assert_eq!(head(&checkout).refs, [&loose[..], &["refs/tags/noted"]].concat());
    for id in ["sha1", "sha256"] {
        let checkout = Checkout::new(&["--object-format", id]);
        checkout.git(&["commit", "-qm", "x", "--allow-empty"]);
        head(&checkout);
    }
}

#[test]
fn what_was_fetched_keeps_the_name_it_was_fetched_by() {
    let server = with_files(&[]);
    server.git(&["commit", "-qm", "x"]);
    server.git(&["update-ref", "refs/pull/7/head", "HEAD"]);
    let mut checkout = with_files(&[]);
    for (refspec, name) in [
        ("+refs/pull/7/head:refs/remotes/origin/x", Some("refs/pull/7/head")),
        ("pull/7/head:refs/remotes/origin/y", Some("refs/pull/7/head")),
        ("+refs/heads/*:refs/remotes/origin/*", None),
    ] {
        checkout = with_files(&[]);
        checkout.git(&["remote", "add", "origin", &server.path.display().to_string()]);
        checkout.git(&["fetch", "-q", "origin", refspec]);
        checkout.git(&["checkout", "-qf", "FETCH_HEAD"]);
        let head = head(&checkout);
        let pull = head.refs.iter().find(|name| name.starts_with("refs/pull/"));
        assert_eq!(pull.map(String::as_str), name, "{refspec} {head:?}");
        assert!(head.refs.iter().any(|name| name.starts_with("refs/remotes/origin/")), "{head:?}");
        assert_eq!((head.unproved.is_empty(), head.fetched.is_empty()), (name.is_none(), name.is_none()), "{head:?}");
        assert!(head.came_from.is_empty(), "{head:?}");
    }
    assert!(head(&checkout).tracks_branches);
    checkout.git(&["config", "--add", "remote.origin.fetch", "+refs/pull/*/head:refs/remotes/origin/pr/*"]);
    checkout.git(&["config", "remote.origin.url", "https://host/Owner/name.git"]);
    let head = head(&checkout);
    assert_eq!((head.tracks_branches, head.origin.as_deref()), (false, Some("owner/name")));
}

#[test]
fn a_head_that_leads_nowhere_is_no_commit() {
    let checkout = with_files(&[]);
    checkout.git(&["commit", "-qm", "x"]);
    let long = "ref: refs/heads/".to_owned() + &"a/".repeat(3000);
    for text in
        ["", "ref: ", "ref: ../../x", "ref: refs/../HEAD", "ref: HEAD", "0123", "ref: refs/heads/none", "\0", &long]
    {
        checkout.write(".git/HEAD", text);
        assert_eq!(checkout.repository().head().map(|head| head.commit).unwrap_or_default(), None, "{text:?}");
    }
    checkout.write(".git/HEAD", "ref: refs/heads/a").write(".git/refs/heads/a", "ref: refs/heads/b");
    checkout.write(".git/refs/heads/b", "ref: refs/heads/a");
    assert_eq!(checkout.repository().head(), Ok(Head::default()), "a circle");
}

#[test]
fn a_pipe_among_gits_files_is_an_error_and_nobody_waits_for_it() {
    for file in ["HEAD", "config", "packed-refs", "index", "FETCH_HEAD", "refs/heads/x", "info/exclude"] {
        let checkout = with_files(&[]);
        checkout.git(&["commit", "-qm", "x"]);
        let path = checkout.path.join(".git").join(file);
        let _ = fs::remove_file(&path);
        Command::new("mkfifo").arg(&path).status().unwrap();
        let path = checkout.path.join("a");
        let told = Repository::find(&checkout.path).and_then(|repository| {
            let repository = repository.unwrap();
            repository.is_tracked(&path)?;
            repository.verdict(&path)?;
            repository.head().map(|_| ())
        });
        // A pipe is no ref: git's own listing passes it over too.
        assert_eq!(told.is_ok(), file == "refs/heads/x", "{file}: {told:?}");
    }
}

#[test]
fn a_submodule_belongs_to_the_whole_and_a_checkout_inside_another_does_not() {
    let (inner, outer) = (with_files(&[]), with_files(&[]));
    inner.git(&["commit", "-qm", "x"]);
    outer.git(&["submodule", "add", "-q", &inner.path.display().to_string(), "sub"]);
    let whole = |path: &str| {
        let repository = Repository::find(&outer.path.join(path)).unwrap().unwrap();
        repository.superproject().unwrap().map(|outer| outer.toplevel().to_owned())
    };
    assert_eq!(whole("sub/config"), Some(outer.path.clone()));
    outer.git(&["clone", "-q", &inner.path.display().to_string(), "beside"]);
    assert_eq!((whole("beside/config"), whole("config")), (None, None));
}

#[test]
fn ignore_rules_mean_what_they_mean_to_git() {
    let checkout = Checkout::new(&[]);
    let rules = "# comment\n\\#literal\n*.yml\n!keep.yml\n!/config/\nbuild/\n/top\ndir/file\n**/deep\nx/**\n!x/y\n\
            a/**/b\ntrail \nescaped\\ \n[a-c]z\n[!a-c]q\n?one\n\\!bang\nfoo/*\n!foo/bar\ncr\r\n[[:digit:]]n\n\
            back\\\\slash\n[unclosed\n*/mid\n$dollar\n!\n/\n**\n!**\n*-patch.yaml\nend\\";
    checkout.write(".gitignore", rules).write("config/.gitignore", "!*.yml\nlocal\n/anchored\n");
    checkout.write(".git/info/exclude", "excluded\n*.yml\n").write("build/.gitignore", "!*\n");
    let paths = "#literal a.yml keep.yml config/a.yml config/keep.yml build/x top d/top dir/file d/dir/file deep p/q/deep \
            x/y x/y/z x/k \
            a/b a/c/b a/c/d/b trail escaped az dz dq aq one xone !bang foo/x foo/bar foo/bar/k cr 1n xn \
            back\\slash [unclosed p/mid \
            p/q/mid $dollar config/local local config/anchored config/d/anchored excluded d/excluded .hidden s-patch.yaml end";
    let mut paths: Vec<String> = paths.split_whitespace().map(str::to_owned).collect();
    paths.extend(["trail ".to_owned(), "escaped ".to_owned()]);
    checkout.check_ignored(&paths);
    // Every rule alone, so that none hides another.
    for rule in rules.split_inclusive('\n') {
        checkout.write(".gitignore", rule);
        checkout.check_ignored(&paths);
    }
}

#[test]
fn generated_ignore_rules_mean_what_they_mean_to_git() {
    const PIECES: [&str; 22] = [
        "a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "[!a]", "\\", "!", ".yml", " ", "#", "[a", "]", "-", "a/b",
        "**/", "/**", "\t",
    ];
    const NAMES: [&str; 7] = ["a", "b", "ab", "a.yml", "b-b", "ba", "."];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = move |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap()
    };
    let checkout = Checkout::new(&[]);
    for _ in 0..150 {
        for file in [".gitignore", "a/.gitignore", "a/b/.gitignore", ".git/info/exclude"] {
            let line = |below: &mut dyn FnMut(usize) -> usize| {
                (0..=below(5)).map(|_| PIECES[below(22)]).collect::<String>() + "\n"
            };
            let text: String = (0..below(5)).map(|_| line(&mut below)).collect();
            checkout.write(file, &text);
        }
        let path = |below: &mut dyn FnMut(usize) -> usize| {
            (0..=below(3)).map(|_| NAMES[below(6)]).collect::<Vec<_>>().join("/")
        };
        let paths: Vec<String> =
            (0..40).map(|_| path(&mut below)).filter(|path| !checkout.path.join(path).is_dir()).collect();
        checkout.check_ignored(&paths);
    }
}

#[test]
fn a_link_for_an_ignore_file_is_no_ignore_file() {
    let checkout = Checkout::new(&[]);
    checkout.write("rules", "*\n");
    std::os::unix::fs::symlink("rules", checkout.path.join(".gitignore")).unwrap();
    assert_eq!(checkout.repository().verdict(&checkout.path.join("a")), Ok(Verdict::Unmatched));
}
